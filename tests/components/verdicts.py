"""What Flux and Argo make of objects, said by their own code: `tests/tools/verdicts` links it.

One process answers all questions of a run: its start takes more than an answer. What a question means stands beside the
judge in the Go files.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tests.components.processes import mortal
from tests.components.tools import tool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """A verdict on one object, in the judge's own words; `error` where the judge failed, and all else is empty."""

    status: str = ""
    message: str = ""
    error: str = ""


class VerdictError(Exception):
    """A judge could not answer a question that has to have an answer."""


class Verdicts:
    """The judges, who see the cluster of this kubeconfig, between `with` and its end."""

    def __init__(self, kubeconfig: Path) -> None:
        self._log = kubeconfig.parent / "verdicts.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(  # the end of `with` ends it
                mortal([tool("verdicts")]),
                env={"KUBECONFIG": str(kubeconfig), "PATH": os.defpath, "HOME": str(kubeconfig.parent), "GOGC": "400"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def ask(self, by: str, *asked: dict[str, Any]) -> list[Any]:
        """Put questions to one judge and give the answers in their order. Raises VerdictError where there is none."""
        verdicts = self._verdicts(by, asked)
        errors = [verdict["error"] for verdict in verdicts if "error" in verdict]
        if errors:
            raise VerdictError(f"{by}: {errors[0]}")
        return [verdict.get("answer") for verdict in verdicts]

    def health(self, by: str, *asked: dict[str, Any]) -> list[Health]:
        """Ask a judge of health about objects; that he fails is an answer too."""
        verdicts = self._verdicts(by, asked)
        return [Health(**verdict.get("answer", {}), error=verdict.get("error", "")) for verdict in verdicts]

    def _verdicts(self, by: str, asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([{"by": by, "ask": question} for question in asked]))
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise VerdictError(f"verdicts ended with {self._process.wait()}:\n{self._log.read_text()}")
        verdicts: list[dict[str, Any]] = json.loads(line)
        return verdicts

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
