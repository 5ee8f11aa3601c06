"""Where the search for what a broken program breaks begins: near the place where it differs from the program.

A seed, and a way from it. From the seeds alone each of them is found as well, most of them only after a hundred times
as many worlds.
"""

from __future__ import annotations

PASS = ("the interval passes", "a pass begins", "the pass goes on", "the pass goes on")
FIRST_STEP = ("a pass begins", "the pass goes on", "the pass goes on")
# Up to the status of the promotion; the copy is not written yet.
PROMOTED = ("the interval passes", "a pass begins", "the pass goes on")

BEGINNINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "the weights are written without a test": (
        "a new canary",
        ("a pass begins", "the pass goes on", "somebody sets the canary's weight to 100"),
    ),
    "only the values are tested, not the generation": (
        "a new canary",
        ("a pass begins", "the pass goes on", "somebody puts a copy of the route in front"),
    ),
    "the ticket is not tested": ("a new canary", ("a pass begins", "somebody sets the analysis to: up to 60")),
    "the maximum is only an exact one": (
        "traffic already split",
        (*FIRST_STEP, "the interval passes", "somebody sets the analysis to: up to 60"),
    ),
    "the reset is left out": (
        "a new canary",
        (*FIRST_STEP, "somebody gives the canary 1.1 restarted", "the canary is rolled out and well"),
    ),
    "what is no number passes": ("traffic already split", ("a pass begins, metrics are not a number",)),
    "no data passes": ("traffic already split", ("a pass begins, metrics are absent",)),
    "the canary's health is no gate": ("traffic already split", ("the canary breaks",)),
    "the canary's scaling is no gate": (
        "an autoscaler",
        (*FIRST_STEP, "the interval passes", "the autoscaler wants another size"),
    ),
    "the primary's health is no gate for a start": ("a new canary", ("the primary breaks",)),
    "traffic goes back before the primary is rolled out": ("a new canary", (*FIRST_STEP, *PASS, *PASS)),
    "a canary that moved on is copied": (
        "a new canary",
        (*FIRST_STEP, *PASS, *PROMOTED, "somebody gives the canary 1.1 restarted"),
    ),
    "a promotion that was not copied is copied whatever the canary is": (
        "a new canary",
        (*FIRST_STEP, *PASS, *PROMOTED, "the pass is killed", "the canary breaks"),
    ),
    "the weight that was asked for is restored": (
        "a new canary",
        (
            *(*FIRST_STEP, "the interval passes", "a pass begins", "the pass goes on", "the pass is killed"),
            "a GitOps tool puts the weights back",
        ),
    ),
    "the canary is scaled down without a ticket": (
        "traffic already split",
        (
            *("a pass begins", "the pass goes on", "the pass goes on"),
            *PASS,
            "the primary is rolled out and well",
            *PASS,
            *("the interval passes", "somebody gives the canary 1.1 restarted", "the canary is rolled out and well"),
            *("a pass begins", "somebody gives the canary 1.1", "another pass begins"),
        ),
    ),
    "the revision is recorded before the reset": (
        "a new canary",
        (*FIRST_STEP, "somebody gives the canary 1.1 restarted"),
    ),
    "a repair is on record before it is stored": (
        "a new canary",
        (
            *(*FIRST_STEP, "a GitOps tool puts the weights back", *FIRST_STEP, "the pass goes on"),
            *("the interval passes", "a GitOps tool puts the weights back"),
        ),
    ),
    "the primary's health is no gate for a reset": (
        "a new canary",
        (*FIRST_STEP, "somebody gives the canary 1.1 restarted", "the primary breaks"),
    ),
    **dict.fromkeys(
        (
            "an edit of the primary is copied over",
            "what the primary was is not on record",
            "what the primary was is put on record in each step",
        ),
        ("a new canary", (*FIRST_STEP, "somebody mends the primary", "the primary is rolled out and well")),
    ),
    **dict.fromkeys(
        (
            "a canary is scaled down whatever other routes do",
            "a second Rollout on the same Deployments moves as well",
        ),
        ("a second Rollout", ()),
    ),
    "a canary is scaled up again and again": (
        "a new canary",
        (*FIRST_STEP, "somebody scales the canary to 0", "the canary is rolled out and well"),
    ),
}
