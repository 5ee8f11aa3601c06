"""kube-state-metrics on 127.0.0.1, which reads a control plane with the rights of whoever the kubeconfig is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.components.processes import Component, Process, answers, free_port
from tests.components.tools import tool

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path


class KubeStateMetrics(Component):
    """kube-state-metrics for CronJobs and what `config` asks for, running between `with` and its end.

    `target` is host:port for a scrape; its log is `log`.
    """

    def __init__(self, directory: Path, *, kubeconfig: Path, config: Path) -> None:
        self.log = directory / "kube-state-metrics.log"
        self.target = ""
        super().__init__()
        self._kubeconfig = kubeconfig
        self._config = config

    def _start(self, stack: contextlib.ExitStack) -> None:
        port = free_port()
        self.target = f"127.0.0.1:{port}"
        command: list[str | Path] = [
            tool("kube-state-metrics"),
            f"--kubeconfig={self._kubeconfig}",
            f"--custom-resource-state-config-file={self._config}",
            "--resources=cronjobs",
            "--host=127.0.0.1",
            f"--port={port}",
            "--telemetry-host=127.0.0.1",
            f"--telemetry-port={free_port()}",
        ]
        process = Process("kube-state-metrics", command, log=self.log)
        stack.callback(process.kill)  # it keeps nothing
        process.wait_ready(lambda: answers(f"http://{self.target}/healthz", session=self.session))

    def page(self) -> str:
        """Give what a scrape gives, in the text format of Prometheus."""
        answer = self.session.get(f"http://{self.target}/metrics", timeout=10)
        answer.raise_for_status()
        return answer.text
