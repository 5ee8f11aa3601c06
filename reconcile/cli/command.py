"""Commands whose options are a frozen value that click fills.

A field is annotated with the parameter that fills it:

    every: Annotated[float | None, option("--every", type=Duration(), help="…")]

A field whose type is itself a class of options is a group of them: `cluster: ClusterOptions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

import click
from msgspec import Struct

from reconcile.cli.signals import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Declaration = Callable[[str], click.Parameter]
"""Makes the parameter that fills the field of this name."""


class Options(Struct, frozen=True, kw_only=True):
    """The base of all classes of options: frozen, with keyword-only fields, one for each parameter."""


Some = TypeVar("Some", bound=Options)


def option(*names: str, **settings: Any) -> Declaration:
    """Declares an option whose environment variable is STEERER_ and its long name."""
    long = next(name for name in names if name.startswith("--"))
    variable = "STEERER_" + long.lstrip("-").replace("-", "_").upper()
    return lambda field: click.Option([field, *names], envvar=variable, show_envvar=True, **settings)


def argument(**settings: Any) -> Declaration:
    """Declares a positional argument."""
    return lambda field: click.Argument([field], **settings)


def command(options: type[Some]) -> Callable[[Callable[[Some, Stop], int]], click.Command]:
    """Makes a command of a function that takes these options and returns the exit code."""

    def decorate(function: Callable[[Some, Stop], int]) -> click.Command:
        @click.pass_context
        def callback(context: click.Context, /, **values: Any) -> None:
            context.exit(function(filled(options, values), context.ensure_object(Stop)))

        name, text = function.__name__, function.__doc__
        # The help is an option of the command's own: click keeps the one that it makes first, whoever asked for it.
        settings = {"help_option_names": ["-h", "--help"]}
        return click.Command(name, settings, callback=callback, params=[*parameters(options)], help=text)

    return decorate


def parameters(options: type[Options]) -> Iterator[click.Parameter]:
    """Yields the parameters that fill a class of options, in the order of its fields."""
    for name, annotation in _fields(options).items():
        if _is_group(annotation):
            yield from parameters(annotation)
        else:
            [declaration] = annotation.__metadata__
            yield declaration(name)


def filled(options: type[Some], values: Mapping[str, Any]) -> Some:
    """Returns the options with the values that click parsed, which it names like the fields."""
    fields = _fields(options).items()
    return options(**{name: filled(of, values) if _is_group(of) else values[name] for name, of in fields})


def _fields(options: type[Options]) -> dict[str, Any]:
    return get_type_hints(options, include_extras=True)


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Options)
