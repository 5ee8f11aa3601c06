"""`steerer backtest`: what it asks, what it prints, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from resource import RLIMIT_AS, setrlimit
from typing import TYPE_CHECKING

import pytest

from tests.support.metrics_server import Handler, Server, result_body, running
from tests.support.program import confined, contents, environment, example, invoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_MEMORY = 200 * 2**20
UNTIL = "2026-01-15T00:00:00Z"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path / "live")


@pytest.fixture
def server() -> Iterator[Server]:
    with running(Server()) as started:
        started.respond = good_but_for_an_hour
        yield started


def good_but_for_an_hour(handler: Handler) -> None:
    """Answers a query over a window: in the first hour of the 14th of January the primary fails requests."""
    _, _, form = handler.server.requests[-1]
    begin, end, step = (float(form[key]) for key in ("start", "end", "step"))
    times = [begin + place * step for place in range(round((end - begin) / step) + 1)]
    bad = range(1_768_348_800, 1_768_348_800 + 3600)
    counts, slow = "increase(" in form["query"], "duration" in form["query"]
    values = [[at, "600" if counts else "100" if slow else "90" if int(at) in bad else "100"] for at in times]
    handler.send(result_body("matrix", [{"metric": {}, "values": values}]))


def backtest(folder: Path, server: Server, *more: str, name: str = "podinfo") -> tuple[int, str, str]:
    done = invoke("backtest", name, "-f", folder, "--metrics-server", server.url, "--until", UNTIL, *more)
    return done.returncode, done.stdout, done.stderr


def test_two_weeks_of_the_primary_are_asked_for_in_parts_that_any_server_gives(folder: Path, server: Server) -> None:
    before = contents(folder)
    # In 200 MB of addresses, which is more than the memory that it takes.
    options = ("--metrics-server", server.url, "--until", UNTIL)
    done = confined(lambda: setrlimit(RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY)), "backtest", "-f", folder, *options)
    assert (done.returncode, done.stderr) == (0, "")
    out = done.stdout
    assert contents(folder) == before
    forms = [form for path, _, form in server.requests if path.endswith("/api/v1/query_range")]
    assert len(forms) == len(server.requests) == 8  # two values and two counts, in two parts each
    assert all("podinfo" in form["query"] and "podinfo-canary" not in form["query"] for form in forms)
    points = [(float(form["end"]) - float(form["start"])) / float(form["step"]) + 1 for form in forms[:2]]
    assert points == [11_000, 9_161]
    assert float(forms[1]["start"]) - float(forms[0]["end"]) == 60.0
    assert "20,161 checks, one each 1m\n" in out
    # Releases of 10 checks, one at each weight, that begin from 9 checks before the hour on, of 20,152.
    assert f"{100 * (60 + 9) / 20_152:.1f} % would have halted at least once\n" in out
    assert "checks: 99.7 % good, 0.3 % failed, 0.0 % inconclusive\n" in out
    assert "at 10 %: 60 requests in 1m, 60 in quiet times\n" in out


def test_the_same_comes_for_programs_and_as_a_comment(folder: Path, server: Server) -> None:
    code, out, _ = backtest(folder, server, "-o", "json", "--since", "2d", "--length", "1h")
    [rollout] = json.loads(out)["rollouts"]
    assert (code, rollout["releases"], rollout["checksOfARelease"]) == (0, 2881 - 59, 60)
    assert rollout["metrics"][0]["halted"] == rollout["halted"] == pytest.approx((60 + 59) / (2881 - 59))
    assert [item["target"] for item in rollout["metrics"][0]["proposals"]] == [5, 1]
    code, out, _ = backtest(folder, server, "-o", "markdown", "--since", "2d")
    assert (code, out.splitlines()[0]) == (0, "### Backtest of <code>podinfo.test</code>")


def test_what_is_compared_is_counted_once_between_two_checks(folder: Path, server: Server) -> None:
    file = folder / "rollouts" / "podinfo.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("threshold: 99", "threshold: 99\n        comparison: {maxRatio: 1.5, falseAlarmRate: 0.05}"),
        encoding="utf-8",
    )
    code, out, _ = backtest(folder, server, "--since", "2h")
    asked = [form["query"] for _, _, form in server.requests]
    # The value, the requests and the bad ones of the success rate; the value and the requests of the duration.
    assert (code, len(asked), sum("increase(" in query for query in asked)) == (0, 5, 3)
    assert "at least 99 percent; at most 1.5 times the primary, falseAlarmRate 0.05\n" in out
    server.requests.clear()
    # Between checks that are further apart than the interval, both are counted for that time.
    backtest(folder, server, "--since", "2h", "--control-loop-interval", "5m")
    asked = [form["query"] for _, _, form in server.requests]
    assert sum("[300s]" in query for query in asked) == 2


def test_what_is_compared_and_not_counted_is_told(folder: Path, server: Server) -> None:
    def respond(handler: Handler) -> None:
        if 'response_code=~"5' in handler.server.requests[-1][2]["query"] and "increase(" in handler.query:
            handler.send(result_body("vector", []))
        else:
            good_but_for_an_hour(handler)

    server.respond = respond
    file = folder / "rollouts" / "podinfo.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("threshold: 99", "comparison: {maxRatio: 1.5}"), encoding="utf-8")
    code, out, _ = backtest(folder, server, "--since", "1h")
    assert (code, "its requests: " in out) == (0, True)
    own = "name: own\n        query: vector(1)\n        comparison: {maxRatio: 2, falseAlarmRate: 0.05}"
    file.write_text(text.replace("name: istio_requests_total", own).replace("threshold: 99", "title: own"), "utf-8")
    code, out, _ = backtest(folder, server, "--since", "1h")
    assert (code, "comparison.falseAlarmRate: own counts nothing" in out) == (0, True)


def test_a_page_and_a_picture_are_of_the_same(folder: Path, server: Server) -> None:
    code, page, error = backtest(folder, server, "-o", "html", "--since", "2h")
    assert (code, error) == (0, "")
    assert page.startswith("<!doctype html>")
    assert "<title>Backtest of podinfo.test</title>" in page
    code, picture, _ = backtest(folder, server, "-o", "svg", "--since", "2h")
    assert (code, picture[:4]) == (0, "<svg")


def test_a_terminal_shows_how_far_it_is_and_the_output_is_the_same(folder: Path, server: Server) -> None:
    options = ["backtest", "-f", folder, "--metrics-server", server.url, "--until", UNTIL, "--since", "2h"]
    terminal, end = os.openpty()
    program = [sys.executable, "-m", "reconcile", *map(str, options)]
    env = environment(TERM="xterm", COLUMNS="120")
    done = subprocess.run(program, env=env, stdout=subprocess.PIPE, stderr=end, text=True, timeout=60, check=True)
    os.close(end)
    shown = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert "podinfo.test: asking for istio_requests_total" in shown
    assert "2/3" in shown
    assert done.stdout == backtest(folder, server, "--since", "2h")[1]


def test_a_check_is_made_as_often_as_passes_make_one(folder: Path, server: Server) -> None:
    _, out, _ = backtest(folder, server, "--control-loop-interval", "5m", "--since", "1d")
    assert "289 checks, one each 5m\n" in out
    _, out, _ = backtest(folder, server, "--control-loop-interval", "0s", "--since", "1h")
    assert "241 checks, one each 15s\n" in out


def test_a_server_without_any_value_is_an_error_that_says_where_to_look(folder: Path, server: Server) -> None:
    server.respond = lambda handler: handler.send(result_body("matrix", []))
    code, out, error = backtest(folder, server)
    assert code == 1
    assert "no metric has a value of the primary" in out
    assert "Look at the labels in the query" in out
    assert error == "steerer: no value at all of podinfo.test: what is said of each metric tells why\n"


def test_what_the_server_says_of_a_query_is_told_and_no_secret(folder: Path) -> None:
    done = invoke("backtest", "podinfo", "-f", folder, "--metrics-server", "http://user:hunter2@127.0.0.1:9")
    assert done.returncode == 1
    assert "Connection refused" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_metric_that_there_is_not_leaves_the_others_alone(folder: Path, server: Server) -> None:
    file = folder / "rollouts" / "podinfo.yaml"
    text = file.read_text(encoding="utf-8").replace("name: istio_requests_total", "name: nobody")
    file.write_text(text, encoding="utf-8")
    code, out, _ = backtest(folder, server, "--since", "1h")
    assert (code, "it is no metric template" in out, "100.0 % good" in out) == (0, True, True)
    own = "name: own\n        query: vector(1)\n        thresholdRange: {min: 0}\n        minRequests: 5"
    text = text.replace("name: istio_request_duration_seconds_bucket", own).replace("threshold: 500", "title: own")
    file.write_text(text, encoding="utf-8")
    code, out, _ = backtest(folder, server, "--since", "1h")
    assert (code, "minRequests: own counts no requests" in out) == (1, True)


def test_a_count_that_is_refused_is_told_where_it_is_needed(folder: Path, server: Server) -> None:
    def respond(handler: Handler) -> None:
        if "increase(" in handler.query:
            handler.send(result_body("vector", []))
        else:
            good_but_for_an_hour(handler)

    server.respond = respond
    assert backtest(folder, server, "--since", "1h")[0] == 0
    file = folder / "rollouts" / "podinfo.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("threshold: 99", "threshold: 99\n        minRequests: 5"), encoding="utf-8")
    code, out, _ = backtest(folder, server, "--since", "1h")
    assert (code, "its requests: " in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "0s"), "--since is more than 0s"),
        (("--length", "0s"), "--length is more than 0s"),
        (("--length", "15d"), "no longer than --since"),
        (("--until", "yesterday"), "'yesterday' is no time: write 2026-01-31T12:00:00Z"),
        (("--until", "2999-01-01T00:00:00Z"), "has not come yet"),
        (("--since", "40d"), "at most 50,000 are replayed: look back 833h19m or less"),
        (("nobody",), "no Rollout nobody in"),
        (("--metrics-server", ""), "name it with --metrics-server"),
        (("-n", "elsewhere"), "elsewhere"),
    ],
)
def test_what_cannot_be_replayed_is_refused(
    folder: Path, server: Server, arguments: tuple[str, ...], words: str
) -> None:
    code, out, error = backtest(folder, server, *arguments)
    assert (code, out, server.requests) == (2, "", [])
    assert words in error


def test_a_rollout_that_is_invalid_is_refused_with_its_fields(folder: Path, server: Server) -> None:
    file = folder / "rollouts" / "podinfo.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("stepWeight: 10", "stepWeight: 0"), encoding="utf-8")
    code, _, error = backtest(folder, server)
    assert code == 2
    assert "podinfo.test cannot be replayed: spec.canaryAnalysis.stepWeight" in error


def test_a_rollout_without_metrics_has_nothing_to_replay(tmp_path: Path, server: Server) -> None:
    code, out, _ = backtest(example(tmp_path / "plain", metrics=False), server)
    assert (code, out) == (0, f"podinfo.test\n  until {UNTIL}: it has no metrics\n")


def test_several_rollouts_are_told_one_after_the_other(folder: Path, server: Server) -> None:
    text = (folder / "rollouts" / "podinfo.yaml").read_text(encoding="utf-8")
    (folder / "rollouts" / "other.yaml").write_text(text.replace("podinfo", "other"), encoding="utf-8")
    options = ("-f", folder, "--metrics-server", server.url, "--until", UNTIL, "--since", "1h")
    done = invoke("backtest", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in done.stdout.splitlines() if line and line[0] != " "] == ["other.test", "podinfo.test"]
    assert "\n\npodinfo.test\n" in done.stdout
    assert invoke("backtest", *options, "-o", "markdown").stdout.startswith("### Backtest of 2 Rollouts\n")


def test_what_there_is_no_time_for_is_told(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconcile.cli.backtest.BUDGET", 0.0)
    code, out, _ = backtest(folder, server)
    assert (code, server.requests) == (1, [])
    assert out.count("not asked: 0s were over\n") == 2
