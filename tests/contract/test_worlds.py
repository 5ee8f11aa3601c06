"""Random worlds have the same history in every cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comparison import differences
from tests.contract.worlds import world
from tests.support.share import number

if TYPE_CHECKING:
    from tests.contract.conftest import HistoryOf

SCENARIOS = {f"world {number}": world(number) for number in range(60)}
CASES = [*((case, "folder") for case in SCENARIOS), *((case, "api") for case in list(SCENARIOS)[: number(24, 6)])]


@pytest.mark.parametrize(("case", "where"), CASES)
def test_a_random_world_has_the_same_history(case: str, where: str, history_of: HistoryOf) -> None:
    assert differences(history_of(case, where), history_of(case, "memory")) == {}
