"""The values of a metric over time, as a metrics server remembers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

Points = tuple[tuple["datetime", float | None], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A time that is looked back at, with one value each `step` seconds."""

    begin: datetime
    end: datetime
    step: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """What a query gave over a window. None is a gap; `problem` says why there are no points."""

    query: str = ""
    points: Points = ()
    problem: str = ""
