"""The chart as Helm renders it, and the files that are made from it for whoever has no Helm.

`make manifests` writes those files; a test keeps them equal to the chart.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

from tests.components.processes import SHORT_LIVED
from tests.components.tools import tool
from tests.support import fast_yaml
from tests.support.paths import MANIFESTS

if TYPE_CHECKING:
    from pathlib import Path

CHART = MANIFESTS / "chart"
RELEASE, NAMESPACE = "steerer", "istio-system"
REMAKE = "make manifests"

# The group in the policies for whoever has no Helm.
APPROVERS = "release-approvers"

_HEAD = f"# Made from manifests/chart by `{REMAKE}`: the chart with its own values, for kubectl and kustomize.\n"
_POLICIES_HEAD = f"""\
# Made from manifests/chart by `{REMAKE}`, for kubectl and kustomize. Change by a patch: `{APPROVERS}`, the group of the
# people who approve; and who, beside the account of manifests/install.yaml, may change the pod template of a primary.
"""


class HelmError(Exception):
    """A helm command failed; the text has what it wrote to standard error."""


def helm(*args: str, program: str = "helm", kubeconfig: Path | None = None) -> str:
    """Run Helm with nothing of the user's own, and give its standard output. Raises HelmError where it fails."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.defpath, "HELM_NO_PLUGINS": "1", "HOME": home} | SHORT_LIVED
        done = subprocess.run(
            [tool(program), *args],
            env=environment | ({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    if done.returncode != 0:
        raise HelmError(f"{program} {' '.join(args)} ended with {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def rendered(*args: str, release: str = RELEASE, program: str = "helm") -> list[dict[str, Any]]:
    """Give the objects of the chart, hooks included; `args` are those of `helm template`."""
    text = helm("template", release, str(CHART), f"--namespace={NAMESPACE}", *args, program=program)
    return [item for item in fast_yaml.load_all(text) if item]


def made() -> dict[Path, str]:
    """Give the content of each file that is made: the chart's copy of the CRD, and the objects in one file."""
    text = helm("template", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--no-hooks")
    policies = helm(
        *("template", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--show-only=templates/admission.yaml"),
        *("--set", f"admission.primary.action=Deny,admission.approval.groups={{{APPROVERS}}}"),
    )
    return {
        CHART / "files" / "crd.yaml": (MANIFESTS / "crd.yaml").read_text(encoding="utf-8"),
        MANIFESTS / "install.yaml": _HEAD + text,
        MANIFESTS / "admission" / "policies.yaml": _POLICIES_HEAD + policies,
    }


if __name__ == "__main__":
    for path in sorted(made()):  # the chart's own file first, as the other one has it in it
        path.write_text(made()[path], encoding="utf-8")
