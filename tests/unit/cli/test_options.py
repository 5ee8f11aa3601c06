"""The options of each command as a value: one parameter for each field, and values of the types that mypy reads."""

from __future__ import annotations

from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
import pytest

from reconcile.cli import COMMANDS, steerer
from reconcile.cli.actions import ActionOptions, ApproveOptions, FollowedOptions, RevisionOptions
from reconcile.cli.apply import ApplyOptions
from reconcile.cli.backtest import BacktestOptions
from reconcile.cli.check import CheckOptions
from reconcile.cli.command import Options, filled
from reconcile.cli.lint import LintOptions
from reconcile.cli.metrics import MetricsOptions
from reconcile.cli.report import ReportOptions
from reconcile.cli.run import PlanOptions
from reconcile.cli.run_options import RunOptions
from reconcile.cli.simulate import SimulateOptions
from reconcile.cli.status import StatusOptions

OPTIONS: dict[str, type[Options]] = {
    "run": RunOptions,
    "plan": PlanOptions,
    "apply": ApplyOptions,
    "status": StatusOptions,
    "abort": FollowedOptions,
    "pause": ActionOptions,
    "resume": FollowedOptions,
    "promote": FollowedOptions,
    "approve": ApproveOptions,
    "retry": FollowedOptions,
    "revision": RevisionOptions,
    "lint": LintOptions,
    "check": CheckOptions,
    "metrics": MetricsOptions,
    "backtest": BacktestOptions,
    "report": ReportOptions,
    "simulate": SimulateOptions,
}
# A text for each type of click's, to be converted.
SAMPLES = {
    "duration": "1m30s",
    "namespace": "one, two",
    "header": "X-Scope-OrgID: team",
    "text": "some,text",
    "path": "some/path",
    "integer range": "1",
}


def command(name: str) -> click.Command:
    found = steerer.get_command(click.Context(steerer), name)
    assert found is not None
    return found


def leaves(options: type[Options]) -> list[tuple[str, Any]]:
    """Returns the names and types of all fields, those of groups included."""
    found: list[tuple[str, Any]] = []
    for name, kind in get_type_hints(options).items():
        found += leaves(kind) if isinstance(kind, type) and issubclass(kind, Options) else [(name, kind)]
    return found


def values(options: Options) -> list[Any]:
    """Returns the values of all fields in the order of `leaves`."""
    found: list[Any] = []
    for name in get_type_hints(type(options)):
        value = getattr(options, name)
        found += values(value) if isinstance(value, Options) else [value]
    return found


def is_a(value: object, kind: Any) -> bool:
    """Returns whether a value has a type like `tuple[str, ...] | None` or `Literal["text"]`."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is NoneType:
        return value is None
    if origin is Literal:
        return value in inner
    if origin is tuple and inner[-1] is ...:
        return isinstance(value, tuple) and all(is_a(item, inner[0]) for item in value)
    if origin is tuple:
        return isinstance(value, tuple) and list(map(is_a, value, inner)) == [True] * len(inner)
    return any(is_a(value, one) for one in inner) if inner else isinstance(value, kind)


def every_option(parameter: click.Parameter) -> list[str]:
    if isinstance(parameter, click.Argument):
        return ["some.name"] if parameter.required else []
    assert isinstance(parameter, click.Option)
    if parameter.is_flag:
        return [parameter.opts[-1]]
    kind = parameter.type
    return [parameter.opts[-1], kind.choices[-1] if isinstance(kind, click.Choice) else SAMPLES[kind.name]]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_field_is_filled_by_one_parameter_and_each_parameter_fills_a_field(name: str) -> None:
    fields = [field for field, _ in leaves(OPTIONS[name])]
    assert [parameter.name for parameter in command(name).params] == fields
    assert len(set(fields)) == len(fields)


@pytest.mark.parametrize("full", [False, True], ids=["as few as possible", "all"])
@pytest.mark.parametrize("name", COMMANDS)
def test_each_field_holds_a_value_of_its_type(name: str, *, full: bool) -> None:
    parameters = [parameter for parameter in command(name).params if full or parameter.required]
    arguments = [word for parameter in parameters for word in every_option(parameter)]
    context = command(name).make_context(name, arguments)
    options = filled(OPTIONS[name], context.params)
    for (field, kind), value in zip(leaves(OPTIONS[name]), values(options), strict=True):
        assert is_a(value, kind), f"{field} is {value!r} and not {kind}"
        assert not full or value or field == "names", field


def test_options_cannot_be_changed() -> None:
    options = filled(PlanOptions, command("plan").make_context("plan", []).params)
    with pytest.raises(AttributeError, match="immutable"):
        options.out = None  # type: ignore[misc]
