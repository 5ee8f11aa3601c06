"""The life of a release is the same in every cluster, pass by pass: what is decided, stored and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.comparison import differences
from tests.contract.sandboxes import STAGES
from tests.contract.scenarios import PLAYS

if TYPE_CHECKING:
    from tests.contract.conftest import Told


@pytest.mark.parametrize("where", STAGES)
@pytest.mark.parametrize("case", PLAYS)
def test_a_life_is_the_same_everywhere(case: str, where: str, told: Told) -> None:
    story = told(case, where)
    if where != "memory":
        assert differences(story, told(case, "memory")) == {}
