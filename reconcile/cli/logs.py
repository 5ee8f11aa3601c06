"""Logging: set up once per command, on stderr. What is logged is the affair of those who log.

Duty: the forms of a log line.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


def log_to_stderr(form: str, level: str | None, *, dry_run: bool = False) -> None:
    """Log to stderr. What a dry run logs would otherwise look as if it had happened."""
    handler = logging.StreamHandler(sys.stderr)
    mark = "dry run: " if dry_run else ""
    text = logging.Formatter(f"%(asctime)s %(levelname)s {mark}%(message)s", "%Y-%m-%dT%H:%M:%S")
    handler.setFormatter(_JsonFormatter(**{"dryRun": True} if dry_run else {}) if form == "json" else text)
    chosen = level or ("error" if sys.stderr.isatty() else "info")
    logger = logging.getLogger("steerer")
    logger.handlers = [handler]
    logger.setLevel(chosen.upper())
    logger.propagate = False


class _JsonFormatter(logging.Formatter):
    """One JSON object a line, each with these members as well."""

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
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | self._members, ensure_ascii=False)
