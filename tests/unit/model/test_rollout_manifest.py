"""The Rollout: what each field may be, and which path is named where it is something else."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.model import rollout_manifest, rollout_policy
from reconcile.model.checks import Check, Comparison, OnNoData
from reconcile.model.kinds import DEPLOYMENT, ROLLOUT, SERVICE, VIRTUAL_SERVICE, Manifest, Ref
from reconcile.model.measurement import Range
from reconcile.model.policy import Steps
from reconcile.model.rollout import Phase, Spec, State
from reconcile.model.rollout_manifest import parse
from tests.hostile.tally import End, ended
from tests.support.world import DURATION, SUCCESS, rollout

NO_POINTER = "is no JSON pointer to a member of the template, such as /metadata/labels/track"
ABSENT = object()


def changed(path: str, value: Any) -> Manifest:
    """Builds the seed's Rollout with one field changed; ABSENT takes it out."""
    manifest = deepcopy(rollout())
    *parents, last = path.split("/")
    place: Any = manifest
    for key in parents:
        place = place.setdefault(key, {}) if isinstance(place, dict) else place[int(key)]
    if value is ABSENT:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return manifest


def test_the_seed_is_read_as_it_is_printed() -> None:
    found = parse(rollout())
    assert found.problems == ()
    assert found.spec == Spec(
        routes=(Ref(VIRTUAL_SERVICE, "test", "podinfo"),),
        primary="podinfo",
        primary_host="podinfo",
        canary="podinfo-canary",
        canary_host="podinfo-canary",
        steps=Steps(size=10, maximum=100),
        checks=(
            Check(name=SUCCESS, threshold=99.0, interval="1m"),
            Check(name=DURATION, threshold=500.0, interval="1m"),
        ),
    )
    assert found.state == State()
    assert (found.full_name, found.api_version, found.status) == ("podinfo.test", "apps.weave.works/v1beta1", None)
    assert (found.primary, found.canary) == (
        Ref(DEPLOYMENT, "test", "podinfo"),
        Ref(DEPLOYMENT, "test", "podinfo-canary"),
    )
    assert (found.primary_service, found.canary_service) == (
        Ref(SERVICE, "test", "podinfo"),
        Ref(SERVICE, "test", "podinfo-canary"),
    )
    assert found.routes == (Ref(VIRTUAL_SERVICE, "test", "podinfo"),)


def test_what_is_absent_has_its_default() -> None:
    manifest = rollout(maxWeight=None, metrics=[{"name": SUCCESS, "threshold": 0.5}])
    del manifest["spec"]["targetKind"], manifest["apiVersion"], manifest["metadata"]["namespace"]
    found = parse(manifest)
    assert found.spec is not None
    assert (found.spec.steps.maximum, found.spec.checks[0].interval) == (100, "1m")
    assert (found.ref.namespace, found.api_version) == ("default", "apps.weave.works/v1beta1")
    without = parse(rollout(metrics=None))
    assert without.spec is not None
    assert without.spec.checks == ()


def test_what_a_server_keeps_is_read() -> None:
    manifest = rollout()
    manifest["metadata"] |= {
        "uid": "u-1",
        "generation": 3,
        "resourceVersion": "77",
        "creationTimestamp": "2026-01-31T12:00:00Z",
        "deletionTimestamp": "2026-01-31T13:00:00Z",
        "labels": {"team": "a", "number": 1},
    }
    found = parse(manifest)
    assert (found.uid, found.generation, found.resource_version, found.deleted) == ("u-1", 3, "77", True)
    assert found.created == datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert found.labels == {"team": "a", "number": "1"}


NAME = "is no name of an object (lower case letters, digits, '-' and '.')"
NO_INTERVALS: tuple[Any, ...] = (60, 1.5, "", "1M", "1.5m", "-1m", "0s", "1m ", [], True)
LIMITS = ", ".join(rollout_policy.LIMITS)
DURATION_WORDS = "must be a duration above zero like 30s, 5m or 1h"
SPEC_PROBLEMS: list[tuple[str, Any, str]] = [
    ("spec", ABSENT, "spec: is required"),
    ("spec", None, "spec: is required"),
    ("spec", [], "spec: must be a mapping, not a list"),
    ("spec/targetKind", "DaemonSet", 'spec.targetKind: must be "Deployment", not "DaemonSet"'),
    ("spec/targetKind", 1, "spec.targetKind: must be a string, not 1"),
    ("spec/targetKind", "", "spec.targetKind: must not be empty"),
    ("spec/virtualService", ABSENT, "spec.virtualService: is required"),
    ("spec/virtualService", "podinfo", 'spec.virtualService: must be a mapping, not "podinfo"'),
    ("spec/virtualService/name", None, "spec.virtualService.name: is required"),
    ("spec/virtualService/name", "A b", f'spec.virtualService.name: "A b" {NAME}'),
    ("spec/primary", ABSENT, "spec.primary: is required"),
    ("spec/primary/name", 1, "spec.primary.name: must be a string, not 1"),
    ("spec/primary/name", "podinfo-canary", "spec.canary.name: must differ from spec.primary.name"),
    ("spec/primary/host", ABSENT, "spec.primary.host: is required"),
    ("spec/primary/host", "*.example", 'spec.primary.host: "*.example" is no host name'),
    ("spec/canary", None, "spec.canary: is required"),
    ("spec/canary/name", "", "spec.canary.name: must not be empty"),
    ("spec/canary/host", "podinfo", "spec.canary.host: must differ from spec.primary.host"),
    ("spec/canary/host", "podinfo.test.svc", "spec.canary.host: must differ from spec.primary.host"),
    ("spec/canary/host", "c.other", 'spec.canary.host: "c.other" is no Service of namespace test'),
    ("spec/canary/host", "c.other.svc", 'spec.canary.host: "c.other.svc" is no Service of namespace test'),
    ("spec/canaryAnalysis", ABSENT, "spec.canaryAnalysis: is required"),
    ("spec/canaryAnalysis/maxWeight", 0, "spec.canaryAnalysis.maxWeight: must be between 1 and 100, not 0"),
    ("spec/canaryAnalysis/maxWeight", 101, "spec.canaryAnalysis.maxWeight: must be between 1 and 100, not 101"),
    ("spec/canaryAnalysis/maxWeight", "50", 'spec.canaryAnalysis.maxWeight: must be an integer, not "50"'),
    ("spec/canaryAnalysis/maxWeight", 50.0, "spec.canaryAnalysis.maxWeight: must be an integer, not 50.0"),
    ("spec/canaryAnalysis/stepWeight", ABSENT, "spec.canaryAnalysis.stepWeight: is required"),
    ("spec/canaryAnalysis/stepWeight", None, "spec.canaryAnalysis.stepWeight: is required"),
    ("spec/canaryAnalysis/stepWeight", 0, "spec.canaryAnalysis.stepWeight: must be between 1 and 100, not 0"),
    ("spec/canaryAnalysis/stepWeight", -5, "spec.canaryAnalysis.stepWeight: must be between 1 and 100, not -5"),
    ("spec/canaryAnalysis/stepWeight", True, "spec.canaryAnalysis.stepWeight: must be an integer, not true"),
    ("spec/canaryAnalysis/promotion", [], "spec.canaryAnalysis.promotion: must be a mapping, not a list"),
    (
        "spec/canaryAnalysis/promotion",
        {"kept": []},
        "spec.canaryAnalysis.promotion.kept: is an unknown field; did you mean keep?",
    ),
    (
        "spec/canaryAnalysis/promotion",
        {"keep": "/metadata/labels/a"},
        'spec.canaryAnalysis.promotion.keep: must be a list of strings, not "/metadata/labels/a"',
    ),
    (
        "spec/canaryAnalysis/promotion",
        {"keep": [1]},
        "spec.canaryAnalysis.promotion.keep[0]: must be a string, not 1",
    ),
    (
        "spec/canaryAnalysis/promotion",
        {"keep": [f"/spec/{letter}" for letter in "abcdefghijklmnopqrstuvwxyzABCDEFG"]},
        "spec.canaryAnalysis.promotion.keep: has 33 items, at most 32 are allowed",
    ),
    (
        "spec/canaryAnalysis/promotion",
        {"keep": ["/spec/a/0"]},
        f'spec.canaryAnalysis.promotion.keep[0]: "/spec/a/0" {NO_POINTER}',
    ),
    (
        "spec/canaryAnalysis/promotion",
        {"keep": ["/spec/a", "/spec/a"]},
        'spec.canaryAnalysis.promotion.keep[1]: "/spec/a" is there twice',
    ),
    ("spec/canaryAnalysis/metrics", {}, "spec.canaryAnalysis.metrics: must be a list, not a mapping"),
    ("spec/canaryAnalysis/metrics", [1], "spec.canaryAnalysis.metrics[0]: must be a mapping, not 1"),
    (
        "spec/canaryAnalysis/metrics",
        [{"name": SUCCESS, "threshold": 1}] * 33,
        "spec.canaryAnalysis.metrics: has 33 items, at most 32 are allowed",
    ),
    ("spec/canaryAnalysis/metrics/1/name", ABSENT, "spec.canaryAnalysis.metrics[1].name: is required"),
    (
        "spec/canaryAnalysis/metrics/1/name",
        "x" * 254,
        "spec.canaryAnalysis.metrics[1].name: is longer than 253 characters: no metric has such a name",
    ),
    ("spec/canaryAnalysis/metrics/1/name", "", "spec.canaryAnalysis.metrics[1].name: must not be empty"),
    ("spec/canaryAnalysis/metrics/1/threshold", ABSENT, "spec.canaryAnalysis.metrics[1].threshold: is required"),
    (
        "spec/canaryAnalysis/metrics/0/threshold",
        "99",
        'spec.canaryAnalysis.metrics[0].threshold: must be a finite number, not "99"',
    ),
    (
        "spec/canaryAnalysis/metrics/0/threshold",
        float("nan"),
        "spec.canaryAnalysis.metrics[0].threshold: must be a finite number, not nan",
    ),
    *(
        (
            "spec/canaryAnalysis/metrics/0/interval",
            value,
            "spec.canaryAnalysis.metrics[0].interval: must be a duration above zero like 30s, 1m or 1h",
        )
        for value in NO_INTERVALS
    ),
    (
        "spec/threshold",
        5,
        f"spec.threshold: is an unknown field; known are {', '.join(rollout_manifest.SPEC)}",
    ),
    ("spec/canaryanalysis", {}, "spec.canaryanalysis: is an unknown field; did you mean canaryAnalysis?"),
    ("spec/virtualService/hosts", [], "spec.virtualService.hosts: is an unknown field; known are name"),
    ("spec/primary/hosts", "a", "spec.primary.hosts: is an unknown field; did you mean host?"),
    ("spec/canary/Name", None, "spec.canary.Name: is an unknown field; did you mean name?"),
    (
        "spec/canaryAnalysis/maxweight",
        50,
        "spec.canaryAnalysis.maxweight: is an unknown field; did you mean maxWeight?",
    ),
    ("spec/canaryAnalysis/metric", [], "spec.canaryAnalysis.metric: is an unknown field; did you mean metrics?"),
    (
        "spec/canaryAnalysis/threshold",
        5,
        f"spec.canaryAnalysis.threshold: is an unknown field; known are {', '.join(rollout_policy.ANALYSIS)}",
    ),
    (
        "spec/canaryAnalysis/metrics/1/intervall",
        "5m",
        "spec.canaryAnalysis.metrics[1].intervall: is an unknown field; did you mean interval?",
    ),
    ("spec/suspend", "yes", 'spec.suspend: must be true or false, not "yes"'),
    ("spec/canaryAnalysis/interval", "0s", f'spec.canaryAnalysis.interval: {DURATION_WORDS}, not "0s"'),
    ("spec/canaryAnalysis/deadline", 5, f"spec.canaryAnalysis.deadline: {DURATION_WORDS}, not 5"),
    ("spec/canaryAnalysis/steps", [], "spec.canaryAnalysis.steps: must have at least one step"),
    ("spec/canaryAnalysis/steps", [], "spec.canaryAnalysis.maxWeight: excludes steps: the last step is the maximum"),
    ("spec/canaryAnalysis/steps", [], "spec.canaryAnalysis.stepWeight: excludes steps: the last step is the maximum"),
    (
        "spec/canaryAnalysis/steps",
        [{"weight": 20}, {"weight": 20}],
        "spec.canaryAnalysis.steps: must have weights that rise, not 20, 20",
    ),
    (
        "spec/canaryAnalysis/onFailure",
        "Abort",
        'spec.canaryAnalysis.onFailure: must be one of Halt, Pause, Rollback, not "Abort"',
    ),
    (
        "spec/canaryAnalysis/onFailure",
        "Pause",
        f"spec.canaryAnalysis.onFailure: Pause needs a limit that can be passed: one of {LIMITS}",
    ),
    (
        "spec/canaryAnalysis/failureLimit",
        -1,
        "spec.canaryAnalysis.failureLimit: must be between 0 and 1000, not -1",
    ),
    ("metadata", [], "metadata: must be a mapping, not a list"),
    ("metadata/name", "a\nb", f'metadata.name: "a\nb" {NAME}'),
    (
        "metadata/namespace",
        "a.b",
        "metadata.namespace: \"a.b\" is no name of a namespace (lower case letters, digits and '-')",
    ),
]


@pytest.mark.hostile("A Rollout", "a field of spec absent, of a wrong type, or out of bounds")
@pytest.mark.parametrize(("path", "value", "problem"), SPEC_PROBLEMS)
def test_what_is_wrong_is_named_by_its_path(path: str, value: Any, problem: str) -> None:
    found = parse(changed(path, value))
    assert found.spec is None
    assert problem in found.problems
    ended(End.HALTED)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec/canaryAnalysis/maxWeight", 1),
        ("spec/canaryAnalysis/maxWeight", 100),
        ("spec/canaryAnalysis/stepWeight", 1),
        ("spec/canaryAnalysis/stepWeight", 100),
        ("spec/canaryAnalysis/metrics", []),
        ("spec/canaryAnalysis/metrics", None),
        ("spec/canaryAnalysis/metrics/0/threshold", 99.95),
        ("spec/canaryAnalysis/metrics/0/threshold", 0),
        ("spec/canaryAnalysis/metrics/0/interval", "30s"),
        ("spec/canaryAnalysis/metrics/0/interval", "90s"),
        ("spec/canaryAnalysis/metrics/0/interval", "1h"),
        ("spec/canaryAnalysis/metrics/0/interval", None),
        ("spec/canary/host", "podinfo-canary.test"),
        ("spec/canary/host", "podinfo-canary.test.svc"),
        ("spec/canary/host", "podinfo-canary.test.svc.cluster.local"),
        ("metadata/unknown", {"kept": "for later"}),
    ],
)
def test_what_is_right_is_no_problem(path: str, value: Any) -> None:
    assert parse(changed(path, value)).problems == ()


def test_hosts_are_known_by_the_short_name_of_their_service() -> None:
    found = parse(changed("spec/canary/host", "podinfo-canary.test.svc.cluster.local"))
    assert found.canary_service.name == "podinfo-canary"


def test_every_problem_is_told_at_once() -> None:
    manifest = changed("spec/canaryAnalysis/maxWeight", 0)
    manifest["spec"]["primary"]["name"] = None
    manifest["status"] = {"canaryWeight": -1}
    assert [problem.partition(":")[0] for problem in parse(manifest).problems] == [
        "spec.primary.name",
        "spec.canaryAnalysis.maxWeight",
        "status.canaryWeight",
    ]


def test_an_invalid_rollout_names_no_objects() -> None:
    found = parse(changed("spec", None))
    with pytest.raises(ValueError, match=r"Rollout podinfo\.test is invalid: spec: is required"):
        _ = found.primary


def test_the_stored_state_is_read() -> None:
    found = parse(
        changed(
            "status",
            {
                "phase": "Progressing",
                "canaryRevision": "v1-a",
                "canaryGeneration": 4,
                "canaryUID": "u-2",
                "promotedRevision": "v1-b",
                "canaryWeight": 30,
                "canaryReplicas": 2,
                "lastAdvanceTime": "2026-01-31T12:00:00Z",
                "lastTransitionTime": "2026-01-31T11:00:00Z",
                "later": "unknown",
            },
        )
    )
    assert found.problems == ()
    assert found.state == State(
        phase=Phase.PROGRESSING,
        canary_revision="v1-a",
        canary_generation=4,
        canary_uid="u-2",
        promoted_revision="v1-b",
        canary_weight=30,
        canary_replicas=2,
        last_advance=datetime(2026, 1, 31, 12, 0, tzinfo=UTC),
        last_transition=datetime(2026, 1, 31, 11, 0, tzinfo=UTC),
    )
    assert found.status is not None
    assert found.status["later"] == "unknown"


@pytest.mark.parametrize("status", [ABSENT, None, {}, {"observedGeneration": -1}, {"phase": ""}, {"phase": None}])
def test_a_rollout_that_no_pass_has_seen_has_the_empty_state(status: Any) -> None:
    found = parse(rollout() if status is ABSENT else changed("status", status))
    assert (found.problems, found.state) == ((), State())


@pytest.mark.hostile("A Rollout", "a field of status of a wrong type or out of bounds")
@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("phase", "Later", '"Later" is no phase that this version knows; remove the status to start anew'),
        ("phase", 7, "must be a string, not 7"),
        ("canaryRevision", 7, "must be a string, not 7"),
        ("canaryWeight", 101, "must be between 0 and 100, not 101"),
        ("canaryWeight", "30", 'must be an integer, not "30"'),
        ("canaryReplicas", -1, "must be between 0 and 2147483647, not -1"),
        ("canaryReplicas", 2**31, "must be between 0 and 2147483647, not 2147483648"),
        ("lastAdvanceTime", "soon", 'must be a time like 2026-01-31T12:00:00Z, not "soon"'),
        ("lastTransitionTime", 12, "must be a time like 2026-01-31T12:00:00Z, not 12"),
    ],
)
def test_a_stored_state_that_cannot_be_used_is_a_problem_too(key: str, value: Any, problem: str) -> None:
    found = parse(changed(f"status/{key}", value))
    assert found.problems == (f"status.{key}: {problem}",)
    assert found.spec is None
    ended(End.HALTED)


@pytest.mark.hostile("A Rollout", "a field of status of a wrong type or out of bounds")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("canaryGeneration", "4"),
        ("canaryGeneration", True),
        ("canaryUID", 5),
        ("promotedRevision", []),
        ("canaryReplicas", 0),
    ],
)
def test_what_only_helps_is_left_out_where_it_is_wrong(key: str, value: Any) -> None:
    found = parse(changed(f"status/{key}", value))
    assert (found.problems, found.state) == ((), State())
    ended(End.SAFE)


@pytest.mark.parametrize("labels", [None, [], "a"])
def test_labels_that_are_none(labels: Any) -> None:
    assert parse(changed("metadata/labels", labels)).labels == {}


@pytest.mark.parametrize("measurements", [None, {}, [None, 5], [{}], [{"time": 5}], [{"time": "soon", "verdict": []}]])
def test_measurements_that_are_none_were_never_made(measurements: Any) -> None:
    manifest = rollout() | {"status": {"measurements": measurements}}
    assert parse(manifest).last_measured is None


def test_a_manifest_without_anything_is_a_rollout_without_a_name() -> None:
    found = parse({})
    assert found.ref == Ref(ROLLOUT, "default", "")
    assert found.spec is None


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"threshold": 99, "thresholdRange": {"min": 1}}, "thresholdRange: excludes threshold: write one of the two"),
        ({"thresholdRange": {}}, "thresholdRange.min: is required, or max, or both"),
        ({"thresholdRange": {"min": 3, "max": 2}}, "thresholdRange.min: 3 is above max, 2: nothing is between them"),
        ({"thresholdRange": {"least": 3, "max": 2}}, "thresholdRange.least: is an unknown field; known are min, max"),
        (
            {"query": "up", "threshold": 9},
            "threshold: is for a metric template, which says its better side; write thre",
        ),
        ({"query": "a" * 16385, "thresholdRange": {"min": 1}}, "query: is longer than 16384 characters"),
        ({"query": "", "thresholdRange": {"min": 1}}, "query: must not be empty"),
        ({"threshold": 99, "title": "t"}, "title: belongs to a query, and there is none"),
        ({"query": "up", "thresholdRange": {"min": 1}, "unit": " s"}, "unit: must be one line of at most 128 char"),
        ({"query": "up", "thresholdRange": {"min": 1}, "title": "a\nb"}, "title: must be one line of at most 128 ch"),
        ({"comparison": {}}, "comparison.maxRatio: is required"),
        ({"comparison": {"maxRatio": 0.5}}, "comparison.maxRatio: must be between 1 and 1000, not 0.5"),
        ({"comparison": {"maxRatio": 2, "ignoreBelow": -1}}, "comparison.ignoreBelow: must not be below 0, but is -1"),
        (
            {"comparison": {"maxRatio": 2, "falseAlarmRate": 5}},
            "comparison.falseAlarmRate: must be between 0.0005 and 0.5, not 5",
        ),
        ({"comparison": {"ratio": 2, "maxRatio": 2}}, "comparison.ratio: is an unknown field"),
        ({"threshold": 99, "minRequests": 0}, "minRequests: must be between 1 and 1000000000, not 0"),
        ({"threshold": 99, "onNoData": "Skip"}, 'onNoData: must be one of Halt, Fail, Pass, not "Skip"'),
        ({"threshold": 99, "observe": "yes"}, 'observe: must be true or false, not "yes"'),
        ({"threshold": 99, "fromWeight": 0}, "fromWeight: must be between 1 and 100, not 0"),
        ({"threshold": 99, "args": {"a": 5}}, "args.a: must be a string, not 5"),
        ({"threshold": 99, "args": {"a": ""}}, "args.a: must not be empty"),
        ({"threshold": 99, "args": {"a-b": "c"}}, "args: \"a-b\" is no name of a variable (letters, digits and '_')"),
        ({"threshold": 99, "args": {True: "c"}}, "args: true is no name of a variable (letters, digits and '_')"),
        ({"threshold": 99, "args": {"a": "b" * 1025}}, "args.a: is longer than 1024 characters"),
        (
            {"threshold": 99, "args": {f"a{n}": "b" for n in range(17)}},
            "args: has 17 members, at most 16 are allowed",
        ),
    ],
)
def test_a_field_of_a_metric_that_is_wrong_is_told_by_its_path(fields: dict[str, Any], problem: str) -> None:
    found = parse(rollout(metrics=[{"name": SUCCESS, **fields}]))
    assert found.problems[0].startswith(f"spec.canaryAnalysis.metrics[0].{problem}")


def test_few_metrics_share_what_the_status_has_room_for() -> None:
    compared = {"name": SUCCESS, "comparison": {"maxRatio": 1.5, "falseAlarmRate": 0.05}}
    assert not parse(rollout(metrics=[compared] * 4)).problems
    words = "spec.canaryAnalysis.metrics: has more than 4 with a falseAlarmRate: what is counted is stored"
    assert parse(rollout(metrics=[compared] * 5)).problems == (words,)


def test_a_comparison_is_read() -> None:
    fields = {"comparison": {"maxRatio": 1.5, "ignoreBelow": 0.5, "falseAlarmRate": 0.05}, "minRequests": 500}
    found = parse(rollout(metrics=[{"name": SUCCESS, **fields}]))
    assert found.spec is not None
    comparison = Comparison(max_ratio=1.5, ignore_below=0.5, false_alarm_rate=0.05)
    assert found.spec.checks == (Check(name=SUCCESS, interval="1m", comparison=comparison, min_requests=500),)


def test_the_fields_of_a_metric_are_read() -> None:
    more = {"onNoData": "Pass", "observe": True, "fromWeight": 50, "args": {"b": "2", "a": "1"}, "interval": "2m"}
    found = parse(rollout(metrics=[{"name": SUCCESS, "thresholdRange": {"min": 1}, **more}], warmUp="90s"))
    assert found.spec is not None
    assert found.spec.warm_up == 90
    assert found.spec.checks == (
        Check(
            name=SUCCESS,
            interval="2m",
            range=Range(least=1.0),
            on_no_data=OnNoData.PASS,
            observe=True,
            from_weight=50,
            args=(("a", "1"), ("b", "2")),
        ),
    )


ROUTES: list[tuple[Any, tuple[str, ...]]] = [
    ([], ("spec.routes: must not be empty",)),
    ("odd", ('spec.routes: must be a list, not "odd"',)),
    (["odd"], ('spec.routes[0]: must be a mapping, not "odd"',)),
    (
        [{"kind": "Ingress", "name": "x"}],
        ('spec.routes[0].kind: must be VirtualService, HTTPRoute, GRPCRoute, not "Ingress"',),
    ),
    ([{"kind": "HTTPRoute"}], ("spec.routes[0].name: is required",)),
    ([{"name": "x"}], ("spec.routes[0].kind: is required",)),
    ([{"kind": "HTTPRoute", "name": "x"}] * 2, ("spec.routes: names HTTPRoute x.test twice",)),
    (
        [{"kind": "HTTPRoute", "name": "x", "weight": 1}],
        ("spec.routes[0].weight: is an unknown field; known are kind, name",),
    ),
    (
        [{"kind": "HTTPRoute", "name": f"x{index}"} for index in range(9)],
        ("spec.routes: has 9 items, at most 8 are allowed",),
    ),
]


@pytest.mark.parametrize(("routes", "problems"), ROUTES)
def test_routes_that_cannot_be_used_are_told(routes: Any, problems: tuple[str, ...]) -> None:
    manifest = rollout()
    del manifest["spec"]["virtualService"]
    manifest["spec"]["routes"] = routes
    assert parse(manifest).problems == problems


def test_routes_are_of_the_namespace_and_exclude_a_virtual_service() -> None:
    manifest = rollout()
    manifest["spec"]["routes"] = [{"kind": "HTTPRoute", "name": "a"}, {"kind": "GRPCRoute", "name": "a"}]
    assert parse(manifest).problems == (
        "spec.routes: excludes spec.virtualService: name the VirtualService among the routes",
    )
    del manifest["spec"]["virtualService"]
    assert [str(ref) for ref in parse(manifest).routes] == ["HTTPRoute a.test", "GRPCRoute a.test"]
