"""Reads a scenario file and checks its fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.model import durations
from reconcile.model.actions import ANY_REVISION, Verb
from reconcile.model.errors import UsageError
from reconcile.model.fields import Fields
from reconcile.model.kinds import KINDS, ROLLOUT, Ref
from reconcile.model.measurement import Failure
from reconcile.simulation.drawn_traffic import Traffic
from reconcile.simulation.scenario import Change, Said, Scenario, Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.simulation.scenario import Value

MAX_TICKS = 10_000
MAX_ITEMS = 1_000
MAX_REQUESTS = 1_000.0
FIELDS = ("start", "tick", "ticks", "rolloutTicks", "answers", "troubles", "traffic", "seed", "changes", "actions")


def load(path: Path) -> Scenario:
    """Returns the scenario in a file. Raises UsageError with the file and the fields that cannot be used."""
    import yaml  # noqa: PLC0415 - only a simulation loads it

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


def _Loader(yaml: Any) -> Any:  # noqa: N802 - returns a class, once the library is loaded
    """Returns a safe loader that keeps times as text, as `Fields` expects them."""

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012 - the library's own attribute
            first: [item for item in resolvers if item[0] != "tag:yaml.org,2002:timestamp"]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def _scenario(root: Fields) -> Scenario:
    for key in sorted(map(str, set(root.value) - {*FIELDS})):
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
        ticks=root.integer("ticks", 1, MAX_TICKS, 100),
        rollout_ticks=root.integer("rolloutTicks", 1, MAX_TICKS, 2),
        answers={str(name): _value(answers, str(name), value) for name, value in answers.value.items()},
        troubles=tuple(_trouble(item) for item in root.children("troubles", MAX_ITEMS)),
        changes=tuple(_change(item) for item in root.children("changes", MAX_ITEMS)),
        actions=tuple(_said(item) for item in root.children("actions", MAX_ITEMS)),
        traffic=tuple(_traffic(item) for item in root.children("traffic", MAX_ITEMS)),
        seed=root.integer("seed", 0, 2**31 - 1, 0),
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


def _traffic(item: Fields) -> Traffic:
    item.only("namespace", "name", "metric", "requests", "canary", "primary")
    return Traffic(
        rollout=Ref(ROLLOUT, item.text("namespace", "default"), item.text("name")),
        metric=item.text("metric"),
        requests=_at_most(item, "requests", MAX_REQUESTS),
        canary_bad=_at_most(item, "canary", 100.0),
        primary_bad=_at_most(item, "primary", 100.0),
    )


def _at_most(item: Fields, key: str, most: float) -> float:
    found = item.number(key)
    if not 0 <= found <= most:
        item.problem(key, f"must be from 0 to {most:g}, not {found:g}")
    return found


def _change(item: Fields) -> Change:
    kind = KINDS.get(item.text("kind"))
    if kind is None:
        item.problem("kind", f"must be one of: {', '.join(KINDS)}")
        kind = KINDS["Deployment"]
    return Change(
        tick=item.integer("tick", 1, MAX_TICKS),
        target=Ref(kind, item.text("namespace", "default"), item.text("name")),
        operations=tuple(operation.value for operation in item.children("patch", MAX_ITEMS)),
    )


def _said(item: Fields) -> Said:
    item.only("tick", "action", "namespace", "name", "revision", "weight")
    word, revision = item.text("action"), item.text("revision", "")
    if word not in [*Verb]:
        item.problem("action", f"must be one of: {', '.join(Verb)}")
    verb = Verb(word) if word in [*Verb] else Verb.PAUSE
    if revision == ANY_REVISION and verb is not Verb.PAUSE:
        item.problem("revision", f"{ANY_REVISION} is for pause alone: {word} is about one revision")
    if "weight" in item.value and verb is not Verb.APPROVE:
        item.problem("weight", f"is for approve alone, not for {word}")
    return Said(
        tick=item.integer("tick", 1, MAX_TICKS),
        rollout=Ref(ROLLOUT, item.text("namespace", "default"), item.text("name")),
        verb=verb,
        revision=revision,
        weight=item.integer("weight", 1, 100) if "weight" in item.value else None,
    )
