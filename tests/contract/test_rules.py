"""Each rule of a person's word and of the failure policy, in every cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comparison import differences
from tests.contract.rules import RULES
from tests.contract.sandboxes import everywhere

if TYPE_CHECKING:
    from tests.contract.conftest import HistoryOf

SCENARIOS = RULES


@pytest.mark.parametrize(("case", "where"), everywhere(RULES, "rules"))
def test_a_rule_holds_everywhere(case: str, where: str, history_of: HistoryOf) -> None:
    history = history_of(case, where)
    if where != "memory" and not RULES[case].blocked:
        assert differences(history, history_of(case, "memory")) == {}
