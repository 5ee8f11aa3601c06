"""The chart, installed on a real API server, and its Jobs: what their containers would run, run as their account.

Only the container around the process is missing.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from tests.apiserver.steering import Done, Metrics, Steerer, get, let_interval_pass, rolled_out
from tests.helm.rendering import CHART, helm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.components.controlplane import ControlPlane

_FIELD = re.compile(r"metadata\.(annotations|labels)\['(.+)'\]")


@dataclass(kw_only=True)
class Installed:
    """The chart in a namespace of its own; `home` is also the name of the release and of its objects."""

    plane: ControlPlane
    metrics: Metrics
    home: str

    def values(self, *namespaces: str, **more: str) -> str:
        """Install it, or change it, to look after these namespaces (none = all, by a ClusterRole); give what Helm says.

        `more` are other values.
        """
        given = {
            "metricsServer": self.metrics.url,
            "logFormat": "json",
            "logLevel": "debug",
            "crd.install": "false",
            "namespaces": f"{{{','.join(namespaces)}}}" if namespaces else "null",
            **more,
        }
        sets = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
        args = ("upgrade", "--install", self.home, str(CHART), f"--namespace={self.home}", *sets)
        return helm(*args, kubeconfig=self.plane.kubeconfig)

    def job(self) -> Done:
        """Do what a Job of the stored CronJob does."""
        return self.run(get(self.plane, f"cronjob/{self.home}", self.home)["spec"]["jobTemplate"]["spec"]["template"])

    def begin(self) -> str:
        """Let Kubernetes make a Job of the stored CronJob, and give its name."""
        name = f"now-{uuid4().hex[:8]}"
        self.plane.kubectl("create", "job", name, f"--from=cronjob/{self.home}", namespace=self.home)
        return name

    def pods(self, job: str) -> list[dict[str, Any]]:
        """Give the pods that a Job has by now."""
        found = self.plane.objects(self.home, "pod")
        return [pod for pod in found if pod["metadata"].get("labels", {}).get("job-name") == job]

    def run(self, pod: dict[str, Any]) -> Done:
        """Do what the container of a pod does, or of a template of one, as its account."""
        [container] = pod["spec"]["containers"]
        token = self.plane.account_token(self.home, pod["spec"]["serviceAccountName"])
        steerer = Steerer(kubeconfig=self.plane.kubeconfig_for(token, namespace=self.home))
        environment = {item["name"]: _value(item, pod["metadata"]) for item in container.get("env", ())}
        return steerer(*container["args"], expect=None, **environment)

    def later(self, namespace: str) -> None:
        """Let the interval pass for a Rollout, and the controllers do their work."""
        rolled_out(self.plane, namespace, "podinfo", "podinfo-canary")
        let_interval_pass(self.plane, namespace, "podinfo")

    def phase(self, namespace: str) -> str:
        """Give the phase of the namespace's Rollout."""
        status = get(self.plane, "rollout/podinfo", namespace).get("status", {})
        return str(status.get("phase", ""))


def _value(variable: dict[str, Any], metadata: dict[str, Any]) -> str:
    """Give the value of an environment variable, as a kubelet finds it."""
    if "value" in variable:
        return str(variable["value"])
    field = _FIELD.fullmatch(variable["valueFrom"]["fieldRef"]["fieldPath"])
    assert field, variable
    return str(metadata[field[1]][field[2]])


def decisions(done: Done, namespace: str) -> list[dict[str, Any]]:
    """Give the decisions about the Rollouts of a namespace, as a Job logs them."""
    lines = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    return [line for line in lines if line["logger"] == "steerer.decisions" and line["namespace"] == namespace]


def new_namespace(plane: ControlPlane) -> str:
    """Make a namespace, and give its name."""
    name = f"steerer-{uuid4().hex[:8]}"
    plane.create_namespace(name)
    return name


@contextmanager
def chart_on(plane: ControlPlane) -> Iterator[Installed]:
    """Yields the chart, not installed yet, in a namespace of its own, beside a metrics server that finds all well."""
    plane.install_crds([CHART / "files" / "crd.yaml"])
    with Metrics().serving() as metrics:
        yield Installed(plane=plane, metrics=metrics, home=new_namespace(plane))
