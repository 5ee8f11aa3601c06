"""The log: one line for each decision, as text and as JSON, with the fields that the page lists."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest
from msgspec.structs import replace

from reconcile.cli.error_output import print_error
from reconcile.cli.logs import log_decision, log_to_stderr
from reconcile.model.measurement import Failure
from reconcile.model.plan import Record, Result
from tests.support.logs import restored_logging
from tests.support.paths import DOCS
from tests.support.world import SUCCESS, world

PAGE = DOCS / "operations.md"


def made(moves: int, **values: float | Failure) -> Record:
    """Give the record of the last of so many passes over the standard world."""
    play = world()
    for _ in range(moves - 1):
        play.tick()
    play.meter.values.update(values)
    return play.tick()


def told(record: Record, capsys: pytest.CaptureFixture[str], form: str = "json", **options: Any) -> str:
    log_to_stderr(form, options.pop("level", "debug"), **options)
    log_decision(record)
    return capsys.readouterr().err


def test_a_decision_is_one_line_with_all_that_decided_it(capsys: pytest.CaptureFixture[str]) -> None:
    line = json.loads(told(made(2), capsys))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "steerer.decisions",
        "message": "podinfo.test advance, applied: the canary is well at 10 %: advancing to 20 %",
        "namespace": "test",
        "rollout": "podinfo",
        "pass": "2026-01-31T12:01:00Z",
        "move": "advance",
        "phaseFrom": "Progressing",
        "phaseTo": "Progressing",
        "weightFrom": 10,
        "weightTo": 20,
        "result": "applied",
        "reason": "the canary is well at 10 %: advancing to 20 %",
        "error": "",
        "measurements": [
            {"name": "istio_requests_total", "value": 100.0, "threshold": 99.0, "verdict": "passed"},
            {"name": "istio_request_duration_seconds_bucket", "value": 100.0, "threshold": 500.0, "verdict": "passed"},
        ],
        "patches": 2,
    }


def test_the_page_lists_the_fields_of_a_decision(capsys: pytest.CaptureFixture[str]) -> None:
    table = PAGE.read_text(encoding="utf-8").partition("<!-- the fields of a decision -->")[2]
    rows = [row for row in table.partition("\n\nThe lines")[0].splitlines() if row.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(json.loads(told(made(2), capsys)))


def test_a_halt_is_a_warning_and_a_failure_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    halted = made(2, **{SUCCESS: Failure.NO_DATA})
    line = json.loads(told(halted, capsys))
    assert (line["level"], line["move"], line["measurements"][0]["verdict"]) == ("warning", "halt", "no data")
    failed = replace(halted, result=Result.FAILED, error="Deployment podinfo.test: refused")
    line = json.loads(told(failed, capsys))
    assert (line["level"], line["error"]) == ("error", "Deployment podinfo.test: refused")
    assert line["message"].endswith("; Deployment podinfo.test: refused")


def test_nothing_to_do_is_told_to_those_who_debug_only(capsys: pytest.CaptureFixture[str]) -> None:
    play = world(stepWeight=100)
    play.until("Succeeded")
    idle = play.tick()
    assert told(idle, capsys, level="info") == ""
    assert json.loads(told(idle, capsys))["move"] == "idle"


def test_text_is_one_readable_line_and_says_what_is_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    planned = replace(made(2), result=Result.PLANNED)
    line = told(planned, capsys, "text", dry_run=True)
    assert re.fullmatch(
        r"\S+ DEBUG dry run: podinfo\.test advance, planned: the canary is well at 10 %: advancing to 20 %\n", line
    )
    assert json.loads(told(planned, capsys, dry_run=True))["dryRun"] is True


RAW = "red \x1b[31m\x9b0m\n2026-01-31T12:00:00 INFO all is well \u202e"


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_others_wrote_acts_on_no_terminal_and_begins_no_line(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    log_to_stderr(form, "debug")
    logging.getLogger("steerer.engine").error("%s could not be decided", RAW, exc_info=ValueError(RAW))
    said = capsys.readouterr().err
    assert all(char.isprintable() or char == "\n" for char in said)
    assert [line for line in said.splitlines() if line.startswith("2026-01-31")] == []
    if form == "json":
        assert json.loads(said)["message"] == f"{RAW} could not be decided"


def test_last_words_act_on_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("steerer: \x1b[2J is no YAML\nand \u202e neither")
    assert capsys.readouterr().err == "steerer: \\x1b[2J is no YAML\nand \\u202e neither\n"


def test_a_command_in_this_process_leaves_no_level_behind() -> None:
    below = logging.getLogger("steerer.engine")
    with restored_logging():
        log_to_stderr("text", "error")
        assert not below.isEnabledFor(logging.WARNING)
    assert below.isEnabledFor(logging.WARNING)
