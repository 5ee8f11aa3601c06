"""Random worlds fare the same in every cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comparison import differences
from tests.contract.worlds import world

if TYPE_CHECKING:
    from tests.contract.conftest import Told

PLAYS = {f"world {number}": world(number) for number in range(60)}
CASES = [*((case, "folder") for case in PLAYS), *((case, "api") for case in list(PLAYS)[:24])]


@pytest.mark.parametrize(("case", "where"), CASES)
def test_a_world_fares_the_same(case: str, where: str, told: Told) -> None:
    assert differences(told(case, where), told(case, "memory")) == {}
