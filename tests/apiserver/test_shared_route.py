"""Sixteen Rollouts on one VirtualService, as a gateway has it: each pass moves all of them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.apiserver.steering import (
    Done,
    Steerer,
    get,
    let_interval_pass,
    of_steerer,
    rolled_out,
    small_release,
    store,
)
from tests.components.faults import answered
from tests.components.gateway import Gateway, passed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.components.controlplane import ControlPlane
    from tests.components.gateway import Exchange, Fault, Request

ROUTE = "virtualservice/gateway"
NAMES = [f"app-{number:02}" for number in range(16)]
STEP = 10


class OneGateway:
    """A namespace with 20 Rollouts whose routes are all in one VirtualService."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane, self.namespace = plane, f"gateway-{uuid4().hex[:8]}"
        plane.create_namespace(self.namespace)
        objects, routes = [], []
        for name in NAMES:
            for item in small_release(self.namespace, name):
                if item["kind"] == "VirtualService":
                    routes += item["spec"]["http"]
                    route = item
                    continue
                if item["kind"] == "Rollout":
                    item["spec"]["virtualService"] = {"name": "gateway"}
                objects.append(item)
        route["metadata"] = {"name": "gateway", "namespace": self.namespace}
        route["spec"] = {"hosts": ["shop.example"], "gateways": ["edge"], "http": routes}
        store(plane, [*objects, route])
        rolled_out(plane, self.namespace, *NAMES, *(f"{name}-canary" for name in NAMES))

    def steerer(self, kubeconfig: Any = None) -> Steerer:
        """The program in this namespace."""
        return Steerer(kubeconfig=kubeconfig or self.plane.kubeconfig, seconds=180)

    @property
    def args(self) -> tuple[str, ...]:
        """A pass over all Rollouts of the namespace, at the interval of a minute."""
        return ("run", f"--namespace={self.namespace}", "--output=json")

    @property
    def weights(self) -> list[int]:
        """The canaries' weights, Rollout by Rollout."""
        routes = get(self.plane, ROUTE, self.namespace)["spec"]["http"]
        by_host = {end["destination"]["host"]: end["weight"] for route in routes for end in route["route"]}
        return [by_host[f"{name}-canary"] for name in NAMES]

    def later(self) -> None:
        """Ends the interval of all Rollouts."""
        let_interval_pass(self.plane, self.namespace, *NAMES)

    def route_writes(self, mark: int) -> Counter[int]:
        """Returns how many requests to write the VirtualService had each code."""
        entries = of_steerer(self.plane.requests_since(mark))
        return Counter(entry.code for entry in entries if (entry.verb, entry.resource) == ("patch", "virtualservices"))


@pytest.fixture(scope="module")
def rollouts(control_plane: ControlPlane) -> OneGateway:
    """The Rollouts that all tests here move on, one after the other."""
    return OneGateway(control_plane)


@pytest.fixture
def one_gateway(rollouts: OneGateway) -> OneGateway:
    """Sixteen Rollouts that may make a step."""
    rollouts.later()
    return rollouts


@pytest.fixture
def disturbed(one_gateway: OneGateway) -> Iterator[Callable[[int, Fault], Steerer]]:
    """Returns the program behind a gateway that does something with the n-th write of the VirtualService (0 = all)."""
    with ExitStack() as stack:

        def behind(nth: int, fault: Fault) -> Steerer:
            seen = 0

            def hook(request: Request) -> Fault:
                nonlocal seen
                if not (request.writes and request.resource == "virtualservices"):
                    return passed
                seen += 1
                return fault if nth in {0, seen} else passed

            gateway = stack.enter_context(Gateway(one_gateway.plane, hook).serving())
            return one_gateway.steerer(gateway.before(one_gateway.plane.kubeconfig))

        yield behind


def results(*done: Done) -> Counter[str]:
    return Counter(record["result"] for each in done for record in each.records)


def moved(before: list[int], after: list[int]) -> Counter[int]:
    """Returns the increases of the canaries' weights, counted."""
    return Counter(new - old for old, new in zip(before, after, strict=True))


def test_each_pass_moves_all_of_them_with_fewer_writes_than_there_are_of_them(one_gateway: OneGateway) -> None:
    for _ in range(2):
        before, mark = one_gateway.weights, one_gateway.plane.mark()
        assert results(one_gateway.steerer()(*one_gateway.args)) == {"applied": len(NAMES)}
        assert moved(before, one_gateway.weights) == {STEP: len(NAMES)}
        writes = one_gateway.route_writes(mark)
        assert set(writes) == {200}
        assert writes[200] < len(NAMES)  # those that come while another is on its way are one
        one_gateway.later()


def test_a_persons_edit_in_between_is_kept_and_all_make_their_step(
    one_gateway: OneGateway, disturbed: Callable[[int, Fault], Steerer]
) -> None:
    def edited_first(exchange: Exchange) -> None:
        patch = [{"op": "add", "path": "/spec/hosts/-", "value": "also.example"}]
        one_gateway.plane.patch(ROUTE, one_gateway.namespace, patch)
        passed(exchange)

    before, mark = one_gateway.weights, one_gateway.plane.mark()
    assert results(disturbed(2, edited_first)(*one_gateway.args)) == {"applied": len(NAMES)}
    assert moved(before, one_gateway.weights) == {STEP: len(NAMES)}
    assert get(one_gateway.plane, ROUTE, one_gateway.namespace)["spec"]["hosts"] == ["shop.example", "also.example"]
    assert one_gateway.route_writes(mark)[422] >= 1


@pytest.mark.parametrize("code", [409, 422, 500])
def test_an_answer_that_refuses_one_write_leaves_out_one_rollout_at_most(
    one_gateway: OneGateway, disturbed: Callable[[int, Fault], Steerer], code: int
) -> None:
    before = one_gateway.weights
    done = disturbed(2, answered(code))(*one_gateway.args)
    left_out = len(NAMES) - results(done)["applied"]
    assert left_out <= (code != 409)
    assert moved(before, one_gateway.weights)[STEP] == len(NAMES) - left_out


def test_a_422_for_one_of_them_harms_no_other(
    one_gateway: OneGateway, disturbed: Callable[[int, Fault], Steerer]
) -> None:
    def refused_for_one(exchange: Exchange) -> None:
        one = f'"{NAMES[5]}-canary"'.encode() in exchange.request.body
        (answered(422) if one else passed)(exchange)

    before = one_gateway.weights
    done = disturbed(0, refused_for_one)(*one_gateway.args)
    assert [record["rollout"]["name"] for record in done.records if record["result"] != "applied"] == [NAMES[5]]
    expected = [weight + (0 if name == NAMES[5] else STEP) for name, weight in zip(NAMES, before, strict=True)]
    assert one_gateway.weights == expected


def test_a_second_pass_beside_it_moves_none_twice_and_leaves_none_out(one_gateway: OneGateway) -> None:
    steerer, before = one_gateway.steerer(), one_gateway.weights
    halves = [NAMES[:12], NAMES[8:]]  # some are in both
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda names: steerer(*one_gateway.args, *names), halves))
    assert moved(before, one_gateway.weights) == {STEP: len(NAMES)}
