"""A plan for live objects as a plan for their manifests."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.git.plan import plan_for_manifests
from reconcile.model.errors import PendingError, RefusedError
from reconcile.model.plan import Event, Operation, Patch, Plan, Position
from tests.support.world import VS, C, P, R, deployment, virtual_service

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref

BEFORE, AFTER = Position(phase="Progressing", weight=10), Position(phase="Finalising", weight=0)
EVENT = Event(rollout=R, api_version="apps.weave.works/v1beta1", uid=None, revision="v1-1", type="Normal", message="m")
STATUS = Patch(target=R, api_version="v1", operations=({"op": "add", "path": "/status", "value": {}},), subresource="x")


def op(kind: str, path: str, value: Any) -> Operation:
    return {"op": kind, "path": path, "value": value}


def patch(target: Ref, *operations: Operation) -> Patch:
    return Patch(target=target, api_version="v1", operations=operations)


def plan(*patches: Patch) -> Plan:
    return Plan(rollout=R, move="advance", reason="why", before=BEFORE, after=AFTER, patches=patches, events=(EVENT,))


def weight(value: int, was: int) -> Patch:
    path = "/spec/http/0/route/1/weight"
    return patch(VS, op("test", path, was), op("add", path, value))


def replicas(wanted: int, template: Any) -> Patch:
    tests = op("test", "/spec/template", template), op("test", "/spec/replicas", 2)
    return patch(C, *tests, op("add", "/spec/replicas", wanted))


def copy(new: Any, old: Any) -> Patch:
    return patch(P, op("test", "/spec/template", old), op("add", "/spec/template", new))


def template(image: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = deployment("podinfo", image, **more)["spec"]["template"]
    return found


def served(image: str, **more: Any) -> dict[str, Any]:
    """Returns a template as a server stores it."""
    found = template(image, dnsPolicy="ClusterFirst", **more)
    found["spec"]["containers"][0] |= {"terminationMessagePolicy": "File"}
    return found


def test_a_weight_is_written_with_the_status_before_it_and_the_event_behind_it() -> None:
    made = plan(STATUS, weight(20, 10))
    assert plan_for_manifests(made, {VS: virtual_service(10)}) == made


def test_a_plan_without_a_manifest_stays_as_it_is() -> None:
    assert plan_for_manifests(plan(STATUS), {VS: virtual_service(10)}) == plan(STATUS)


def test_what_the_file_has_in_its_own_words_is_what_is_tested_in_it() -> None:
    manifest = deployment("podinfo-canary", "1.2.1", replicas=None)
    live = deepcopy(manifest["spec"]["template"])
    live["spec"]["dnsPolicy"] = "ClusterFirst"
    (written,) = plan_for_manifests(plan(replicas(0, live)), {C: manifest}).patches
    assert written.operations == (
        op("test", "/spec/template", manifest["spec"]["template"]),
        op("add", "/spec/replicas", 0),
    )
    assert live["spec"]["dnsPolicy"] == "ClusterFirst"


def test_a_file_that_is_no_longer_what_was_relied_on_fails_its_test() -> None:
    (written,) = plan_for_manifests(plan(weight(20, 10)), {VS: virtual_service(15)}).patches
    assert written == weight(20, 10)


def test_a_status_that_follows_a_step_waits_until_the_cluster_shows_it() -> None:
    manifest = deployment("podinfo-canary", "1.2.1")
    made = plan_for_manifests(plan(replicas(0, manifest["spec"]["template"]), STATUS), {C: manifest})
    assert [item.target for item in made.patches] == [C]
    assert (made.move, made.after, made.events) == ("advance", BEFORE, ())
    assert made.reason == (
        "Deployment podinfo-canary.test gets spec.replicas 0; the rest follows once the cluster shows it"
    )


def test_a_promoted_template_comes_without_the_defaults_of_the_server() -> None:
    manifest = deployment("podinfo", "1.2.0")
    (written,) = plan_for_manifests(plan(copy(served("1.2.1"), served("1.2.0"))), {P: manifest}).patches
    assert written == copy(template("1.2.1"), template("1.2.0"))


def test_what_the_file_has_already_is_waited_for() -> None:
    live, manifest = served("1.2.0", nodeSelector={"disk": "ssd"}), {"spec": {"template": template("1.2.0")}}
    with pytest.raises(PendingError) as pending:
        plan_for_manifests(plan(STATUS, copy(served("1.2.0"), live)), {P: manifest})
    assert pending.value.target == P
    assert str(pending.value) == (
        'the cluster has spec.template.spec.nodeSelector.disk "ssd", the checkout not set: '
        "waiting until the cluster shows what the checkout has"
    )


def test_what_a_server_does_not_tell_from_the_old_is_waited_for_as_well() -> None:
    stated = template("1.2.0", automountServiceAccountToken=False)
    with pytest.raises(PendingError, match=r"something is not applied yet: waiting until the cluster shows what the"):
        plan_for_manifests(plan(copy(stated, template("1.2.0"))), {P: {"spec": {"template": stated}}})


@pytest.mark.parametrize("stated", [{}, {"nodeSelector": {"disk": "hdd"}}])
def test_what_nobody_stated_and_an_apply_would_leave_is_refused(stated: dict[str, Any]) -> None:
    live = template("1.2.0", nodeSelector={"disk": "hdd", "by": "hand"})
    manifest = {"spec": {"template": template("1.2.0", **stated)}}
    new = template("1.2.1", nodeSelector={"disk": "hdd"})
    with pytest.raises(
        RefusedError, match=r"Deployment podinfo\.test has spec\.template\.spec\.nodeSelector\.by in the"
    ):
        plan_for_manifests(plan(STATUS, copy(new, live)), {P: manifest})
