"""A hostile metrics server and the whole program: the weight is held, and people see a harmless message."""

from __future__ import annotations

import gzip
import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.hostile.tally import End, ended
from tests.hostile.whole_program import (
    RunResult,
    folder_with,
    law_halted,
    law_readable,
    law_unchanged,
    run_as_process,
    run_in_process,
)
from tests.support import fast_yaml
from tests.support.metrics_server import Server, no_response, result_body, running, vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.metrics_server import Handler

BOMB = gzip.compress(b" " * 2_000_000, 1) * 25
SECRET = "s3cret!pass"  # noqa: S105 - of nobody
ACTS = "\x1b[2J\x9b31m\u202e\n2026-01-31T12:00:00 INFO all is well"


@pytest.fixture
def server() -> Iterator[Server]:
    with running(Server()) as server:
        yield server


def error(handler: Handler) -> None:
    """Sends the credentials back, in an error with terminal sequences."""
    text = f"{ACTS} {handler.headers['Authorization']} {SECRET} s3cret%21pass"
    body = {"status": "error", "errorType": ACTS, "error": text * 100, "warnings": [text] * 20}
    handler.send(json.dumps(body).encode(), 400)


def gigabyte(handler: Handler) -> None:
    handler.start(chunked=True)
    piece = b"[" * 2**16
    for _ in range(2**14):
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))


def redirect(handler: Handler) -> None:
    handler.send(b"", 302, Location=f"file:///etc/{SECRET}")


def elsewhere(handler: Handler) -> None:
    handler.send(b"", 307, Location=f"http://{SECRET}@elsewhere/{SECRET}/\x1b[2J")


REPLIES: dict[str, tuple[Callable[[Handler], None], str]] = {
    "error": (error, "error from Prometheus"),
    "gigabyte": (gigabyte, "the reply is larger than 1024 KiB"),
    "file": (redirect, "redirects to an address that cannot be read"),
    "elsewhere": (elsewhere, "redirects to http://elsewhere/***/ [2J"),
    "black hole": (no_response, "no answer within"),
    "bomb": (
        lambda handler: handler.send(BOMB, Content_Encoding="gzip"),
        "the reply is larger than 1024 KiB",
    ),
    "page": (lambda handler: handler.send(b"<html>" + ACTS.encode()), "a web page"),
    "raw": (lambda handler: handler.send(bytes(range(256)) * 99), "no JSON"),
    "deep": (lambda handler: handler.send(b'{"status":' * 99_999), "cut off"),
    "cut": (lambda handler: handler.send(vector("100")[:-2]), "cut off"),
    "NaN": (lambda handler: handler.send(vector("NaN")), "the query gives NaN"),
    "infinite": (lambda handler: handler.send(vector("+Inf")), "the query gives +Inf"),
    "several": (lambda handler: handler.send(vector("100", "100")), "the query gives 2 series"),
    "number": (lambda handler: handler.send(result_body("scalar", [1, 100])), "not of the shape"),
    "unauthorized": (lambda handler: handler.send(SECRET.encode(), 401), "HTTP 401: the credentials are"),
    "busy": (lambda handler: handler.send(ACTS.encode(), 503, Retry_After="9999"), "HTTP 503"),
}
COMMANDS = ("plan", "run")


def law_held(result: RunResult, command: str, words: str) -> None:
    """The exit code is 4, the reason is shown, no secret is shown or written, and no more is written than of a halt."""
    law_readable(result)
    assert result.code == 4
    assert words in result.out
    everything = result.text + "".join(data.decode() for data in result.changed.values())
    assert SECRET not in everything
    assert "s3cret" not in everything
    if command == "plan":
        law_unchanged(result)
    else:
        law_halted(result)
        assert any(words in event["message"] for event in fast_yaml.load_all(result.changed["events.yaml"]))


def asked(server: Server, name: str) -> tuple[str, ...]:
    url = server.url.replace("http://", f"http://someone:{SECRET}@")
    hurry = ("--pass-timeout", "2s") if name == "black hole" else ()
    return ("--metrics-server", url, "--detailed-exitcode", *hurry)


def held(tmp_path: Path, server: Server, name: str, run: Callable[..., RunResult]) -> None:
    """Runs each command with this response of the server and checks the law."""
    server.respond, words = REPLIES[name]
    folder = folder_with(tmp_path / "manifests", weight=10)
    for command in COMMANDS:
        law_held(run(folder, command, *asked(server, name)), command, words)
        ended(End.HELD)


@pytest.mark.hostile("The metrics server", "through the whole program: plan, run")
@pytest.mark.parametrize("name", REPLIES)
def test_the_weight_is_held_and_words_say_why(tmp_path: Path, server: Server, name: str) -> None:
    held(tmp_path, server, name, run_in_process)


@pytest.mark.hostile("The metrics server", "through the program as a process: plan, run")
@pytest.mark.parametrize("name", ["error", "elsewhere", "black hole", "gigabyte"])
def test_a_process_says_the_same(tmp_path: Path, server: Server, name: str) -> None:
    held(tmp_path, server, name, run_as_process)


@pytest.mark.hostile("The metrics server", "through the whole program: plan, run")
def test_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    folder = folder_with(tmp_path / "manifests", weight=10)
    for command in COMMANDS:
        result = run_in_process(folder, command, "--metrics-server", f"http://127.0.0.1:{port}", "--detailed-exitcode")
        law_held(result, command, "Connection refused")
        ended(End.HELD)
