"""Which queries are sent: the batches, their bounds and the order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.metrics.batching import MAX_NAMES, MAX_WORKLOADS, Query, queries
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Asks, Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def question(workload: str, metric: str = "m", namespace: str = "test", interval: str = "1m") -> Question:
    rollout = Ref(ROLLOUT, namespace, f"{workload}-rollout")
    return Question(rollout=rollout, metric=metric, workload=workload, interval=interval, weight=10)


def single(asked: Question) -> str:
    return f"{asked.metric}({asked.rollout.namespace}/{asked.workload}[{asked.interval}])"


def render_batch(asked: Question, workloads: Sequence[str]) -> str:
    return f"{asked.metric}({asked.rollout.namespace}/{'|'.join(workloads)}[{asked.interval}])"


def sent(asked: Iterable[Question]) -> tuple[Query, ...]:
    return queries({one: single(one) for one in asked}, render_batch)


def texts(asked: Iterable[Question]) -> list[str]:
    return [query.text for query in sent(asked)]


def test_rollouts_that_ask_the_same_are_one_query() -> None:
    [query] = sent([question("a"), question("b"), question("c")])
    assert query.text == "m(test/a|b|c[1m])"
    assert query.batch == {"a": "m(test/a[1m])", "b": "m(test/b[1m])", "c": "m(test/c[1m])"}
    assert query.single_queries == tuple(query.batch.values())


def test_another_metric_interval_or_namespace_is_another_query() -> None:
    others = [question("c", "n"), question("d", interval="60s"), question("e", namespace="other")]
    assert texts([question("a"), *others, question("b")]) == [
        "m(test/a|b[1m])",
        "n(test/c[1m])",
        "m(test/d[60s])",
        "m(other/e[1m])",
    ]


def test_one_workload_alone_is_asked_for_by_its_own_query() -> None:
    [query] = sent([question("a")])
    assert query == Query(text="m(test/a[1m])", metric="m", position=0)
    assert query.single_queries == ("m(test/a[1m])",)


def test_two_rollouts_of_one_workload_are_one_workload() -> None:
    other = Question(rollout=Ref(ROLLOUT, "test", "other"), metric="m", workload="a", interval="1m", weight=50)
    assert texts([question("a"), other]) == ["m(test/a[1m])"]


def test_a_metric_without_such_a_query_is_asked_one_by_one() -> None:
    asked = [question("a"), question("b")]
    assert [query.text for query in queries({one: single(one) for one in asked}, lambda *_: None)] == [
        "m(test/a[1m])",
        "m(test/b[1m])",
    ]


def test_a_query_that_is_the_same_for_everybody_is_sent_once() -> None:
    asked = [question("a"), question("b"), question("c", namespace="other"), question("d", "n")]
    assert [query.text for query in queries(dict.fromkeys(asked, "up"), render_batch)] == ["up"]


def test_groups_with_the_same_text_are_each_sent() -> None:
    asked = [question(name, namespace=namespace) for namespace in ("a", "b") for name in ("x", "y")]
    found = queries({one: single(one) for one in asked}, lambda *_: "everywhere")
    assert [query.text for query in found] == ["everywhere"] * 2
    assert {text for query in found for text in query.single_queries} == {single(one) for one in asked}


def test_all_that_one_rollout_asks_is_near_each_other() -> None:
    asked = [question(f"w{number}", metric) for number in range(2 * MAX_WORKLOADS) for metric in ("m", "n", "only")]
    rendered = {one: single(one) for one in asked}
    found = queries(rendered, lambda one, names: None if one.metric == "only" else render_batch(one, names))
    first, second = "w0", f"w{MAX_WORKLOADS}"
    heads = [(query.metric, next(iter(query.batch), query.text)) for query in found]
    assert heads[:3] == [("m", first), ("n", first), ("only", f"only(test/{first}[1m])")]
    place = heads.index(("m", second))
    assert heads[place : place + 2] == [("m", second), ("n", second)]
    assert heads[place + 2] == ("only", f"only(test/{second}[1m])")


def test_a_group_has_its_bounds() -> None:
    many = sent([question(f"w{number}") for number in range(2 * MAX_WORKLOADS + 1)])
    assert [len(query.batch) for query in many] == [MAX_WORKLOADS, MAX_WORKLOADS, 0]
    long = sent([question(f"{number}" * (MAX_NAMES // 4)) for number in range(1, 10)])
    assert [len(query.batch) for query in long] == [4, 4, 0]
    [one, other] = sent([question("a" * 2 * MAX_NAMES), question("b")])
    assert not one.batch
    assert not other.batch


@pytest.mark.parametrize("seed", range(20))
def test_a_thousand_canaries_in_twenty_namespaces_with_two_metrics_are_at_most_100_queries(seed: int) -> None:
    places = random.Random(seed).choices(range(20), k=1000)  # noqa: S311 no secret is made of it
    asked = [
        question(f"podinfo-canary-{number}", metric, f"team-{place}")
        for number, place in enumerate(places)
        for metric in ("istio_requests_total", "istio_request_duration_seconds_bucket")
    ]
    found = sent(asked)
    assert len(found) <= 100
    assert sorted(text for query in found for text in query.single_queries) == sorted(map(single, asked))


def test_what_a_group_cannot_tell_is_asked_for_alone_once_all_others_were() -> None:
    [query] = sent([question("a"), question("b")])
    assert [(alone.text, alone.batch, alone.round) for alone in query.split()] == [
        ("m(test/a[1m])", {}, 1),
        ("m(test/b[1m])", {}, 1),
    ]


def test_rollouts_with_other_args_share_no_batch() -> None:
    asked = [replace(question(name), args=args) for name in ("a", "b") for args in ((), (("route", "x"),))]
    found = queries({one: f"{one.workload} {one.args}" for one in asked}, render_batch)
    assert [sorted(query.batch) for query in found] == [["a", "b"], ["a", "b"]]


def test_rollouts_with_queries_of_one_name_share_none() -> None:
    asked = [replace(question("a"), query="x"), replace(question("a"), query="y")]
    found = queries({one: one.query for one in asked}, render_batch)
    assert [query.text for query in found] == ["x", "y"]


def test_counts_and_primaries_are_asked_together_with_their_like() -> None:
    asked = [
        replace(question(f"{name}{side}"), asks=asks, threshold=threshold)
        for name in ("a", "b")
        for side in ("", "-primary")
        for asks, threshold in ((Asks.VALUE, None), (Asks.REQUESTS, None), (Asks.FAILURES, 500.0))
    ]
    found = queries({one: f"{one.workload} {one.asks}" for one in asked}, render_batch)
    assert [sorted(query.batch) for query in found] == [["a", "a-primary", "b", "b-primary"]] * 3


def test_other_thresholds_are_counted_apart() -> None:
    asked = [replace(question(name), asks=Asks.FAILURES, threshold=edge) for name, edge in (("a", 5.0), ("b", 9.0))]
    assert len(queries({one: one.workload for one in asked}, render_batch)) == 2
