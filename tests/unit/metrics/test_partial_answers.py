"""Answers that say themselves that data are missing: no value, unless that is accepted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.metrics.partial_answers import WARNINGS, reason
from reconcile.metrics.prometheus import Prometheus
from reconcile.model.measurement import Failure
from tests.support.metrics_server import Server, result_body, vector
from tests.support.paths import DOCS
from tests.unit.metrics.many import TEMPLATES as GROUPED
from tests.unit.metrics.many import by_workload, questions
from tests.unit.metrics.meter import AT, ask, failed

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_STORES = "No StoreAPIs matched for this query"
# As the servers write them. Thanos: the proxy and the response of a store; Cortex; Prometheus with a remote read.
THANOS_FETCH = "fetch series for {cluster=eu} Addr: 10.0.0.7:10901: rpc error: code = Unavailable desc = closing"
THANOS_RECEIVE = "receive series from Addr: 10.0.0.7:10901 LabelSets: {} MinTime: 1: rpc error: code = Unknown"
THANOS_TIMEOUT = "failed to receive any data in 5s from Addr: 10.0.0.7:10901: context canceled"
CORTEX = "query result may contain partial data"
REMOTE_READ = "remote_read: remote server http://store/read returned http status 503 Service Unavailable"


@pytest.mark.parametrize(
    ("envelope", "words"),
    [
        ({"isPartial": True}, "isPartial"),
        ({"isPartial": "true"}, "isPartial"),
        *(
            ({"warnings": ["slow", 5, text]}, text)
            for text in (NO_STORES, THANOS_FETCH, THANOS_RECEIVE, THANOS_TIMEOUT, CORTEX, REMOTE_READ)
        ),
        ({"warnings": [*["slow"] * 50, NO_STORES]}, NO_STORES),
        ({}, ""),
        ({"isPartial": False, "warnings": None}, ""),
        ({"isPartial": None, "warnings": NO_STORES}, ""),
        ({"warnings": ["PromQL info: metric might not be a counter, name does not end in _total: q"]}, ""),
        ({"infos": [NO_STORES]}, ""),
    ],
)
def test_which_answers_are_partial(envelope: Mapping[str, object], words: str) -> None:
    assert reason(envelope) == words


PARTIAL: list[tuple[dict[str, Any], str]] = [({"isPartial": True}, "isPartial"), ({"warnings": [NO_STORES]}, NO_STORES)]


@pytest.mark.hostile("The metrics server", "an answer that says itself that data are missing")
@pytest.mark.parametrize(("more", "words"), PARTIAL)
@pytest.mark.parametrize("values", [("100",), (), ("NaN",), ("1", "2")])
def test_a_partial_answer_has_no_value(
    server: Server, more: dict[str, Any], words: str, values: tuple[str, ...]
) -> None:
    server.respond = lambda handler: handler.send(vector(*values, **more))
    assert failed(ask(server.url)) == (Failure.PARTIAL, f"the server says that data are missing: {words}")


def test_an_error_stays_an_error(server: Server) -> None:
    body = b'{"status":"error","errorType":"execution","error":"x","isPartial":true}'
    server.respond = lambda handler: handler.send(body, 422)
    assert failed(ask(server.url)) == (Failure.QUERY_ERROR, "execution: x")


@pytest.mark.parametrize(("more", "words"), PARTIAL)
def test_a_partial_answer_that_is_accepted_counts_and_is_logged(
    server: Server, caplog: pytest.LogCaptureFixture, more: dict[str, Any], words: str
) -> None:
    server.respond = lambda handler: handler.send(vector("99.5", **more))
    with caplog.at_level(logging.WARNING, "steerer.metrics"):
        assert ask(server.url, accept_partial=True).value == 99.5
    assert [record.message.endswith(words) for record in caplog.records] == [True]


@pytest.mark.parametrize(("more", "words"), PARTIAL)
def test_a_partial_answer_to_a_batch_has_no_value_for_any_and_is_not_asked_again(
    server: Server, more: dict[str, Any], words: str
) -> None:
    server.respond = lambda handler: handler.send(result_body("vector", by_workload(w0="1", w1="2"), **more))
    answers = Prometheus(server.url, GROUPED).measure(questions(2, "first"), AT)
    assert {failed(answer)[0] for answer in answers.values()} == {Failure.PARTIAL}
    assert all(words in answer.detail for answer in answers.values())
    assert len(server.requests) == 1


def test_the_docs_name_each_text() -> None:
    text = (DOCS / "metrics.md").read_text()
    assert [known for known in WARNINGS if f"`{known}`" not in text] == []
