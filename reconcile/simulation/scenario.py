"""The scenario of a simulation: what the metrics say at which weight, and what else happens at which tick.

Duty: the file, its checks, and the meter that answers from it. How Deployments roll out is in `simulate`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconcile.model import durations
from reconcile.model.errors import UsageError
from reconcile.model.fields import Fields
from reconcile.model.kinds import KINDS, Ref
from reconcile.model.measurement import Answer, Failure, Question

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconcile.model.plan import Operation

MOST_TICKS = 10_000
MOST_ITEMS = 1_000
Value = float | Failure


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A run of answers for one metric: the first analyses at this weight get these values, one after the other."""

    metric: str
    weight: int
    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something that somebody else does to an object before the pass of a tick."""

    tick: int
    target: Ref
    operations: tuple[Operation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A simulation's script. `tick` in seconds; `rollout_ticks` is how long a rolling update takes."""

    start: datetime
    tick: float
    ticks: int
    rollout_ticks: int
    answers: Mapping[str, Value]
    troubles: tuple[Trouble, ...]
    changes: tuple[Change, ...]


def load(path: Path) -> Scenario:
    """Read a scenario file. Raises UsageError with the file and the fields that cannot be used."""
    import yaml  # noqa: PLC0415 - only a simulation pays for it

    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader(yaml))  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read: {error.strerror if isinstance(error, OSError) else error}"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    root = Fields(value=content if isinstance(content, dict) else {})
    if not isinstance(content, dict):
        root.problem("(the file)", "must be a mapping")
    scenario = _scenario(root)
    if root.problems:
        raise UsageError(f"{path}: {'; '.join(root.problems)}")
    return scenario


def _Loader(yaml: Any) -> Any:  # noqa: N802 - a class, made when the library is there
    """Give a safe loader that leaves times as they are written, as the fields expect them."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own attribute
            first: [item for item in resolvers if item[0] != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def _scenario(root: Fields) -> Scenario:
    unknown = set(root.value) - {"start", "tick", "ticks", "rolloutTicks", "answers", "troubles", "changes"}
    for key in sorted(map(str, unknown)):
        root.problem(key, "is no field of a scenario")
    tick = durations.seconds(root.text("tick", "1m"))
    if not tick:
        root.problem("tick", "must be a duration above zero like 10s")
    start = root.time("start")
    if start is None:
        root.problem("start", "is required: the time of the first tick")
    answers = root.child("answers", required=False)
    return Scenario(
        start=start,  # type: ignore[arg-type] # None only with a problem, which `load` raises
        tick=tick or 60.0,
        ticks=root.integer("ticks", 1, MOST_TICKS, 100),
        rollout_ticks=root.integer("rolloutTicks", 1, MOST_TICKS, 2),
        answers={str(name): _value(answers, str(name), value) for name, value in answers.value.items()},
        troubles=tuple(_trouble(item) for item in root.children("troubles", MOST_ITEMS)),
        changes=tuple(_change(item) for item in root.children("changes", MOST_ITEMS)),
    )


def _trouble(item: Fields) -> Trouble:
    values = item.value.get("values")
    if not isinstance(values, list):
        item.problem("values", "must be a list of numbers or kinds of failure")
        values = []
    return Trouble(
        metric=item.text("metric"),
        weight=item.integer("weight", 0, 100),
        values=tuple(_value(item, f"values[{index}]", value) for index, value in enumerate(values)),
    )


def _value(fields: Fields, key: str, value: Any) -> Value:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        return Failure(value)
    except ValueError:
        fields.problem(key, f"must be a number or one of: {', '.join(Failure)}")
        return Failure.NO_DATA


def _change(item: Fields) -> Change:
    kind = KINDS.get(item.text("kind"))
    if kind is None:
        item.problem("kind", f"must be one of: {', '.join(KINDS)}")
        kind = KINDS["Deployment"]
    return Change(
        tick=item.integer("tick", 1, MOST_TICKS),
        target=Ref(kind, item.text("namespace", "default"), item.text("name")),
        operations=tuple(operation.value for operation in item.children("patch", MOST_ITEMS)),
    )


class ScriptedMeter:
    """A Meter that answers from a scenario. Troubles are used up, separately for each Rollout."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._used: Counter[tuple[Ref, int]] = Counter()

    def measure(self, questions: Collection[Question], at: datetime) -> dict[Question, Answer]:
        """Answer every question; a metric that the scenario does not mention has no data."""
        del at  # a script knows ticks, no times
        return {question: self._answer(question) for question in questions}

    def _answer(self, question: Question) -> Answer:
        value = self._next(question)
        query = f"{question.metric} of {question.workload} at weight {question.weight}"
        if isinstance(value, Failure):
            return Answer(query=query, failure=value, detail="by the scenario")
        return Answer(query=query, value=value)

    def _next(self, question: Question) -> Value:
        for index, trouble in enumerate(self._scenario.troubles):
            key = (question.rollout, index)
            if (trouble.metric, trouble.weight) != (question.metric, question.weight):
                continue
            if self._used[key] < len(trouble.values):
                self._used[key] += 1
                return trouble.values[self._used[key] - 1]
        return self._scenario.answers.get(question.metric, Failure.NO_DATA)
