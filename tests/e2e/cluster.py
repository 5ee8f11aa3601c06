"""A kind cluster that exists between `with` and its end: how it is made, asked, hurt and removed.

What happens in it is the story's to say.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.components.docker import Docker, DockerError
from tests.components.processes import local_session
from tests.components.tools import ToolUnavailable, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONFIGURATION = Path(__file__).parent / "kind.yaml"


class CommandError(Exception):
    """A command failed; the text has what it wrote."""


class KindCluster:
    """The cluster. One of the same name, left by a run that was killed, is deleted first.

    `node_image` is kind's own unless given. `folder` gets the logs; credentials are kept elsewhere, and not for long.
    """

    def __init__(self, name: str, folder: Path, *, node_image: str | None = None) -> None:
        if shutil.which("kind") is None:
            raise ToolUnavailable("no kind on PATH")
        self.name = name
        self.docker = Docker()
        self.folder = folder
        self._private = tempfile.TemporaryDirectory(prefix="steerer-e2e-")
        self.kubeconfig = Path(self._private.name, "kubeconfig")
        self.control_plane, self.worker = f"{name}-control-plane", f"{name}-worker"
        self._node_image = node_image
        self._kubectl, self._helm = tool("kubectl"), tool("helm")
        self._session = local_session()
        self._url = ""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._delete()
        image = ["--image", self._node_image] if self._node_image else []
        try:
            self._run("kind", "create", "cluster", *self._named(), *image, f"--config={_CONFIGURATION}", "--wait=180s")
            self._connect()
            self.kubectl("taint", "node", self.control_plane, "node-role.kubernetes.io/control-plane-")
            self.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        self._session.close()
        self._delete()
        self._private.cleanup()

    def _named(self) -> list[str]:
        return ["--name", self.name, "--kubeconfig", str(self.kubeconfig)]

    def _delete(self) -> None:
        self._run("kind", "delete", "cluster", *self._named())

    def _run(self, *command: str | Path, stdin: str = "", seconds: float = 400) -> str:
        done = subprocess.run(
            command,
            env=os.environ | {"KUBECONFIG": str(self.kubeconfig)},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise CommandError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{said}")
        return done.stdout

    # --- Asking ---

    def _connect(self) -> None:
        """Let `get` act as the administrator that kind's kubeconfig has."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        [cluster], [user] = config["clusters"], config["users"]
        self._url = cluster["cluster"]["server"]
        files = {
            "ca.crt": cluster["cluster"]["certificate-authority-data"],
            "user.crt": user["user"]["client-certificate-data"],
            "user.key": user["user"]["client-key-data"],
        }
        places = {name: Path(self._private.name, name) for name in files}
        for name, place in places.items():
            place.write_bytes(b64decode(files[name]))
        self._session.verify = str(places["ca.crt"])
        self._session.cert = (str(places["user.crt"]), str(places["user.key"]))

    def text(self, path: str, *, seconds: float = 10) -> str:
        """Give what the API server answers to a GET. Raises what requests raises: it may be down, on purpose."""
        answer = self._session.get(self._url + path, timeout=seconds)
        answer.raise_for_status()
        return answer.content.decode()

    def get(self, path: str) -> dict[str, Any]:
        """Give an object or a list."""
        found: dict[str, Any] = json.loads(self.text(path))
        return found

    def kubectl(self, *args: str, stdin: str = "", seconds: float = 200) -> str:
        """Run kubectl as the administrator and give what it prints."""
        return self._run(self._kubectl, *args, stdin=stdin, seconds=seconds)

    def helm(self, *args: str) -> str:
        """Run Helm as the administrator and give what it prints."""
        return self._run(self._helm, *args)

    def apply(self, manifests: Sequence[dict[str, Any]]) -> None:
        """Apply these, as `kubectl apply` does."""
        self.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(manifests))

    def rolled_out(self, namespace: str, *names: str) -> None:
        """Wait until Deployments are rolled out."""
        for name in names:
            self.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={namespace}", "--timeout=120s")

    # --- Doing things to it ---

    def load(self, images: Sequence[str], *, node: str | None = None) -> None:
        """Put images onto all nodes, or onto one."""
        only = [f"--nodes={node}"] if node else []
        self._run("kind", "load", "docker-image", *images, f"--name={self.name}", *only)

    def signal(self, name: str, *, node: str, process: str) -> bool:
        """Send a signal to all processes of this name on a node; say if there were any."""
        try:
            self.docker("exec", node, "pkill", f"-{name}", "-x", process)
        except DockerError:
            return False  # pkill ends with 1 where nothing matches
        return True

    def save_logs(self, *, everything: bool) -> None:
        """Write down, as far as the cluster still tells, what happened; `everything` is for after a failure."""
        if everything:
            with contextlib.suppress(CommandError, subprocess.TimeoutExpired):
                self._run("kind", "export", "logs", str(self.folder / "kind"), f"--name={self.name}")
        kinds = "nodes,deployments,replicasets,pods,cronjobs,jobs,rollouts,virtualservices,events"
        for name, command in {
            "objects.yaml": ["get", kinds, "--all-namespaces", "--output=yaml"],
            "users.log": ["logs", "--namespace=istio-system", "deployment/users", "--tail=20"],
            "gateway.log": ["logs", "--namespace=istio-system", "deployment/gateway"],
        }.items():
            try:
                told = self.kubectl(*command)
            except (CommandError, subprocess.TimeoutExpired) as error:
                told = f"{error}\n"
            (self.folder / name).write_text(told)
