"""Compiles the templates of metric files and renders queries from them. Every error names its file.

It is imported only when there is a question: loading Jinja2 takes as long as half of a pass without one.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from reconcile.metrics import escaping, template_language
from reconcile.metrics.metric_files import MetricFile
from reconcile.model.errors import TemplateError
from reconcile.model.measurement import Asks, Metric

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from reconcile.model.measurement import Question

_ENVIRONMENT = template_language.environment()


class QueryRenderer:
    """Renders the queries of metric files. A template is compiled on first use, so a wrong one harms no other."""

    def __init__(self, files: Mapping[str, MetricFile]) -> None:
        self._files = files
        self._checked: set[str] = set()

    def render(self, question: Question, namespace: str) -> str:
        """Returns the PromQL for a question. Raises TemplateError with the file and the reason.

        It also raises for a file whose `grouped` query cannot be rendered, whether that one is used or not.
        """
        file = self._file(question)
        values = _values(question, namespace)
        names = {"workload": escaping.check_name("workload", question.workload)} | _names(question)
        if question.asks is not Asks.VALUE:
            names["workloads"] = escaping.Names([question.workload])
        query = self._render_field(file, question.asks.value, values | names)
        if not query:
            raise TemplateError(f"{file.path}: {question.asks}: renders to nothing for {question.workload}.{namespace}")
        if file.grouped and file.metric.name not in self._checked:
            self._render_field(file, "grouped", _values(question, namespace) | _several([question.workload]))
            self._checked.add(file.metric.name)
        return query

    def render_batch(self, question: Question, namespace: str, workloads: Sequence[str]) -> str | None:
        """Returns the PromQL for a question about several workloads, or None if the metric has none.

        Raises TemplateError with the file and the reason.
        """
        file = self._file(question)
        field = "grouped" if question.asks is Asks.VALUE else question.asks.value
        if not (file.grouped if question.asks is Asks.VALUE else "workloads" in getattr(file, field)):
            return None
        return self._render_field(file, field, _values(question, namespace) | _several(workloads)) or None

    def _file(self, question: Question) -> MetricFile:
        """Returns the file of a metric; for a query of the Rollout's own, one that there is not."""
        if question.query:
            metric = Metric(name=question.metric, title="", unit="", bound="")
            return MetricFile(path=Path(f"{question.rollout} {question.metric}"), metric=metric, query=question.query)
        file = self._files.get(question.metric)
        if file is None:
            raise TemplateError(f"metric {question.metric!r} is not known; there are: {', '.join(sorted(self._files))}")
        return file

    def _render_field(self, file: MetricFile, field: str, values: Mapping[str, object]) -> str:
        where = f"{file.path}: {field}"
        try:
            return template_language.join(compiled(getattr(file, field)).generate(values)).strip()
        except TemplateError as error:
            raise TemplateError(f"{where}: {error}") from error
        except Exception as error:  # whatever a template raises when it runs is an error of the template
            raise TemplateError(f"{where}: {template_language.problem(error, values)}") from error


@lru_cache(maxsize=1000)
def compiled(text: str) -> jinja2.Template:
    """Compiles a template, once in a process. The check comes before: Jinja2 runs code when it folds constants."""
    tree = _ENVIRONMENT.parse(text)
    template_language.check(tree)
    return _ENVIRONMENT.from_string(tree)


def _values(question: Question, namespace: str) -> dict[str, object]:
    """Returns the variables that both queries of a file have."""
    values: dict[str, object] = {
        "namespace": escaping.check_name("namespace", namespace),
        "interval": escaping.check_interval(question.interval),
        "args": escaping.Args(question.args),
    }
    if question.threshold is not None:
        values |= {"threshold": _number(question.threshold), "threshold_in_seconds": _number(question.threshold / 1000)}
    return values


def _several(workloads: Sequence[str]) -> dict[str, object]:
    return {"workloads": escaping.Names(workloads)}


def _number(value: float) -> str:
    """Returns a number as the edge of a bucket has it, and as a name: with its point escaped."""
    return escaping.check_name("threshold", f"{Decimal(repr(value)).normalize():f}")


def _names(question: Question) -> dict[str, object]:
    """Returns the names that only the query of one Rollout has: those of its objects, and its own.

    `service` is the Service of the workload that is measured.
    """
    names = {"rollout": question.rollout.name}
    if question.roles is not None:
        roles = question.roles
        measured = roles.primary_service if question.workload == roles.primary else roles.canary_service
        names |= asdict(roles) | {"service": measured}
    return {variable: escaping.check_name(variable, name) for variable, name in names.items()}
