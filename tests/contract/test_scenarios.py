"""A release has the same history in every cluster, pass by pass: what is decided, stored and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comparison import differences
from tests.contract.sandboxes import everywhere
from tests.contract.scenarios import SCENARIOS

if TYPE_CHECKING:
    from tests.contract.conftest import HistoryOf


@pytest.mark.parametrize(("case", "where"), everywhere(SCENARIOS, "scenarios"))
def test_a_release_has_the_same_history_everywhere(case: str, where: str, history_of: HistoryOf) -> None:
    history = history_of(case, where)
    if where != "memory":
        assert differences(history, history_of(case, "memory")) == {}
