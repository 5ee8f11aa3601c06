"""What a cluster remembers: status, Events, annotations and series, and that nothing of them has to be there."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconcile.lookback import page, words
from reconcile.lookback.of_cluster import Found, history
from reconcile.metrics.templates import load
from reconcile.model.checks import Check
from reconcile.model.measurement import Range
from reconcile.model.series import Series, Window
from reconcile.model.times import timestamp
from tests.unit.lookback.release import START
from tests.unit.report.factory import ref, stored_event
from tests.unit.report.strategies import VALUES

if TYPE_CHECKING:
    from reconcile.lookback.history import History

WINDOW = Window(begin=START, end=START + timedelta(hours=1), step=60.0)
CHECKS = (
    Check(name="istio_requests_total", interval="1m", threshold=99),
    Check(name="own", interval="1m", range=Range(least=1, most=5), query="up", title="Own", unit="items"),
)


def at(minutes: float) -> str:
    return timestamp(START + timedelta(minutes=minutes))


def event(minutes: float, message: str, kind: str = "Normal", *, first: float | None = None, count: int = 1) -> Any:
    begun = at(minutes if first is None else first)
    return stored_event(message, at(minutes), kind, firstTimestamp=begun, count=count)


EVENTS = [
    event(-5, "Promotion complete! Scaling down podinfo-canary.test"),
    event(1, "Starting rollout for podinfo.test"),
    event(1, "Advance rollout podinfo.test weight 10"),
    event(2, "Advance rollout podinfo.test weight 20"),
    event(5, "Halt rollout podinfo.test success rate 90.00% < 99%", "Warning", first=3, count=3),
    event(6, "Halt rollout podinfo.test success rate 91.00% < 99%", "Warning"),
    event(8, "Advance rollout podinfo.test weight 30"),
    event(9, "Hold rollout podinfo.test waiting for an approval"),
    event(20, "Advance rollout podinfo.test weight 40"),
]
STATUS = {
    "phase": "Progressing",
    "canaryRevision": "v1-1",
    "canaryWeight": 40,
    "lastAdvanceTime": at(20),
    "analysis": {"attempt": 2, "checks": 9, "failedChecks": 3, "message": "why"},
    "conditions": [{"type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "all is well"}],
    "measurements": [
        {
            "name": "istio_requests_total",
            "value": 100.0,
            "verdict": "passed",
            "time": at(20),
            "query": "sum(x)",
            "message": "fine",
        },
        {"name": "own", "verdict": "no data", "gate": False, "time": at(20)},
    ],
}


def manifest(status: Any = STATUS, **metadata: Any) -> dict[str, Any]:
    return {"kind": "Rollout", "metadata": {"name": "podinfo", "namespace": "test", **metadata}, "status": status}


def found(**fields: Any) -> Found:
    defaults: dict[str, Any] = {
        "rollout": ref(),
        "manifest": manifest(),
        "events": EVENTS,
        "window": WINDOW,
        "checks": CHECKS,
        "metrics": load().metrics,
    }
    return Found(**(defaults | fields))


def minutes(pairs: tuple[tuple[Any, Any], ...]) -> list[tuple[float, Any]]:
    return [((time - START).total_seconds() / 60, value) for time, value in pairs]


def test_weights_halts_and_holds_are_those_of_the_events() -> None:
    told = history(found())
    assert minutes(told.weights) == [(1, 10), (2, 20), (8, 30), (20, 40)]
    assert [(span.kind, *minutes(((span.begin, 0), (span.end, 0)))) for span in told.spans] == [
        ("halt", (3, 0), (8, 0)),
        ("hold", (9, 0), (20, 0)),
    ]
    assert [(item.kind, item.count) for item in told.happened] == [
        ("Started", 1),
        ("Advanced", 1),
        ("Advanced", 1),
        ("Halted", 3),
        ("", 1),
        ("Advanced", 1),
        ("WaitingForApproval", 1),
        ("Advanced", 1),
    ]
    assert (told.phase, told.reason, told.revision) == ("Progressing", "all is well", "v1-1")
    assert told.facts == (("attempt", "2"), ("checks", "9"), ("failed checks", "3"), ("ended by", "why"))


def test_a_halt_that_lasts_still_goes_to_the_end() -> None:
    status = STATUS | {"conditions": [{"type": "Ready", "status": "False", "reason": "Halted"}]}
    told = history(found(manifest=manifest(status), events=EVENTS[:6]))
    assert told.spans[-1].end == WINDOW.end
    assert page.outcome(told) == ("Halted", "bad")


def test_the_series_of_the_weight_goes_before_the_events() -> None:
    points = tuple(
        (START + timedelta(minutes=index), value) for index, value in enumerate((0.0, 10.0, None, 10.0, 0.0))
    )
    told = history(found(weight=Series(points=points)))
    assert minutes(told.weights) == [(0, 0), (1, 10), (4, 0)]
    assert minutes(history(found(weight=Series(problem="gone"))).weights)[0] == (1, 10)


def test_the_weights_of_the_status_go_before_those_of_the_events() -> None:
    kept = [{"time": at(index), "weight": weight} for index, weight in ((1, 5), (2, 20), (20, 40))]
    assert minutes(history(found(manifest=manifest(STATUS | {"history": kept}))).weights) == [(1, 5), (2, 20), (20, 40)]
    assert minutes(history(found(manifest=manifest(STATUS | {"history": kept}), events=[])).weights)[0] == (1, 5)
    late = STATUS | {"history": kept[1:]}
    assert minutes(history(found(manifest=manifest(late))).weights) == [(1, 10), (2, 20), (20, 40)]


def test_of_two_weights_in_one_second_the_later_one_comes_later() -> None:
    kept = [{"time": at(minute), "weight": weight} for minute, weight in ((1, 20), (2, 40), (2, 0))]
    status = STATUS | {"history": kept, "canaryWeight": 0, "lastAdvanceTime": at(2)}
    assert minutes(history(found(manifest=manifest(status))).weights) == [(1, 20), (2, 40), (2, 0)]


def test_without_events_there_is_the_present_weight() -> None:
    assert minutes(history(found(events=[])).weights) == [(20, 40)]
    old = STATUS | {"lastAdvanceTime": at(-60)}
    assert minutes(history(found(events=[], manifest=manifest(old))).weights) == [(0, 40)]


def test_metrics_have_their_bounds_series_and_last_check() -> None:
    points = ((START, 99.5), (START + timedelta(minutes=1), None))
    series = {
        "istio_requests_total": (Series(query="q1", points=points), Series(query="q2", points=points)),
        "own": (Series(query="up", problem="gone"), Series(query="up", problem="gone")),
    }
    rate, own = history(found(series=series)).metrics
    assert (rate.title, rate.bound, rate.query, rate.canary, rate.primary) == (
        *("success rate", "at least 99", "q1"),
        *(points, points),
    )
    assert [(check.value, check.good) for check in rate.checks] == [(100.0, True)]
    assert (own.title, own.unit, own.bound, own.problem) == ("Own", "items", "1 to 5", "gone")
    assert own.checks[0].good is None
    assert history(found()).metrics[0].query == "sum(x)"


def test_who_asked_for_what_is_the_manager_of_the_annotation() -> None:
    annotations = {"apps.weave.works/pause": "*", "apps.weave.works/approve": "v1-1", "apps.weave.works/abort": 5}
    owned: dict[str, Any] = {"f:metadata": {"f:annotations": {"f:apps.weave.works/pause": {}}}}
    managed = [{"manager": "kubectl-annotate", "operation": "Update", "time": at(4), "fieldsV1": owned}]
    told = history(found(manifest=manifest(annotations=annotations, managedFields=managed)))
    assert [(act.action, act.value, act.who, act.at) for act in told.acts] == [
        ("pause", "*", "kubectl-annotate", START + timedelta(minutes=4)),
        ("approve", "v1-1", "", None),
    ]


@given(status=VALUES, events=st.lists(VALUES, max_size=3), metadata=VALUES)
def test_whatever_is_stored_is_told_or_left_out(status: Any, events: list[Any], metadata: Any) -> None:
    stored = {"metadata": metadata, "status": status}
    objects = [item for item in events if isinstance(item, dict)]
    told = history(found(manifest=stored, events=objects))
    page.html([told])
    words.text(told)


def test_the_text_has_weights_curves_and_what_happened() -> None:
    points = tuple((START + timedelta(minutes=index), 90.0 + index % 10) for index in range(60))
    series = {
        "istio_requests_total": (Series(points=points), Series(points=points)),
        "own": (Series(problem="gone"),) * 2,
    }
    annotations = {"apps.weave.works/pause": "*"}
    told = history(found(series=series, manifest=manifest(annotations=annotations), notes=("a note",)))
    text = words.text(told)
    for line in (
        "podinfo.test  Progressing",
        "  from 2026-01-31T12:00:00Z to 2026-01-31T13:00:00Z, by status, Events and metrics",
        "    12:08:00   30 %",
        "    success rate (istio_requests_total), at least 99 percent",
        "      gone",
        "    12:03:00  Warning  Halt rollout podinfo.test success rate 90.00% < 99% (3 times)",
        "    pause *",
        "  a note",
    ):
        assert line in text.splitlines()
    assert re.search(r"^      canary   [▁▂▃▄▅▆▇█]{60}  90 to 99$", text, re.MULTILINE)
    empty = replace(told, happened=(), acts=(), metrics=(), weights=(), reason="", phase="")
    assert words.text(empty).splitlines()[-1] == "    nothing is known of this time"


def test_programs_get_all_of_it_as_plain_data() -> None:
    told: History = history(found())
    document = words.data(told)
    assert document["rollout"] == {"namespace": "test", "name": "podinfo"}
    assert document["weights"][0] == {"time": at(1), "weight": 10}
    assert document["metrics"][0]["checks"][0]["verdict"] == "passed"
    assert document["happened"][0]["kind"] == "Started"
