"""Two at once, in every cluster: of two passes one writes, and what a user changes meanwhile is never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comparison import differences
from tests.contract.races import ALONE, DISAGREEMENTS, MEETINGS, PAIRS, meeting
from tests.contract.sandboxes import CLUSTERS, everywhere

if TYPE_CHECKING:
    from tests.contract.conftest import HistoryOf

MET = {f"{name} and {what}": meeting(name, what) for name, edits in MEETINGS.items() for what in edits}
SCENARIOS = {**PAIRS, **DISAGREEMENTS, **MET}


@pytest.mark.parametrize("where", CLUSTERS)
@pytest.mark.parametrize("case", PAIRS)
def test_two_passes_leave_what_one_leaves(case: str, where: str, history_of: HistoryOf) -> None:
    assert differences(history_of(case, where), history_of(case, "memory", ALONE)) == {}


@pytest.mark.parametrize("where", CLUSTERS)
@pytest.mark.parametrize("case", DISAGREEMENTS)
def test_two_passes_that_disagree_do_not_mix(case: str, where: str, history_of: HistoryOf) -> None:
    assert differences(history_of(case, where), history_of(case, "memory")) == {}


@pytest.mark.parametrize(("case", "where"), everywhere(MET, "met"))
def test_what_a_user_changes_meanwhile_is_never_lost(case: str, where: str, history_of: HistoryOf) -> None:
    history_of(case, where)
