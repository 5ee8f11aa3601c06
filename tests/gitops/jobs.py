"""The node of a Job that is held: does what its container is to do, and lets the pod end as that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.apiserver.steering import Steerer, get

if TYPE_CHECKING:
    from tests.apiserver.steering import Done
    from tests.components.controlplane import ControlPlane

HOLD = {"test.steerer/hold": "true"}  # the annotation of a pod that does not come up before it is taken off


def run(plane: ControlPlane, namespace: str, job: str) -> Done:
    """Run the command line of a Job's only container with the rights of its account. Fails where that fails."""
    spec = get(plane, f"job/{job}", namespace)["spec"]["template"]["spec"]
    [container] = spec["containers"]
    kubeconfig = plane.kubeconfig_for(plane.account_token(namespace, spec["serviceAccountName"]), namespace=namespace)
    # A minute for each pass would be long here.
    done = Steerer(kubeconfig=kubeconfig)(*container["args"], STEERER_EVERY="1s", STEERER_CONTROL_LOOP_INTERVAL="0s")
    [held] = HOLD
    plane.kubectl("annotate", "pods", f"--selector=job-name={job}", f"{held}-", namespace=namespace)
    return done
