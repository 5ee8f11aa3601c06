"""Credentials: which are sent, which are refused, and that none is ever shown."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from reconcile.metrics import address
from reconcile.metrics.prometheus import Prometheus
from reconcile.metrics.query import QueryClient
from reconcile.model.errors import UsageError
from reconcile.model.measurement import Failure
from tests.hostile.tally import End, ended
from tests.support.metrics_server import Handler, Server, no_response
from tests.unit.metrics.meter import AT, TEMPLATES, ask, failed, question


def test_the_user_of_the_url(server: Server) -> None:
    url = server.url.replace("http://", "http://prom:p%40ss%C3%A9:x@")
    assert ask(url).value == 1
    assert server.requests[0][1]["Authorization"] == "Basic cHJvbTpwQHNzw6k6eA=="


def test_a_token_is_read_anew_each_time(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    meter = Prometheus(server.url, TEMPLATES, token_file=token)
    for text in ("first\n", "second"):
        token.write_text(text)
        meter.measure([question()], AT)
    assert [headers["Authorization"] for _, headers, _ in server.requests] == ["Bearer first", "Bearer second"]


@pytest.mark.hostile("The metrics server", "addresses and options that can never work")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no token"),
        (b"s3\r\ncret", "holds"),
        (b"s3cr\xffet", "holds"),
    ],
)
def test_a_token_that_cannot_be_used(server: Server, tmp_path: Path, content: bytes | None, words: str) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    failure, detail = failed(ask(server.url, token_file=token))
    assert failure is Failure.UNREACHABLE
    assert detail.startswith(f"the token file {token} {words}")
    assert "s3" not in detail.replace(str(token), "")
    assert server.requests == []


def test_headers(server: Server) -> None:
    assert ask(server.url, headers={"X-Scope-OrgID": "team a"}).value == 1
    assert server.requests[0][1]["X-Scope-OrgID"] == "team a"


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("?namespace=prod", "/api/v1/query?namespace=prod"),
        ("/?namespace=prod&deny_partial_response=1", "/api/v1/query?namespace=prod&deny_partial_response=1"),
        (
            "/select/0/prometheus/?extra_label=a%3Db&empty=",
            "/select/0/prometheus/api/v1/query?extra_label=a%3Db&empty=",
        ),
        ("/?", "/api/v1/query"),
    ],
)
def test_the_arguments_of_the_address_go_along_with_each_query(server: Server, written: str, path: str) -> None:
    assert ask(f"{server.url}{written}").value == 1
    sent, _, form = server.requests[0]
    assert (sent, sorted(form)) == (path, ["query", "time", "timeout"])


def test_the_arguments_of_the_address_are_not_shown(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    url = f"{server.url}?token=s3cret%2Fs&namespace=prod"
    server.secrets = ["s3cret/s", "s3cret%2Fs", "prod"]
    server.respond = echoed
    with caplog.at_level(logging.DEBUG, "steerer"):
        answers = [ask(url), ask(url.replace("http:", "https:"))]
    said = str(answers) + str([record for record in caplog.records if record.name.startswith("steerer")])
    assert ("s3cret" in said, "prod" in said, "***" in said) == (False, True, True)


def echoed(handler: Handler) -> None:
    """Sends back all that was sent, as a debugging proxy might: in the error, in the warnings."""
    said = "\n".join(f"{name}={value}" for name, value in handler.headers.items())
    body = {
        "status": "error",
        "errorType": f"bad_data {handler.path}",
        "error": f"{said} {' '.join(handler.server.secrets)}",
        "warnings": [said, said.upper(), *handler.server.secrets],
    }
    handler.send(json.dumps(body).encode(), 400)


BASIC = "c29tZW9uZTpzM2NyZXQvcw=="


@pytest.mark.hostile("The metrics server", "credentials that are said back")
@pytest.mark.parametrize(
    ("userinfo", "options", "secrets"),
    [
        ("someone:s3cret%2Fs@", {}, ["someone", "s3cret%2Fs", "s3cret/s", BASIC]),
        ("some&one:s3cret!$@", {}, ["some&one", "some%26one", "some&amp;one", "s3cret!$", "s3cret%21%24"]),
        ("", {"headers": {"Authorization": "Bearer s3cret-token"}}, ["s3cret-token", "S3CRET-TOKEN"]),
        ("", {"headers": {"Authorization": f"basic {BASIC}"}}, [BASIC, "someone", "s3cret/s"]),
        ("", {"headers": {"X-Key": "abc s3cret"}}, ["abc", "s3cret"]),
        ("", {"headers": {"X-Key": "k"}}, ["X-Key=k"]),
        ("", {"token_file": "s3cret-token"}, ["s3cret-token"]),
    ],
)
def test_no_credential_is_ever_shown(
    server: Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    userinfo: str,
    options: dict[str, Any],
    secrets: list[str],
) -> None:
    if "token_file" in options:
        (tmp_path / "token").write_text(options["token_file"])
        options = {"token_file": tmp_path / "token"}
    url = server.url.replace("http://", f"http://{userinfo}")
    closed = url.rpartition(":")[0] + ":1"
    with caplog.at_level(logging.DEBUG):
        server.secrets = secrets
        server.respond = echoed
        answers = [ask(url, **options), ask(closed, **options), ask(url.replace("http:", "https:"), **options)]
        server.respond = lambda handler: handler.send(b"", 302, Location=f"http://{userinfo}host/{'/'.join(secrets)}")
        answers.append(ask(url, **options))
        server.respond = no_response
        answers.append(ask(url, timeout=0.1, **options))
    assert "***" in answers[0].detail
    assert answers[0].warnings
    assert [failed(answer)[0] for answer in answers] == [Failure.QUERY_ERROR, *[Failure.UNREACHABLE] * 4]
    said = str(answers) + caplog.text
    assert [secret for secret in secrets if secret in said] == []


@pytest.mark.hostile("The metrics server", "addresses and options that can never work")
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("prometheus:9090", "no http:// or https:// address"),
        ("someone:s3cret@prometheus:9090", "no http:// or https:// address"),
        ("", "no http:// or https:// address"),
        ("ftp://prometheus", "no http:// or https:// address"),
        ("http://", "no http:// or https:// address"),
        ("http:///path", "no http:// or https:// address"),
        ("http://prometheus:port", "no http:// or https:// address"),
        ("http://[::1", "no http:// or https:// address"),
        ("http://someone:s3cret/x@prometheus", "no http:// or https:// address"),
        ("http://*.example", "no http:// or https:// address"),
        ("http://someone:12/s3cret@prometheus", "an @ behind its host"),
        ("http://someone:12#s3cret@prometheus", "an @ behind its host"),
        ("http://prometheus/?s3cret", "write what follows as name=value"),
        ("http://prometheus?namespace=s3cret&", "write what follows as name=value"),
        ("http://prometheus?key=s3cret&query=up", "the argument query, which each query sets itself"),
        ("http://prometheus?timeout=", "the argument timeout, which each query sets itself"),
        ("http://prometheus?key=s3cret@x", "an @ behind its host"),
        ("http://prometheus?key=1#s3cret", "something behind its path"),
        ("http://prometheus/#", "something behind its path"),
        ("http://prometheus/s3cret\n", "spaces or other characters"),
        ("http://prometheus\\@elsewhere", "spaces or other characters"),
        ("http://prometheus/ä", "spaces or other characters"),
    ],
)
def test_addresses_that_can_never_work(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Prometheus(url, TEMPLATES)
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    ended(End.REFUSED)


@pytest.mark.hostile("The metrics server", "addresses and options that can never work")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"headers": {"Authorization": "s3cret"}, "token_file": Path("token")}, "more than one set of credentials"),
        ({"headers": {"authorization": "s3cret"}, "token_file": Path("token")}, "more than one set of credentials"),
        ({"headers": {"X Y": "s3cret"}}, "has no valid name"),
        ({"headers": {"X": "s3cret\r\nY: Z"}}, "--metrics-header X: its value must be"),
        ({"headers": {"X": ""}}, "--metrics-header X: its value must be"),
        ({"ca_file": Path("gone.pem")}, r"the CA file gone\.pem is not there"),
    ],
)
def test_options_that_can_never_work(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Prometheus("http://prometheus", TEMPLATES, **options)
    assert "s3cret" not in str(caught.value)
    ended(End.REFUSED)


def test_what_the_values_show_of_themselves_has_no_secret() -> None:
    server = address.parse_url("http://user:s3cret@prometheus/?key=s3cret")
    client = QueryClient(server=server, headers={"X-Key": "s3cret"}, ca_file=None, timeout=1, at=AT, mask=str)
    assert (server.userinfo, server.arguments) == ("user:s3cret", "key=s3cret")
    assert repr(client) == "QueryClient(Server(http://prometheus))"
