"""How much of a large table of equals a run takes: a share of it, as `make test` does, or with `--whole` all of it.

What a test takes from a table has a share of its own, so that the tests together take all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

T = TypeVar("T")

OPTION = "--whole"
_wanted = {OPTION: False}


def add_option(parser: pytest.Parser) -> None:
    """Adds the option to pytest."""
    parser.addoption(OPTION, action="store_true", help="take large tables as a whole, where make test takes a share")


def configure(config: pytest.Config) -> None:
    """Notes whether the option was given."""
    _wanted[OPTION] = bool(config.getoption(OPTION))


def whole() -> bool:
    """Returns whether the tables are wanted as a whole."""
    return _wanted[OPTION]


def share(table: Sequence[T], whose: str, parts: int) -> Sequence[T]:
    """Returns one of so many parts of a table, another one for another `whose`."""
    return table if whole() else table[sum(whose.encode()) % parts :: parts]


def number(every: int, parts: int) -> int:
    """Returns how many of so many equals are tried."""
    return every if whole() else every // parts
