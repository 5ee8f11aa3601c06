"""Dry runs on a real API server: what they say, that they write nothing, and that a run then does just that.

Also what a user meets on the way: forms of output, exit codes, environment variables, refusals and their words.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from tests.apiserver.steering import (
    DURATION,
    SUCCESS,
    Metrics,
    Steerer,
    account,
    apply,
    at_rest,
    changes,
    of_steerer,
    path_of,
    started,
)
from tests.components.processes import free_port, wait_for
from tests.support import fast_yaml
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

KINDS = ("deployment", "service", "horizontalpodautoscaler", "virtualservice", "rollout", "event")
NOW = "--control-loop-interval=0s"
READ = {"get", "list", "watch"}


@pytest.fixture(scope="module")
def metrics() -> Iterator[Metrics]:
    with Metrics().serving() as metrics:
        yield metrics


@pytest.fixture(autouse=True)
def good(metrics: Metrics) -> None:
    metrics.good()


@pytest.fixture(scope="module")
def halfway(control_plane: ControlPlane, metrics: Metrics) -> Steerer:
    """Returns a steerer whose namespace has the example at 50 %, about to go to 60; for tests that change nothing."""
    return started(control_plane, metrics, 50, step=50, then=10)


@pytest.fixture(scope="module")
def promotable(control_plane: ControlPlane, metrics: Metrics) -> Steerer:
    """Returns a steerer whose example is at 100 %, about to be promoted; for tests that change nothing."""
    return started(control_plane, metrics, 100, step=100)


def stored(plane: ControlPlane, steerer: Steerer) -> dict[str, dict[str, Any]]:
    """Returns all objects that a pass may write, with resource versions."""
    found = plane.objects(steerer.namespace, *KINDS)
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in found}


# --- What a plan is ---


def test_a_plan_writes_nothing(control_plane: ControlPlane, halfway: Steerer, promotable: Steerer) -> None:
    for steerer, command in ((halfway, ("plan",)), (promotable, ("run", "--dry-run=client"))):
        before, mark = stored(control_plane, steerer), control_plane.mark()
        done = steerer(*command, NOW)
        asked = of_steerer(control_plane.requests_since(mark))

        assert "Would write" in done.out
        assert done.err == ""
        assert sorted(entry.verb for entry in asked) == [*["get"] * 5, *["list"] * 2]
        assert stored(control_plane, steerer) == before


def test_a_plan_names_every_gate_query_value_and_patch(halfway: Steerer, metrics: Metrics) -> None:
    metrics.queries.clear()

    record = halfway("plan", NOW, "-o", "json").record

    namespace = halfway.namespace
    assert record["rollout"] == {"namespace": namespace, "name": "podinfo"}
    assert (record["move"], record["result"], record["error"]) == ("advance", "planned", "")
    assert record["before"] == {"phase": "Progressing", "weight": 50}
    assert record["after"] == {"phase": "Progressing", "weight": 60}
    gates = [
        "rollout",
        "deployments",
        "services",
        "routes",
        "reach",
        "primary",
        "canary",
        "scaling",
        "interval",
        "analysis",
    ]
    assert [gate["name"] for gate in record["gates"]] == gates
    assert all(gate["outcome"] == "passed" and gate["reason"] for gate in record["gates"])
    measured = [(one["name"], one["value"], one["threshold"], one["verdict"]) for one in record["measurements"]]
    assert measured == [(SUCCESS, 100, 99, "passed"), (DURATION, 150, 500, "passed")]
    queries = [one["query"] for one in record["measurements"]]
    assert sorted(queries) == sorted(metrics.queries)
    for query in queries:
        assert f'destination_workload_namespace=~"{namespace}"' in query
        assert 'destination_workload=~"podinfo-canary"' in query
        assert "[1m]" in query
    [status, route] = record["patches"]
    assert (status["target"]["kind"], status["target"]["subresource"]) == ("Rollout", "status")
    assert status["operations"][-1]["value"]["canaryWeight"] == 60
    assert route == {
        "target": {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "namespace": namespace,
            "name": "podinfo",
        },
        "operations": [
            {"op": "test", "path": "/metadata/generation", "value": 2},
            {"op": "test", "path": "/spec/http/0/route/0/destination/host", "value": "podinfo"},
            {"op": "test", "path": "/spec/http/0/route/0/weight", "value": 50},
            {"op": "test", "path": "/spec/http/0/route/1/destination/host", "value": "podinfo-canary"},
            {"op": "test", "path": "/spec/http/0/route/1/weight", "value": 50},
            {"op": "add", "path": "/spec/http/0/route/0/weight", "value": 40},
            {"op": "add", "path": "/spec/http/0/route/1/weight", "value": 60},
        ],
    }
    message = f"Advance rollout podinfo.{namespace} weight 60"
    assert record["events"] == [{"type": "Normal", "reason": "Synced", "message": message}]


def test_a_plan_that_halts_says_at_which_gate_and_what_was_not_reached(halfway: Steerer, metrics: Metrics) -> None:
    metrics.values[DURATION] = "2525"

    record = halfway("plan", NOW, "-o", "json").record

    assert (record["move"], record["reason"]) == ("halt", "request duration 2.525s > 500ms")
    assert record["gates"][-1] == {"name": "analysis", "outcome": "failed", "reason": record["reason"]}
    assert [one["verdict"] for one in record["measurements"]] == ["passed", "failed"]
    assert [patch["target"].get("subresource") for patch in record["patches"]] == ["status"]

    later = halfway("plan", "--control-loop-interval=1h", "-o", "json").record

    assert [gate["outcome"] for gate in later["gates"][-2:]] == ["waiting", "not reached"]
    assert (later["move"], later["patches"], later["events"]) == ("wait", [], [])


def test_the_forms_of_a_plan_say_the_same(halfway: Steerer) -> None:
    timeless = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d+s since")

    def output_in(form: str) -> Any:
        return fast_yaml.load(timeless.sub("-", halfway("plan", NOW, "-o", form).out))

    assert output_in("yaml") == output_in("json")


def test_text_in_a_pipe_is_plain_and_unwrapped(halfway: Steerer) -> None:
    for encoding in ("utf-8", "ascii"):
        text = halfway("plan", NOW, PYTHONIOENCODING=encoding, COLUMNS="40").out
        lines = text.splitlines()

        assert "\x1b" not in text
        assert lines[0] == f"podinfo.{halfway.namespace}  would advance"
        arrow = "→" if encoding == "utf-8" else ">"
        assert lines[1] == f"  [##########++........]  50 % {arrow} 60 %  Progressing"
        [write] = [line for line in lines if line.lstrip().startswith("VirtualService")]
        assert write.endswith(f"podinfo 50 {arrow} 40, podinfo-canary 50 {arrow} 60")


# --- The patches, taken by kustomize and kubectl ---


def kustomized(plane: ControlPlane, steerer: Steerer, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the objects that a pass writes, before and after kustomize has applied its patches; by kind and name."""
    dump = plane.kubectl("get", "virtualservices,deployments", "-o", "yaml", namespace=steerer.namespace)
    (folder / "dump.yaml").write_text(dump)
    printed = steerer("plan", NOW, "-o", "patch").out
    (folder / "kustomization.yaml").write_text(f"resources:\n- dump.yaml\n{printed}")
    built = plane.kubectl("kustomize", str(folder))

    def named(items: list[dict[str, Any]]) -> dict[str, Any]:
        return {f"{item['kind']}/{item['metadata']['name']}": item for item in items}

    return named(fast_yaml.load(dump)["items"]), named(list(fast_yaml.load_all(built)))


def differences(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
    found = {name: changes(before[name], after[name]) for name in before.keys() | after.keys()}
    return {name: paths for name, paths in found.items() if paths}


def test_kustomize_takes_the_weights_as_they_are(control_plane: ControlPlane, halfway: Steerer, tmp_path: Path) -> None:
    before, after = kustomized(control_plane, halfway, tmp_path)

    assert differences(before, after) == {
        "VirtualService/podinfo": {
            "/spec/http/0/route/0/weight": (50, 40),
            "/spec/http/0/route/1/weight": (50, 60),
        }
    }


def test_kustomize_takes_a_promotion_as_it_is(control_plane: ControlPlane, promotable: Steerer, tmp_path: Path) -> None:
    before, after = kustomized(control_plane, promotable, tmp_path)

    image = "/spec/template/spec/containers/0/image"
    old, new = (before[f"Deployment/{name}"]["spec"] for name in ("podinfo", "podinfo-canary"))
    assert differences(before, after) == {
        "Deployment/podinfo": {image: tuple(one["template"]["spec"]["containers"][0]["image"] for one in (old, new))}
    }


def test_kustomize_takes_that_there_is_nothing_to_patch(
    control_plane: ControlPlane, halfway: Steerer, metrics: Metrics, tmp_path: Path
) -> None:
    metrics.values[SUCCESS] = "0"

    before, after = kustomized(control_plane, halfway, tmp_path)

    assert differences(before, after) == {}


@pytest.mark.parametrize("step", [40, 100])
def test_applying_the_patches_and_running_end_in_the_same_objects(
    control_plane: ControlPlane, metrics: Metrics, tmp_path: Path, step: int
) -> None:
    by_hand, by_run = (started(control_plane, metrics, step, step=step) for _ in range(2))
    kustomized(control_plane, by_hand, tmp_path)

    control_plane.kubectl("apply", "-k", str(tmp_path))
    by_run.passes()

    def specs(steerer: Steerer) -> dict[str, Any]:
        found = stored(control_plane, steerer)
        return {name: item["spec"] for name, item in found.items() if item["kind"] in {"VirtualService", "Deployment"}}

    assert specs(by_hand) == specs(by_run)


# --- Asking the server ---


def test_a_server_dry_run_sends_each_patch_and_stores_none(
    control_plane: ControlPlane, halfway: Steerer, promotable: Steerer
) -> None:
    for steerer, resource in ((halfway, "virtualservices"), (promotable, "deployments")):
        before, mark = stored(control_plane, steerer), control_plane.mark()
        done = steerer("run", "--dry-run=server", NOW, "-o", "json")
        writes = [entry for entry in of_steerer(control_plane.requests_since(mark)) if entry.verb not in READ]

        assert (done.record["result"], done.record["error"]) == ("planned", "")
        assert [(entry.verb, entry.resource) for entry in writes] == [
            ("patch", "rollouts"),
            ("patch", resource),
            ("create", "events"),
        ]
        assert [entry.body for entry in writes[:2]] == [patch["operations"] for patch in done.record["patches"]]
        assert all("dryRun=All" in entry.uri and "fieldManager=steerer" in entry.uri for entry in writes)
        assert stored(control_plane, steerer) == before
        assert all(" dry run: " in line for line in done.err.splitlines())


def half_at_most(namespace: str) -> list[dict[str, Any]]:
    """Returns an admission policy that refuses more than half of the traffic for a canary."""
    rule = {
        "apiGroups": ["networking.istio.io"],
        "apiVersions": ["*"],
        "operations": ["UPDATE"],
        "resources": ["virtualservices"],
    }
    least = "object.spec.http.all(one, one.route.all(to, to.destination.host != 'podinfo-canary' || to.weight <= 50))"
    name = f"half-at-most-{namespace}"
    group = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    policy = {
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "resourceRules": [rule],
        },
        "validations": [{"expression": least, "message": "a canary gets half of the traffic at most"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    return [
        {**group, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**group, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


def test_what_the_server_would_refuse_a_dry_run_says_before_a_run_meets_it(
    control_plane: ControlPlane, metrics: Metrics
) -> None:
    steerer = started(control_plane, metrics, 50, step=50, then=10)
    policy = half_at_most(steerer.namespace)
    path = f"/apis/networking.istio.io/v1/namespaces/{steerer.namespace}/virtualservices/podinfo"
    more = [{"op": "add", "path": "/spec/http/0/route/1/weight", "value": 51}]
    apply(control_plane, *policy)
    wait_for(
        lambda: (
            not control_plane.request(
                "PATCH", f"{path}?dryRun=All", body=more, content_type="application/json-patch+json"
            ).ok
        ),
        "the policy to be in force",
    )
    before = stored(control_plane, steerer)

    dry = steerer("run", "--dry-run=server", NOW, "-o", "json")

    assert dry.record["result"] == "failed"
    assert dry.record["error"].startswith(f"VirtualService podinfo.{steerer.namespace}: the server refused it: ")
    assert dry.record["error"].endswith(" denied request: a canary gets half of the traffic at most")
    assert steerer("run", "--dry-run=server", NOW, "--detailed-exitcode", expect=4).out.startswith(
        f"podinfo.{steerer.namespace}  advance: failed\n"
    )
    assert stored(control_plane, steerer) == before

    run = steerer("run", NOW, "-o", "json")

    assert run.record["error"] == dry.record["error"]
    after = stored(control_plane, steerer)
    assert changes(before["VirtualService/podinfo"], after["VirtualService/podinfo"]) == {}
    [event] = [item for name, item in after.items() if name not in before and item["kind"] == "Event"]
    assert event["type"] == "Warning"
    assert event["message"].startswith(
        f"Halt rollout podinfo.{steerer.namespace} VirtualService podinfo.{steerer.namespace} could not be written: "
    )
    assert event["message"].endswith("a canary gets half of the traffic at most")
    [ready, _] = after["Rollout/podinfo"]["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "WriteFailed")
    assert ready["message"] in event["message"]

    for item in policy:
        control_plane.request("DELETE", path_of(item)).raise_for_status()
    wait_for(
        lambda: (
            control_plane.request(
                "PATCH", f"{path}?dryRun=All", body=more, content_type="application/json-patch+json"
            ).ok
        ),
        "the policy to be gone",
    )
    assert steerer.passes().record["after"]["weight"] == 60


def rights() -> list[dict[str, Any]]:
    """Returns the rules of the Role in the documentation."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "security.md").read_text(), re.DOTALL)
    [role] = [one for block in blocks for one in fast_yaml.load_all(block) if one.get("kind") == "Role"]
    rules: list[dict[str, Any]] = role["rules"]
    return rules


def without(resource: str, *verbs: str) -> list[dict[str, Any]]:
    """Returns these rules without some verbs of one resource."""
    return [
        rule | {"verbs": [verb for verb in rule["verbs"] if verb not in verbs] or ["deletecollection"]}
        if rule["resources"] == [resource]
        else rule
        for rule in rights()
    ]


def restricted(plane: ControlPlane, steerer: Steerer, rules: list[dict[str, Any]]) -> Steerer:
    return Steerer(
        kubeconfig=account(plane, steerer.namespace, rules), metrics=steerer.metrics, namespace=steerer.namespace
    )


@pytest.mark.parametrize(("resource", "kind"), [("rollouts/status", "Rollout"), ("virtualservices", "VirtualService")])
def test_a_right_that_is_missing_is_found_by_a_server_dry_run(
    control_plane: ControlPlane, halfway: Steerer, resource: str, kind: str
) -> None:
    before = stored(control_plane, halfway)
    steerer = restricted(control_plane, halfway, without(resource, "patch"))

    dry = steerer("run", "--dry-run=server", NOW, "-o", "json")

    assert dry.record["result"] == "failed"
    assert dry.record["error"].startswith(f"{kind} podinfo.{halfway.namespace}: forbidden: ")
    assert f'grant verbs ["patch"] on resources ["{resource}"] of apiGroups' in dry.record["error"]
    assert dry.record["error"].endswith(f" to system:serviceaccount:{halfway.namespace}:steerer")
    steerer("run", "--dry-run=server", NOW, "--detailed-exitcode", expect=4)
    assert stored(control_plane, halfway) == before


def test_an_object_that_may_not_be_read_halts_and_is_named(control_plane: ControlPlane, halfway: Steerer) -> None:
    steerer = restricted(control_plane, halfway, without("services", "get", "list"))

    record = steerer("plan", NOW, "-o", "json").record

    assert record["move"] == "halt"
    assert record["reason"].startswith(f"Service podinfo.{halfway.namespace} cannot be read: forbidden: ")
    assert 'grant verbs ["get"] on resources ["services"]' in record["reason"]


def test_the_role_of_the_documentation_suffices_for_a_release(control_plane: ControlPlane, metrics: Metrics) -> None:
    admin = started(control_plane, metrics, 100, step=100)
    steerer = restricted(control_plane, admin, rights())

    moves = []
    for _ in range(20):
        done = steerer.passes()
        moves.append(done.record["move"])
        assert (done.record["result"], "not stored" in done.err) == ("applied", False), done.err
        if moves[-1] == "idle":
            break

    assert [move for move in moves if move != "halt"] == ["promote", "conclude", "retire", "idle"]
    assert "Promotion complete!" in admin("status", "podinfo").out  # it lists Events, which no pass does


# --- Exit codes ---


def test_a_detailed_exit_code_tells_what_there_is_to_do(
    control_plane: ControlPlane, halfway: Steerer, metrics: Metrics
) -> None:
    code = "--detailed-exitcode"
    halfway("plan", NOW, code, expect=2)
    halfway("plan", code, "--control-loop-interval=1h", expect=3)
    metrics.values[SUCCESS] = "98"
    halfway("plan", NOW, code, expect=4)
    halfway("plan", NOW, expect=0)  # a halted canary does not make a CronJob fail
    halfway("plan", "-l", "nobody=here", code, expect=0)

    apply(control_plane, *at_rest(halfway.namespace, "resting"))
    halfway("run", "resting", code, expect=2)  # its first pass stores the status
    halfway("run", "resting", code, expect=0)


def test_a_server_that_cannot_be_reached_is_one_line_and_an_exit_code(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    port = free_port()
    config = fast_yaml.load(control_plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))

    for command in (("run",), ("plan",), ("status",), ("run", "--dry-run=server")):
        done = Steerer(kubeconfig=path)(*command, expect=1)
        assert done.out == ""
        assert done.err == (
            "steerer: cannot list rollouts.apps.weave.works in namespace default: "
            f"no answer from https://127.0.0.1:{port}: Connection refused\n"
        )


def test_credentials_that_are_not_accepted_are_one_line_and_an_exit_code(control_plane: ControlPlane) -> None:
    done = Steerer(kubeconfig=control_plane.kubeconfig_for("no-such-token"))("run", expect=1)

    assert done.out == ""
    assert done.err.startswith("steerer: unauthorized: cannot list rollouts.apps.weave.works in namespace default: ")
    assert done.err.count("\n") == 1
    assert "no-such-token" not in done.err


def test_rollouts_that_may_not_be_listed_are_one_line_and_an_exit_code(
    control_plane: ControlPlane, halfway: Steerer
) -> None:
    steerer = restricted(control_plane, halfway, without("rollouts", "list"))

    done = steerer("run", expect=1)

    assert done.err == (
        f"steerer: forbidden: cannot list rollouts.apps.weave.works in namespace {halfway.namespace}: grant verbs "
        '["list"] on resources ["rollouts"] of apiGroups ["apps.weave.works"] to '
        f"system:serviceaccount:{halfway.namespace}:steerer\n"
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("plan", "nobody"), "steerer: no Rollout nobody in namespace "),
        (("plan", "-l", "a b"), 'steerer: "a b" is no label selector'),
        (("plan", "--control-loop-interval=1M"), "'1M' is no duration"),
        (("plan", "--pass-timeout=soon"), "'soon' is no duration"),
        (("plan", "-n", "test", "-A"), "steerer: -n and -A exclude each other"),
        (("plan", "-f", "."), "steerer: -f reads a folder"),
        (("plan", "-o", "wide"), "'wide' is not one of"),
        (("run", "--for=1m"), "steerer: --for needs --every"),
        (("run", "--dry-run=maybe"), "'maybe' is not one of"),
        (("plan", "--context=nowhere"), "no context 'nowhere'"),
        (("plan", "--metrics-server=prometheus"), "--metrics-server is no http:// or https:// address"),
        (("plan", "--no-such-option"), "No such option"),
        (("advance",), "No such command"),
    ],
)
def test_what_cannot_be_meant_is_told_and_nothing_is_written(
    control_plane: ControlPlane, halfway: Steerer, args: tuple[str, ...], words: str
) -> None:
    mark = control_plane.mark()

    # Here the option is tested, not its variable.
    done = Steerer(kubeconfig=control_plane.kubeconfig)(*args, expect=2, STEERER_KUBECONFIG=str(halfway.kubeconfig))

    assert done.out == ""
    assert words in done.err
    written = [entry for entry in of_steerer(control_plane.requests_since(mark)) if entry.verb not in READ]
    assert written == []


# --- The environment ---


def test_an_option_can_be_given_by_its_variable(control_plane: ControlPlane, halfway: Steerer) -> None:
    bare = Steerer(kubeconfig="/nonexistent", metrics=halfway.metrics)
    given = {
        "STEERER_KUBECONFIG": str(control_plane.kubeconfig),
        "STEERER_NAMESPACE": halfway.namespace,
        "STEERER_CONTROL_LOOP_INTERVAL": "0s",
        "STEERER_OUTPUT": "json",
        "STEERER_DRY_RUN": "server",
        "STEERER_DETAILED_EXITCODE": "true",
        "STEERER_LOG_FORMAT": "json",
        "STEERER_LOG_LEVEL": "info",
        "STEERER_PASS_TIMEOUT": "30s",
    }

    done = bare("run", "podinfo", expect=2, **given)

    assert (done.record["move"], done.record["result"]) == ("advance", "planned")
    [line] = [json.loads(line) for line in done.err.splitlines()]
    assert (line["message"], line["dryRun"]) == (done.record["events"][0]["message"], True)
    assert (line["namespace"], line["rollout"]) == (halfway.namespace, "podinfo")

    # An option wins over its variable.
    waiting = bare("run", "podinfo", "--control-loop-interval=1h", expect=3, **given)
    assert waiting.record["move"] == "wait"
    wrong = bare("run", expect=2, **given | {"STEERER_CONTROL_LOOP_INTERVAL": "often"})
    assert "STEERER_CONTROL_LOOP_INTERVAL" in wrong.err


def test_variables_reach_all_namespaces_and_labels(control_plane: ControlPlane, halfway: Steerer) -> None:
    name, label = "labelled", uuid4().hex[:8]
    *deployments, rollout = at_rest(halfway.namespace, name)
    rollout["metadata"]["labels"] = {"batch": label}
    apply(control_plane, *deployments, rollout)
    anywhere = Steerer(kubeconfig=control_plane.kubeconfig, metrics=halfway.metrics)

    records = anywhere("plan", "-o", "json", STEERER_ALL_NAMESPACES="1", STEERER_SELECTOR=f"batch={label}").records

    assert [record["rollout"] for record in records] == [{"namespace": halfway.namespace, "name": name}]
