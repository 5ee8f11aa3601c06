"""What a promotion must not do, on a real API server: each guard with the objects, webhooks and writers it is about.

Each test has a Rollout of its own in one namespace. Pods are not run: `tests/mesh` shows what requests meet.
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.apiserver.steering import (
    SUCCESS,
    Metrics,
    Steerer,
    apply,
    get,
    of_steerer,
    rolled_out,
    small_release,
    store,
)
from tests.components.faults import killed
from tests.components.gateway import Gateway, passed
from tests.components.processes import Program, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Fault, Request

Manifests = dict[str, dict[str, Any]]

PORTS, ADMITTED, KILLED, MENDED = "ports", "admitted", "killed", "mended"
SPLIT, SPLIT_BY_ROLLOUT = "split", "split-by-rollout"
NAMES = (PORTS, ADMITTED, KILLED, MENDED, SPLIT, SPLIT_BY_ROLLOUT)

OLD, NEW, MEND = (f"quay.io/stefanprodan/podinfo:{tag}" for tag in ("1.2.0", "1.2.1", "1.2.0-mend"))
GRACE = 7  # seconds, which a policy of the cluster's owner gives to each pod of the new image


@dataclass(frozen=True, kw_only=True)
class Releases:
    """A namespace with one Rollout for each test, each with a new image and one step to the maximum."""

    plane: ControlPlane
    namespace: str
    metrics: Metrics

    def steerer(self, kubeconfig: Any = None) -> Steerer:
        """The program, with the metrics of the test."""
        return Steerer(kubeconfig=kubeconfig or self.plane.kubeconfig, metrics=self.metrics.url)

    def run_pass(self, name: str) -> dict[str, Any]:
        """Makes a pass over one Rollout; returns its record."""
        return self.steerer().passes("-n", self.namespace, name).record

    def moves(self, name: str, *moves: str) -> None:
        """Makes passes over one Rollout, each of which has to make a move; its Deployments roll out in between."""
        for move in moves:
            record = self.run_pass(name)
            assert record["move"] == move, record["reason"]
            rolled_out(self.plane, self.namespace, name, f"{name}-canary")

    def stored(self, what: str) -> dict[str, Any]:
        """Returns an object, such as `deployment/podinfo`."""
        return get(self.plane, what, self.namespace)

    def image(self, name: str) -> str:
        """Returns the image in a Deployment's template."""
        image: str = self.stored(f"deployment/{name}")["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    def weight(self, name: str) -> int:
        """Returns the canary's weight."""
        [route] = self.stored(f"virtualservice/{name}")["spec"]["http"]
        return int(route["route"][1]["weight"])

    def writes(self, mark: int, resource: str, name: str) -> int:
        """Returns how often steerer asked to write an object, however that ended."""
        entries = of_steerer(self.plane.requests_since(mark, namespace=self.namespace))
        return sum((entry.verb, entry.resource, entry.name) == ("patch", resource, name) for entry in entries)

    @contextmanager
    def another_split(self, name: str, weight: int) -> Iterator[None]:
        """Has another VirtualService give a canary a weight, and takes it away in the end."""
        route = self.route(f"{name}-gateway", name, weight)
        apply(self.plane, route)
        yield
        apply(self.plane, self.route(f"{name}-gateway", name, 0))

    def route(self, name: str, primary: str, weight: int) -> dict[str, Any]:
        """Returns a VirtualService of a gateway that splits the traffic to the Services of a Rollout."""
        shares = ((primary, 100 - weight), (f"{primary}-canary", weight))
        ends = [{"destination": {"host": host}, "weight": share} for host, share in shares]
        return {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"hosts": ["shop.example"], "gateways": ["edge"], "http": [{"route": ends}]},
        }


def manifests(namespace: str, name: str) -> Manifests:
    """Returns the objects of a Rollout by kind, with `primary` and `canary` for the Deployments and Services."""
    named = {}
    for item in small_release(namespace, name):
        side = {name: "primary ", f"{name}-canary": "canary "}[item["metadata"]["name"]]
        one_of_two = item["kind"] in {"Deployment", "Service"}
        named[f"{side if one_of_two else ''}{item['kind']}"] = deepcopy(item)
    named["canary Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"] = NEW
    named["Rollout"]["spec"]["canaryAnalysis"] = {
        "stepWeight": 100,
        "metrics": [{"name": SUCCESS, "threshold": 99, "interval": "1m"}],
    }
    return named


@pytest.fixture(scope="module")
def releases(control_plane: ControlPlane) -> Iterator[Releases]:
    """One Rollout for each test, rolled out, on which no pass was made yet."""
    namespace = f"promotion-{uuid4().hex[:8]}"
    control_plane.create_namespace(namespace)
    every = {name: manifests(namespace, name) for name in NAMES}
    # Its pods call the port by another name than those that the primary's Service leads to.
    every[PORTS]["primary Service"]["spec"]["ports"][0]["targetPort"] = "http"
    [container] = every[PORTS]["canary Deployment"]["spec"]["template"]["spec"]["containers"]
    container["ports"][0]["name"] = "web"
    for probe in ("readinessProbe", "livenessProbe"):
        container[probe]["httpGet"]["port"] = "web"
    store(control_plane, (item for named in every.values() for item in named.values()))
    rolled_out(control_plane, namespace, *NAMES, *(f"{name}-canary" for name in NAMES))
    with Metrics().serving() as metrics:
        yield Releases(plane=control_plane, namespace=namespace, metrics=metrics)


def test_a_promotion_that_would_take_the_endpoints_from_the_primarys_service_halts_before_any_weight_moves(
    releases: Releases,
) -> None:
    mark = releases.plane.mark()
    record = releases.run_pass(PORTS)
    assert (record["move"], releases.weight(PORTS)) == ("halt", 0)
    assert f"Service {PORTS}.{releases.namespace} (spec.ports[].targetPort)" in record["reason"]
    assert 'port "http"' in record["reason"]
    assert releases.writes(mark, "virtualservices", PORTS) == 0


@contextmanager
def policy(releases: Releases, name: str) -> Iterator[None]:
    """Has the cluster's owner give the pods of the new image another grace period, by a MutatingAdmissionPolicy."""
    group, called = "admissionregistration.k8s.io/v1", releases.namespace
    conditions = [
        {"name": "its-deployment", "expression": f"object.metadata.name == '{name}'"},
        {"name": "its-image", "expression": f"object.spec.template.spec.containers[0].image == '{NEW}'"},
    ]
    path, value = "/spec/template/spec/terminationGracePeriodSeconds", GRACE
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    expression = f'[JSONPatch{{op: "add", path: "{path}", value: {value}}}]'
    of_namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": releases.namespace}}}
    objects = {
        "MutatingAdmissionPolicy": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {"resourceRules": [rule], **of_namespace},
            "matchConditions": conditions,
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}],
        },
        "MutatingAdmissionPolicyBinding": {"policyName": called},
    }
    apply(
        releases.plane,
        *(
            {"apiVersion": group, "kind": kind, "metadata": {"name": called}, "spec": spec}
            for kind, spec in objects.items()
        ),
    )
    try:
        wait_for(lambda: changed_by_policy(releases, name), "the policy to be in force")
        yield
    finally:
        for kind in ("mutatingadmissionpolicybindings", "mutatingadmissionpolicies"):
            releases.plane.request("DELETE", f"/apis/{group}/{kind}/{called}").raise_for_status()


def changed_by_policy(releases: Releases, name: str) -> bool:
    """Returns whether a copy of the new template would be changed, by a dry run."""
    path = f"/apis/apps/v1/namespaces/{releases.namespace}/deployments/{name}?dryRun=All"
    body = {"spec": {"template": {"spec": {"containers": [{"name": "podinfod", "image": NEW}]}}}}
    answer = releases.plane.request("PATCH", path, body=body, content_type="application/strategic-merge-patch+json")
    answer.raise_for_status()
    return bool(answer.json()["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == GRACE)


def test_a_template_that_admission_changes_is_written_once_and_the_release_goes_on(releases: Releases) -> None:
    mark, primary = releases.plane.mark(), f"deployment/{ADMITTED}"
    with policy(releases, ADMITTED):
        releases.moves(ADMITTED, "start", "promote")
        template = releases.stored(primary)["spec"]["template"]["spec"]
        assert (template["containers"][0]["image"], template["terminationGracePeriodSeconds"]) == (NEW, GRACE)
        concluded = releases.run_pass(ADMITTED)
        releases.moves(ADMITTED, "retire", "idle")
    assert concluded["move"] == "conclude"
    [reason] = [gate["reason"] for gate in concluded["gates"] if gate["name"] == "template"]
    assert reason.endswith(", stored with changes (spec.template.spec.terminationGracePeriodSeconds)")
    assert releases.writes(mark, "deployments", ADMITTED) == 1


def killed_at_the_copy(releases: Releases, name: str) -> None:
    """Makes the pass of a promotion whose process is killed between the status and the copy."""
    running: list[Program] = []

    def hook(request: Request) -> Fault:
        copies = request.method == "PATCH" and request.resource == "deployments"
        return killed(running[0].kill) if copies else passed

    with Gateway(releases.plane, hook).serving() as gateway:
        steerer = releases.steerer(gateway.before(releases.plane.kubeconfig))
        with steerer.begin("run", "--control-loop-interval=0s", "-n", releases.namespace, name) as process:
            running.append(process)
            process.wait(timeout=60)


def test_a_promotion_that_was_killed_after_its_ticket_is_not_copied_while_the_canary_answers_500(
    releases: Releases,
) -> None:
    releases.moves(KILLED, "start")
    killed_at_the_copy(releases, KILLED)
    assert (releases.stored(f"rollout/{KILLED}")["status"]["phase"], releases.image(KILLED)) == ("Promoting", OLD)

    mark = releases.plane.mark()
    releases.metrics.values[SUCCESS] = "0"
    try:
        records = [releases.run_pass(KILLED) for _ in range(3)]
    finally:
        releases.metrics.good()
    assert {record["move"] for record in records} == {"halt"}
    assert {record["reason"] for record in records} == {"success rate 0.00% < 99%"}
    assert (releases.image(KILLED), releases.writes(mark, "deployments", KILLED)) == (OLD, 0)

    releases.moves(KILLED, "copy", "conclude")
    assert releases.image(KILLED) == NEW


def test_a_primary_that_was_mended_in_mid_release_is_not_overwritten(releases: Releases) -> None:
    releases.moves(MENDED, "start")
    releases.plane.set_image(MENDED, releases.namespace, MEND)
    rolled_out(releases.plane, releases.namespace, MENDED)
    record = releases.run_pass(MENDED)
    assert (record["move"], releases.image(MENDED), releases.weight(MENDED)) == ("halt", MEND, 100)
    words = f"the template of {MENDED}.{releases.namespace} was changed by kubectl-set since the release started"
    assert record["reason"].startswith(words)
    assert "(spec.template.spec.containers[podinfod].image)" in record["reason"]


@pytest.mark.parametrize("name", [SPLIT, SPLIT_BY_ROLLOUT])
def test_a_canary_that_another_virtual_service_splits_traffic_to_is_not_scaled_to_zero(
    releases: Releases, name: str
) -> None:
    with releases.another_split(name, 5):
        if name == SPLIT_BY_ROLLOUT:
            rollout = manifests(releases.namespace, name)["Rollout"]
            rollout["metadata"]["name"] = f"{name}-gateway"
            rollout["spec"]["virtualService"]["name"] = f"{name}-gateway"
            apply(releases.plane, rollout)
        releases.moves(name, "start", "promote", "conclude")
        record = releases.run_pass(name)
        assert record["move"] == "halt"
        words = f"VirtualService {name}-gateway.{releases.namespace} spec.http[0] still gives traffic to {name}-canary"
        assert record["reason"].startswith(words)
        assert releases.stored(f"deployment/{name}-canary")["spec"]["replicas"] == 1
    releases.moves(name, "retire")
    assert releases.stored(f"deployment/{name}-canary")["spec"]["replicas"] == 0
