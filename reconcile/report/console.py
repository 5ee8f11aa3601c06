"""Where text reports are printed. A line is wrapped on a terminal, and neither cut nor wrapped in a pipe."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Protocol

from reconcile.report.layout import as_text, in_encoding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.report.layout import Line


class Console(Protocol):
    """Where a report is printed."""

    def print_lines(self, lines: Iterable[Line]) -> None:
        """Prints lines, each wrapped for the console."""


class Pipe:
    """A console that is no terminal: it has no colours and no width."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._encoding = (getattr(stream, "encoding", None) or "utf-8").lower()

    def print_lines(self, lines: Iterable[Line]) -> None:
        """Prints lines as plain text."""
        self._stream.write(in_encoding(as_text(lines), self._encoding))
        self._stream.flush()  # a reader may wait for each line


def console_for(stream: IO[str], *, color: bool | None = None) -> Console:
    """Returns the console for a stream. It wraps on a terminal only; colours: None = on a terminal only."""
    if not (stream.isatty() or color or os.environ.get("FORCE_COLOR")):
        return Pipe(stream)
    from reconcile.report.terminal import Terminal  # noqa: PLC0415 - a pass in a CronJob has none

    return Terminal.of(stream, color=color)
