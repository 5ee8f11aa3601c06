"""Where the search for what a broken program breaks begins: near the place where it differs from the program.

A seed, and a way from it. From the seeds alone each of them is found as well, most of them only after a hundred times
as many worlds.
"""

from __future__ import annotations

PASS = ("the interval passes", "a pass begins", "the pass goes on", "the pass goes on")
FIRST_STEP = ("a pass begins", "the pass goes on", "the pass goes on")
# Up to the status of the promotion; the copy is not written yet.
PROMOTED = ("the interval passes", "a pass begins", "the pass goes on")
OBJECTS = "a VirtualService and an HTTPRoute"
STEERED, LIMIT, FROZEN, STEPS = (
    "people steer",
    "failed checks roll back",
    "failed checks freeze",
    "a step is approved",
)
APPROVED = (*FIRST_STEP, "somebody asks for approve of 1.1, 60", "a long time passes", *PASS[1:])
COPIED = (*APPROVED, *PASS, "the primary is rolled out and well")

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
    "what is only observed makes up for what failed": ("traffic already split", ("a pass begins, metrics are bad",)),
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
    **dict.fromkeys(
        (
            "several objects go on from the one that leads",
            "only the first of several objects is looked at",
            "only the first of several objects is written",
        ),
        (OBJECTS, FIRST_STEP),
    ),
    "an HTTPRoute is written without a test": (
        OBJECTS,
        ("a pass begins", "the pass goes on", "somebody sets the canary's weight to 100 in the HTTPRoute"),
    ),
    "a canary is scaled up again and again": (
        "a new canary",
        (*FIRST_STEP, "somebody scales the canary to 0", "the canary is rolled out and well"),
    ),
    "an abort waits until the primary is rolled out": (
        STEERED,
        (*FIRST_STEP, "somebody mends the primary", "somebody asks for abort of 1.1"),
    ),
    "an abort gives the traffic to a primary that does not serve": (
        STEERED,
        (*FIRST_STEP, "the primary breaks", "somebody asks for abort of 1.1"),
    ),
    "a promotion asked for needs no healthy canary": (
        FROZEN,
        (*FIRST_STEP, "the canary breaks", "somebody asks for promote of 1.1"),
    ),
    "no answer is counted as failed": (
        LIMIT,
        (*FIRST_STEP, "the interval passes", "a pass begins, metrics are absent", "the pass goes on"),
    ),
    "a rolled back canary is not drained": (
        STEPS,
        (*FIRST_STEP, "the interval passes", "somebody asks for abort of 1.1", *FIRST_STEP),
    ),
    **dict.fromkeys(
        (
            "a retry counts again and again",
            "a failed revision begins again",
            "a rollback is given up under traffic",
            "checks are counted while none is due",
            "a limit acts one check early",
            "a limit acts one check late",
            "a limit never acts",
            "a deadline never passes",
            "a deadline does not count before the copy",
        ),
        (LIMIT, ()),
    ),
    "what the policy holds goes on": (FROZEN, ()),
    **dict.fromkeys(
        ("a pause lets a step be made", "an approval is not asked for", "a hold is not kept"), (STEPS, FIRST_STEP)
    ),
    **dict.fromkeys(
        (
            "a pause lets the traffic go back",
            "the traffic goes back at once",
            "the steps after the copy wait for no interval",
            "a step after the copy raises the weight",
        ),
        (STEPS, COPIED),
    ),
    "the canary is scaled down before it has drained": (STEPS, (*COPIED, *PASS, *PASS)),
    **dict.fromkeys(
        (
            "an abort asks the metrics",
            "an abort waits for the interval",
            "an abort after the copy is obeyed",
            "an abort of an older revision is obeyed",
            "a rollback leaves a weight",
            "a rollback raises the weight",
            "a rollback is over before the canary is scaled down",
            "a pause lets the copy be made",
            "a pause lets the canary be scaled down",
            "a pause holds an abort",
            "a suspended Rollout goes on",
        ),
        (STEERED, ()),
    ),
}
