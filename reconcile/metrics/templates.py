"""The metrics that are known, built in or from a folder, and their queries.

The fields of a file are in `metric_files`, what a query may contain in `template_language`, rendering in `rendering`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.metrics.metric_files import MetricFile, MetricFiles, read_folder
from reconcile.model.measurement import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.metrics.rendering import QueryRenderer
    from reconcile.model.measurement import Question

__all__ = ["MetricFile", "TemplateSet", "load"]

_PACKAGE = Path(__file__).resolve().parents[1]


class TemplateSet:
    """The known metrics by name, and their queries."""

    def __init__(self, files: Mapping[str, MetricFile]) -> None:
        self._files = files

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics as the core knows them, by the name in a Rollout."""
        return _Metrics(self._files)

    def render(self, question: Question, namespace: str) -> str:
        """Returns the PromQL for a question. Raises TemplateError with the file and the reason."""
        return self._renderer.render(question, namespace)

    def render_batch(self, question: Question, namespace: str, workloads: Sequence[str]) -> str | None:
        """Returns the PromQL for a question about several workloads, or None if the metric has none.

        Raises TemplateError with the file and the reason.
        """
        return self._renderer.render_batch(question, namespace, workloads)

    @cached_property
    def _renderer(self) -> QueryRenderer:
        from reconcile.metrics.rendering import QueryRenderer  # noqa: PLC0415 - only for a pass with questions

        return QueryRenderer(self._files)


class _Metrics(Mapping[str, Metric]):
    """The metrics of metric files, by name. None is read before it is asked for."""

    def __init__(self, files: Mapping[str, MetricFile]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> Metric:
        return self._files[name].metric

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def load(extra: Path | None = None) -> TemplateSet:
    """Returns the built-in metrics and those of a folder, which replace built-in ones of the same name.

    Raises UsageError for a folder that cannot be read, TemplateError for a file in it.
    """
    return TemplateSet(MetricFiles(_builtin_folders(), {} if extra is None else read_folder(extra)))


def _builtin_folders() -> list[Path]:
    """Returns the folders of the built-in metrics: that for Istio's sidecars, and those in it for what else reports.

    They are inside of an installed package, or at the top of the checkout.
    """
    installed = _PACKAGE / "builtin_templates"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "templates"
    return [folder, *sorted(folder.glob("*/"))]
