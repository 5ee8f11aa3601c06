"""HTTPRoute and GRPCRoute: which rules are managed, what their weights are, and what their controllers say."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import jsonpatch
import pytest

from reconcile.core.routers import ROUTERS, gateway, leading_to
from reconcile.model.errors import InvalidObjectError
from reconcile.model.kinds import GRPC_ROUTE, HTTP_ROUTE, ROUTE_KINDS
from tests.support.gateway_routes import backend, http_route, rule, said

if TYPE_CHECKING:
    from reconcile.core.routers.split import Split
    from reconcile.model.kinds import Manifest

PRIMARY, CANARY = "podinfo", "podinfo-canary"
NONE = "spec.rules: no rule leads to both podinfo and podinfo-canary"


def read(manifest: Manifest) -> Split:
    return gateway.read(manifest, namespace="test", primary=PRIMARY, canary=CANARY)


def shares(primary: int | None, canary: int | None, *others: Manifest) -> Manifest:
    return http_route({"backendRefs": [backend(PRIMARY, primary), backend(CANARY, canary), *others]})


def weights(manifest: Manifest, weight: int) -> list[list[Any]]:
    """Sets a weight and returns those of all rules."""
    before = deepcopy(manifest)
    after = jsonpatch.apply_patch(manifest, list(read(manifest).operations(weight)))
    assert manifest == before
    return [[entry.get("weight") for entry in each.get("backendRefs", ())] for each in after["spec"]["rules"]]


def test_each_kind_of_route_has_a_router() -> None:
    assert {kind.name for kind in ROUTERS} == {*ROUTE_KINDS}
    assert ROUTERS[HTTP_ROUTE] is ROUTERS[GRPC_ROUTE]


@pytest.mark.parametrize(
    ("primary", "canary", "lowest", "highest"),
    [
        (100, 0, 0, 0),
        (1, 0, 0, 0),
        (70, 30, 30, 30),
        (None, None, 50, 50),
        (None, 0, 0, 0),
        (3, 1, 25, 25),
        (2, 1, 33, 34),
        (999_999, 1, 0, 1),
        (0, 1, 100, 100),
        (1, 999_999, 99, 100),
    ],
)
def test_a_weight_is_a_share_of_the_two(primary: int | None, canary: int | None, lowest: int, highest: int) -> None:
    split = read(shares(primary, canary))
    assert (split.lowest, split.highest) == (lowest, highest)


def test_what_is_written_adds_up_to_100_in_every_managed_rule() -> None:
    alone = {"backendRefs": [backend(CANARY)], "matches": [{"headers": [{"name": "x", "value": "y"}]}]}
    manifest = http_route(rule(10), alone, {"backendRefs": [backend(CANARY, 1), backend(PRIMARY, 3)]})
    assert weights(manifest, 20) == [[80, 20], [None], [20, 80]]
    assert read(manifest).lowest == 10


def test_nothing_is_written_where_it_is_written_already() -> None:
    assert read(shares(70, 30)).operations(30) == ()
    assert read(shares(7, 3)).operations(30) != ()


def test_the_members_that_are_there_are_tested_and_a_whole_entry_without_a_weight() -> None:
    entry = backend(CANARY, 20, namespace="test", group="", kind="Service")
    manifest = http_route({"backendRefs": [backend(PRIMARY, 80), entry]})
    tested = [item["path"] for item in read(manifest).operations(30) if item["op"] == "test"]
    base = "/spec/rules/0/backendRefs"
    members = ("name", "group", "kind", "namespace", "port", "weight")
    assert tested == [
        *(f"{base}/0/{name}" for name in ("name", "port", "weight")),
        *(f"{base}/1/{name}" for name in members),
    ]
    tests = [item for item in read(shares(None, 20)).operations(30) if item["op"] == "test"]
    assert tests[0] == {"op": "test", "path": f"{base}/0", "value": backend(PRIMARY)}


@pytest.mark.parametrize("entry", [{"namespace": "other"}, {"group": "x"}, {"kind": "Bucket"}], ids=repr)
def test_a_backend_that_is_no_service_of_the_namespace_is_another_one(entry: Manifest) -> None:
    manifest = http_route({"backendRefs": [backend(PRIMARY, 80), backend(CANARY, 20, **entry)]})
    with pytest.raises(InvalidObjectError, match="no rule leads to both"):
        read(manifest)


def test_a_third_backend_without_traffic_is_left_alone() -> None:
    assert weights(shares(80, 20, backend("old", 0)), 30) == [[70, 30, 0]]


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        (
            shares(80, 20, backend("old")),
            "spec.rules[0]: gives traffic to old beside the two: write weight: 0 there",
        ),
        (
            shares(40, 20, backend(PRIMARY, 40, port=9797)),
            "spec.rules[0]: holds podinfo more than once, so that its weights are not steerer's to set",
        ),
        (shares(0, 0), "spec.rules[0]: both weights are 0"),
        (
            shares(0, 1_000_001),
            "spec.rules[0].backendRefs[1].weight: must be an integer from 0 to 1000000, not 1000001",
        ),
        (
            http_route({"backendRefs": [backend(PRIMARY)]}),
            NONE,
        ),
        (
            http_route({"backendRefs": [backend(PRIMARY)]}, {"backendRefs": [backend(CANARY)]}),
            f"{NONE}: they are in different rules (spec.rules[0], spec.rules[1])",
        ),
        ({"spec": "odd"}, NONE),
        ({"spec": {"rules": "odd"}}, NONE),
        (http_route({"backendRefs": "odd"}, {}), NONE),
        (
            http_route({"backendRefs": ["odd", {"name": 7}]}),
            NONE,
        ),
    ],
)
def test_what_cannot_be_weighted_is_refused_with_its_path(manifest: Manifest, problem: str) -> None:
    with pytest.raises(InvalidObjectError) as refused:
        read(manifest)
    assert refused.value.problems == (problem,)


@pytest.mark.parametrize("weight", [-1, True, "5", 1.0])
def test_a_weight_that_is_none_is_refused(weight: Any) -> None:
    with pytest.raises(InvalidObjectError, match="must be an integer from 0 to 1000000"):
        read(http_route({"backendRefs": [backend(PRIMARY, 80), backend(CANARY) | {"weight": weight}]}))


def test_ports_are_those_of_the_backends_and_need_not_be_http() -> None:
    split = read(http_route({"backendRefs": [backend(PRIMARY, 1), {"name": CANARY, "weight": 0}]}))
    assert [(port.number, port.is_http) for port in (*split.primary_ports, *split.canary_ports)] == [
        (9898, False),
        (None, False),
    ]


def test_an_absent_weight_and_a_session_that_sticks_are_told() -> None:
    sticky = {"backendRefs": [backend(PRIMARY), backend(CANARY)], "sessionPersistence": {"type": "Cookie"}}
    manifest = http_route({"backendRefs": [backend(PRIMARY)]}, sticky)
    found = [(path, message) for path, message, _ in ROUTERS[HTTP_ROUTE].remarks(manifest, read(manifest))]
    assert found == [
        ("spec.rules[1]", "the canary's backend has no weight, which counts as 1: it gets 50 % at once"),
        (
            "spec.rules[1].sessionPersistence",
            "a session that is pinned to the canary stays there, also at weight 0, until its pods are gone",
        ),
    ]
    assert not [*ROUTERS[HTTP_ROUTE].remarks(http_route(), read(http_route()))]
    assert ROUTERS[HTTP_ROUTE].claims(manifest) == frozenset()


def test_what_leads_to_a_host_counts_in_all_rules() -> None:
    manifest = http_route(rule(10), rule(0), {"backendRefs": [backend(CANARY)]})
    name = "HTTPRoute podinfo.test spec.rules"
    assert leading_to([manifest], CANARY) == ([f"{name}[0]"], [f"{name}[2]"])
    assert leading_to([{"kind": "Other"}], CANARY) == ([], [])


def stored(*parents: Manifest, generation: int | None = 3) -> Manifest:
    manifest = http_route()
    manifest["metadata"]["generation"] = generation
    manifest["status"] = {"parents": list(parents)}
    return manifest


def word(kind: str = "Accepted", state: str = "True", reason: str = "x", at: Any = 3, **parent: Any) -> Manifest:
    condition = {"type": kind, "status": state, "reason": reason, "message": "", "observedGeneration": at}
    return {"parentRef": {"name": "web", **parent}, "controllerName": "c", "conditions": [condition]}


def both(**parent: Any) -> Manifest:
    full: Manifest = said(http_route(), 3)["parents"][0]
    return full | {"parentRef": {"name": "web", **parent}}


WAITING = "Gateway web has not taken up generation 3 yet"


@pytest.mark.parametrize(
    ("manifest", "awaited", "refused"),
    [
        (stored(both()), "", ""),
        (stored(both(group="gateway.networking.k8s.io", kind="Gateway", namespace="test")), "", ""),
        (stored(), WAITING, ""),
        (stored(both(namespace="other")), WAITING, ""),
        (stored(both(sectionName="https")), WAITING, ""),
        (stored(both(port=443)), WAITING, ""),
        (stored(word()), WAITING, ""),
        (stored(word("ResolvedRefs", "False", "BackendNotFound", at=2)), WAITING, ""),
        (stored(word("Accepted", "False", "Pending")), WAITING, ""),
        (stored(word("Accepted", "Unknown")), WAITING, ""),
        (stored(word(at="3")), WAITING, ""),
        (
            stored(word("Accepted", "False", "NotAllowedByListeners", sectionName="https")),
            WAITING,
            "Gateway web (https) (c): Accepted is False, NotAllowedByListeners",
        ),
        (stored({"parentRef": "odd", "conditions": "odd"}), WAITING, ""),
        (stored(both(), generation=None), "", ""),
        (stored(word("Accepted", "False"), generation=None), "", ""),
        (stored() | {"status": "odd"}, WAITING, ""),
    ],
)
def test_what_controllers_say_of_the_present_generation(manifest: Manifest, awaited: str, refused: str) -> None:
    split = read(manifest)
    assert (split.awaited, split.refused) == (awaited, refused)


def test_a_refusal_has_the_words_of_the_controller_cut_and_printable() -> None:
    manifest = stored()
    manifest["status"] = said(manifest, 3, "RefNotPermitted", "no grant\x1b" + "x" * 500)
    refused = read(manifest).refused
    assert refused.startswith(
        "Gateway web (example.com/gateway): ResolvedRefs is False, RefNotPermitted (no grant\\x1b"
    )
    assert len(refused) < 300
    assert read(manifest).awaited == ""
