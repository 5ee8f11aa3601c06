"""A bar on a terminal that says how far a command is, and what it does now. Elsewhere it is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from reconcile.model.text import printable

if TYPE_CHECKING:
    from typing import TextIO

    from rich.progress import Progress


class Bar:
    """So many parts of the work, one after the other. Use it in a `with`; at its end it is gone."""

    def __init__(self, stream: TextIO, parts: int) -> None:
        self._progress: Progress | None = None
        self._begun = 0
        if stream.isatty():
            from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
            self._progress = Progress(*columns, console=Console(file=stream), transient=True)
            self._task = self._progress.add_task("", total=parts)

    def next(self, what: str) -> None:
        """Says which part of the work begins now."""
        if self._progress is not None:
            self._progress.update(self._task, completed=self._begun, description=printable(what), refresh=True)
        self._begun += 1

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()
