"""Metric templates: the metrics there are, and their queries.

Duty: which there are, and where they come from. No network, and no opinion about what a value means. What a file may
hold is in `files`, what a query may say in `language`; `queries` writes them.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconcile.metrics.metric_files import MetricFile, read_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconcile.metrics.rendering import Queries
    from reconcile.model.measurement import Metric, Question

__all__ = ["MetricFile", "TemplateSet", "load"]

_PACKAGE = Path(__file__).resolve().parents[1]


class TemplateSet:
    """The metrics there are, by name, and their queries."""

    def __init__(self, files: Iterable[MetricFile]) -> None:
        self._files = {file.metric.name: file for file in files}

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """What the core needs to know, by the name that a Rollout writes."""
        return MappingProxyType({name: self._files[name].metric for name in sorted(self._files)})

    def render(self, question: Question, namespace: str) -> str:
        """Give the PromQL for a question. Raises TemplateError that names the file and what is wrong in it."""
        return self._queries.render(question, namespace)

    def render_grouped(self, question: Question, namespace: str, workloads: Sequence[str]) -> str | None:
        """Give the PromQL that asks a question for several workloads, or None if there is none. Raises as above."""
        return self._queries.render_grouped(question, namespace, workloads)

    @cached_property
    def _queries(self) -> Queries:
        from reconcile.metrics.rendering import Queries  # noqa: PLC0415 - only for a pass that asks

        return Queries(self._files)


def load(extra: Path | None = None) -> TemplateSet:
    """Read the built-in metrics and those of a folder, which replace built-in ones of the same name.

    Raises UsageError for a folder that cannot be read, TemplateError for a file in it.
    """
    files = read_folder(_builtin_folder())
    if extra is not None:
        files |= read_folder(extra)
    return TemplateSet(files.values())


def _builtin_folder() -> Path:
    """Find the built-in files: in the package once installed from a wheel, else at the top of the checkout."""
    installed = _PACKAGE / "builtin_templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"
