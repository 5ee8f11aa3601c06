"""What Flux and Argo make of objects, said by their own code: `tests/tools/verdicts` links it.

One process answers a list of questions. What a question means stands beside the judge in the Go files.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.components.processes import SHORT_LIVED
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
    """The judges, who see the cluster of this kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        self._program = tool("verdicts")
        self._kubeconfig = kubeconfig

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
        done = subprocess.run(
            [self._program],
            env={"KUBECONFIG": str(self._kubeconfig), "PATH": os.defpath, "HOME": str(self._kubeconfig.parent)}
            | SHORT_LIVED,
            input=json.dumps([{"by": by, "ask": question} for question in asked]),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise VerdictError(f"verdicts ended with {done.returncode}:\n{done.stderr}")
        verdicts: list[dict[str, Any]] = json.loads(done.stdout)
        return verdicts
