"""A query over a window: what is asked, and what each answer means."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.templates import load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Question
from reconcile.model.series import Series, Window
from tests.support.receiver import receiving

if TYPE_CHECKING:
    from pathlib import Path

END = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
WINDOW = Window(begin=END - timedelta(minutes=4), end=END, step=60.0)
SECRET = "hunter2"  # noqa: S105 - of a test


def matrix(*series: list[tuple[float, str]]) -> dict[str, Any]:
    return {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values} for values in series]},
    }


def asked(answer: object, status: int = 200) -> tuple[Series, dict[str, list[str]]]:
    """Asks a server that gives this answer; returns what it means, and the form that was sent."""
    said = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    with receiving(status, on_request=lambda _: said) as server:
        found = Prometheus(f"{server.url}/prefix?namespace=test", load()).series(["up"], WINDOW)["up"]
    [request] = server.requests
    assert request.path == "/prefix/api/v1/query_range?namespace=test"
    return found, parse_qs(request.body.decode())


def at(minute: int) -> datetime:
    return WINDOW.begin + timedelta(minutes=minute)


def test_points_have_their_times_and_a_gap_where_there_were_none() -> None:
    begin = WINDOW.begin.timestamp()
    found, form = asked(matrix([(begin, "1"), (begin + 60, "NaN"), (begin + 240, "2.5")]))
    assert found == Series(query="up", points=((at(0), 1.0), (at(1), None), (at(4), None), (at(4), 2.5)))
    assert form == {
        "query": ["up"],
        "start": [f"{begin:.3f}"],
        "end": [f"{END.timestamp():.3f}"],
        "step": ["60.000"],
        "timeout": ["10000ms"],
    }


def test_no_series_is_no_problem() -> None:
    assert asked(matrix())[0] == Series(query="up")


@pytest.mark.parametrize(
    ("answer", "status", "problem"),
    [
        (matrix([(1, "1")], [(1, "2")]), 200, "the query gives 2 series and must give one"),
        ({"status": "error", "errorType": "bad_data", "error": "parse error"}, 400, "bad_data: parse error"),
        (b"<html>", 200, "a web page and not an answer"),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, 200, "not of the shape"),
        ({"status": "success", "data": {"resultType": "matrix", "result": {}}}, 200, "not of the shape"),
        ({"status": "success", "data": {"resultType": "matrix", "result": [{"values": 5}]}}, 200, "not of the shape"),
        (matrix([("x", "1")]), 200, "not of the shape"),  # type: ignore[list-item]
        (matrix([(1, "many")]), 200, "not of the shape"),
        ({"status": "success"}, 200, "not of the shape"),
        ({}, 401, "HTTP 401: the credentials are missing or not accepted"),
    ],
)
def test_every_other_answer_is_a_problem_in_words(answer: object, status: int, problem: str) -> None:
    found, _ = asked(answer, status)
    assert problem in found.problem
    assert found.points == ()


def test_a_partial_answer_is_a_problem_unless_it_is_accepted() -> None:
    partial = matrix([(WINDOW.begin.timestamp(), "1")]) | {"isPartial": True}
    found, _ = asked(partial)
    assert (found.points, found.problem.split(":")[0]) == ((), "the server says that data are missing")
    with receiving(on_request=lambda _: json.dumps(partial).encode()) as server:
        accepted = Prometheus(server.url, load(), accept_partial=True).series(["up"], WINDOW)["up"]
    assert accepted == Series(query="up", points=((at(0), 1.0),))


def test_a_long_window_asks_for_no_more_points_than_a_server_gives() -> None:
    window = Window(begin=END - timedelta(days=31), end=END, step=1.0)
    with receiving(on_request=lambda _: json.dumps(matrix()).encode()) as server:
        Prometheus(server.url, load()).series(["up"], window)
    assert float(parse_qs(server.requests[0].body.decode())["step"][0]) >= 31 * 86_400 / 11_000


def test_a_server_that_is_not_there_is_told_without_its_credentials() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = Prometheus(f"http://user:{SECRET}@127.0.0.1:{port}", load()).series(["up"], WINDOW)["up"]
    assert found.problem == f"http://127.0.0.1:{port}: Connection refused"


def test_what_there_is_no_time_for_and_what_cannot_be_asked_is_told(tmp_path: Path) -> None:
    question = Question(rollout=Ref(ROLLOUT, "test", "x"), metric="no-such", workload="x", interval="1m", weight=0)
    found = Prometheus("http://127.0.0.1:9", load(), budget=0).series(["up", question], WINDOW)
    assert found["up"].problem == "not asked within 0s"
    assert "metric 'no-such' is not known" in found[question].problem
    missing = Prometheus("http://127.0.0.1:9", load(), token_file=tmp_path / "none").series(["up"], WINDOW)
    assert "cannot be read" in missing["up"].problem
