"""The queries of metric files: compiled, rendered, and every mistake in them named by its file.

Duty: from questions to query texts. Loading Jinja2 takes as long as half of an idle pass, which has no question: nobody
imports this before there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.metrics import template_language
from reconcile.model.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from reconcile.metrics.metric_files import MetricFile
    from reconcile.model.measurement import Question


class Queries:
    """The queries of these files, by the names of their metrics; each is compiled when it is first rendered.

    So a bad one harms no other.
    """

    def __init__(self, files: Mapping[str, MetricFile]) -> None:
        self._files = files
        self._compiled: dict[tuple[str, str], jinja2.Template] = {}
        self._sound: set[str] = set()
        self._environment = template_language.environment()

    def render(self, question: Question, namespace: str) -> str:
        """Give the PromQL for a question. Raises TemplateError that names the file and what is wrong in it.

        A file whose other query can never be rendered is refused as well, whether that one is used or not.
        """
        file = self._file(question)
        values = _values(question, namespace)
        query = self._rendered(
            file, "query", values | {"workload": template_language.name("workload", question.workload)}
        )
        if not query:
            raise TemplateError(f"{file.path}: query: renders to nothing for {question.workload}.{namespace}")
        if file.grouped and file.metric.name not in self._sound:
            self._rendered(file, "grouped", values | {"workloads": template_language.Names([question.workload])})
            self._sound.add(file.metric.name)
        return query

    def render_grouped(self, question: Question, namespace: str, workloads: Sequence[str]) -> str | None:
        """Give the PromQL that asks a question for several workloads, or None if there is none. Raises as above."""
        file = self._file(question)
        if not file.grouped:
            return None
        values = _values(question, namespace) | {"workloads": template_language.Names(workloads)}
        return self._rendered(file, "grouped", values) or None

    def _file(self, question: Question) -> MetricFile:
        file = self._files.get(question.metric)
        if file is None:
            raise TemplateError(f"metric {question.metric!r} is not known; there are: {', '.join(sorted(self._files))}")
        return file

    def _rendered(self, file: MetricFile, field: str, values: Mapping[str, str]) -> str:
        where = f"{file.path}: {field}"
        try:
            return template_language.written(self._template(file, field).generate(values)).strip()
        except TemplateError as error:
            raise TemplateError(f"{where}: {error}") from error
        except Exception as error:  # whatever a template does when it runs is the template's fault
            raise TemplateError(f"{where}: {template_language.words(error)}") from error

    def _template(self, file: MetricFile, field: str) -> jinja2.Template:
        """Compile a query on first use, once it is known to keep to the language (folding constants runs code)."""
        key = file.metric.name, field
        if key not in self._compiled:
            tree = self._environment.parse(getattr(file, field))
            template_language.check(tree)
            self._compiled[key] = self._environment.from_string(tree)
        return self._compiled[key]


def _values(question: Question, namespace: str) -> dict[str, str]:
    """Give the variables that both queries of a file have."""
    return {
        "namespace": template_language.name("namespace", namespace),
        "interval": template_language.interval(question.interval),
    }
