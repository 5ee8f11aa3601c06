"""The CRD on a real API server: what it accepts, what it refuses in which words, and its printed columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.hostile import pieces
from tests.hostile.pieces import ABSENT
from tests.hostile.tally import End, ended
from tests.support import fast_yaml
from tests.support.paths import ROOT

if TYPE_CHECKING:
    import requests

    from tests.components.controlplane import ControlPlane

CRD = ROOT / "manifests" / "crd.yaml"
EXAMPLE = ROOT / "artifacts" / "rollouts" / "podinfo.yaml"

SEED: dict[str, Any] = {
    "targetKind": "Deployment",
    "virtualService": {"name": "podinfo"},
    "primary": {"name": "podinfo", "host": "podinfo"},
    "canary": {"name": "podinfo-canary", "host": "podinfo-canary"},
    "canaryAnalysis": {
        "maxWeight": 100,
        "stepWeight": 10,
        "metrics": [
            {"name": "istio_requests_total", "threshold": 99, "interval": "1m"},
            {"name": "istio_request_duration_seconds_bucket", "threshold": 500, "interval": "1m"},
        ],
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    """Returns the example spec with another value, or none, at a path; numbers are indexes of a list."""
    return pieces.put(SEED, path, value)


def create(plane: ControlPlane, namespace: str, spec: object, **more: Any) -> requests.Response:
    body = {
        "apiVersion": "apps.weave.works/v1beta1",
        "kind": "Rollout",
        "metadata": {"name": "podinfo"},
        "spec": spec,
        **more,
    }
    return plane.request("POST", f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts", body=body)


def put(plane: ControlPlane, namespace: str, rollout: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    path = f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts/podinfo{subresource}"
    answer = plane.request("PUT", path, body=rollout)
    answer.raise_for_status()
    stored: dict[str, Any] = answer.json()
    return stored


def test_the_server_finds_nothing_wrong_with_the_schema(control_plane: ControlPlane) -> None:
    crd = json.loads(control_plane.kubectl("get", "crd", "rollouts.apps.weave.works", "-o", "json"))
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}

    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_applying_it_again_changes_and_warns_of_nothing(control_plane: ControlPlane) -> None:
    control_plane.kubectl("apply", "-f", str(CRD))  # as a user does; the control plane used a server-side apply
    assert "unchanged" in control_plane.kubectl("apply", "--warnings-as-errors", "-f", str(CRD))
    assert control_plane.kubectl("diff", "-f", str(CRD)) == ""


def test_the_example_is_accepted(control_plane: ControlPlane, namespace: str) -> None:
    if not EXAMPLE.exists():
        pytest.skip("there is no example yet")
    rollout = fast_yaml.load(EXAMPLE.read_text())
    rollout["metadata"]["namespace"] = namespace

    assert "created" in control_plane.kubectl(
        "create", "--validate=strict", "--filename=-", stdin=yaml.safe_dump(rollout), namespace=namespace
    )


def test_what_is_stored_is_what_was_written_and_no_default_beside_it(
    control_plane: ControlPlane, namespace: str
) -> None:
    spec = changed("canaryAnalysis.maxWeight", ABSENT)
    del spec["canaryAnalysis"]["metrics"][0]["interval"]
    del spec["targetKind"]

    answer = create(control_plane, namespace, spec)

    assert answer.status_code == 201
    assert answer.json()["spec"] == spec


@pytest.mark.parametrize("status", [None, {}, {"phase": "Succeeded", "observedGeneration": 1}])
def test_a_new_rollout_is_not_current_whatever_it_claims(
    control_plane: ControlPlane, namespace: str, status: dict[str, Any] | None
) -> None:
    answer = create(control_plane, namespace, SEED, **({} if status is None else {"status": status}))

    assert answer.json()["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("canaryAnalysis.maxWeight", 1),
        ("canaryAnalysis.stepWeight", 100),
        ("canaryAnalysis.promotion", {}),
        (
            "canaryAnalysis.promotion",
            {"keep": ["/metadata/labels/app.kubernetes.io~1version", "/spec/containers/0/env"]},
        ),
        ("canaryAnalysis.metrics", []),
        ("canaryAnalysis.metrics", ABSENT),
        ("canaryAnalysis.metrics.0.threshold", 99.95),
        ("canaryAnalysis.metrics.0.threshold", 0),
        ("canaryAnalysis.metrics.0.interval", "1h30m"),
        ("canaryAnalysis.metrics.0.interval", "500ms"),
        ("canaryAnalysis.metrics.0.name", "request-errors"),
        ("canary.host", "podinfo-canary.test.svc.cluster.local"),
        ("primary.name", "p" * 63),
    ],
)
def test_what_is_right_is_accepted(control_plane: ControlPlane, namespace: str, path: str, value: object) -> None:
    answer = create(control_plane, namespace, changed(path, value))

    assert answer.status_code == 201, answer.text


@pytest.mark.hostile("A Rollout", "spec at a real API server")
@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("targetKind", "DaemonSet", 'spec.targetKind: Unsupported value: "DaemonSet"'),
        ("virtualService", ABSENT, "exactly one of virtualService and routes is required"),
        ("routes", [{"kind": "HTTPRoute", "name": "podinfo"}], "exactly one of virtualService and routes is required"),
        ("routes", [{"kind": "Ingress", "name": "podinfo"}], 'spec.routes[0].kind: Unsupported value: "Ingress"'),
        ("routes", [{"kind": "HTTPRoute"}], "spec.routes[0].name: Required value"),
        ("routes", [{"kind": "HTTPRoute", "name": "x"}] * 2, "spec.routes[1]: Duplicate value"),
        ("routes", [{"kind": "HTTPRoute", "name": f"x{index}"} for index in range(9)], "spec.routes: Too many"),
        ("virtualService.name", ABSENT, "spec.virtualService.name: Required value"),
        ("virtualService.name", "", "spec.virtualService.name"),
        ("virtualService.name", "../secrets/x", "spec.virtualService.name"),
        ("primary", ABSENT, "spec.primary: Required value"),
        ("primary.name", "Podinfo", "spec.primary.name"),
        ("primary.name", "p" * 254, "spec.primary.name: Too long"),
        ("primary.host", "podinfo canary", "spec.primary.host"),
        ("canary.host", ABSENT, "spec.canary.host: Required value"),
        ("canary.name", "podinfo", "spec.canary.name: Invalid value: must differ from spec.primary.name"),
        ("canary.host", "podinfo", "spec.canary.host: Invalid value: must be another Service than spec.primary.host"),
        ("canary.host", "podinfo.test.svc", "spec.canary.host: Invalid value: must be another Service"),
        ("canaryAnalysis", ABSENT, "spec.canaryAnalysis: Required value"),
        ("canaryAnalysis.promotion", {"keep": ["/spec/containers/0"]}, "spec.canaryAnalysis.promotion.keep[0]"),
        ("canaryAnalysis.promotion", {"keep": ["metadata"]}, "spec.canaryAnalysis.promotion.keep[0]"),
        ("canaryAnalysis.promotion", {"keep": ["/spec/a", "/spec/a"]}, "spec.canaryAnalysis.promotion.keep[1]"),
        ("canaryAnalysis.maxWeight", 0, "spec.canaryAnalysis.maxWeight"),
        ("canaryAnalysis.maxWeight", 101, "spec.canaryAnalysis.maxWeight"),
        ("canaryAnalysis.maxWeight", 50.5, "spec.canaryAnalysis.maxWeight"),
        ("canaryAnalysis.maxWeight", "50", "spec.canaryAnalysis.maxWeight"),
        ("canaryAnalysis.stepWeight", ABSENT, "exactly one of steps and stepWeight is required"),
        ("canaryAnalysis.stepWeight", 0, "spec.canaryAnalysis.stepWeight"),
        ("canaryAnalysis.stepWeight", -10, "spec.canaryAnalysis.stepWeight"),
        ("canaryAnalysis.metrics", [{"name": "x", "threshold": 1}] * 10_000, "spec.canaryAnalysis.metrics: Too many"),
        ("canaryAnalysis.metrics.0.name", ABSENT, "spec.canaryAnalysis.metrics[0].name: Required value"),
        ("canaryAnalysis.metrics.0.name", "", "spec.canaryAnalysis.metrics[0].name"),
        (
            "canaryAnalysis.metrics.1.threshold",
            ABSENT,
            "spec.canaryAnalysis.metrics[1]: Invalid value: threshold, thresholdRange or comparison is required",
        ),
        ("canaryAnalysis.metrics.1.threshold", "500", "spec.canaryAnalysis.metrics[1].threshold"),
        ("canaryAnalysis.metrics.1.interval", 60, "spec.canaryAnalysis.metrics[1].interval"),
        *(
            ("canaryAnalysis.metrics.1.interval", interval, "spec.canaryAnalysis.metrics[1].interval")
            for interval in ("", "1M", "1.5m", "-1m", "0s", "00m", "1m1h", "1 m", "1m\n")
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_name(
    control_plane: ControlPlane, namespace: str, path: str, value: object, words: str
) -> None:
    answer = create(control_plane, namespace, changed(path, value))

    assert answer.status_code == 422, answer.text
    assert words in answer.json()["message"]
    ended(End.NOT_ADMITTED)


def test_an_unknown_field_is_told_to_who_asks_for_strictness(control_plane: ControlPlane, namespace: str) -> None:
    rollout = {"apiVersion": "apps.weave.works/v1beta1", "kind": "Rollout", "metadata": {"name": "podinfo"}}
    rollout["spec"] = changed("canaryAnalysis.stepWieght", 10)

    with pytest.raises(Exception, match=r'unknown field "spec\.canaryAnalysis\.stepWieght"'):
        control_plane.kubectl("create", "--filename=-", stdin=json.dumps(rollout), namespace=namespace)


def test_the_status_is_written_only_through_its_subresource(control_plane: ControlPlane, namespace: str) -> None:
    rollout = create(control_plane, namespace, SEED).json()

    rollout["status"] = {"phase": "Progressing"}
    through_main = put(control_plane, namespace, rollout)
    assert through_main["status"] == {"observedGeneration": -1}

    through_main["status"] = {"phase": "Progressing"}
    through_main["spec"]["canaryAnalysis"]["stepWeight"] = 50
    through_status = put(control_plane, namespace, through_main, "/status")
    assert through_status["status"] == {"phase": "Progressing"}
    assert through_status["spec"]["canaryAnalysis"]["stepWeight"] == 10
    assert through_status["metadata"]["generation"] == 1

    through_status["spec"]["canaryAnalysis"]["stepWeight"] = 50
    assert put(control_plane, namespace, through_status)["metadata"]["generation"] == 2


@pytest.mark.hostile("A Rollout", "status at a real API server")
@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Paused"},
        {"canaryWeight": 101},
        {"canaryWeight": 10.5},
        {"canaryReplicas": -1},
        {"lastAdvanceTime": "yesterday"},
        {"conditions": [{"type": "Ready"}]},
        {"measurements": [{"name": "x", "threshold": 1, "verdict": "passed", "time": "now"}]},
    ],
)
def test_a_status_that_means_nothing_is_refused(
    control_plane: ControlPlane, namespace: str, status: dict[str, Any]
) -> None:
    rollout = create(control_plane, namespace, SEED).json()
    path = f"/apis/apps.weave.works/v1beta1/namespaces/{namespace}/rollouts/podinfo/status"

    answer = control_plane.request("PUT", path, body={**rollout, "status": status})

    assert answer.status_code == 422
    assert f"status.{next(iter(status))}" in answer.json()["message"]
    ended(End.NOT_ADMITTED)


def test_people_see_where_a_rollout_stands(control_plane: ControlPlane, namespace: str) -> None:
    rollout = create(control_plane, namespace, SEED).json()
    since = "2026-01-31T12:00:00Z"
    ready = {"type": "Ready", "status": "Unknown", "reason": "Halted", "message": "success rate 82.33% < 99%"}
    rollout["status"] = {
        "observedGeneration": 1,
        "phase": "Progressing",
        "canaryWeight": 60,
        "conditions": [
            {"type": "Reconciling", "status": "True", "reason": "Halted", "message": "", "lastTransitionTime": since},
            {**ready, "lastTransitionTime": since, "observedGeneration": 1},
        ],
        "measurements": [
            {"name": "istio_requests_total", "query": "up", "threshold": 99, "verdict": "no data", "time": since}
        ],
    }
    put(control_plane, namespace, rollout, "/status")

    def table(*options: str) -> list[list[str]]:
        lines = control_plane.kubectl("get", *options, namespace=namespace).splitlines()
        return [line.split(maxsplit=6) for line in lines if line]

    [head, row] = table("sro")
    assert head == ["NAME", "STATUS", "WEIGHT", "READY", "REASON", "AGE"]
    assert row[:5] == ["podinfo", "Progressing", "60", "Unknown", "Halted"]
    [head, row] = table("rollouts.apps.weave.works", "-o", "wide")
    assert head[6:] == ["MESSAGE"]
    assert row[6] == "success rate 82.33% < 99%"
    [head, row] = table("all")
    assert row[0] == "rollout.apps.weave.works/podinfo"


def test_people_can_ask_what_a_field_means(control_plane: ControlPlane) -> None:
    text = control_plane.kubectl("explain", "sro.spec.canaryAnalysis.maxWeight")

    assert "Absent means 100." in " ".join(text.split())
