"""How many requests a read takes: that depends on the wanted objects only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.clusters.kube.cluster import page_size_for
from reconcile.clusters.kube.read_plan import (
    FEWEST_FOR_CLUSTER,
    MOST_GETS,
    Get,
    List,
    fallback,
    first_page_size,
    next_page_is_cheaper,
    plan_requests,
)
from reconcile.model.kinds import DEPLOYMENT, SERVICE, VIRTUAL_SERVICE, Kind, Ref


def deployments(count: int, namespaces: int = 1, kind: Kind = DEPLOYMENT) -> list[Ref]:
    return [Ref(kind, f"ns-{n % namespaces:04}", f"app-{n:04}") for n in range(count)]


def test_few_objects_are_read_one_by_one_however_full_their_namespace_is() -> None:
    refs = deployments(6)

    assert plan_requests(refs) == tuple(Get(ref) for ref in refs)


def test_many_objects_of_a_namespace_are_one_list() -> None:
    refs = deployments(1000)

    assert plan_requests(refs) == (List(DEPLOYMENT, "ns-0000", tuple(refs)),)


def test_pairs_in_ten_namespaces_are_a_list_each_and_never_one_of_the_cluster() -> None:
    requests = plan_requests(deployments(20, namespaces=10))

    assert len(requests) == 10
    assert all(isinstance(request, List) and request.namespace is not None for request in requests)


def test_the_only_one_of_a_namespace_is_read_by_its_name() -> None:
    requests = plan_requests([*deployments(MOST_GETS), Ref(DEPLOYMENT, "elsewhere", "alone")])

    assert [type(request) for request in requests] == [Get, List]


def test_very_many_objects_over_many_namespaces_are_one_list_of_the_cluster() -> None:
    refs = deployments(2000, namespaces=20)

    assert plan_requests(refs) == (List(DEPLOYMENT, None, tuple(sorted(refs))),)


def test_each_kind_is_read_for_itself_and_in_a_fixed_order() -> None:
    refs = [*deployments(2, kind=SERVICE), *deployments(9), *deployments(1, kind=VIRTUAL_SERVICE)]

    requests = plan_requests(refs)

    assert [type(request) for request in requests] == [List, Get, Get, Get]
    assert requests == plan_requests(reversed(refs))


def test_a_reference_that_is_given_twice_is_read_once() -> None:
    assert len(plan_requests(deployments(3) * 2)) == 3


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "..%2f"])
def test_a_name_that_would_change_the_url_is_never_asked_for(name: str) -> None:
    assert not Ref(DEPLOYMENT, "test", name).valid
    assert not Ref(DEPLOYMENT, name, "podinfo").valid
    assert plan_requests([Ref(DEPLOYMENT, "test", name)]) == ()


def test_a_list_of_the_cluster_gives_way_to_lists_of_the_namespaces_that_are_missing_something() -> None:
    refs = deployments(2000, namespaces=20)
    [whole] = plan_requests(refs)
    assert isinstance(whole, List)
    missing = [*[ref for ref in refs if ref.namespace == "ns-0003"][:7], Ref(DEPLOYMENT, "ns-0004", "app-0004")]

    assert fallback(whole, missing) == (List(DEPLOYMENT, "ns-0003", tuple(missing[:7])), Get(missing[7]))


def test_a_list_of_a_namespace_gives_way_to_gets() -> None:
    refs = deployments(50)
    [whole] = plan_requests(refs)
    assert isinstance(whole, List)

    assert fallback(whole, refs[:2]) == (Get(refs[0]), Get(refs[1]))


@pytest.mark.parametrize(
    ("missing", "remaining", "read", "follow"),
    [
        (20, 4500, 1, True),  # 9 pages or 20 objects
        (20, 10_000, 1, False),  # 20 pages: at equal cost GETs carry less
        (20, 20_000, 1, False),
        (1, 3, 1, False),
        (2, 3, 1, True),
        (20, None, 1, True),  # no remainingItemCount: at most as many pages as objects
        (20, None, 20, False),
    ],
)
def test_a_list_of_a_namespace_is_followed_while_its_pages_are_fewer_than_what_is_missing(
    missing: int, remaining: int | None, read: int, *, follow: bool
) -> None:
    refs = deployments(50)

    assert next_page_is_cheaper(List(DEPLOYMENT, "ns-0000", tuple(refs)), refs[:missing], remaining, read) is follow


def test_a_list_of_the_cluster_is_followed_to_its_last_page() -> None:
    refs = deployments(2000, namespaces=20)
    whole = List(DEPLOYMENT, None, tuple(refs))

    assert next_page_is_cheaper(whole, refs[:1500], 1500, 1)
    assert next_page_is_cheaper(whole, [refs[0]], 3, 1)
    assert not next_page_is_cheaper(whole, refs[:1500], 40_000, 1)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), max_size=900))
def test_every_object_is_asked_for_exactly_once_and_never_in_more_requests_than_there_are(
    places: list[tuple[int, int]],
) -> None:
    refs = {Ref(DEPLOYMENT, f"ns-{namespace}", f"app-{name}") for namespace, name in places}

    requests = plan_requests(refs)
    asked = [ref for request in requests for ref in ((request.ref,) if isinstance(request, Get) else request.refs)]

    assert sorted(asked) == sorted(refs)
    assert len(requests) <= len(refs)
    if len(refs) < FEWEST_FOR_CLUSTER:
        assert all(isinstance(request, Get) or request.namespace is not None for request in requests)


def test_several_readers_ask_for_larger_pages_up_to_a_limit() -> None:
    assert [page_size_for(readers) for readers in (1, 2, 4, 100)] == [500, 1000, 2000, 2000]


def test_the_first_page_is_small_and_grows_with_the_pages() -> None:
    request = List(DEPLOYMENT, None, tuple(Ref(DEPLOYMENT, "test", f"app-{number}") for number in range(60)))
    assert [first_page_size(request, size) for size in (10, 500, 2000)] == [10, 240, 960]
