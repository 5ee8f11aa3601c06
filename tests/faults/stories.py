"""The stories: each a release and what its users do meanwhile, so that all together make every move there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.world import SUCCESS, deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.contract.release import Release

    # What has to be so before the story goes on: passes are made until it is.
    Goal = Callable[[Release], bool]
    Story = Callable[[Release], Iterator[Goal]]

STEP = 50


def phase(name: str) -> Goal:
    return lambda release: release.phase == name


def weight(canary: int) -> Goal:
    return lambda release: release.weights == [canary]


def warned(times: int) -> Goal:
    """Tell a halt that was said so often."""
    return lambda release: sum(item["count"] for item in release.events if item["type"] == "Warning") >= times


def reason(name: str) -> Goal:
    """Tell the reason of the conditions."""
    return lambda release: {item["reason"] for item in release.status.get("conditions", ())} == {name}


def a_release(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=STEP)
    yield phase("Succeeded")


def the_next_revision(release: Release) -> Iterator[Goal]:
    release.begin(deployment("podinfo-canary", "1.2.0", 0), stepWeight=100)
    yield phase("Initialized")
    release.revise("1.3.0")
    yield phase("Succeeded")


def a_new_revision_meanwhile(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=STEP)
    yield weight(STEP)
    release.revise("1.3.0")
    yield weight(0)
    yield phase("Succeeded")


def back_to_what_the_primary_runs(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=STEP)
    yield weight(STEP)
    release.revise("1.2.0")
    yield phase("Succeeded")


def put_back_by_a_gitops_tool(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=STEP)
    yield weight(100)
    release.move_weights_as(0, "argocd-controller")
    yield phase("Succeeded")


def metrics_that_halt_twice(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=100)
    yield weight(100)
    release.meter.values[SUCCESS] = 50.0
    yield warned(2)
    release.meter.values[SUCCESS] = 100.0
    yield phase("Succeeded")


def a_rollback_by_the_failure_policy(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=STEP, onFailure="Rollback", failureLimit=1)
    yield weight(STEP)
    release.meter.values[SUCCESS] = 50.0
    yield phase("Failed")


def an_abort_and_a_retry(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=STEP, promotion={"drain": "2m"})
    yield weight(STEP)
    release.ask(abort="{}")
    yield phase("Failed")
    release.ask(abort=None, retry="{}/1")
    yield phase("Succeeded")


def a_pause_and_a_promotion_in_steps(release: Release) -> Iterator[Goal]:
    release.begin(stepWeight=STEP, promotion={"stepWeight": STEP // 2})
    yield weight(STEP)
    release.ask(pause="{}")
    yield reason("Held")
    release.ask(pause=None, promote="{}")
    yield phase("Succeeded")


STORIES: Mapping[str, Story] = {
    story.__name__.replace("_", " "): story
    for story in (
        a_release,
        the_next_revision,
        a_new_revision_meanwhile,
        back_to_what_the_primary_runs,
        put_back_by_a_gitops_tool,
        metrics_that_halt_twice,
        a_rollback_by_the_failure_policy,
        an_abort_and_a_retry,
        a_pause_and_a_promotion_in_steps,
    )
}
