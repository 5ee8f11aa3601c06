"""What a promotion will change, as lines and as data."""

from __future__ import annotations

from reconcile.model.plan import Change
from reconcile.report.layout import as_text
from reconcile.report.promotion import promotion_lines
from reconcile.report.record import changes_data

CPU = Change(path="spec.template.spec.containers[app].resources.limits.cpu", before='"500m"', after="2")
TOKEN = Change(path="spec.template.spec.containers[app].env[TOKEN].value", before="", after="")


def test_a_change_is_its_path_and_its_values_where_they_are_told() -> None:
    assert (
        as_text(promotion_lines([TOKEN, CPU]))
        == """\
  The promotion also changes
    spec.template.spec.containers[app].env[TOKEN].value
    spec.template.spec.containers[app].resources.limits.cpu  "500m" → 2
"""
    )


def test_without_a_change_there_is_no_title() -> None:
    assert as_text(promotion_lines([])) == ""


def test_of_many_changes_some_are_shown_and_all_are_in_the_data() -> None:
    many = [Change(path=f"spec.template.spec.x{number:02}", before="1", after="2") for number in range(13)]
    lines = as_text(promotion_lines(many)).splitlines()
    assert (len(lines), lines[-1]) == (12, "    and 3 more (-o json)")
    assert len(changes_data(many)) == 13


def test_a_value_that_is_not_told_is_null() -> None:
    assert changes_data([TOKEN, CPU]) == [
        {"path": TOKEN.path, "from": None, "to": None},
        {"path": CPU.path, "from": '"500m"', "to": "2"},
    ]
