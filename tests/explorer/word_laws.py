"""The laws of what people ask for and of the failure policy, checked beside those of `laws`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.explorer.specs import MOST_FAILED, SPECS
from tests.explorer.state import ROUTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.model.plan import Plan
    from tests.explorer.laws import Write
    from tests.explorer.state import Evidence, Memory

BACK = {"roll back", "give up"}
AS_IT_WAS = ("phase", "canaryRevision", "canaryWeight", "analysis")


def decided(plan: Plan, seen: Evidence, *, asked: bool) -> tuple[str, ...]:
    """21. An abort takes all traffic off in the pass that sees it, and asks no metric."""
    if "abort" not in seen.orders or "suspend" in seen.orders:
        return ()
    if asked:
        return ("21: an abort asks the metrics",)
    releases = seen.phase in {"", "Progressing"} and (seen.same or seen.canary != seen.primary)
    if releases and seen.serves and max(seen.weights) > 0 and plan.move != "roll back":
        return (f"21: an abort leaves the traffic ({plan.move})",)
    return ()


def broken(write: Write) -> Iterator[str]:
    """Returns the violations of a write."""
    yield from _held(write)
    if write.letter in ROUTES:
        yield from _route(write)
    if write.letter == "R":
        yield from _counted(write)
        yield from _ended(write)
    if write.letter == "C" and write.after.canary.size == 0 and write.before.memory.recent:
        yield "24: the canary is scaled down before it has drained"


def remembered(write: Write, memory: Memory) -> Memory:
    """Returns the memory after a write."""
    if not write.before.cast:
        return memory
    if write.letter in ROUTES and write.new != write.old and SPECS[write.before.spec].asks:
        return memory._replace(recent=True, fell=memory.fell or write.plan.move == "conclude")
    if write.letter != "R":
        return memory
    old, new = _attempts(write)
    if _is_new(old, new):
        memory = memory._replace(counted=False, fails=0)
        if new.get("attempt", 1) > 1 or new.get("retryTokens"):
            memory = memory._replace(again=False)
    if _more(old, new, "checks"):
        memory = memory._replace(counted=True, fails=_fails(write, memory))
    if _fails_now(old, new) and not memory.again:
        memory = memory._replace(failed=write.flight.evidence.canary)
    return memory


# 20: what holds.


def _held(write: Write) -> Iterator[str]:
    """20. Under `suspend` only the status is written, and says no more; under `pause` only an abort moves anything."""
    seen, move = write.flight.evidence, write.plan.move
    if "suspend" in seen.orders:
        old, new = (manifest.get("status") or {} for manifest in (write.old, write.new))
        if write.letter != "R":
            yield f"20: a suspended Rollout moves: {write.letter} is written"
        elif any(_kept(old.get(key)) != _kept(new.get(key)) for key in AS_IT_WAS):
            yield "20: the status of a suspended Rollout says more than that"
    elif "pause" in seen.orders and write.letter != "R":
        aborted = move == "roll back" and ("abort" in seen.orders or seen.phase == "RollingBack")
        if not aborted:
            yield f"20: a paused Rollout moves: {write.letter} is written"


def _kept(value: Any) -> Any:
    """Returns a field of the status without its times."""
    return (
        {key: one for key, one in value.items() if not key.endswith("Time")} if isinstance(value, dict) else value or 0
    )


# 18, 19, 23: the weights.


def _route(write: Write) -> Iterator[str]:
    seen, memory, wanted = write.flight.evidence, write.before.memory, SPECS[write.flight.evidence.spec]
    pairs = list(zip(write.before.weights, write.after.weights, strict=True))
    if write.plan.move in BACK and any(write.written_weights):
        yield "18: a rollback leaves traffic"
    if write.raises and write.plan.move in BACK:
        yield "18: a rollback raises a weight"
    # A weight that was on its way when another pass ended the attempt is taken away by the next one.
    if write.raises and memory.failed == seen.canary and "M" not in write.flight.moved:
        yield "19: a failed revision gets traffic, without a new template or a new retry"
    if write.raises and wanted.asks and min(seen.weights) >= wanted.asks:
        if not seen.orders & {"approve", f"approve/{wanted.asks}"}:
            yield "23: a step is left that nobody approved"
        if memory.recent and not write.is_second:
            yield "23: a step is left before its time"
    if write.plan.move == "conclude":
        if any(old - new > wanted.fall or new > old for old, new in pairs):
            yield "24: the traffic goes back in other steps than those of the promotion"
        if memory.fell and not write.is_second and any(new < old for old, new in pairs) and wanted.fall < 100:
            yield "24: two steps after the copy within one interval"


# 22: the checks.


def _attempts(write: Write) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns what the status says of the attempt, before and after."""
    old, new = (dict((one.get("status") or {}).get("analysis") or {}) for one in (write.old, write.new))
    return old, new


def _is_new(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return (old.get("revision"), old.get("attempt")) != (new.get("revision"), new.get("attempt"))


def _more(old: dict[str, Any], new: dict[str, Any], key: str) -> int:
    before = 0 if _is_new(old, new) else old.get(key, 0)
    return int(new.get(key, 0) - before)


def _fails(write: Write, memory: Memory) -> int:
    return min(memory.fails + (write.flight.evidence.answer == "bad"), MOST_FAILED)


def _fails_now(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Returns whether a write ends the attempt."""
    return bool(new.get("reason")) and (_is_new(old, new) or not old.get("reason"))


def _counted(write: Write) -> Iterator[str]:
    """22. A check is counted at most once an interval; it failed only where the metrics say so."""
    old, new = _attempts(write)
    checks, failed = _more(old, new, "checks"), _more(old, new, "failedChecks")
    again = write.before.memory.counted and not _is_new(old, new)
    if checks > 1 or (checks and again):
        yield "22: a check is counted twice within one interval"
    if failed != (checks > 0 and write.flight.evidence.answer == "bad"):
        answer = write.flight.evidence.answer or "not asked"
        yield f"22: {failed} failed of {checks} checks are counted, where the metrics are {answer}"


def _ended(write: Write) -> Iterator[str]:
    """25. An attempt is ended by a person, by more failed checks than are forgiven, or by a deadline."""
    old, new = _attempts(write)
    seen, wanted, begins = write.flight.evidence, SPECS[write.flight.evidence.spec], _fails_now(old, new)
    status = write.after.status
    if write.plan.move == "roll back" and seen.phase != "RollingBack" and not new.get("reason"):
        yield "25: a rollback begins, and the status does not say why"
    # What had failed when the pass read: a new template since then is another attempt, which the next pass begins.
    failed = (0 if _is_new(old, new) else seen.fails) + (seen.answer == "bad")
    forgiven = wanted.limit is None or failed <= wanted.limit
    if not forgiven and _more(old, new, "checks") and not new.get("reason"):
        yield "25: more checks failed than are forgiven, and the attempt goes on"
    if not begins or status is None:
        return
    reasons = {"Aborted": "abort" in seen.orders, "DeadlineExceeded": seen.late, "AnalysisFailed": not forgiven}
    if not reasons[new["reason"]]:
        yield f"25: an attempt is ended without a reason: {new['reason']}"
    if "pause" in seen.orders and "abort" not in seen.orders:
        yield "25: an attempt is ended while a person holds it"
    if seen.phase == "Finalising" or (seen.phase == "Promoting" and seen.primary == seen.canary):
        yield "25: a promotion is taken back after the copy"
