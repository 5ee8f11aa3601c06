"""From the start on a pass says what the promotion will change in the primary's template beside the images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconcile.model.plan import Change
from reconcile.report.record import to_dict
from tests.support.world import CS, C, P, world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.model.plan import Plan
    from tests.support.world import World

CONTAINER = "spec.template.spec.containers[podinfo]"


def differing(**container: Any) -> World:
    """Builds a world whose canary's container has more fields than the primary's."""
    play = world(stepWeight=50)
    containers = [{"name": "podinfo", "image": "podinfo:1.2.1", **container}]
    play.cluster.edit(C, "spec", "template", "spec", "containers", containers)
    play.workloads.step()
    return play


def changes(plan: Plan) -> Mapping[str, tuple[str, str]]:
    return {item.path: (item.before, item.after) for item in plan.promotion}


def test_each_pass_until_the_copy_says_what_the_promotion_changes_beside_the_image() -> None:
    play = differing(resources={"limits": {"cpu": 2}})
    play.cluster.edit(P, "spec", "template", "spec", "containers", 0, "resources", {"limits": {"cpu": "500m"}})
    play.workloads.step()
    plans = [play.tick().plan for _ in range(4)]
    assert [plan.move for plan in plans] == ["start", "advance", "promote", "conclude"]
    told = {f"{CONTAINER}.resources.limits.cpu": ('"500m"', "2")}
    assert [changes(plan) for plan in plans] == [told, told, told, {}]


def test_where_the_image_is_all_that_changes_there_is_nothing_to_say() -> None:
    assert world().tick().plan.promotion == ()


def test_of_what_may_have_a_password_in_it_the_path_is_told_and_no_value() -> None:
    hidden = "hunter2"
    play = differing(
        env=[{"name": "TOKEN", "value": hidden}],
        args=[f"--password={hidden}"],
        command=["sh", "-c", hidden],
        livenessProbe={"httpGet": {"httpHeaders": [{"name": "Authorization", "value": hidden}]}},
    )
    play.cluster.edit(P, "spec", "template", "spec", "containers", 0, "env", [{"name": "TOKEN", "value": "old"}])
    play.cluster.edit(C, "spec", "template", "metadata", "annotations", {"token": hidden})
    play.workloads.step()
    record = play.tick()
    assert changes(record.plan) == {
        f"{CONTAINER}.args": ("", ""),
        f"{CONTAINER}.command": ("", ""),
        f"{CONTAINER}.env[TOKEN].value": ("", ""),
        f"{CONTAINER}.livenessProbe": ("not set", "a mapping"),
        "spec.template.metadata.annotations": ("", ""),
    }
    assert hidden not in json.dumps(to_dict(record))


def test_a_halted_pass_says_it_too_and_one_that_cannot_use_an_object_says_nothing() -> None:
    play = differing(tty=True)
    told = (Change(path=f"{CONTAINER}.tty", before="not set", after="true"),)
    del play.cluster.objects[CS]
    halted = play.tick().plan
    assert (halted.move, halted.promotion) == ("halt", told)
    del play.cluster.objects[P]
    assert play.tick().plan.promotion == ()


def test_at_rest_there_is_no_promotion_to_tell_of() -> None:
    play = differing(tty=True)
    play.until("Succeeded")
    assert play.tick().plan.promotion == ()
