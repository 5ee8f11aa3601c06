"""A docker engine, as its command line shows it. Which engine that is, is the environment's to say (DOCKER_HOST)."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

from tests.components.tools import ToolUnavailable


class DockerError(Exception):
    """A docker command failed; the text has what it wrote to standard error."""


class Docker:
    """The engine. Raises ToolUnavailable where there is no client, or no engine that answers it."""

    def __init__(self) -> None:
        if shutil.which("docker") is None:
            raise ToolUnavailable("no docker on PATH")
        version = subprocess.run(
            ["docker", "version", "--format={{.Server.Version}}"], capture_output=True, timeout=30, check=False
        )
        if version.returncode != 0:
            raise ToolUnavailable("no docker engine answers")
        self.version = version.stdout.decode().strip()

    def __call__(self, *args: str, stdin: str = "", seconds: float = 600) -> str:
        """Run a docker command and give its standard output. Raises DockerError if it fails."""
        done = subprocess.run(
            ["docker", *args], input=stdin, capture_output=True, text=True, timeout=seconds, check=False
        )
        if done.returncode != 0:
            raise DockerError(f"docker {' '.join(args)} ended with {done.returncode}:\n{done.stderr.strip()}")
        return done.stdout

    def inspect(self, image: str) -> dict[str, Any]:
        """Give what the engine knows of an image. Raises DockerError when there is none."""
        found: dict[str, Any]
        [found] = json.loads(self("image", "inspect", image))
        return found
