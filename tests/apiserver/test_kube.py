"""The Kubernetes adapter on a real API server: its real responses, and the requests in its audit log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import yaml

from reconcile import __version__
from reconcile.clusters.kube.cluster import KubeCluster, connect
from reconcile.model.errors import ForbiddenError, LostRaceError, MissingError, RefusedError, UnreachableError
from reconcile.model.kinds import AUTOSCALER, DEPLOYMENT, EVENT, ROLLOUT, SERVICE, VIRTUAL_SERVICE, Kind, Ref, Scope
from reconcile.model.plan import Event, Operation, Patch
from tests.apiserver.steering import account
from tests.components.processes import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[KubeCluster]:
    """Yields the control plane's cluster with the rights of the admin, in pages of ten."""
    with connected(control_plane.kubeconfig, page_size=10) as cluster:
        yield cluster


def connected(kubeconfig: Path, **options: Any) -> KubeCluster:
    return connect(str(kubeconfig), environ={}, **options)


def deployment(name: str, replicas: int = 0) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "podinfo:1"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def rollout(name: str = "podinfo") -> dict[str, Any]:
    return {
        "apiVersion": "apps.weave.works/v1beta1",
        "kind": "Rollout",
        "metadata": {"name": name},
        "spec": {
            "virtualService": {"name": name},
            "primary": {"name": name, "host": name},
            "canary": {"name": f"{name}-canary", "host": f"{name}-canary"},
            "canaryAnalysis": {"stepWeight": 10},
        },
    }


def virtual_service(name: str = "podinfo", version: str = "v1alpha3") -> dict[str, Any]:
    route = [
        {"destination": {"host": name}, "weight": 100},
        {"destination": {"host": f"{name}-canary"}, "weight": 0},
    ]
    return {
        "apiVersion": f"networking.istio.io/{version}",
        "kind": "VirtualService",
        "metadata": {"name": name},
        "spec": {"hosts": [name], "http": [{"route": route}]},
    }


def store(plane: ControlPlane, namespace: str, *manifests: dict[str, Any]) -> None:
    """Creates objects by requests: kubectl is slower."""
    for manifest in manifests:
        base = "/api/v1" if manifest["apiVersion"] == "v1" else f"/apis/{manifest['apiVersion']}"
        plural = f"{manifest['kind'].lower()}s"
        plane.request("POST", f"{base}/namespaces/{namespace}/{plural}", body=manifest).raise_for_status()


def patch(ref: Ref, *operations: Operation, version: str | None = None, subresource: str = "") -> Patch:
    api_version = ref.kind.api_version(version or ref.kind.versions[0])
    return Patch(target=ref, api_version=api_version, operations=operations, subresource=subresource)


def one(cluster: KubeCluster, ref: Ref) -> dict[str, Any]:
    found = cluster.fetch([ref])[ref]
    assert isinstance(found, dict)
    return found


# --- Reading ---


def test_a_list_in_pages_is_whole_and_in_order(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    store(control_plane, namespace, *(deployment(f"app-{n:02}") for n in range(25)))
    mark = control_plane.mark()

    found = cluster.list(DEPLOYMENT, Scope(namespace=namespace))

    assert [item["metadata"]["name"] for item in found] == [f"app-{n:02}" for n in range(25)]
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("apps/v1", "Deployment")}
    entries = control_plane.requests_since(mark)
    assert [(entry.verb, entry.code) for entry in entries] == [("list", 200)] * 3
    assert {entry.user_agent for entry in entries} == {f"steerer/{__version__}"}


def test_a_field_selector_picks_one(control_plane: ControlPlane, namespace: str, cluster: KubeCluster) -> None:
    store(control_plane, namespace, rollout("a"), rollout("b"))

    [found] = cluster.list(ROLLOUT, Scope(namespace=namespace, fields={"metadata.name": "b"}))

    assert found["metadata"]["name"] == "b"


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha3"])
def test_a_virtual_service_is_read_whichever_version_it_was_written_in(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster, version: str
) -> None:
    store(control_plane, namespace, virtual_service(version=version))

    found = one(cluster, Ref(VIRTUAL_SERVICE, namespace, "podinfo"))

    assert found["apiVersion"] == "networking.istio.io/v1"
    assert found["spec"]["hosts"] == ["podinfo"]


def test_a_version_that_the_server_does_not_know_is_passed_over(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    store(control_plane, namespace, virtual_service())
    later = Kind(
        name="VirtualService", plural="virtualservices", group="networking.istio.io", versions=("v7", "v1alpha3")
    )
    mark = control_plane.mark()

    found = one(cluster, Ref(later, namespace, "podinfo"))
    assert cluster.fetch([Ref(later, namespace, "none")]) == {}

    assert found["apiVersion"] == "networking.istio.io/v1alpha3"
    assert [entry.code for entry in control_plane.requests_since(mark)] == [404, 200, 404]


def test_a_kind_or_a_group_that_is_not_installed_has_no_objects(cluster: KubeCluster, namespace: str) -> None:
    for kind in (
        Kind(name="Gadget", plural="gadgets", group="nobody.example", versions=("v1",)),
        Kind(name="Gadget", plural="gadgets", group="apps", versions=("v1",)),
    ):
        assert cluster.list(kind, Scope()) == []
        (found,) = cluster.fetch([Ref(kind, namespace, "a")]).values()
        assert isinstance(found, MissingError)
        assert f"the API server has no gadgets.{kind.group}" in str(found)


def test_autoscalers_are_listed(cluster: KubeCluster, namespace: str) -> None:
    assert cluster.list(AUTOSCALER, Scope(namespace=namespace)) == []


# --- How many requests ---


def test_six_deployments_among_many_are_six_requests(control_plane: ControlPlane, namespace: str) -> None:
    store(control_plane, namespace, *(deployment(f"app-{n:02}") for n in range(40)))
    refs = [Ref(DEPLOYMENT, namespace, f"app-{n:02}") for n in range(0, 36, 6)]
    mark = control_plane.mark()

    with connected(control_plane.kubeconfig, page_size=10) as cluster:
        assert set(cluster.fetch(refs)) == set(refs)

    assert [entry.verb for entry in control_plane.requests_since(mark)] == ["get"] * 6


def test_a_namespace_of_strangers_is_left_after_its_first_page(control_plane: ControlPlane, namespace: str) -> None:
    store(control_plane, namespace, *(deployment(f"app-{n:03}") for n in range(60)))
    refs = [Ref(DEPLOYMENT, namespace, f"app-{n:03}") for n in range(45, 55)]
    mark = control_plane.mark()

    with connected(control_plane.kubeconfig, page_size=5) as cluster:
        assert set(cluster.fetch(refs)) == set(refs)

    # 55 remain: eleven pages, or ten objects. The server sends remainingItemCount.
    assert sorted(entry.verb for entry in control_plane.requests_since(mark)) == ["get"] * 10 + ["list"]


def test_a_namespace_of_our_own_is_pages_only(control_plane: ControlPlane, namespace: str) -> None:
    store(control_plane, namespace, *(deployment(f"app-{n:02}") for n in range(30)))
    refs = [Ref(DEPLOYMENT, namespace, f"app-{n:02}") for n in range(30)]
    mark = control_plane.mark()

    with connected(control_plane.kubeconfig, page_size=10) as cluster:
        found = cluster.fetch(refs)

    assert set(found) == set(refs)
    assert all(isinstance(item, dict) and item["kind"] == "Deployment" for item in found.values())
    assert [entry.verb for entry in control_plane.requests_since(mark)] == ["list"] * 3


# --- Writing ---


def test_a_failed_test_is_a_lost_race_and_changes_nothing(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    ref = Ref(DEPLOYMENT, namespace, "app")
    store(control_plane, namespace, deployment("app"))
    add = {"op": "add", "path": "/spec/replicas", "value": 3}

    with pytest.raises(LostRaceError, match="no longer what it was"):
        cluster.patch(patch(ref, {"op": "test", "path": "/spec/replicas", "value": 7}, add))
    with pytest.raises(LostRaceError):
        cluster.patch(patch(ref, {"op": "test", "path": "/metadata/resourceVersion", "value": "1"}, add))
    with pytest.raises(LostRaceError):
        cluster.patch(patch(ref, {"op": "test", "path": "/spec/none/at/all", "value": 1}, add))
    with pytest.raises(LostRaceError, match="modified"):
        cluster.patch(patch(ref, {"op": "add", "path": "/metadata/resourceVersion", "value": "1"}, add))

    assert one(cluster, ref)["spec"]["replicas"] == 0


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"op": "add", "path": "/spec/canaryAnalysis/stepWeight", "value": 500}, "stepWeight"),
        ({"op": "add", "path": "/spec/canary/name", "value": "podinfo"}, "must differ from spec.primary.name"),
        ({"op": "add", "path": "/spec/canaryAnalysis", "value": "x"}, "must be of type object"),
    ],
)
def test_what_the_schema_or_a_rule_refuses_is_no_lost_race(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster, operation: Operation, words: str
) -> None:
    store(control_plane, namespace, rollout())

    with pytest.raises(RefusedError, match=words):
        cluster.patch(patch(Ref(ROLLOUT, namespace, "podinfo"), operation))


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/spec/replicas", "value": -1},
        {"op": "add", "path": "/spec/replicas", "value": "many"},
        {"op": "add", "path": "/spec/selector/matchLabels/app", "value": "other"},
    ],
)
def test_what_a_built_in_kind_refuses_is_no_lost_race_either(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster, operation: Operation
) -> None:
    store(control_plane, namespace, deployment("app"))

    with pytest.raises(RefusedError):
        cluster.patch(patch(Ref(DEPLOYMENT, namespace, "app"), operation))


def test_what_an_admission_policy_refuses_is_told_in_its_own_words(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    name = f"no-scaling-{uuid4().hex[:8]}"
    rules = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    checks = [
        {"expression": "object.spec.replicas != 5", "message": "five is a crowd"},
        {"expression": "object.spec.replicas != 6", "message": "six is forbidden", "reason": "Forbidden"},
    ]
    policy = {"matchConstraints": {"resourceRules": rules, "namespaceSelector": selector}, "validations": checks}
    binding = {"policyName": name, "validationActions": ["Deny"]}
    control_plane.apply(
        json.dumps({**group, "kind": "ValidatingAdmissionPolicy", "spec": policy})
        + "\n---\n"
        + json.dumps({**group, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})
    )
    ref = Ref(DEPLOYMENT, namespace, "app")
    store(control_plane, namespace, deployment("app"))

    def refuses(replicas: int, words: str) -> bool:
        """Tries a write: a policy takes effect some time after it is stored."""
        try:
            cluster.patch(patch(ref, {"op": "add", "path": "/spec/replicas", "value": replicas}))
        except RefusedError as error:
            return words in str(error)
        cluster.patch(patch(ref, {"op": "add", "path": "/spec/replicas", "value": 0}))
        return False

    wait_for(lambda: refuses(5, "five is a crowd"), "the policy to be in force")
    assert refuses(6, "six is forbidden")


def test_an_object_that_is_not_there_cannot_be_patched(cluster: KubeCluster, namespace: str) -> None:
    with pytest.raises(MissingError, match='"none" not found'):
        cluster.patch(patch(Ref(DEPLOYMENT, namespace, "none"), {"op": "add", "path": "/spec/replicas", "value": 1}))


def test_the_status_is_a_resource_of_its_own(control_plane: ControlPlane, namespace: str, cluster: KubeCluster) -> None:
    ref = Ref(ROLLOUT, namespace, "podinfo")
    store(control_plane, namespace, rollout())
    before = one(cluster, ref)
    operations = (
        {"op": "test", "path": "/metadata/resourceVersion", "value": before["metadata"]["resourceVersion"]},
        {"op": "add", "path": "/status", "value": {"phase": "Progressing", "canaryWeight": 10}},
    )

    cluster.patch(patch(ref, *operations, subresource="status"))

    after = one(cluster, ref)
    assert after["status"] == {"phase": "Progressing", "canaryWeight": 10}
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    with pytest.raises(LostRaceError):
        cluster.patch(patch(ref, *operations, subresource="status"))


def test_the_server_knows_who_wrote(control_plane: ControlPlane, namespace: str, cluster: KubeCluster) -> None:
    ref = Ref(VIRTUAL_SERVICE, namespace, "podinfo")
    store(control_plane, namespace, virtual_service())

    stored = cluster.patch(patch(ref, {"op": "add", "path": "/spec/http/0/route/0/weight", "value": 90}))()

    assert stored == one(cluster, ref)
    [entry] = [item for item in stored["metadata"]["managedFields"] if item["manager"] == "steerer"]
    assert entry["operation"] == "Update"
    assert "f:http" in entry["fieldsV1"]["f:spec"]


def test_what_goes_with_every_write_can_make_it_none(control_plane: ControlPlane, namespace: str) -> None:
    ref = Ref(DEPLOYMENT, namespace, "app")
    store(control_plane, namespace, deployment("app"))
    add = {"op": "add", "path": "/spec/replicas", "value": 3}

    with connected(control_plane.kubeconfig, write_params={"dryRun": "All"}) as dry:
        dry.patch(patch(ref, add))
        dry.record(event(namespace), AT)
        with pytest.raises(RefusedError):
            dry.patch(patch(ref, {**add, "value": -1}))

        assert one(dry, ref)["spec"]["replicas"] == 0
        assert dry.list(EVENT, Scope(namespace=namespace)) == []


# --- Events ---


def event(namespace: str, message: str = "Advance rollout podinfo.test weight 10") -> Event:
    return Event(
        rollout=Ref(ROLLOUT, namespace, "podinfo"),
        api_version="apps.weave.works/v1beta1",
        uid="9f0c",
        revision="v1-abc",
        type="Normal",
        message=message,
    )


def test_an_event_that_happens_again_is_counted_and_people_see_it(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster
) -> None:
    for minute in range(3):
        cluster.record(event(namespace), AT + timedelta(minutes=minute))
    cluster.record(event(namespace, "Halt rollout"), AT)

    stored = {item["message"]: item for item in cluster.list(EVENT, Scope(namespace=namespace))}

    assert {message: item["count"] for message, item in stored.items()} == {
        event(namespace).message: 3,
        "Halt rollout": 1,
    }
    again = stored[event(namespace).message]
    assert (again["firstTimestamp"], again["lastTimestamp"]) == ("2026-01-31T12:00:00Z", "2026-01-31T12:02:00Z")
    assert "Advance rollout podinfo.test weight 10" in control_plane.kubectl("get", "events", namespace=namespace)


def test_two_who_count_at_once_lose_nothing(
    control_plane: ControlPlane, namespace: str, cluster: KubeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.record(event(namespace), AT)
    send = cluster._send  # noqa: SLF001  the other one comes between this one's GET and its PATCH
    turns = [True]

    def sending(call: Any, *rest: Any) -> Any:
        answer = send(call, *rest)
        if call.verb == "get" and turns:
            turns.pop()
            with connected(control_plane.kubeconfig) as other:
                other.record(event(namespace), AT)
        return answer

    monkeypatch.setattr(cluster, "_send", sending)
    cluster.record(event(namespace), AT)

    [stored] = cluster.list(EVENT, Scope(namespace=namespace))
    assert stored["count"] == 3


def test_an_event_of_a_namespace_that_is_not_there(cluster: KubeCluster) -> None:
    with pytest.raises(MissingError):
        cluster.record(event("no-such-namespace"), AT)


# --- Rights ---


def test_a_missing_right_is_named_with_the_rule_that_grants_it(control_plane: ControlPlane, namespace: str) -> None:
    store(control_plane, namespace, deployment("app"), rollout())
    app, service = Ref(DEPLOYMENT, namespace, "app"), Ref(SERVICE, namespace, "app")
    me = f"system:serviceaccount:{namespace}:steerer"
    config = account(
        control_plane, namespace, [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]
    )

    with connected(config) as cluster:
        assert cluster.default_namespace == namespace
        found = cluster.fetch([app, service])
        with pytest.raises(ForbiddenError) as listing:
            cluster.list(ROLLOUT, Scope())
        with pytest.raises(ForbiddenError) as patching:
            cluster.patch(
                patch(
                    Ref(ROLLOUT, namespace, "podinfo"),
                    {"op": "add", "path": "/status", "value": {}},
                    subresource="status",
                )
            )
        with pytest.raises(ForbiddenError) as recording:
            cluster.record(event(namespace), AT)

    assert isinstance(found[app], dict)
    assert str(found[service]) == (
        f'forbidden: cannot get services in namespace {namespace}: grant verbs ["get"] on resources ["services"] '
        f'of apiGroups [""] to {me}'
    )
    assert str(listing.value) == (
        'forbidden: cannot list rollouts.apps.weave.works in all namespaces: grant verbs ["list"] on resources '
        f'["rollouts"] of apiGroups ["apps.weave.works"] to {me}'
    )
    assert 'verbs ["patch"] on resources ["rollouts/status"]' in str(patching.value)
    assert 'verbs ["create"] on resources ["events"]' in str(recording.value)


def test_who_may_get_but_not_list_is_served_all_the_same(control_plane: ControlPlane, namespace: str) -> None:
    store(control_plane, namespace, *(deployment(f"app-{n}") for n in range(10)))
    refs = [Ref(DEPLOYMENT, namespace, f"app-{n}") for n in range(10)]
    config = account(
        control_plane, namespace, [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]
    )

    with connected(config) as cluster:
        found = cluster.fetch(refs)

    assert all(isinstance(found[ref], dict) for ref in refs)


def test_a_token_that_means_nothing(control_plane: ControlPlane, namespace: str) -> None:
    config = control_plane.kubeconfig_for("not-a-token", namespace=namespace)

    with connected(config) as cluster, pytest.raises(ForbiddenError, match="log in again") as caught:
        cluster.list(DEPLOYMENT, Scope(namespace=namespace))

    assert "not-a-token" not in str(caught.value)


# --- Where from ---


def test_a_pod_uses_what_the_kubelet_gave_it(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    rules = [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]
    token = yaml.safe_load(account(control_plane, namespace, rules).read_text())["users"][0]["user"]["token"]
    (tmp_path / "token").write_text(token)
    (tmp_path / "ca.crt").write_bytes(control_plane.certificate.read_bytes())
    url = urlsplit(control_plane.url)
    environ = {"KUBERNETES_SERVICE_HOST": str(url.hostname), "KUBERNETES_SERVICE_PORT": str(url.port)}

    with connect(environ=environ, account=tmp_path) as cluster:
        assert cluster.default_namespace is None
        assert cluster.list(SERVICE, Scope(namespace=namespace)) == []


@pytest.mark.parametrize(
    ("part", "trusted"),
    [
        ({"insecure-skip-tls-verify": True}, True),
        ({"certificate-authority": "ca.crt", "tls-server-name": "kubernetes.default.svc"}, True),
        ({"certificate-authority": "ca.crt", "tls-server-name": "other.example"}, False),
        ({}, False),
    ],
)
def test_a_server_is_trusted_as_far_as_the_kubeconfig_says(
    control_plane: ControlPlane, tmp_path: Path, part: dict[str, Any], *, trusted: bool
) -> None:
    document = yaml.safe_load(control_plane.kubeconfig.read_text())
    document["clusters"][0]["cluster"] = {"server": control_plane.url, **part}
    (tmp_path / "config").write_text(yaml.safe_dump(document))
    (tmp_path / "ca.crt").write_bytes(control_plane.certificate.read_bytes())

    with connected(tmp_path / "config") as cluster:
        if trusted:
            assert cluster.list(SERVICE, Scope(namespace="kube-public")) == []
        else:
            with pytest.raises(UnreachableError, match=r"certificate|hostname 'other.example'"):
                cluster.list(SERVICE, Scope())
