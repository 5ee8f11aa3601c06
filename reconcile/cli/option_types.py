"""The types of option values that click does not have: durations, namespaces, names and HTTP headers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconcile.model import durations

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class Duration(click.ParamType[float]):
    """A duration like `50s` or `1m`, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns the seconds; fails with an example for anything else."""
        if isinstance(value, float):
            return value
        seconds = durations.seconds(value)
        if seconds is None:
            self.fail(f"{value!r} is no duration: write 30s, 1m or 1h30m", param, ctx)
        return seconds


class Namespaces(click.ParamType[tuple[str, ...]]):
    """One namespace, or several separated by commas, as a tuple; the empty text is none."""

    name = "namespace"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Returns the names; fails for one that no namespace can have."""
        names = value if isinstance(value, tuple) else tuple(_separated(value)) if value else ()
        for name in names:
            if not _NAMESPACE.fullmatch(name):
                self.fail(f"{name!r} is no namespace", param, ctx)
        return names


class Names(click.ParamType[tuple[str, ...]]):
    """Names separated by commas, as a tuple; empty ones are left out."""

    name = "text"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> tuple[str, ...]:
        """Returns the names."""
        return value if isinstance(value, tuple) else tuple(filter(None, _separated(value)))


class Header(click.ParamType[tuple[str, str]]):
    """An HTTP header like `X-Scope-OrgID: team`, as a pair; in an environment variable one per line."""

    name = "header"
    envvar_list_splitter = "\n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Returns name and value; fails without showing the value, which may be a secret."""
        if isinstance(value, tuple):
            return value
        name, colon, text = str(value).partition(":")
        if not colon or not name.strip():
            self.fail("a header is written as 'Name: value'", param, ctx)
        return name.strip(), text.strip()


PATH = click.Path(exists=False, file_okay=True, path_type=Path)


def _separated(text: str) -> Iterator[str]:
    return map(str.strip, text.split(","))
