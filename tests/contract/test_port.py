"""What `ports.Cluster` promises, the same cases for every cluster that keeps the promise, the fake included."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.events import MESSAGE_BYTES, cut
from reconcile.model.errors import ClusterError, LostRaceError, MissingError, RefusedError
from reconcile.model.kinds import (
    DEPLOYMENT,
    EVENT,
    KINDS,
    ROLLOUT,
    SERVICE,
    VIRTUAL_SERVICE,
    Ref,
    Scope,
    Version,
    version_of,
)
from reconcile.model.plan import Event, Patch
from reconcile.model.text import printable
from tests.contract import comparison as alike
from tests.support.world import autoscaler, deployment, destination, rollout, service, virtual_service

if TYPE_CHECKING:
    from reconcile.model.kinds import Kind, Manifest
    from reconcile.model.plan import Operation
    from tests.contract.sandboxes import Stage

AT = datetime(2026, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC)

# Texts that are spelt in more than one way, in JSON or in YAML, and what they would be mistaken for.
TEXTS = [
    "a && b > c < d",
    "café ☂ 日本 \U0001f600",
    "line\nline\ttab\r\n",
    "\x7f\x80\x9f\u2028\u2029\ufeff",
    "\x01\x0b\x1b[31m",
    "\"double\" 'single' \\back\\slash /",
    "{[- *a &b !c %d @e `f: #g",
    "yes",
    "1e3",
    " padded ",
    "~",
    "",
]
NAMES = [f"text {index}" for index in range(len(TEXTS))]


# --- Builders ---


def named(manifest: Manifest, name: str, namespace: str | None = None) -> Manifest:
    """Give an object another name, and a namespace only where one is said."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return manifest | {"metadata": metadata}


def parked(name: str, namespace: str | None = None) -> Manifest:
    """Give a Deployment that no controller has anything to do with."""
    return named(deployment(name, "1", 0), name, namespace)


def patch(ref: Ref, *operations: Operation, subresource: str = "", version: str = "") -> Patch:
    api_version = ref.kind.api_version(version or ref.kind.versions[0])
    return Patch(target=ref, api_version=api_version, operations=operations, subresource=subresource)


def test(path: str, value: Any) -> Operation:
    return {"op": "test", "path": path, "value": value}


def add(path: str, value: Any) -> Operation:
    return {"op": "add", "path": path, "value": value}


# They are operations of a patch, and no cases.
test.__test__ = False  # type: ignore[attr-defined]


def one(stage: Stage, ref: Ref) -> Manifest:
    """Give an object as the port sees it."""
    found = stage.cluster.fetch([ref])[ref]
    assert isinstance(found, dict)
    return found


def unchanged(stage: Stage, ref: Ref, before: Manifest) -> None:
    """Say that an object is stored as it was, to the letter."""
    assert stage.one(ref) == before


# --- list ---


def listed(stage: Stage, kind: Kind, namespace: str | None, **fields: str) -> list[tuple[str, str]]:
    """List a kind, and give namespace and name of those that are a test's own."""
    scope = Scope(namespace=namespace, fields={key.replace("_", "."): value for key, value in fields.items()})
    pairs = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in stage.cluster.list(kind, scope)]
    return [pair for pair in pairs if pair[0].startswith(stage.namespace)]


def test_a_list_is_in_the_order_of_namespace_and_name(stage: Stage) -> None:
    here, other = stage.namespace, f"{stage.namespace}-0"  # "-" comes before the "/" that ends a namespace in a key
    for name in ("b", "a-1", "a.b", "a", "a1"):
        stage.create(parked(name))
    stage.create(parked("a", other), parked("0", other))

    names = ["a", "a-1", "a.b", "a1", "b"]
    assert listed(stage, DEPLOYMENT, here) == [(here, name) for name in names]
    assert listed(stage, DEPLOYMENT, None) == [*((here, name) for name in names), (other, "0"), (other, "a")]
    assert listed(stage, DEPLOYMENT, other) == [(other, "0"), (other, "a")]


def test_a_list_has_objects_of_its_kind_only_each_with_its_kind(stage: Stage) -> None:
    stage.create(parked("a"), named(service("a"), "a"), named(virtual_service(), "a"), named(rollout(), "a"))
    stage.create(named(autoscaler("a", 0, 0), "a"))

    stage.cluster.record(event(stage, "a"), AT)

    for kind in KINDS.values():
        # Kubernetes has Events of its own to tell.
        fields = {"involvedObject.kind": "Rollout"} if kind == EVENT else {"metadata.name": "a"}
        [found] = stage.cluster.list(kind, Scope(namespace=stage.namespace, fields=fields))
        assert kind.matches(found)
        assert stage.cluster.list(kind, Scope(namespace=f"{stage.namespace}-none")) == []


def test_field_selectors_must_all_match(stage: Stage) -> None:
    stage.create(named(rollout(), "a"), named(rollout(), "b"))
    for rollout_name, message in (("a", "one"), ("a", "two"), ("b", "one"), ("b", "a,b=c\\d")):
        stage.cluster.record(event(stage, message, name=rollout_name), AT)
    here = stage.namespace

    assert listed(stage, ROLLOUT, here, metadata_name="b") == [(here, "b")]
    assert listed(stage, ROLLOUT, None, metadata_name="b", metadata_namespace=here) == [(here, "b")]
    assert listed(stage, ROLLOUT, here, metadata_name="c") == []
    scope = Scope(namespace=here, fields={"involvedObject.kind": "Rollout", "involvedObject.name": "a"})
    assert {item["message"] for item in stage.cluster.list(EVENT, scope)} == {"one", "two"}
    scope = Scope(fields={"involvedObject.namespace": here, "involvedObject.name": "b", "reason": "Synced"})
    assert {item["message"] for item in stage.cluster.list(EVENT, scope)} == {"one", "a,b=c\\d"}
    assert not stage.cluster.list(EVENT, Scope(namespace=here, fields={"involvedObject.name": "a,b=c\\d"}))
    assert not stage.cluster.list(EVENT, Scope(namespace=here, fields={"involvedObject.name": "a", "type": "Warning"}))


def test_what_was_read_is_the_readers_own(stage: Stage) -> None:
    stage.create(named(virtual_service(), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    for _ in range(2):
        [found] = stage.cluster.list(VIRTUAL_SERVICE, Scope(namespace=stage.namespace))
        for item in (found, one(stage, ref)):
            assert item["spec"]["hosts"] == ["podinfo"]
            item["spec"]["hosts"].append("other")


# --- fetch ---


def test_what_exists_is_fetched_and_what_is_absent_is_absent(stage: Stage) -> None:
    stage.create(parked("a"), parked("b"), named(service("a"), "a"), named(virtual_service(), "a"))
    stage.create(parked("a", f"{stage.namespace}-0"))
    there = [
        stage.ref(DEPLOYMENT, "a"),
        stage.ref(DEPLOYMENT, "b"),
        stage.ref(SERVICE, "a"),
        stage.ref(VIRTUAL_SERVICE, "a"),
        Ref(DEPLOYMENT, f"{stage.namespace}-0", "a"),
    ]
    absent = [
        stage.ref(DEPLOYMENT, "c"),
        stage.ref(SERVICE, "b"),
        stage.ref(ROLLOUT, "a"),
        Ref(DEPLOYMENT, f"{stage.namespace}-none", "a"),
        stage.ref(DEPLOYMENT, ""),
        stage.ref(DEPLOYMENT, ".."),
        stage.ref(DEPLOYMENT, "a/scale"),
        Ref(DEPLOYMENT, "", "a"),
    ]

    found = stage.cluster.fetch([*absent, *there])

    assert set(found) == set(there)
    for ref, item in found.items():
        assert isinstance(item, dict)
        assert ref.kind.matches(item)
        assert (item["metadata"]["namespace"], item["metadata"]["name"]) == (ref.namespace, ref.name)
    assert stage.cluster.fetch([]) == {}


def test_many_are_fetched_as_one_is(stage: Stage) -> None:
    refs = [stage.ref(SERVICE, f"a{index}") for index in range(12)]
    stage.create(*(named(service("a"), ref.name) for ref in refs[::2]))

    assert set(stage.cluster.fetch(refs)) == set(refs[::2])


# --- unchanged ---


def test_what_is_unchanged_is_what_nobody_wrote_the_spec_of(stage: Stage) -> None:
    refs = [stage.ref(DEPLOYMENT, name) for name in ("same", "scaled", "labelled", "other")]
    stage.create(*(parked(ref.name) for ref in refs))
    versions = {ref: version_of(stage.one(ref)) for ref in refs}
    known = {ref: version for ref, version in versions.items() if version is not None}
    same, scaled, labelled, other = refs
    if known:
        known[other] = Version("another", known[other].generation)
    stage.cluster.patch(patch(scaled, add("/spec/replicas", 1)))
    stage.cluster.patch(patch(labelled, add("/metadata/labels", {"a": "b"})))

    # In a folder nobody counts, and nothing is said to be unchanged.
    assert set(stage.cluster.unchanged(known)) == ({same, labelled} if known else set())


# --- patch ---


def test_a_patch_whose_tests_hold_is_written(stage: Stage) -> None:
    stage.create(named(virtual_service(), "a"))
    ref, route = stage.ref(VIRTUAL_SERVICE, "a"), "/spec/http/0/route"

    stage.cluster.patch(
        patch(
            ref,
            test(f"{route}/0", destination("podinfo", 100)),
            test(f"{route}/1/destination/host", "podinfo-canary"),
            test(f"{route}/1/weight", 0),
            add(f"{route}/0/weight", 90),
            add(f"{route}/1/weight", 10),
        )
    )

    wanted = alike.comparable(virtual_service(10))
    assert alike.comparable(stage.one(ref)) == wanted
    assert alike.comparable(one(stage, ref)) == wanted


@pytest.mark.parametrize(
    "failing",
    [
        test("/spec/http/0/route/1/weight", 1),
        test("/spec/http/0/route/1/weight", "0"),
        test("/spec/http/0/route/1/weight", value=False),
        test("/spec/http/0/route/1/destination/host", "podinfo"),
        test("/spec/http/0/route/1", destination("podinfo-canary")),
        test("/spec/http/0/route/2/weight", 0),
        test("/spec/http/1", {}),
        test("/spec/none/at/all", 1),
        test("/spec/hosts", ["podinfo", "more"]),
        test("/spec", {}),
    ],
    ids=str,
)
def test_a_failed_test_is_a_lost_race_and_changes_nothing(stage: Stage, failing: Operation) -> None:
    stage.create(named(virtual_service(), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    before = stage.one(ref)
    holds, change = test("/spec/http/0/route/0/weight", 100), add("/spec/http/0/route/0/weight", 90)

    for operations in ((failing, change), (holds, failing, change), (holds, change, failing)):
        with pytest.raises(LostRaceError):
            stage.cluster.patch(patch(ref, *operations))
        unchanged(stage, ref, before)


@pytest.mark.parametrize("subresource", ["", "status"])
@pytest.mark.parametrize("kind", [DEPLOYMENT, VIRTUAL_SERVICE, ROLLOUT], ids=lambda kind: kind.name)
def test_what_is_not_there_cannot_be_patched(stage: Stage, kind: Kind, subresource: str) -> None:
    path = "/status" if subresource else "/spec"
    for name in ("none", "a/b", ".."):
        with pytest.raises(MissingError):
            stage.cluster.patch(patch(stage.ref(kind, name), add(path, {}), subresource=subresource))
    nowhere = Ref(kind, f"{stage.namespace}-none", "a")
    with pytest.raises(MissingError):
        stage.cluster.patch(patch(nowhere, add(path, {}), subresource=subresource))
    assert stage.stored(kind) == []


UNFIT = [
    pytest.param(add("/spec/none/at/all", 1), id="no parent"),
    pytest.param(add("/spec/hosts/7", "x"), id="beyond a list"),
    pytest.param(add("/spec/hosts/x", "x"), id="no index"),
    pytest.param(add("/spec/hosts/0/x", "x"), id="below a text"),
    pytest.param({"op": "remove", "path": "/spec/none"}, id="nothing to remove"),
    pytest.param({"op": "nonsense", "path": "/spec/hosts"}, id="no operation"),
    pytest.param({"op": "add", "value": 1}, id="no path"),
    pytest.param({"path": "/spec/hosts", "value": []}, id="no op"),
]


@pytest.mark.parametrize("unfit", UNFIT)
def test_a_patch_that_does_not_fit_is_refused_and_changes_nothing(stage: Stage, unfit: Operation) -> None:
    stage.create(named(virtual_service(), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    before = stage.one(ref)

    with pytest.raises(RefusedError):
        stage.cluster.patch(patch(ref, add("/spec/hosts", ["y"]), unfit))

    unchanged(stage, ref, before)


@pytest.mark.parametrize("unfit", UNFIT)
def test_behind_tests_it_may_be_taken_for_a_lost_race(stage: Stage, unfit: Operation) -> None:
    # The API server answers both alike; whoever writes only below what was tested never comes to this.
    stage.create(named(virtual_service(), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    before = stage.one(ref)

    with pytest.raises((RefusedError, LostRaceError)):
        stage.cluster.patch(patch(ref, test("/spec/hosts", ["podinfo"]), add("/spec/hosts", ["y"]), unfit))

    unchanged(stage, ref, before)


def test_an_object_stays_itself(stage: Stage) -> None:
    stage.create(named(virtual_service(), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    before = stage.one(ref)

    for path, value in (("/metadata/name", "b"), ("/metadata/namespace", "other"), ("/kind", "Gateway")):
        with pytest.raises(ClusterError):
            stage.cluster.patch(patch(ref, add(path, value)))
    unchanged(stage, ref, before)


def test_add_makes_what_is_absent_and_replaces_what_is_there(stage: Stage) -> None:
    route = [destination("podinfo"), destination("podinfo-canary", 10)]
    stage.create(named(virtual_service(), "a") | {"spec": {"hosts": ["podinfo"], "http": [{"route": route}]}})
    stage.create(parked("a"), named(rollout(), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")

    path = "/spec/http/0/route"
    tests = [test(f"{path}/0", route[0]), test(f"{path}/1/weight", 10)]
    stage.cluster.patch(patch(ref, *tests, add(f"{path}/0/weight", 80), add(f"{path}/1/weight", 20)))
    stage.cluster.patch(patch(stage.ref(DEPLOYMENT, "a"), add("/spec/template/metadata/annotations", {"a": "b"})))
    stage.cluster.patch(patch(stage.ref(ROLLOUT, "a"), add("/status", {"phase": "Succeeded"}), subresource="status"))

    assert alike.comparable(stage.one(ref)) == alike.comparable(virtual_service(20))
    pods = stage.one(stage.ref(DEPLOYMENT, "a"))["spec"]["template"]["metadata"]
    assert (pods["labels"], pods["annotations"]) == ({"app": "a"}, {"a": "b"})
    assert stage.one(stage.ref(ROLLOUT, "a"))["status"] == {"phase": "Succeeded"}


def test_a_list_is_written_item_by_item(stage: Stage) -> None:
    stage.create(named(virtual_service(), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    operations = [
        add("/spec/hosts/0", "first"),
        add("/spec/hosts/-", "last"),
        {"op": "replace", "path": "/spec/hosts/1", "value": "middle"},
        add("/spec/http/0/timeout", "5s"),
        {"op": "remove", "path": "/spec/http/0/route/0"},
    ]

    stage.cluster.patch(patch(ref, *operations))

    spec = {"hosts": ["first", "middle", "last"], "http": [{"route": [destination("podinfo-canary", 0)]}]}
    spec["http"][0]["timeout"] = "5s"  # type: ignore[index]
    assert alike.comparable(stage.one(ref))["spec"] == spec


def test_a_patch_that_changes_nothing_is_no_write(stage: Stage) -> None:
    stage.create(named(virtual_service(10), "a"))
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    before = stage.one(ref)

    for operations in ((), (test("/spec/hosts", ["podinfo"]),), (add("/spec/http/0/route/1/weight", 10),)):
        stage.cluster.patch(patch(ref, *operations))

    unchanged(stage, ref, before)


@pytest.mark.parametrize("version", VIRTUAL_SERVICE.versions)
def test_any_served_version_will_do(stage: Stage, version: str) -> None:
    written = named(virtual_service(), "a") | {"apiVersion": f"networking.istio.io/{version}"}
    stage.create(written)
    ref = stage.ref(VIRTUAL_SERVICE, "a")
    found = one(stage, ref)

    stage.cluster.patch(patch(ref, add("/spec/hosts", ["y"]), version=found["apiVersion"].rpartition("/")[2]))

    assert one(stage, ref)["spec"]["hosts"] == ["y"]


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
def test_any_text_is_written_read_and_tested(stage: Stage, text: str) -> None:
    labels, annotations = {"app": "a"}, {"text": text, "other": "x"}
    stage.create(parked("a"))
    ref = stage.ref(DEPLOYMENT, "a")
    stage.change(ref, {"spec": {"template": {"metadata": {"annotations": annotations}}}})
    template = one(stage, ref)["spec"]["template"]
    assert template["metadata"]["annotations"] == annotations

    swapped = {"labels": labels, "annotations": {"text": "x", "other": text}}
    change = add("/spec/template/metadata", swapped)
    stage.cluster.patch(patch(ref, test("/spec/template", template), change))
    assert stage.one(ref)["spec"]["template"]["metadata"]["annotations"] == swapped["annotations"]
    with pytest.raises(LostRaceError):
        stage.cluster.patch(patch(ref, test("/spec/template", template), change))


# --- The status ---


def test_a_status_is_written_without_the_rest(stage: Stage) -> None:
    stage.create(named(rollout(), "a"))
    ref = stage.ref(ROLLOUT, "a")
    before = alike.comparable(stage.one(ref))
    conditions = [
        {"type": kind, "status": "True", "reason": "X", "message": "a: b", "lastTransitionTime": "2026-01-31T12:00:00Z"}
        for kind in ("Ready", "Reconciling")
    ]
    first = {"phase": "Progressing", "canaryWeight": 10, "conditions": conditions}
    then = {"phase": "Succeeded", "canaryReplicas": 0, "conditions": conditions[:1], "promotedRevision": "v1-0"}

    for status in (first, then):
        stage.cluster.patch(patch(ref, add("/status", status), subresource="status"))
        assert stage.one(ref)["status"] == status
        assert one(stage, ref)["status"] == status
        assert alike.comparable(stage.one(ref)) | {"status": {}} == before
    stage.cluster.patch(
        patch(ref, test("/status/phase", "Succeeded"), add("/status/canaryWeight", 5), subresource="status")
    )
    assert stage.one(ref)["status"] == then | {"canaryWeight": 5}
    with pytest.raises(LostRaceError):
        stage.cluster.patch(patch(ref, test("/status", first), add("/status", first), subresource="status"))
    assert stage.one(ref)["status"] == then | {"canaryWeight": 5}


@pytest.mark.parametrize(
    ("operation", "subresource"),
    [
        (add("/spec/canaryAnalysis/stepWeight", 7), "status"),
        (add("/spec", {}), "status"),
        (add("/status", {"phase": "Succeeded"}), ""),
        (add("/status/phase", "Succeeded"), ""),
        ({"op": "remove", "path": "/status"}, ""),
    ],
    ids=str,
)
def test_a_status_patch_never_touches_the_spec_nor_a_spec_patch_the_status(
    stage: Stage, operation: Operation, subresource: str
) -> None:
    stage.create(named(rollout(), "a"))
    ref = stage.ref(ROLLOUT, "a")
    stage.cluster.patch(patch(ref, add("/status", {"phase": "Progressing"}), subresource="status"))
    before = stage.one(ref)

    # An API server overlooks it, a folder says so.
    with suppress(RefusedError):
        stage.cluster.patch(patch(ref, operation, subresource=subresource))

    unchanged(stage, ref, before)


def test_a_deployments_status_is_apart_as_well(stage: Stage) -> None:
    stage.create(parked("a"))
    ref = stage.ref(DEPLOYMENT, "a")
    stage.settle()

    stage.cluster.patch(patch(ref, add("/status/readyReplicas", 0), subresource="status"))
    stage.cluster.patch(patch(ref, add("/spec/paused", value=True)))

    assert stage.one(ref)["spec"]["paused"] is True
    assert stage.one(ref)["status"].get("readyReplicas", 0) == 0


# --- record ---


def event(stage: Stage, message: str, *, name: str = "a", kind: str = "Normal", revision: str = "v1-0") -> Event:
    return Event(
        rollout=stage.ref(ROLLOUT, name),
        api_version="apps.weave.works/v1beta1",
        uid="9f0c",
        revision=revision,
        type=kind,
        message=message,
    )


def events(stage: Stage) -> list[Manifest]:
    """Give the stored Events by their texts, as the port lists them."""
    found = stage.cluster.list(EVENT, Scope(namespace=stage.namespace))
    assert {item["metadata"]["name"] for item in found} == {item["metadata"]["name"] for item in stage.stored(EVENT)}
    return sorted(found, key=lambda item: str(item["message"]))


def test_an_event_is_about_its_rollout(stage: Stage) -> None:
    told = event(stage, "Starting rollout for a")
    stage.cluster.record(told, AT)

    [stored] = events(stage)
    assert (stored["apiVersion"], stored["kind"]) == ("v1", "Event")
    assert (stored["metadata"]["name"], stored["metadata"]["namespace"]) == (told.name, stage.namespace)
    assert stored["involvedObject"] == {
        "apiVersion": "apps.weave.works/v1beta1",
        "kind": "Rollout",
        "name": "a",
        "namespace": stage.namespace,
        "uid": "9f0c",
    }
    assert {key: stored[key] for key in ("reason", "type", "message", "count")} == {
        "reason": "Synced",
        "type": "Normal",
        "message": "Starting rollout for a",
        "count": 1,
    }
    assert stored["source"] == {"component": "steerer"}
    assert stored["firstTimestamp"] == stored["lastTimestamp"] == "2026-01-31T12:00:00Z"


def test_an_event_that_happens_again_is_counted(stage: Stage) -> None:
    for minute in range(3):
        stage.cluster.record(event(stage, "Halt"), AT + timedelta(minutes=minute))

    [stored] = events(stage)
    assert stored["count"] == 3
    assert (stored["firstTimestamp"], stored["lastTimestamp"]) == ("2026-01-31T12:00:00Z", "2026-01-31T12:02:00Z")
    assert alike.events(stage.stored(EVENT))[0]["count"] == 3


def test_only_the_same_event_is_counted(stage: Stage) -> None:
    different = [
        event(stage, "Halt"),
        event(stage, "Halt."),
        event(stage, "Halt", name="b"),
        event(stage, "Halt", kind="Warning"),
        event(stage, "Halt", revision="v1-1"),
    ]
    for told in (*different, *different):
        stage.cluster.record(told, AT)

    assert {item["metadata"]["name"]: item["count"] for item in events(stage)} == {told.name: 2 for told in different}


def test_another_process_counts_on(stage: Stage) -> None:
    told = event(stage, "Halt")
    stage.cluster.record(told, AT)
    stage.another().record(told, AT)
    stage.cluster.record(told, AT)

    assert [item["count"] for item in events(stage)] == [3]


LONG = ["x" * MESSAGE_BYTES, "é" * (MESSAGE_BYTES // 2), "x" + "☂" * 341, "y" * 5000, "z" + "é" * 600]


@pytest.mark.parametrize(
    "message", [*TEXTS[:-1], *LONG], ids=[*NAMES[:-1], *(f"long {index}" for index in range(len(LONG)))]
)
def test_any_message_is_stored_printable_and_within_its_bytes(stage: Stage, message: str) -> None:
    for _ in range(2):
        stage.cluster.record(event(stage, message), AT)

    [stored] = events(stage)
    assert (stored["message"], stored["count"]) == (cut(message), 2)
    assert len(stored["message"].encode()) <= MESSAGE_BYTES
    if len(message.encode()) <= MESSAGE_BYTES:
        assert stored["message"] == printable(message)


def test_an_event_needs_no_rollout_that_is_stored(stage: Stage) -> None:
    gone = event(stage, "Halt", name="never-there")
    stage.cluster.record(gone, AT)
    assert [item["involvedObject"]["name"] for item in events(stage)] == ["never-there"]
