"""`make e2e`: the whole of steerer in a cluster of its own, with real pods; docker and kind are all it takes.

E2E_CLUSTER names the cluster (steerer-e2e), KIND_NODE_IMAGE its nodes' image (kind's own), BASE_IMAGE what steerer's
image is built on (python:3.11-slim), E2E_LOGS the folder for logs (build/e2e). Left are that folder and the images.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.components.docker import Docker
from tests.components.tools import ToolUnavailable
from tests.e2e import images
from tests.e2e.cluster import KindCluster
from tests.e2e.story import Story
from tests.e2e.told import Told
from tests.e2e.world import World

if TYPE_CHECKING:
    from types import FrameType


def main() -> int:
    """Run it and give the exit code: 0, or 1 where something was not as it has to be."""
    signal.signal(signal.SIGTERM, _leave)  # so that the cluster is deleted then as well
    folder = Path(os.environ.get("E2E_LOGS") or "build/e2e").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("steerer-*.log"):
        old.unlink()
    shutil.rmtree(folder / "kind", ignore_errors=True)
    with (folder / "run.log").open("w") as file:
        told = Told(file)
        try:
            _run(told, folder)
        except ToolUnavailable as reason:
            told.say(f"cannot run here: {reason}")
            return 1
        except Exception as error:  # noqa: BLE001 (told, and the exit code says it)
            told.say(f"FAILED: {type(error).__name__}: {error}")
            told.table()
            return 1
        told.table()
        told.say(f"all as it has to be; logs are in {folder}")
        return 0


def _run(told: Told, folder: Path) -> None:
    base = os.environ.get("BASE_IMAGE") or "python:3.11-slim"
    name = os.environ.get("E2E_CLUSTER") or "steerer-e2e"
    with told.act("images built") as act:
        built = images.build(Docker(), base)
        act.seen.append(f"{len(built)}, on {base} or on nothing")
    with ExitStack() as stack:
        with told.act(f"kind cluster {name} created, images loaded") as act:
            stack.callback(told.say, "the cluster is deleted")
            cluster = KindCluster(name, folder, node_image=os.environ.get("KIND_NODE_IMAGE") or None)
            stack.enter_context(cluster)
            cluster.load(built)
            act.seen.append(f"two nodes of Kubernetes {cluster.get('/version')['gitVersion']}")
        stack.push(lambda kind, *_: cluster.save_logs(everything=kind is not None))
        Story(world=World(cluster=cluster), told=told).play()


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 (the signature is the library's)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
