"""The contract of `ports.Cluster`: the same cases for every cluster, the fake included."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.events import MESSAGE_BYTES, cut
from reconcile.core.routers import REPORTED
from reconcile.model.errors import ClusterError, ElsewhereError, LostRaceError, MissingError, RefusedError
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
from tests.contract import comparison
from tests.support.world import autoscaler, deployment, destination, meta, rollout, service, virtual_service

if TYPE_CHECKING:
    from reconcile.model.kinds import Kind, Manifest
    from reconcile.model.plan import Operation
    from tests.contract.sandboxes import Sandbox

AT = datetime(2026, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC)

# Texts that JSON or YAML can spell in several ways, or that look like another type.
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
    """Returns an object with another name, and with a namespace only if one is passed."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return manifest | {"metadata": metadata}


def parked(name: str, namespace: str | None = None) -> Manifest:
    """Returns a Deployment with no replicas: controllers leave it alone."""
    return named(deployment(name, "1", 0), name, namespace)


def patch(ref: Ref, *operations: Operation, subresource: str = "", version: str = "") -> Patch:
    api_version = ref.kind.api_version(version or ref.kind.versions[0])
    return Patch(target=ref, api_version=api_version, operations=operations, subresource=subresource)


def test(path: str, value: Any) -> Operation:
    return {"op": "test", "path": path, "value": value}


def add(path: str, value: Any) -> Operation:
    return {"op": "add", "path": path, "value": value}


# An operation of a patch, not a test case.
test.__test__ = False  # type: ignore[attr-defined]


def one(sandbox: Sandbox, ref: Ref) -> Manifest:
    """Returns an object through the port."""
    found = sandbox.cluster.fetch([ref])[ref]
    assert isinstance(found, dict)
    return found


def unchanged(sandbox: Sandbox, ref: Ref, before: Manifest) -> None:
    """Asserts that an object is stored exactly as before."""
    assert sandbox.get(ref) == before


# --- list ---


def listed(sandbox: Sandbox, kind: Kind, namespace: str | None, **fields: str) -> list[tuple[str, str]]:
    """Returns namespace and name of a kind's objects in the namespaces of this test."""
    scope = Scope(namespace=namespace, fields={key.replace("_", "."): value for key, value in fields.items()})
    pairs = [(item["metadata"]["namespace"], item["metadata"]["name"]) for item in sandbox.cluster.list(kind, scope)]
    return [pair for pair in pairs if pair[0].startswith(sandbox.namespace)]


def test_a_list_is_in_the_order_of_namespace_and_name(sandbox: Sandbox) -> None:
    here, other = sandbox.namespace, f"{sandbox.namespace}-0"  # "-" comes before the "/" that ends a namespace in a key
    for name in ("b", "a-1", "a.b", "a", "a1"):
        sandbox.create(parked(name))
    sandbox.create(parked("a", other), parked("0", other))

    names = ["a", "a-1", "a.b", "a1", "b"]
    assert listed(sandbox, DEPLOYMENT, here) == [(here, name) for name in names]
    assert listed(sandbox, DEPLOYMENT, None) == [*((here, name) for name in names), (other, "0"), (other, "a")]
    assert listed(sandbox, DEPLOYMENT, other) == [(other, "0"), (other, "a")]


def test_a_list_has_objects_of_its_kind_only_each_with_its_kind(sandbox: Sandbox) -> None:
    sandbox.create(parked("a"), named(service("a"), "a"), named(virtual_service(), "a"), named(rollout(), "a"))
    sandbox.create(named(autoscaler("a", 0, 0), "a"))
    rule = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "spec": {"host": "a"}}
    sandbox.create(named(rule | {"metadata": meta("a")}, "a"))

    sandbox.cluster.record(event(sandbox, "a"), AT)

    for kind in KINDS.values():
        if kind in REPORTED:
            continue  # not every server has the Gateway API
        # Kubernetes stores Events too.
        fields = {"involvedObject.kind": "Rollout"} if kind == EVENT else {"metadata.name": "a"}
        [found] = sandbox.cluster.list(kind, Scope(namespace=sandbox.namespace, fields=fields))
        assert kind.matches(found)
        assert sandbox.cluster.list(kind, Scope(namespace=f"{sandbox.namespace}-none")) == []


def test_field_selectors_must_all_match(sandbox: Sandbox) -> None:
    sandbox.create(named(rollout(), "a"), named(rollout(), "b"))
    for rollout_name, message in (("a", "one"), ("a", "two"), ("b", "one"), ("b", "a,b=c\\d")):
        sandbox.cluster.record(event(sandbox, message, name=rollout_name), AT)
    here = sandbox.namespace

    assert listed(sandbox, ROLLOUT, here, metadata_name="b") == [(here, "b")]
    assert listed(sandbox, ROLLOUT, None, metadata_name="b", metadata_namespace=here) == [(here, "b")]
    assert listed(sandbox, ROLLOUT, here, metadata_name="c") == []
    scope = Scope(namespace=here, fields={"involvedObject.kind": "Rollout", "involvedObject.name": "a"})
    assert {item["message"] for item in sandbox.cluster.list(EVENT, scope)} == {"one", "two"}
    scope = Scope(fields={"involvedObject.namespace": here, "involvedObject.name": "b", "reason": "Synced"})
    assert {item["message"] for item in sandbox.cluster.list(EVENT, scope)} == {"one", "a,b=c\\d"}
    assert not sandbox.cluster.list(EVENT, Scope(namespace=here, fields={"involvedObject.name": "a,b=c\\d"}))
    assert not sandbox.cluster.list(
        EVENT, Scope(namespace=here, fields={"involvedObject.name": "a", "type": "Warning"})
    )


def test_what_was_read_is_the_readers_own(sandbox: Sandbox) -> None:
    sandbox.create(named(virtual_service(), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    for _ in range(2):
        [found] = sandbox.cluster.list(VIRTUAL_SERVICE, Scope(namespace=sandbox.namespace))
        for item in (found, one(sandbox, ref)):
            assert item["spec"]["hosts"] == ["podinfo"]
            item["spec"]["hosts"].append("other")


# --- fetch ---


def test_what_exists_is_fetched_and_what_is_absent_is_absent(sandbox: Sandbox) -> None:
    sandbox.create(parked("a"), parked("b"), named(service("a"), "a"), named(virtual_service(), "a"))
    sandbox.create(parked("a", f"{sandbox.namespace}-0"))
    there = [
        sandbox.ref(DEPLOYMENT, "a"),
        sandbox.ref(DEPLOYMENT, "b"),
        sandbox.ref(SERVICE, "a"),
        sandbox.ref(VIRTUAL_SERVICE, "a"),
        Ref(DEPLOYMENT, f"{sandbox.namespace}-0", "a"),
    ]
    absent = [
        sandbox.ref(DEPLOYMENT, "c"),
        sandbox.ref(SERVICE, "b"),
        sandbox.ref(ROLLOUT, "a"),
        Ref(DEPLOYMENT, f"{sandbox.namespace}-none", "a"),
        sandbox.ref(DEPLOYMENT, ""),
        sandbox.ref(DEPLOYMENT, ".."),
        sandbox.ref(DEPLOYMENT, "a/scale"),
        Ref(DEPLOYMENT, "", "a"),
    ]

    found = sandbox.cluster.fetch([*absent, *there])

    # A folder may say which other object is meant; it is absent all the same.
    assert all(isinstance(found[ref], ElsewhereError) for ref in absent if ref in found)
    assert set(found) - set(absent) == set(there)
    for ref in there:
        item = found[ref]
        assert isinstance(item, dict)
        assert ref.kind.matches(item)
        assert (item["metadata"]["namespace"], item["metadata"]["name"]) == (ref.namespace, ref.name)
    assert sandbox.cluster.fetch([]) == {}


def test_many_are_fetched_as_one_is(sandbox: Sandbox) -> None:
    refs = [sandbox.ref(SERVICE, f"a{index}") for index in range(12)]
    sandbox.create(*(named(service("a"), ref.name) for ref in refs[::2]))

    assert set(sandbox.cluster.fetch(refs)) == set(refs[::2])


# --- unchanged ---


def test_what_is_unchanged_is_what_nobody_wrote_the_spec_of(sandbox: Sandbox) -> None:
    refs = [sandbox.ref(DEPLOYMENT, name) for name in ("same", "scaled", "labelled", "other")]
    sandbox.create(*(parked(ref.name) for ref in refs))
    versions = {ref: version_of(sandbox.get(ref)) for ref in refs}
    known = {ref: version for ref, version in versions.items() if version is not None}
    same, scaled, labelled, other = refs
    if known:
        known[other] = Version("another", known[other].generation)
    sandbox.cluster.patch(patch(scaled, add("/spec/replicas", 1)))
    sandbox.cluster.patch(patch(labelled, add("/metadata/labels", {"a": "b"})))

    # Objects in a folder have no version, so none is known to be unchanged.
    assert set(sandbox.cluster.unchanged(known)) == ({same, labelled} if known else set())


# --- patch ---


def test_a_patch_whose_tests_hold_is_written(sandbox: Sandbox) -> None:
    sandbox.create(named(virtual_service(), "a"))
    ref, route = sandbox.ref(VIRTUAL_SERVICE, "a"), "/spec/http/0/route"

    sandbox.cluster.patch(
        patch(
            ref,
            test(f"{route}/0", destination("podinfo", 100)),
            test(f"{route}/1/destination/host", "podinfo-canary"),
            test(f"{route}/1/weight", 0),
            add(f"{route}/0/weight", 90),
            add(f"{route}/1/weight", 10),
        )
    )

    wanted = comparison.comparable(virtual_service(10))
    assert comparison.comparable(sandbox.get(ref)) == wanted
    assert comparison.comparable(one(sandbox, ref)) == wanted


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
def test_a_failed_test_is_a_lost_race_and_changes_nothing(sandbox: Sandbox, failing: Operation) -> None:
    sandbox.create(named(virtual_service(), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    before = sandbox.get(ref)
    holds, change = test("/spec/http/0/route/0/weight", 100), add("/spec/http/0/route/0/weight", 90)

    for operations in ((failing, change), (holds, failing, change), (holds, change, failing)):
        with pytest.raises(LostRaceError):
            sandbox.cluster.patch(patch(ref, *operations))
        unchanged(sandbox, ref, before)


@pytest.mark.parametrize("subresource", ["", "status"])
@pytest.mark.parametrize("kind", [DEPLOYMENT, VIRTUAL_SERVICE, ROLLOUT], ids=lambda kind: kind.name)
def test_what_is_not_there_cannot_be_patched(sandbox: Sandbox, kind: Kind, subresource: str) -> None:
    path = "/status" if subresource else "/spec"
    for name in ("none", "a/b", ".."):
        with pytest.raises(MissingError):
            sandbox.cluster.patch(patch(sandbox.ref(kind, name), add(path, {}), subresource=subresource))
    nowhere = Ref(kind, f"{sandbox.namespace}-none", "a")
    with pytest.raises(MissingError):
        sandbox.cluster.patch(patch(nowhere, add(path, {}), subresource=subresource))
    assert sandbox.stored(kind) == []


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
def test_a_patch_that_does_not_fit_is_refused_and_changes_nothing(sandbox: Sandbox, unfit: Operation) -> None:
    sandbox.create(named(virtual_service(), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    before = sandbox.get(ref)

    with pytest.raises(RefusedError):
        sandbox.cluster.patch(patch(ref, add("/spec/hosts", ["y"]), unfit))

    unchanged(sandbox, ref, before)


@pytest.mark.parametrize("unfit", UNFIT)
def test_behind_tests_it_may_be_taken_for_a_lost_race(sandbox: Sandbox, unfit: Operation) -> None:
    # The API server has one response for both; a pass writes only below what it tests, so it never gets this one.
    sandbox.create(named(virtual_service(), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    before = sandbox.get(ref)

    with pytest.raises((RefusedError, LostRaceError)):
        sandbox.cluster.patch(patch(ref, test("/spec/hosts", ["podinfo"]), add("/spec/hosts", ["y"]), unfit))

    unchanged(sandbox, ref, before)


def test_an_object_stays_itself(sandbox: Sandbox) -> None:
    sandbox.create(named(virtual_service(), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    before = sandbox.get(ref)

    for path, value in (("/metadata/name", "b"), ("/metadata/namespace", "other"), ("/kind", "Gateway")):
        with pytest.raises(ClusterError):
            sandbox.cluster.patch(patch(ref, add(path, value)))
    unchanged(sandbox, ref, before)


def test_add_makes_what_is_absent_and_replaces_what_is_there(sandbox: Sandbox) -> None:
    route = [destination("podinfo"), destination("podinfo-canary", 10)]
    sandbox.create(named(virtual_service(), "a") | {"spec": {"hosts": ["podinfo"], "http": [{"route": route}]}})
    sandbox.create(parked("a"), named(rollout(), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")

    path = "/spec/http/0/route"
    tests = [test(f"{path}/0", route[0]), test(f"{path}/1/weight", 10)]
    sandbox.cluster.patch(patch(ref, *tests, add(f"{path}/0/weight", 80), add(f"{path}/1/weight", 20)))
    sandbox.cluster.patch(patch(sandbox.ref(DEPLOYMENT, "a"), add("/spec/template/metadata/annotations", {"a": "b"})))
    sandbox.cluster.patch(
        patch(sandbox.ref(ROLLOUT, "a"), add("/status", {"phase": "Succeeded"}), subresource="status")
    )

    assert comparison.comparable(sandbox.get(ref)) == comparison.comparable(virtual_service(20))
    pods = sandbox.get(sandbox.ref(DEPLOYMENT, "a"))["spec"]["template"]["metadata"]
    assert (pods["labels"], pods["annotations"]) == ({"app": "a"}, {"a": "b"})
    assert sandbox.get(sandbox.ref(ROLLOUT, "a"))["status"] == {"phase": "Succeeded"}


def test_a_list_is_written_item_by_item(sandbox: Sandbox) -> None:
    sandbox.create(named(virtual_service(), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    operations = [
        add("/spec/hosts/0", "first"),
        add("/spec/hosts/-", "last"),
        {"op": "replace", "path": "/spec/hosts/1", "value": "middle"},
        add("/spec/http/0/timeout", "5s"),
        {"op": "remove", "path": "/spec/http/0/route/0"},
    ]

    sandbox.cluster.patch(patch(ref, *operations))

    spec = {"hosts": ["first", "middle", "last"], "http": [{"route": [destination("podinfo-canary", 0)]}]}
    spec["http"][0]["timeout"] = "5s"  # type: ignore[index]
    assert comparison.comparable(sandbox.get(ref))["spec"] == spec


def test_a_patch_that_changes_nothing_is_no_write(sandbox: Sandbox) -> None:
    sandbox.create(named(virtual_service(10), "a"))
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    before = sandbox.get(ref)

    for operations in ((), (test("/spec/hosts", ["podinfo"]),), (add("/spec/http/0/route/1/weight", 10),)):
        sandbox.cluster.patch(patch(ref, *operations))

    unchanged(sandbox, ref, before)


@pytest.mark.parametrize("version", VIRTUAL_SERVICE.versions)
def test_any_served_version_will_do(sandbox: Sandbox, version: str) -> None:
    written = named(virtual_service(), "a") | {"apiVersion": f"networking.istio.io/{version}"}
    sandbox.create(written)
    ref = sandbox.ref(VIRTUAL_SERVICE, "a")
    found = one(sandbox, ref)

    sandbox.cluster.patch(patch(ref, add("/spec/hosts", ["y"]), version=found["apiVersion"].rpartition("/")[2]))

    assert one(sandbox, ref)["spec"]["hosts"] == ["y"]


@pytest.mark.parametrize("text", TEXTS, ids=NAMES)
def test_any_text_is_written_read_and_tested(sandbox: Sandbox, text: str) -> None:
    labels, annotations = {"app": "a"}, {"text": text, "other": "x"}
    sandbox.create(parked("a"))
    ref = sandbox.ref(DEPLOYMENT, "a")
    sandbox.change(ref, {"spec": {"template": {"metadata": {"annotations": annotations}}}})
    template = one(sandbox, ref)["spec"]["template"]
    assert template["metadata"]["annotations"] == annotations

    swapped = {"labels": labels, "annotations": {"text": "x", "other": text}}
    change = add("/spec/template/metadata", swapped)
    sandbox.cluster.patch(patch(ref, test("/spec/template", template), change))
    assert sandbox.get(ref)["spec"]["template"]["metadata"]["annotations"] == swapped["annotations"]
    with pytest.raises(LostRaceError):
        sandbox.cluster.patch(patch(ref, test("/spec/template", template), change))


# --- The status ---


def test_a_status_is_written_without_the_rest(sandbox: Sandbox) -> None:
    sandbox.create(named(rollout(), "a"))
    ref = sandbox.ref(ROLLOUT, "a")
    before = comparison.comparable(sandbox.get(ref))
    conditions = [
        {"type": kind, "status": "True", "reason": "X", "message": "a: b", "lastTransitionTime": "2026-01-31T12:00:00Z"}
        for kind in ("Ready", "Reconciling")
    ]
    first = {"phase": "Progressing", "canaryWeight": 10, "conditions": conditions}
    then = {"phase": "Succeeded", "canaryReplicas": 0, "conditions": conditions[:1], "promotedRevision": "v1-0"}

    for status in (first, then):
        sandbox.cluster.patch(patch(ref, add("/status", status), subresource="status"))
        assert sandbox.get(ref)["status"] == status
        assert one(sandbox, ref)["status"] == status
        assert comparison.comparable(sandbox.get(ref)) | {"status": {}} == before
    sandbox.cluster.patch(
        patch(ref, test("/status/phase", "Succeeded"), add("/status/canaryWeight", 5), subresource="status")
    )
    assert sandbox.get(ref)["status"] == then | {"canaryWeight": 5}
    with pytest.raises(LostRaceError):
        sandbox.cluster.patch(patch(ref, test("/status", first), add("/status", first), subresource="status"))
    assert sandbox.get(ref)["status"] == then | {"canaryWeight": 5}


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
    sandbox: Sandbox, operation: Operation, subresource: str
) -> None:
    sandbox.create(named(rollout(), "a"))
    ref = sandbox.ref(ROLLOUT, "a")
    sandbox.cluster.patch(patch(ref, add("/status", {"phase": "Progressing"}), subresource="status"))
    before = sandbox.get(ref)

    # An API server ignores it, a folder refuses it.
    with suppress(RefusedError):
        sandbox.cluster.patch(patch(ref, operation, subresource=subresource))

    unchanged(sandbox, ref, before)


def test_a_deployments_status_is_apart_as_well(sandbox: Sandbox) -> None:
    sandbox.create(parked("a"))
    ref = sandbox.ref(DEPLOYMENT, "a")
    sandbox.settle()

    sandbox.cluster.patch(patch(ref, add("/status/readyReplicas", 0), subresource="status"))
    sandbox.cluster.patch(patch(ref, add("/spec/paused", value=True)))

    assert sandbox.get(ref)["spec"]["paused"] is True
    assert sandbox.get(ref)["status"].get("readyReplicas", 0) == 0


# --- record ---


def event(sandbox: Sandbox, message: str, *, name: str = "a", kind: str = "Normal", revision: str = "v1-0") -> Event:
    return Event(
        rollout=sandbox.ref(ROLLOUT, name),
        api_version="apps.weave.works/v1beta1",
        uid="9f0c",
        revision=revision,
        type=kind,
        message=message,
    )


def events(sandbox: Sandbox) -> list[Manifest]:
    """Returns the stored Events through the port, sorted by message."""
    found = sandbox.cluster.list(EVENT, Scope(namespace=sandbox.namespace))
    assert {item["metadata"]["name"] for item in found} == {item["metadata"]["name"] for item in sandbox.stored(EVENT)}
    return sorted(found, key=lambda item: str(item["message"]))


def test_an_event_is_about_its_rollout(sandbox: Sandbox) -> None:
    sent = event(sandbox, "Starting rollout for a")
    sandbox.cluster.record(sent, AT)

    [stored] = events(sandbox)
    assert (stored["apiVersion"], stored["kind"]) == ("v1", "Event")
    assert (stored["metadata"]["name"], stored["metadata"]["namespace"]) == (sent.name, sandbox.namespace)
    assert stored["involvedObject"] == {
        "apiVersion": "apps.weave.works/v1beta1",
        "kind": "Rollout",
        "name": "a",
        "namespace": sandbox.namespace,
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


def test_an_event_that_happens_again_is_counted(sandbox: Sandbox) -> None:
    for minute in range(3):
        sandbox.cluster.record(event(sandbox, "Halt"), AT + timedelta(minutes=minute))

    [stored] = events(sandbox)
    assert stored["count"] == 3
    assert (stored["firstTimestamp"], stored["lastTimestamp"]) == ("2026-01-31T12:00:00Z", "2026-01-31T12:02:00Z")
    assert comparison.events(sandbox.stored(EVENT))[0]["count"] == 3


def test_only_the_same_event_is_counted(sandbox: Sandbox) -> None:
    different = [
        event(sandbox, "Halt"),
        event(sandbox, "Halt."),
        event(sandbox, "Halt", name="b"),
        event(sandbox, "Halt", kind="Warning"),
        event(sandbox, "Halt", revision="v1-1"),
    ]
    for sent in (*different, *different):
        sandbox.cluster.record(sent, AT)

    assert {item["metadata"]["name"]: item["count"] for item in events(sandbox)} == {sent.name: 2 for sent in different}


def test_another_process_counts_on(sandbox: Sandbox) -> None:
    sent = event(sandbox, "Halt")
    sandbox.cluster.record(sent, AT)
    sandbox.second_client().record(sent, AT)
    sandbox.cluster.record(sent, AT)

    assert [item["count"] for item in events(sandbox)] == [3]


LONG = ["x" * MESSAGE_BYTES, "é" * (MESSAGE_BYTES // 2), "x" + "☂" * 341, "y" * 5000, "z" + "é" * 600]


@pytest.mark.parametrize(
    "message", [*TEXTS[:-1], *LONG], ids=[*NAMES[:-1], *(f"long {index}" for index in range(len(LONG)))]
)
def test_any_message_is_stored_printable_and_within_its_bytes(sandbox: Sandbox, message: str) -> None:
    for _ in range(2):
        sandbox.cluster.record(event(sandbox, message), AT)

    [stored] = events(sandbox)
    assert (stored["message"], stored["count"]) == (cut(message), 2)
    assert len(stored["message"].encode()) <= MESSAGE_BYTES
    if len(message.encode()) <= MESSAGE_BYTES:
        assert stored["message"] == printable(message)


def test_an_event_needs_no_rollout_that_is_stored(sandbox: Sandbox) -> None:
    gone = event(sandbox, "Halt", name="never-there")
    sandbox.cluster.record(gone, AT)
    assert [item["involvedObject"]["name"] for item in events(sandbox)] == ["never-there"]
