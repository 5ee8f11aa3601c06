"""The notice as data."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconcile.model.plan import Transition
from reconcile.notices.flux_event import flux_event
from tests.unit.report import factory


def notice(
    message: str = "Advance", transition: Transition = Transition.ADVANCED, **of_plan: object
) -> dict[str, object]:
    event = replace(factory.event(message), transition=transition, uid="7")
    return flux_event(factory.advancing(**of_plan), event, factory.NOW - timedelta(seconds=1), "pod-1")


def test_it_has_the_fields_of_an_event_of_flux() -> None:
    assert notice("Advance rollout podinfo.test weight 50") == {
        "involvedObject": {
            "apiVersion": "apps.weave.works/v1beta1",
            "kind": "Rollout",
            "namespace": "test",
            "name": "podinfo",
            "uid": "7",
        },
        "severity": "info",
        "timestamp": "2026-01-31T11:59:59Z",
        "message": "Advance rollout podinfo.test weight 50",
        "reason": "Advanced",
        "metadata": {
            "apps.weave.works/revision": "v1-1",
            "apps.weave.works/phase": "Progressing",
            "apps.weave.works/weight": "50",
        },
        "reportingController": "steerer",
        "reportingInstance": "pod-1",
        "text": "Advance rollout podinfo.test weight 50",
    }


@pytest.mark.parametrize("transition", [*Transition])
def test_what_asks_for_somebody_is_an_error(transition: Transition) -> None:
    errors = {Transition.HALTED, Transition.ROLLING_BACK, Transition.FAILED}
    assert notice(transition=transition)["severity"] == ("error" if transition in errors else "info")


def test_a_hostile_message_is_one_line_of_text_without_markup() -> None:
    hostile = notice("<!channel> & <https://example.com|x>\n\x1b[31m" + "x" * 2000)
    assert str(hostile["text"]).startswith("&lt;!channel&gt; &amp; &lt;https://example.com|x&gt;\\n\\x1b[31m")
    assert len(str(hostile["message"]).encode()) <= 1024
