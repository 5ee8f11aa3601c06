"""The specs of the model: what a Rollout wants of the pace of a release and of its failure."""

from __future__ import annotations

from typing import Any, NamedTuple

LONG = "1h"
"""What a deadline, a hold and a drain of this model are."""


class Analysis(NamedTuple):
    """What the Rollout wants: the weights on the way, and further fields of `canaryAnalysis`.

    `limit`: the failed checks that are forgiven, if they are counted. `asks`: the weight that takes an approval, and a
    hold. `fall`: the step after the copy. `patient`: nothing in it ends by itself if it takes long.
    """

    most: int
    step: int
    more: tuple[tuple[str, Any], ...] = ()
    limit: int | None = None
    asks: int = 0
    fall: int = 100
    patient: bool = True

    def after(self, weight: int) -> int:
        """Returns the weight of the next step."""
        return min(self.most, weight + self.step)

    @property
    def ends(self) -> str:
        """What a limit or a deadline brings."""
        return str(dict(self.more).get("onFailure", "Halt"))


SPECS = {
    "by 60": Analysis(100, 60),
    "up to 60": Analysis(60, 60),
    "all at once": Analysis(100, 100),
    "invalid": Analysis(100, 0),
    "rolled back": Analysis(
        60, 60, (("onFailure", "Rollback"), ("failureLimit", 1), ("deadline", LONG)), limit=1, patient=False
    ),
    "frozen": Analysis(
        60,
        60,
        (("onFailure", "Pause"), ("consecutiveFailureLimit", 0), ("stepDeadline", LONG)),
        limit=0,
        patient=False,
    ),
    "approved": Analysis(
        100,
        60,
        (
            ("steps", [{"weight": 60, "hold": LONG, "approval": True}, {"weight": 100}]),
            ("promotion", {"stepWeight": 60, "drain": LONG}),
            ("maxWeight", None),
            ("stepWeight", None),
        ),
        asks=60,
        fall=60,
    ),
}
MOST_FAILED = 2
"""As many counted failures are told apart: one more than any limit."""
