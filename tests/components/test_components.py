"""The components of the tests do what the tests rely on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
import yaml

from tests.components.controlplane import HOLD
from tests.components.faults import FAULTS, Hold, Once, Randomly, answered, dropped, killed, killed_when_done
from tests.components.gateway import Gateway, Request, passed
from tests.components.mesh import Shim
from tests.components.processes import local_session, wait_for
from tests.components.prometheus import Exporter, openmetrics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.fixtures import StartPrometheus
    from tests.components.mesh import Mesh


def deployment(name: str, *, image: str = "podinfo:1", hold: bool = False) -> dict[str, Any]:
    labels = {"app": name}
    annotations = {HOLD: "true"} if hold else {}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [{"name": "podinfo", "image": image}]},
            },
        },
    }


def apply(control_plane: ControlPlane, namespace: str, manifest: dict[str, Any]) -> None:
    control_plane.apply(yaml.safe_dump(manifest), namespace=namespace)


def status(control_plane: ControlPlane, namespace: str, name: str) -> dict[str, Any]:
    found = json.loads(control_plane.kubectl("get", "deployment", name, "--output=json", namespace=namespace))
    return {"observed": found["status"].get("observedGeneration") == found["metadata"]["generation"], **found["status"]}


def test_deployment_rolls_out_and_so_does_its_next_image(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=120s", namespace=namespace)
    assert status(control_plane, namespace, "podinfo")["availableReplicas"] == 2

    apply(control_plane, namespace, deployment("podinfo", image="podinfo:2"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=120s", namespace=namespace)
    now = status(control_plane, namespace, "podinfo")
    assert (now["observed"], now["updatedReplicas"], now["replicas"], now["availableReplicas"]) == (True, 2, 2, 2)


def test_held_pods_stay_unready_until_let_go(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=120s", namespace=namespace)
    apply(control_plane, namespace, deployment("podinfo", image="podinfo:2", hold=True))

    def under_way() -> bool:
        now = status(control_plane, namespace, "podinfo")
        return bool(now["observed"]) and now["replicas"] == 3 and now.get("updatedReplicas") == 1

    wait_for(under_way, "the rolling update to have begun")
    # Another Deployment that comes up meanwhile shows that time enough has gone by for the held one.
    apply(control_plane, namespace, deployment("other"))
    control_plane.kubectl("rollout", "status", "deployment/other", "--timeout=120s", namespace=namespace)
    assert under_way()

    pods = json.loads(control_plane.kubectl("get", "pods", "--output=json", namespace=namespace))["items"]
    [held] = [pod["metadata"]["name"] for pod in pods if HOLD in pod["metadata"].get("annotations", {})]
    control_plane.kubectl("annotate", "pod", held, f"{HOLD}-", namespace=namespace)
    wait_for(
        lambda: status(control_plane, namespace, "podinfo").get("updatedReplicas") == 2,
        "the pod that was let go to make way for the next",
    )


def test_without_room_a_rolling_update_waits_and_then_goes_on(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=120s", namespace=namespace)

    with control_plane.no_room(namespace):
        apply(control_plane, namespace, deployment("podinfo", image="podinfo:2"))

        def under_way() -> bool:
            now = status(control_plane, namespace, "podinfo")
            return bool(now["observed"]) and (now["replicas"], now.get("unavailableReplicas")) == (3, 1)

        wait_for(under_way, "the rolling update to have begun")

    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=120s", namespace=namespace)


def test_audit_log_has_every_request_with_what_a_write_sent(control_plane: ControlPlane, namespace: str) -> None:
    mark = control_plane.mark()
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("get", "deployments", namespace=namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/podinfo"
    patch = [{"op": "add", "path": "/spec/replicas", "value": 0}]
    control_plane.request("PATCH", path, body=patch, content_type="application/json-patch+json").raise_for_status()

    ours = [entry for entry in control_plane.requests_since(mark) if entry.resource == "deployments"]
    assert {entry.user for entry in ours} == {control_plane.user}
    assert [entry.verb for entry in ours] == ["get", "create", "list", "patch"]
    assert [entry.code for entry in ours] == [404, 201, 200, 200]
    assert ours[2].user_agent.startswith("kubectl/")
    assert (ours[3].namespace, ours[3].name, ours[3].body) == (namespace, "podinfo", patch)
    assert control_plane.requests_since(control_plane.mark()) == []


def test_an_object_is_had_as_kubectl_prints_it(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, deployment("podinfo"))
    control_plane.kubectl("rollout", "status", "deployment/podinfo", "--timeout=120s", namespace=namespace)
    options = ("-o", "json", "--show-managed-fields")
    printed = json.loads(control_plane.kubectl("get", "deployment/podinfo", *options, namespace=namespace))
    assert control_plane.get("deployment/podinfo", namespace) == printed


def test_rights_of_an_account_are_checked(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "serviceaccount", "reader", namespace=namespace)
    control_plane.kubectl("create", "role", "reader", "--verb=list", "--resource=deployments.apps", namespace=namespace)
    control_plane.kubectl(
        "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader", namespace=namespace
    )
    token = control_plane.account_token(namespace, "reader")
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    assert control_plane.request("GET", path, token=token).ok

    mark = control_plane.mark()
    assert control_plane.request("POST", path, token=token, body=deployment("podinfo")).status_code == 403
    assert control_plane.request("GET", "/apis/apps/v1/deployments", token=token).status_code == 403
    [created, listed] = control_plane.requests_since(mark)
    assert (created.user, created.code) == (f"system:serviceaccount:{namespace}:reader", 403)
    assert (listed.verb, listed.namespace) == ("list", "")


def test_job_runs_to_its_end_and_a_namespace_can_be_deleted(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "job", "once", "--image=podinfo", namespace=namespace)
    control_plane.kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=120s", namespace=namespace)
    control_plane.kubectl("delete", "namespace", namespace, "--timeout=120s")


def test_virtual_services_are_served_in_all_three_versions(control_plane: ControlPlane, namespace: str) -> None:
    route = [{"destination": {"host": host}, "weight": 50} for host in ("podinfo", "podinfo-canary")]
    manifest = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "podinfo"},
        "spec": {"hosts": ["podinfo"], "http": [{"route": route}]},
    }
    apply(control_plane, namespace, manifest)
    for version in ("v1", "v1beta1", "v1alpha3"):
        path = f"/apis/networking.istio.io/{version}/namespaces/{namespace}/virtualservices/podinfo"
        found = control_plane.request("GET", path).json()
        assert (found["apiVersion"], found["spec"]) == (f"networking.istio.io/{version}", manifest["spec"])


def test_prometheus_answers_from_samples_put_in_beforehand(start_prometheus: StartPrometheus) -> None:
    end = 1_700_000_000.0
    times = [end - 300 + 15 * step for step in range(21)]
    samples = openmetrics(
        ("istio_requests_total", {"response_code": code}, [(time, rate * (time - times[0])) for time in times])
        for code, rate in (("200", 9.0), ("500", 1.0))
    )
    server = start_prometheus(openmetrics=samples)
    rates = server.query("sum by (response_code) (rate(istio_requests_total[1m]))", at=end)
    found = {entry["metric"]["response_code"]: float(entry["value"][1]) for entry in rates}
    assert found == pytest.approx({"200": 9, "500": 1})
    assert server.query("istio_requests_total") == []


def test_prometheus_scrapes_what_an_exporter_shows(start_prometheus: StartPrometheus) -> None:
    server = start_prometheus()
    with Exporter() as exporter:
        exporter.set('depth{queue="a"} 7\n')
        server.reload(exporter.scrape_config())
        wait_for(lambda: [entry["value"][1] for entry in server.query("depth")] == ["7"], "the first scrape")
        exporter.set('depth{queue="a"} 8\n')
        wait_for(lambda: [entry["value"][1] for entry in server.query("depth")] == ["8"], "the next scrape")


# Of 400 requests at 10 % the canary gets 40, give or take 6, the standard deviation; the bounds are five of them away.
@pytest.mark.parametrize(("weight", "least", "most"), [(0, 0, 0), (10, 10, 70), (60, 191, 289), (100, 400, 400)])
def test_requests_follow_the_weights(running_mesh: Mesh, weight: int, least: int, most: int) -> None:
    running_mesh.route(100 - weight, weight)
    before = running_mesh.answered()
    for _ in range(400):
        assert running_mesh.get().ok
    after = running_mesh.answered()
    canary, primary = (after[workload] - before[workload] for workload in ("podinfo-canary", "podinfo"))
    assert least <= canary <= most
    assert canary + primary == 400


def test_shim_carries_weights_over(running_mesh: Mesh) -> None:
    weights = [(100, 0)]
    with Shim(running_mesh, lambda: weights[-1]):
        weights.append((0, 100))
        wait_for(lambda: running_mesh.get().json()["message"] == "podinfo-canary", "the canary to answer")
        weights.append((100, 0))
        wait_for(lambda: running_mesh.get().json()["message"] == "podinfo", "the primary to answer")


def test_trouble_of_the_canary_shows_in_prometheus(mesh: Mesh) -> None:
    canary = 'reporter="destination",destination_workload="podinfo-canary",destination_workload_namespace="test"'
    failed = f'sum(rate(istio_requests_total{{{canary},response_code="500"}}[1m]))'
    slowest = (
        f"histogram_quantile(0.99, sum(irate(istio_request_duration_milliseconds_bucket{{{canary}}}[1m])) by (le))"
    )
    mesh.route(50, 50)

    def value(promql: str) -> float:
        result = mesh.prometheus.query(promql)
        return float(result[0]["value"][1]) if result else -1

    wait_for(lambda: 0 < value(slowest) < 500, "quick answers of the canary")
    with mesh.trouble("/status/500", 10):
        wait_for(lambda: value(failed) > 0, "failures of the canary")
    with mesh.trouble("/delay/1", 5):
        wait_for(lambda: value(slowest) > 500, "slow answers of the canary")
    codes = mesh.prometheus.query("sum by (destination_workload, response_code) (istio_requests_total)")
    assert {(entry["metric"]["destination_workload"], entry["metric"]["response_code"]) for entry in codes} == {
        ("podinfo", "200"),
        ("podinfo-canary", "200"),
        ("podinfo-canary", "500"),
    }


# --- The gateway, and its faults ---


@pytest.fixture
def gateway(control_plane: ControlPlane) -> Iterator[Gateway]:
    with Gateway(control_plane).serving() as serving:
        yield serving


@pytest.fixture
def maps(control_plane: ControlPlane, namespace: str) -> str:
    """Give the path of a namespace's ConfigMaps, with the one in it that is to be written."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    control_plane.request("POST", path, body={"metadata": {"name": "it"}}).raise_for_status()
    return path


def write(plane: ControlPlane, gateway: Gateway, maps: str) -> str:
    """Write through the gateway and give what came back: a status and the type of the body, or what broke."""
    headers = {"Authorization": f"Bearer {plane.token}", "Content-Type": "application/merge-patch+json"}
    body = json.dumps({"data": {"written": "yes"}})
    with local_session() as session:
        try:
            answer = session.patch(f"{gateway.url}{maps}/it", data=body, headers=headers, timeout=2)
        except requests.RequestException as error:
            return type(error).__name__
    return f"{answer.status_code} {answer.headers['Content-Type']}"


def is_written(plane: ControlPlane, maps: str) -> bool:
    return "written" in plane.request("GET", f"{maps}/it").json().get("data", {})


BROKEN = {
    "dropped": "ConnectionError",
    "stored, not answered": "ConnectionError",
    "stored, answer cut": "ChunkedEncodingError",
    "hung": "ReadTimeout",
    "stored, hung": "ReadTimeout",
    "502 as a web page": "502 text/html",
    "200 as a web page": "200 text/html",
    "stored, 504": "504 application/json",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_answers_as_it_is_called_and_stores_only_what_it_says(
    control_plane: ControlPlane, gateway: Gateway, maps: str, name: str
) -> None:
    gateway.hook = Once(FAULTS[name])
    assert write(control_plane, gateway, maps) == BROKEN.get(name, f"{name[:3]} application/json")
    gateway.ended.set()
    assert is_written(control_plane, maps) is name.startswith("stored")
    assert write(control_plane, gateway, maps) == "200 application/json"
    assert is_written(control_plane, maps)


def test_a_fault_strikes_where_it_is_told_to(control_plane: ControlPlane, gateway: Gateway, maps: str) -> None:
    gateway.hook = once = Once(answered(503), lambda request: request.resource == "configmaps", nth=1)
    codes = [write(control_plane, gateway, maps)[:3] for _ in range(3)]
    assert codes == ["200", "503", "200"]
    assert once.struck is not None
    assert (once.struck.namespace, once.struck.name) == (maps.split("/")[4], "it")
    assert str(once.struck) == "PATCH configmaps"


@pytest.mark.parametrize("fault", [killed, killed_when_done])
def test_a_process_dies_before_or_after_its_write(
    control_plane: ControlPlane, gateway: Gateway, maps: str, fault: Any
) -> None:
    seen: list[bool] = []
    gateway.hook = Once(fault(lambda: seen.append(is_written(control_plane, maps))))
    assert write(control_plane, gateway, maps) == "ConnectionError"
    assert seen == [is_written(control_plane, maps)] == [fault is killed_when_done]


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_request_is_held_until_it_is_let_go(
    control_plane: ControlPlane, gateway: Gateway, maps: str, side: str
) -> None:
    hold = Hold()
    gateway.hook = Once(getattr(hold, side))
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(write, control_plane, gateway, maps)
        assert hold.reached.wait(5)
        assert is_written(control_plane, maps) is (side == "after")
        hold.let_go()
        assert answer.result() == "200 application/json"
    assert is_written(control_plane, maps)


def test_faults_at_random_are_the_same_for_the_same_seed() -> None:
    def struck(seed: int) -> list[str]:
        hook = Randomly(seed, 0.5, matches=lambda request: request.method == "GET")
        request = Request(method="GET", path="/api/v1/nodes", headers={}, body=b"")
        assert hook(Request(method="POST", path="/api/v1/nodes", headers={}, body=b"")) is passed
        names = {fault: name for name, fault in FAULTS.items()} | {passed: "passed"}
        found = [names[hook(request)] for _ in range(100)]
        assert hook.struck.total() == sum(name != "passed" for name in found)
        return found

    assert struck(1) == struck(1) != struck(2)
    assert 30 < struck(1).count("passed") < 70
    assert Randomly(1, 1.0, {"dropped": dropped})(Request(method="GET", path="/", headers={}, body=b"")) is dropped
