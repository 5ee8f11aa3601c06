"""The options of the command line, each declared once: kubectl's spellings, and an environment variable for each.

Duty: names, help and parsing of values. What is built from them is in `cli`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconcile.model import durations

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Duration(click.ParamType[float]):
    """A duration like `50s` or `1m`, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Give the seconds; fails with an example for anything else."""
        if isinstance(value, float):
            return value
        seconds = durations.seconds(value)
        if seconds is None:
            self.fail(f"{value!r} is no duration: write 30s, 1m or 1h30m", param, ctx)
        return seconds


class Namespaces(click.ParamType[tuple[str, ...]]):
    """One namespace, or several with commas between them, as a tuple; "" is none."""

    name = "namespace"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Give the names; fails for one that no namespace can have."""
        names = value if isinstance(value, tuple) else tuple(map(str.strip, value.split(","))) if value else ()
        for name in names:
            if not _NAMESPACE.fullmatch(name):
                self.fail(f"{name!r} is no namespace", param, ctx)
        return names


class Header(click.ParamType[tuple[str, str]]):
    """An HTTP header like `X-Scope-OrgID: team`, as a pair; in an environment variable one a line."""

    name = "header"
    envvar_list_splitter = "\n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Give name and value; fails without showing the value, which may be a secret."""
        if isinstance(value, tuple):
            return value
        name, colon, text = str(value).partition(":")
        if not colon or not name.strip():
            self.fail("a header is written as 'Name: value'", param, ctx)
        return name.strip(), text.strip()


def option(*names: str, **settings: Any) -> Decorator:
    """Declare an option whose environment variable is STEERER_ and its long name."""
    long = next(name for name in names if name.startswith("--"))
    variable = "STEERER_" + long.split("/")[0].lstrip("-").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **settings)


def together(*decorators: Decorator) -> Decorator:
    """Make one decorator of several, which then appear in the help in this order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
FOLDER = click.Path(exists=False, file_okay=True, path_type=Path)

API = together(
    option("--kubeconfig", help="Path of the kubeconfig file."),
    option("--context", help="Context of the kubeconfig to use."),
)
CLUSTER = together(
    option("-f", "--filename", type=FOLDER, help="A folder of manifests instead of a cluster."),
    API,
)
SCOPE = together(
    option(
        "-n",
        "--namespace",
        type=Namespaces(),
        help="Namespace, or several with commas between. [default: that of the context; in the cluster and in a folder "
        "all]",
    ),
    option("-A", "--all-namespaces", is_flag=True, help="All namespaces."),
    option("-l", "--selector", default="", help="Label selector: key=value, key!=value, key in (a,b), !key."),
)
TEMPLATES = option(
    "--templates", type=FOLDER, help="Folder with more metric templates; a same name replaces a built-in one."
)
INTERVAL = option(
    "--control-loop-interval",
    type=Duration(),
    help="Least time between two advances of one Rollout; 0s = every pass. [default: 1m, or that of --every]",
)
PASS = together(
    option("--metrics-server", metavar="URL", help="Prometheus; needed as soon as a metric is asked."),
    option("--metrics-token-file", type=FOLDER, help="File with a bearer token for it, read anew in each pass."),
    option("--metrics-ca-file", type=FOLDER, help="File with the certificate authority to trust for it."),
    option("--metrics-header", type=Header(), multiple=True, help="Header to send with each query; repeatable."),
    TEMPLATES,
    INTERVAL,
    option("--pass-timeout", type=Duration(), default="50s", show_default=True, help="How long one pass may take."),
    option(
        "--gitops-managers",
        default="",
        help="Field managers that put weights back without meaning it, separated by commas. [default: those of Argo "
        "CD, Flux and Helm]",
    ),
)
SHARD = together(
    option(
        "--shards",
        type=click.IntRange(min=1),
        metavar="N",
        help="How many passes share the Rollouts among them, each in a process of its own. [default: 1]",
    ),
    option(
        "--shard",
        type=click.IntRange(min=0),
        metavar="I",
        help="With --shards: which of them this one is, from 0 on. [default: JOB_COMPLETION_INDEX, which Kubernetes "
        "sets in an Indexed Job]",
    ),
)
WRITE_TO = option(
    "--write-to",
    type=FOLDER,
    metavar="DIR",
    help="Write into the manifests of this Git checkout, for Flux or Argo CD to apply; the status and the Events still "
    "go to the cluster.",
)
LOG = together(
    option("--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of stderr."),
    option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        help="What is logged on stderr. [default: info; on a terminal error]",
    ),
)


def output(*forms: str) -> Decorator:
    """Declare `-o` with the forms that a command has; the first is the default."""
    return option("-o", "--output", type=click.Choice(forms), default=forms[0], show_default=True, help="Form.")
