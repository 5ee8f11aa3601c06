"""The texts of Events and halts.

M1 to M7 are a contract: people and programs search for them, and a change to one is a breaking change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.kinds import Ref


def starting(rollout: str) -> str:
    """M1."""
    return f"Starting rollout for {rollout}"


def advance(rollout: str, weight: int) -> str:
    """M2."""
    return f"Advance rollout {rollout} weight {weight}"


def halt(rollout: str, reason: str) -> str:
    """M3 and M4, where the reason is a failed measurement. Every other halt begins with the same words."""
    return f"Halt rollout {rollout} {reason}"


def copying(canary: str, primary: str) -> str:
    """M5."""
    return f"Copying {canary} template spec to {primary}"


def waiting(primary: str, available: int, updated: int) -> str:
    """M6."""
    return f"Waiting for {primary} rollout to finish: {available} of {updated} updated replicas are available"


def complete(canary: str) -> str:
    """M7."""
    return f"Promotion complete! Scaling down {canary}"


def scaling_up(canary: str, replicas: int) -> str:
    """A canary with 0 replicas has a new revision."""
    return f"New revision detected! Scaling up {canary} to {replicas}"


def resetting(canary: str, primary: str) -> str:
    """The canary changed under analysis."""
    return f"New revision detected! {canary} changed, routing all traffic to {primary} to start over"


def going_back(canary: str, primary: str) -> str:
    """The canary under analysis got the template that the primary runs."""
    return f"{canary} is back to what {primary} runs, routing all traffic to {primary}"


def returning(canary: str, primary: str) -> str:
    """The canary, now without traffic, has the template that the primary runs."""
    return f"{canary} is back to what {primary} runs, scaling it down"


def restoring(route: str, manager: str, found: int, weight: int, rule: str) -> str:
    """A GitOps tool put the weight back: its name, and the rule that ends the fight."""
    ignoring = ignoring_weights(manager, rule)
    return f"{route} canary weight was put back to {found} by {manager}, restoring {weight}; {ignoring}"


def ignoring_weights(manager: str, rule: str) -> str:
    """The rule by which a GitOps tool leaves the weights alone; the router has it."""
    return f"let {manager} ignore the weights ({rule})"


def rolling_back(rollout: str, reason: str) -> str:
    """All traffic goes back to the primary: a limit was passed, or a person aborted."""
    return f"Rolling back {rollout} {reason}"


def rolled_back(rollout: str, canary: str) -> str:
    """The end of a rollback."""
    return f"Rolled back {rollout}! Scaling down {canary}"


def approval(rollout: Ref, weight: int, revision: str) -> str:
    """A step needs a person's word. The reason of a hold."""
    return f"waiting for an approval to leave {weight} %: steerer approve {_named(rollout)} --revision {revision}"


def paused(rollout: Ref) -> str:
    """A person holds the Rollout. The reason of a hold."""
    return f"paused by a person: steerer resume {_named(rollout)} lets it go on"


def frozen(reason: str, rollout: Ref) -> str:
    """The failure policy ended the attempt and keeps the traffic. The reason of a halt."""
    return f"{reason}; it is held until a person says steerer retry, promote or abort {_named(rollout)}"


def common_cause(reason: str, found: str, rollout: Ref) -> str:
    """Others fail in the same pass, so that the canary may be well. The reason of a halt."""
    return f"{reason}; not rolled back: {found}, so the cause may be a common one; steerer abort {_named(rollout)} does"


def hold(rollout: str, reason: str) -> str:
    """A pass waits for a person."""
    return f"Hold rollout {rollout} {reason}"


def refused(action: str, rollout: str, reason: str) -> str:
    """An action of a person cannot be taken."""
    return f"Refused {action} of {rollout}: {reason}"


def _named(rollout: Ref) -> str:
    return f"{rollout.name} -n {rollout.namespace}"


def selects_both(service: Ref, deployment: str) -> str:
    """A Service selects the pods of the other Deployment. The reason of a halt."""
    return f"{service} selects the pods of {deployment} as well"


def edited(primary: str, canary: str, manager: str, paths: Sequence[str]) -> str:
    """The promotion would undo an edit of the primary: who made it and where. The reason of a halt."""
    where = f" ({', '.join(paths)})" if paths else ""
    return (
        f"the template of {primary} was changed by {manager} since the release started{where}, and a promotion would "
        f"undo that: bring the change into {canary}, or take it back"
    )


def copy_undone(primary: str, paths: Sequence[str]) -> str:
    """The store took the copy and kept what was there. The reason of a halt."""
    return (
        f"the copy to {primary} was stored without what it changes ({', '.join(paths)}): something between steerer and "
        "the API server, such as a mutating webhook, undoes it; let it leave that alone, or release something else"
    )


HAVE_IT_APPLIED = (
    "have it applied or, where admission changes what is applied, write into the checkout what the cluster has"
)
SEE_THE_CONTROLLER = (
    "see whether the parents of the route exist and their controller runs: kubectl describe shows its conditions"
)


def never_came(pending: str, seconds: float, remedy: str) -> str:
    """What a pass waits for does not come by itself. The reason of a halt."""
    return f"{pending}, for more than {seconds / 60:.0f} minutes: {remedy}"


def overwritten(primary: str, manager: str) -> str:
    """The promotion was undone: the name of the manager, and the rule that ends the fight. The reason of a halt."""
    return (
        f"the template of {primary} was changed by {manager} after the promotion; let {manager} ignore "
        "/spec/template of it, or put the promoted template into Git"
    )
