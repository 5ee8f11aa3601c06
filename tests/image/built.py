"""An image of steerer on a docker engine, and how to run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.components.docker import Docker

PYTHON = "/opt/steerer/bin/python"

# As little as a container can have. A shell is none of it: where images have theirs, there is a file that none can run.
CONFINED = (
    "--read-only",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--network=none",
    "--volume=/dev/null:/bin/sh:ro",
)


@dataclass(frozen=True)
class Build:
    """One build of the image, under a name of its own."""

    docker: Docker
    tag: str

    def run(self, *args: str, options: tuple[str, ...] = ()) -> str:
        """Run steerer in a container and give what it prints. Raises DockerError if it fails."""
        return self.docker("run", "--rm", *options, self.tag, *args)

    def python(self, code: str, *options: str) -> str:
        """Run Python code with the interpreter that steerer runs with."""
        return self.docker("run", "--rm", f"--entrypoint={PYTHON}", *options, self.tag, "-c", code)

    def described(self) -> dict[str, Any]:
        """Give what the engine knows of it."""
        return self.docker.inspect(self.tag)


if TYPE_CHECKING:
    Builder = Callable[[], Build]
