"""Reads a manifest field by field. Problems are collected with their paths, not raised.

It knows types and patterns, and no kind of object.
"""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from reconcile.model import durations
from reconcile.model.names import DNS_NAME, DNS_NAME_LENGTH
from reconcile.model.text import shown
from reconcile.model.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

MOST_UNKNOWN = 16
"""Unknown members of one mapping that are reported."""

_WORD = re.compile(r"[A-Za-z0-9_./-]{1,80}")


class Fields(Struct, frozen=True, kw_only=True):
    """One mapping of a manifest and its path. All that are made from one root share its list of `problems`."""

    value: dict[str, Any]
    path: str = ""
    problems: list[str] = field(default_factory=list)

    def at(self, key: str) -> str:
        """Returns the path of a member."""
        return f"{self.path}.{key}" if self.path else key

    def problem(self, key: str, text: str) -> None:
        """Adds a problem with a member."""
        self.problems.append(f"{self.at(key)}: {text}")

    def only(self, *known: str) -> Fields:
        """Returns this mapping; each member that is not among the known ones is a problem, with the nearest name."""
        for key in islice((key for key in self.value if key not in known), MOST_UNKNOWN):
            name = str(key) if _WORD.fullmatch(str(key)) else shown(key)
            self.problem(name, f"is an unknown field; {_suggestion(name, known)}")
        return self

    def child(self, key: str, *, required: bool = True) -> Fields:
        """Returns a member that is a mapping; an empty one where it is absent or something else."""
        value = self.value.get(key)
        if value is None:
            if required:
                self.problem(key, "is required")
            value = {}
        elif not isinstance(value, dict):
            self.problem(key, f"must be a mapping, not {shown(value)}")
            value = {}
        return Fields(value=value, path=self.at(key), problems=self.problems)

    def children(self, key: str, most: int) -> Iterator[Fields]:
        """Yields the items of a list of mappings; none where it is absent or has more than `most`."""
        value = self.value.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self.problem(key, f"must be a list, not {shown(value)}")
            return
        if len(value) > most:
            self.problem(key, f"has {len(value)} items, at most {most} are allowed")
            return
        for index, item in enumerate(value):
            name = f"{key}[{index}]"
            if isinstance(item, dict):
                yield Fields(value=item, path=self.at(name), problems=self.problems)
            else:
                self.problem(name, f"must be a mapping, not {shown(item)}")

    def text(self, key: str, default: str | None = None) -> str:
        """Returns a string that is not empty; without a default it is required."""
        value = self.value.get(key)
        if value is None and default is not None:
            return default
        if value is None:
            self.problem(key, "is required")
        elif not isinstance(value, str):
            self.problem(key, f"must be a string, not {shown(value)}")
        elif not value:
            self.problem(key, "must not be empty")
        else:
            return value
        return ""

    def texts(self, key: str, most: int) -> tuple[str, ...]:
        """Returns the strings of a list; none where it is absent or has anything else in it."""
        value = self.value.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            self.problem(key, f"must be a list of strings, not {shown(value)}")
            return ()
        if len(value) > most:
            self.problem(key, f"has {len(value)} items, at most {most} are allowed")
            return ()
        others = [(index, item) for index, item in enumerate(value) if not isinstance(item, str)]
        for index, item in others:
            self.problem(f"{key}[{index}]", f"must be a string, not {shown(item)}")
        return () if others else tuple(value)

    def name(self, key: str) -> str:
        """Returns the name of an object: RFC 1123, at most 253 characters."""
        value = self.text(key)
        if value and (len(value) > DNS_NAME_LENGTH or not DNS_NAME.fullmatch(value)):
            alone = "; write the name alone: it has to be in the same namespace" if "/" in value else ""
            self.problem(
                key, f"{shown(value)} is no name of an object (lower case letters, digits, '-' and '.'){alone}"
            )
            return ""
        return value

    def integer(self, key: str, lowest: int, highest: int, default: int | None = None) -> int:
        """Returns an integer within bounds; without a default it is required."""
        value = self.value.get(key)
        if value is None and default is not None:
            return default
        if value is None:
            self.problem(key, "is required")
        elif isinstance(value, bool) or not isinstance(value, int):
            self.problem(key, f"must be an integer, not {shown(value)}")
        elif not lowest <= value <= highest:
            self.problem(key, f"must be between {lowest} and {highest}, not {value}")
        else:
            return value
        return lowest

    def number(self, key: str) -> float:
        """Returns a finite number, which is required."""
        value = self.value.get(key)
        if value is None:
            self.problem(key, "is required")
        elif isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            self.problem(key, f"must be a finite number, not {shown(value)}")
        else:
            return float(value)
        return 0.0

    def flag(self, key: str) -> bool:
        """Returns a boolean; absent means no."""
        value = self.value.get(key)
        if value is not None and not isinstance(value, bool):
            self.problem(key, f"must be true or false, not {shown(value)}")
        return value is True

    def duration(self, key: str) -> float | None:
        """Returns the seconds of a duration above zero, or None where it is absent."""
        value = self.value.get(key)
        if value is None:
            return None
        seconds = durations.seconds(value) if isinstance(value, str) else None
        if not seconds:
            self.problem(key, f"must be a duration above zero like 30s, 5m or 1h, not {shown(value)}")
        return seconds or None

    def time(self, key: str) -> datetime | None:
        """Returns an RFC 3339 time, or None where it is absent."""
        value = self.value.get(key)
        if value is None:
            return None
        time = parse_time(value)
        if time is None:
            self.problem(key, f"must be a time like 2026-01-31T12:00:00Z, not {shown(value)}")
        return time


def mappings(value: Any) -> list[dict[str, Any]]:
    """Returns the mappings in a list; none where it is something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _suggestion(name: str, known: Sequence[str]) -> str:
    """Returns the known name that is most like this one, as a question; all of them where none is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for a manifest that is wrong

    by_lower_case = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), by_lower_case, n=1)
    return f"did you mean {by_lower_case[near[0]]}?" if near else f"known are {', '.join(known)}"


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False
