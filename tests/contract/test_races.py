"""Two at once, in every cluster: of two passes one writes, and what a user changes meanwhile is never lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comparison import differences
from tests.contract.races import ALONE, DISAGREEMENTS, MEETINGS, PAIRS, meeting
from tests.contract.sandboxes import STAGES

if TYPE_CHECKING:
    from tests.contract.conftest import Told

MET = {f"{name} and {what}": meeting(name, what) for name, edits in MEETINGS.items() for what in edits}
PLAYS = {**PAIRS, **DISAGREEMENTS, **MET}


@pytest.mark.parametrize("where", STAGES)
@pytest.mark.parametrize("case", PAIRS)
def test_two_passes_leave_what_one_leaves(case: str, where: str, told: Told) -> None:
    assert differences(told(case, where), told(case, "memory", ALONE)) == {}


@pytest.mark.parametrize("where", STAGES)
@pytest.mark.parametrize("case", DISAGREEMENTS)
def test_two_passes_that_disagree_do_not_mix(case: str, where: str, told: Told) -> None:
    assert differences(told(case, where), told(case, "memory")) == {}


@pytest.mark.parametrize("where", STAGES)
@pytest.mark.parametrize("case", MET)
def test_what_a_user_changes_meanwhile_is_never_lost(case: str, where: str, told: Told) -> None:
    told(case, where)
