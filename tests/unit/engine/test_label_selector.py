"""Label selectors as kubectl writes them."""

from __future__ import annotations

import pytest

from reconcile.engine.label_selector import matches
from reconcile.model.errors import UsageError

LABELS = {"team": "a", "tier.example.com/x": "front", "empty": ""}


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", True),
        ("  ", True),
        ("team=a", True),
        ("team==a", True),
        (" team = a ", True),
        ("team=b", False),
        ("team=", False),
        ("empty=", True),
        ("absent=", False),
        ("team!=b", True),
        ("team!=a", False),
        ("absent!=a", True),
        ("team", True),
        ("absent", False),
        ("!absent", True),
        ("! absent", True),
        ("!team", False),
        ("team in (a,b)", True),
        ("team in ( b , a )", True),
        ("team in (b)", False),
        ("absent in (a)", False),
        ("team notin (b,c)", True),
        ("team notin (a)", False),
        ("absent notin (a)", True),
        ("empty in ()", True),
        ("tier.example.com/x=front", True),
        ("team=a,tier.example.com/x=front", True),
        ("team=a,!empty", False),
        ("team in (a,b),tier.example.com/x notin (back,side)", True),
    ],
)
def test_selectors_as_kubectl_writes_them(selector: str, found: bool) -> None:  # noqa: FBT001 - a column of the table
    assert matches(selector, LABELS) is found


@pytest.mark.parametrize(
    "selector",
    [
        *("=a", "team=a=b", "team=a,", ",", "team in a", "team in", "teamin (a)", "teamnotin (a)", "!team=a"),
        *("!team in (a)", "team = a b", "-team", "team>1", "team in (a", "tea m", "!!team", "team===a"),
    ],
)
def test_what_is_no_selector_is_refused(selector: str) -> None:
    with pytest.raises(UsageError, match="is no label selector"):
        matches(selector, LABELS)
