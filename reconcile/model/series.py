"""The values of a metric over time, as a metrics server remembers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

Points = tuple[tuple["datetime", float | None], ...]


class Window(Struct, frozen=True, kw_only=True):
    """A time that is looked back at, with one value each `step` seconds."""

    begin: datetime
    end: datetime
    step: float


class Series(Struct, frozen=True, kw_only=True):
    """What a query gave over a window. None is a gap; `problem` says why there are no points."""

    query: str = ""
    points: Points = ()
    problem: str = ""
