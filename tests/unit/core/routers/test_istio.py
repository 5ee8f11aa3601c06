"""The VirtualService: which routes are managed, what their weights are, and what a patch of them touches."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import jsonpatch
import pytest

from reconcile.core.routers import ROUTERS, istio
from reconcile.model.errors import InvalidObjectError
from reconcile.model.kinds import VIRTUAL_SERVICE

if TYPE_CHECKING:
    from reconcile.core.routers.split import Split
    from reconcile.model.kinds import Manifest


def end(host: Any, weight: Any = None, **more: Any) -> Manifest:
    entry: Manifest = {"destination": {"host": host}, **more}
    return entry if weight is None else entry | {"weight": weight}


def routed(*routes: Any) -> Manifest:
    return {"kind": "VirtualService", "spec": {"http": list(routes)}}


def pair(primary: int | None, canary: int | None, **more: Any) -> Manifest:
    return {"route": [end("p", primary), end("c", canary)], **more}


def read(manifest: Manifest) -> Split:
    return istio.read(manifest, namespace="test", primary="p", canary="c")


def shadowed(manifest: Manifest) -> list[tuple[str, str]]:
    return [(path, message) for path, message, _ in ROUTERS[VIRTUAL_SERVICE].remarks(manifest, read(manifest))]


def problems(manifest: Manifest) -> tuple[str, ...]:
    with pytest.raises(InvalidObjectError) as refused:
        read(manifest)
    return refused.value.problems


def weights(manifest: Manifest, weight: int) -> list[list[Any]]:
    """Sets a weight and returns those of all routes."""
    before = deepcopy(manifest)
    after = jsonpatch.apply_patch(manifest, list(read(manifest).operations(weight)))
    assert manifest == before
    return [[entry.get("weight") for entry in route.get("route", ())] for route in after["spec"]["http"]]


def test_the_router_is_found_by_its_kind() -> None:
    assert ROUTERS[VIRTUAL_SERVICE].read is istio.read
    assert ROUTERS[VIRTUAL_SERVICE].written[0] == ("spec", "http")


def test_a_managed_route_has_exactly_the_two_in_any_order() -> None:
    assert read(routed(pair(70, 30))).lowest == 30
    assert read(routed({"route": [end("c", 30), end("p", 70)]})).highest == 30
    assert weights(routed({"route": [end("c", 30), end("p", 70)]}), 40) == [[40, 60]]


def test_all_managed_routes_move_together_from_the_lowest() -> None:
    split = read(routed(pair(90, 10), pair(100, None), pair(40, 60)))
    assert (split.lowest, split.highest) == (0, 60)
    assert weights(routed(pair(90, 10), pair(100, None), pair(40, 60)), 20) == [[80, 20]] * 3


@pytest.mark.parametrize("host", ["p", "p.test", "p.test.svc", "p.test.svc.cluster.local"])
def test_spellings_of_a_host_are_equal(host: str) -> None:
    assert weights(routed({"route": [end(host, 100), end("c.test", 0)]}), 10) == [[90, 10]]


OTHERS: list[Any] = [
    {"redirect": {"uri": "/"}},
    {"delegate": {"name": "x"}},
    {"route": [end("p", 100)]},
    {"route": [end("c", 100)], "match": [{"headers": {"x": {"exact": "y"}}}]},
    {"route": [end("other", 50), end("another", 50)]},
    {"route": []},
    {"route": {}},
    {"route": ["odd", {"destination": "odd"}, {"destination": {"host": 7}}]},
    "odd",
]


@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_other_routes_are_left_alone(other: Any) -> None:
    manifest = routed(other, pair(100, 0, timeout="3s", mirror={"host": "m"}))
    manifest["spec"] |= {"tls": [{"route": [end("p")]}], "tcp": [{"route": [end("p"), end("d")]}], "hosts": ["x"]}
    after = jsonpatch.apply_patch(manifest, list(read(manifest).operations(10)))
    assert after["spec"]["http"][0] == other
    after["spec"]["http"][1]["route"][0]["weight"], after["spec"]["http"][1]["route"][1]["weight"] = 100, 0
    assert after == manifest


@pytest.mark.parametrize(
    ("primary", "canary", "weight"),
    [(None, 30, 30), (70, None, 0), (0, 30, 30), (100, 30, 30), (50, 10, 10), (100, 100, 100), (0, 100, 100)],
)
def test_an_omitted_weight_is_0_and_a_wrong_sum_is_counted_from_the_canarys(
    primary: int | None, canary: int | None, weight: int
) -> None:
    split = read(routed(pair(primary, canary)))
    assert (split.lowest, split.highest) == (weight, weight)
    assert weights(routed(pair(primary, canary)), weight) == (
        [[primary, canary]] if not split.operations(weight) else [[100 - weight, weight]]
    )


def test_nothing_is_written_where_it_is_written_already() -> None:
    assert read(routed(pair(70, 30))).operations(30) == ()
    assert read(routed(pair(100, None))).operations(0) == ()
    assert read(routed(pair(60, 30))).operations(30) != ()
    assert read(routed(pair(70, 30), pair(69, 31))).operations(30) != ()


def test_every_write_is_led_by_tests_of_what_was_read() -> None:
    assert read(routed(OTHERS[0], pair(70, 30))).operations(40) == (
        {"op": "test", "path": "/spec/http/1/route/0/destination/host", "value": "p"},
        {"op": "test", "path": "/spec/http/1/route/0/weight", "value": 70},
        {"op": "test", "path": "/spec/http/1/route/1/destination/host", "value": "c"},
        {"op": "test", "path": "/spec/http/1/route/1/weight", "value": 30},
        {"op": "add", "path": "/spec/http/1/route/0/weight", "value": 60},
        {"op": "add", "path": "/spec/http/1/route/1/weight", "value": 40},
    )


def test_where_a_weight_is_absent_the_whole_entry_is_tested() -> None:
    manifest = routed(pair(100, None))
    operations = read(deepcopy(manifest)).operations(10)
    assert {"op": "test", "path": "/spec/http/0/route/1", "value": end("c")} in operations
    manifest["spec"]["http"][0]["route"][1]["weight"] = 5
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(manifest, list(operations))


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        (
            routed({"route": [end("p", 100), end("c", 0), end("third", 0)]}),
            "spec.http[0]: has a destination beside the two, so that its weights are not steerer's to set",
        ),
        (
            routed({"route": [end("p", 50), end("c", 0), end("p.test", 50)]}),
            "spec.http[0]: names a host twice, so that its weights are not steerer's to set",
        ),
        (routed(pair(None, None)), "spec.http[0]: both weights are absent or 0"),
        (routed(pair(100, 0), pair(0, 0)), "spec.http[1]: both weights are absent or 0"),
        (routed(), "spec.http: no route leads to p and c"),
        ({"spec": {}}, "spec.http: no route leads to p and c"),
        ({}, "spec.http: no route leads to p and c"),
        ({"spec": "odd"}, "spec.http: no route leads to p and c"),
        ({"spec": {"http": {}}}, "spec.http: must be a list"),
        (routed({"route": [end("p", 100)]}), "spec.http: no route leads to p and c"),
        (routed({"route": [end("p.other", 50), end("c.other", 50)]}), "spec.http: no route leads to p and c"),
        (routed({"route": [end("pp", 50), end("cc", 50)]}), "spec.http: no route leads to p and c"),
        (
            routed({"route": [end("p", 100)]}, {"route": [end("c", 100)]}),
            "spec.http: p and c are in different routes (spec.http[0], spec.http[1]), and no route has both",
        ),
    ],
)
def test_what_cannot_be_weighted_is_refused_with_its_path(manifest: Manifest, found: str) -> None:
    assert problems(manifest) == (found,)


@pytest.mark.parametrize(
    ("weight", "text"), [(-1, "-1"), (101, "101"), ("50", '"50"'), (True, "true"), (50.0, "50.0"), ([], "a list")]
)
def test_a_weight_that_is_no_integer_from_0_to_100_is_refused(weight: Any, text: str) -> None:
    found = problems(routed({"route": [end("p", 50), end("c") | {"weight": weight}]}))
    assert found == (f"spec.http[0].route[1].weight: must be an integer from 0 to 100, not {text}",)


def test_all_problems_are_told_at_once() -> None:
    third = {"route": [end("p", 1), end("c", 1), end("third", 98)]}
    assert len(problems(routed(third, pair(None, None), pair(101, 0)))) == 3


def test_a_route_before_a_managed_one_may_take_all_of_its_requests() -> None:
    tester = {"match": [{"headers": {"x-tester": {"exact": "yes"}}}], "route": [end("c")]}
    everything = {"redirect": {"uri": "/"}}
    api = {"match": [{"uri": {"prefix": "/api"}}]}
    taken = "gets no request: {} comes before it and takes them all"
    assert shadowed(routed(tester, pair(100, 0))) == []
    assert shadowed(routed(pair(100, 0), everything, pair(100, 0))) == [("spec.http[2]", taken.format("spec.http[1]"))]
    assert shadowed(routed(api | {"route": [end("x")]}, pair(100, 0, **api), pair(100, 0))) == [
        ("spec.http[1]", taken.format("spec.http[0]"))
    ]
    assert shadowed(routed(pair(100, 0), pair(100, 0))) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"hosts": ["p", "shop.example.com"]}, {("p", "mesh"), ("shop.example.com", "mesh")}),
        ({"hosts": ["p.test.svc.cluster.local"], "gateways": ["mesh", "a"]}, {("p", "mesh"), ("p", "test/a")}),
        ({"hosts": ["p"], "gateways": ["istio-ingress/a"]}, {("p", "istio-ingress/a")}),
        ({"hosts": "p", "gateways": "a"}, set()),
        ("x", set()),
    ],
)
def test_a_host_is_claimed_at_each_gateway(spec: Any, expected: set[tuple[str, str]]) -> None:
    assert istio.claims({"metadata": {"namespace": "test"}, "spec": spec}) == expected
