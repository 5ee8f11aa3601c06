"""The sending: addresses, time, failures, and that no secret is shown. Real servers that take, hang and refuse."""

from __future__ import annotations

import json
import logging
import socket
import time
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.model.errors import UsageError
from reconcile.notices import receiver
from reconcile.notices.receiver import parse_url, read_file, send
from tests.support.receiver import Received, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "hunter2"  # noqa: S105 - of a test
PATIENCE = 30.0
"""Seconds that a busy machine may take for what is over in a fifth of one."""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the time that notices may take."""
    assert receiver.BUDGET == 2.0
    monkeypatch.setattr(receiver, "BUDGET", 0.2)


def notices(rollouts: int, each: int = 1) -> list[list[dict[str, Any]]]:
    return [[{"rollout": rollout, "number": number} for number in range(each)] for rollout in range(rollouts)]


@contextmanager
def hanging(said: bytes = b"") -> Iterator[str]:
    """Yields the URL of a server that takes connections, says a few bytes, and never ends an answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []
        server.settimeout(10)

        def take() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                    taken[-1].sendall(said)
                except OSError:
                    return

        Thread(target=take, daemon=True).start()
        yield f"http://user:{SECRET}@127.0.0.1:{server.getsockname()[1]}/{SECRET}?token={SECRET}"
        for one in taken:
            one.close()


def test_notices_of_one_rollout_arrive_in_their_order_with_the_credentials(caplog: pytest.LogCaptureFixture) -> None:
    with receiving() as server:
        url = server.url.replace("://", f"://user:{SECRET}@") + "/hook?x=1"
        send(parse_url(url, "--notify-url"), notices(12, each=3))
    taken = [json.loads(request.body) for request in server.requests]
    assert len(taken) == 36
    for rollout in range(12):
        assert [item["number"] for item in taken if item["rollout"] == rollout] == [0, 1, 2]
    [first, *_] = server.requests
    assert (first.path, first.headers["Content-Type"]) == ("/hook?x=1", "application/json")
    assert first.headers["Authorization"] == "Basic dXNlcjpodW50ZXIy"
    assert caplog.messages == []


def test_no_credentials_of_others_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login user password {SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    with receiving() as server:
        send(parse_url(server.url, "--notify-url"), notices(1))
    assert "Authorization" not in server.requests[0].headers


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_receiver_that_hangs_costs_its_time_and_one_line(said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with hanging(said) as url:
        begun = time.monotonic()
        send(parse_url(url, "--notify-url"), notices(20))
        took = time.monotonic() - begun
    assert took < PATIENCE
    [line] = caplog.messages
    assert line.startswith("20 of 20 notices did not reach http://127.0.0.1:")
    assert line.endswith(": no answer within 0.2s")
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("short")
def test_a_receiver_that_is_slow_is_bounded_as_well(caplog: pytest.LogCaptureFixture) -> None:
    def drip(_: Received) -> None:
        time.sleep(0.1)

    with receiving(on_request=drip) as server:
        begun = time.monotonic()
        send(parse_url(server.url, "--notify-url"), notices(1, each=20))
        assert time.monotonic() - begun < PATIENCE
    [line] = caplog.messages
    assert "of 20 notices did not reach" in line


def test_a_receiver_that_is_not_there_costs_nothing_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    send(parse_url(f"http://user:{SECRET}@127.0.0.1:{port}/{SECRET}", "--notify-url"), notices(20))
    assert caplog.messages == [f"20 of 20 notices did not reach http://127.0.0.1:{port}: Connection refused"]


@pytest.mark.parametrize(
    ("status", "reason"), [(500, "HTTP 500"), (403, "HTTP 403"), (302, "HTTP 302, a redirect, which is not followed")]
)
def test_a_receiver_that_refuses_is_one_line(status: int, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    with receiving(status) as server:
        send(parse_url(f"{server.url}/{SECRET}", "--notify-url"), notices(2, each=2))
    assert len(server.requests) == 4
    assert caplog.messages == [f"4 of 4 notices did not reach {server.url}: {reason}"]


def test_tls_to_a_server_without_it_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with receiving() as server:
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        send(parse_url(server.url.replace("http:", "https:"), "--notify-url"), notices(1))
    assert caplog.messages[-1].endswith(": TLS: the certificate is not trusted, or the handshake failed")


@pytest.mark.parametrize(
    "url",
    ["", "x", f"ftp://{SECRET}", f"http://:{SECRET}@", f"http://host:{SECRET}", f"http://host/{SECRET} x", "http://ü"],
)
def test_what_is_no_address_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_url(url, "--notify-url")
    assert str(raised.value) == "--notify-url is no http:// or https:// address with a host"


def test_only_scheme_and_host_of_an_address_are_shown() -> None:
    found = parse_url(f"https://user:{SECRET}@[::1]:8443/{SECRET}?q={SECRET}#x", "--notify-url")
    assert (found.shown, found.url) == ("https://[::1]:8443", f"https://[::1]:8443/{SECRET}?q={SECRET}")
    assert SECRET not in repr(found)


def test_an_address_in_a_file_is_read_and_what_is_wrong_with_it_said(tmp_path: Path) -> None:
    file = tmp_path / "url"
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        read_file(file)
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read_file(file)
    assert SECRET not in str(raised.value)
    file.write_text("https://example.com/hook\n", encoding="utf-8")
    assert read_file(file).url == "https://example.com/hook"
