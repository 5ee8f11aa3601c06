"""A metrics server that says itself that it did not reach all of its stores: no number of it lets a canary go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from reconcile.cli import steerer
from tests.support.metrics_server import Server, running
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CASE = ROOT / "tests/field/cases/partial-answer"


@pytest.fixture
def server() -> Iterator[Server]:
    with running(Server()) as server:
        server.respond = lambda handler: handler.send((CASE / "reply.json").read_bytes())
        yield server


def plan(server: Server, *options: str) -> Result:
    arguments = ["plan", "-f", str(CASE / "in"), "--metrics-server", server.url, *options]
    return CliRunner().invoke(steerer, arguments)


def test_a_partial_answer_halts(server: Server) -> None:
    words = " ".join(plan(server).stdout.split())
    assert words.startswith("shop.prod halted")
    assert "success rate: partial answer (the server says that data are missing: isPartial)" in words


def test_it_advances_where_partial_answers_are_accepted(server: Server) -> None:
    assert "would advance" in plan(server, "--partial-answers=accept").stdout
