"""Logging on stderr, as text or as JSON lines, and the log line of a decision."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconcile.core.state_machine import Move
from reconcile.model.plan import Result
from reconcile.model.text import printable
from reconcile.model.times import timestamp

if TYPE_CHECKING:
    from reconcile.model.plan import Record

LOG = logging.getLogger("steerer.decisions")
# A planned decision is in the report already.
_RESULTS = {
    Result.FAILED: logging.ERROR,
    Result.REFUSED: logging.ERROR,
    Result.UNREACHED: logging.WARNING,
    Result.PLANNED: logging.DEBUG,
}
_LEVELS = {
    Move.IDLE: logging.DEBUG,
    Move.WAIT: logging.DEBUG,
    Move.HALT: logging.WARNING,
    Move.ROLL_BACK: logging.WARNING,
}


def log_to_stderr(form: str, level: str | None, *, dry_run: bool = False) -> None:
    """Sets up logging on stderr. A dry run is marked, so that no line looks as if it had happened."""
    handler = logging.StreamHandler(sys.stderr)
    mark = "dry run: " if dry_run else ""
    text = _TextFormatter(f"%(asctime)s %(levelname)s {mark}%(message)s", "%Y-%m-%dT%H:%M:%S")
    handler.setFormatter(_JsonFormatter(**{"dryRun": True} if dry_run else {}) if form == "json" else text)
    chosen = level or ("error" if sys.stderr.isatty() else "info")
    logger = logging.getLogger("steerer")
    logger.handlers = [handler]
    logger.setLevel(chosen.upper())
    logger.propagate = False


def log_decision(record: Record) -> None:
    """Logs the decision on one Rollout and its result, in one line (docs/operations.md)."""
    plan = record.plan
    level = _RESULTS.get(record.result) or _LEVELS.get(Move(plan.move), logging.INFO)
    name = f"{plan.rollout.name}.{plan.rollout.namespace}"
    words = f"{plan.reason}; {record.error}" if record.error and record.error != plan.reason else plan.reason
    decision = {
        "namespace": plan.rollout.namespace,
        "rollout": plan.rollout.name,
        "pass": timestamp(record.at),
        "move": plan.move,
        "phaseFrom": plan.before.phase,
        "phaseTo": plan.after.phase,
        "weightFrom": plan.before.weight,
        "weightTo": plan.after.weight,
        "result": record.result.value,
        "reason": plan.reason,
        "error": record.error,
        "measurements": [
            {"name": item.metric, "value": item.value, "threshold": item.threshold, "verdict": item.verdict}
            for item in plan.measurements
        ],
        "patches": len(plan.patches),
    }
    LOG.log(level, "%s %s, %s: %s", name, plan.move, record.result.value, words, extra={"decision": decision})


class _TextFormatter(logging.Formatter):
    """One line per record, the indented traceback of a defect below it, and no character that a terminal acts on."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is the library's
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - as above
        return "\n".join(f"  {printable(line)}" for line in super().formatException(ei).split("\n"))


class _JsonFormatter(logging.Formatter):
    """One JSON object per line, with `members` in each."""

    def __init__(self, **members: Any) -> None:
        super().__init__()
        self._members = members

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: record.__dict__[key] for key in ("namespace", "rollout") if key in record.__dict__}
        line |= record.__dict__.get("decision", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        from reconcile.report.plain_data import escape_unprintable  # noqa: PLC0415 - only for JSON

        return escape_unprintable(json.dumps(line | self._members, ensure_ascii=False))
