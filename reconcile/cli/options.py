"""The options that commands share, as frozen values: kubectl's spellings, and an environment variable for each.

The order of the fields is the order of the options in `--help`. An option of one command only is declared beside it.
"""

# Without `from __future__ import annotations`: as text, the annotations would have to be compiled at each start.

from pathlib import Path
from typing import Annotated, Literal

import click

from reconcile.cli.command import Declaration, Options, argument, option
from reconcile.cli.option_types import PATH, Duration, Header, Names, Namespaces

DryRun = Literal["none", "client", "server"]
Form = Literal["text", "json", "yaml", "patch", "markdown"]


def output(*forms: str) -> Declaration:
    """Declares `-o` with the forms that a command has; the first is the default."""
    return option("-o", "--output", type=click.Choice(forms), default=forms[0], show_default=True, help="Form.")


# Options that more than one command has, outside of a group.

Output = Annotated[Literal["text", "json", "yaml"], output("text", "json", "yaml")]
PassOutput = Annotated[Form, output("text", "json", "yaml", "patch", "markdown")]
PreflightOutput = Annotated[Literal["text", "json", "yaml", "markdown"], output("text", "json", "yaml", "markdown")]
Templates = Annotated[
    Path | None,
    option("--templates", type=PATH, help="Folder with more metric templates; a same name replaces a built-in one."),
]
Interval = Annotated[
    float | None,
    option(
        "--control-loop-interval",
        type=Duration(),
        help="Least time between two advances of one Rollout; 0s = every pass. [default: 1m, or that of --every]",
    ),
]
WriteTo = Annotated[
    Path | None,
    option(
        "--write-to",
        type=PATH,
        metavar="DIR",
        help="Write into the manifests of this Git checkout, for Flux or Argo CD to apply; the status and the Events "
        "still go to the cluster.",
    ),
]
DetailedExitCode = Annotated[
    bool, option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changed, 3 waiting, 4 halted or failed.")
]
NamespaceOption = Annotated[
    tuple[str, ...] | None,
    option(
        "-n",
        "--namespace",
        type=Namespaces(),
        help="Namespace, or several with commas between. [default: that of the context; in the cluster and in a "
        "folder all]",
    ),
]
DryRunOption = Annotated[
    DryRun,
    option(
        "--dry-run",
        type=click.Choice(["none", "client", "server"]),
        default="none",
        show_default=True,
        help="client: print the plan and write nothing; server: send each patch to be checked, and store nothing.",
    ),
]
WaitOption = Annotated[
    bool,
    option(
        "--wait",
        is_flag=True,
        help="Make passes until the Rollouts are done, one each control-loop interval: 0 done, 3 out of time, "
        "4 failed.",
    ),
]
TimeoutOption = Annotated[
    float | None, option("--timeout", type=Duration(), help="With --wait: how long to wait. [default: 30m]")
]
NoInlineQueries = Annotated[
    bool, option("--no-inline-queries", is_flag=True, help="Refuse queries in Rollouts: only metric files are asked.")
]
Strict = Annotated[bool, option("--strict", is_flag=True, help="Let a warning count as an error does.")]


# Groups of options.


class ApiOptions(Options, frozen=True, kw_only=True):
    """The API server and the credentials."""

    kubeconfig: Annotated[str | None, option("--kubeconfig", help="Path of the kubeconfig file.")]
    context: Annotated[str | None, option("--context", help="Context of the kubeconfig to use.")]


Exclude = Annotated[
    tuple[str, ...],
    option(
        "--exclude",
        metavar="GLOB",
        multiple=True,
        help="What is left out in folders: a name at any depth, or with a slash a path in the folder; repeatable.",
    ),
]


class ManifestOptions(Options, frozen=True, kw_only=True):
    """Manifests that are only read."""

    filename: Annotated[
        tuple[Path, ...],
        option(
            "-f",
            "--filename",
            type=PATH,
            required=True,
            multiple=True,
            help="A folder or a file of manifests, - for stdin; only read; repeatable.",
        ),
    ]
    exclude: Exclude


class ClusterOptions(Options, frozen=True, kw_only=True):
    """Manifests, or an API server."""

    filename: Annotated[
        tuple[Path, ...],
        option(
            "-f",
            "--filename",
            type=PATH,
            multiple=True,
            help="A folder or a file of manifests (- is stdin) instead of a cluster; repeatable.",
        ),
    ]
    exclude: Exclude
    api: ApiOptions


class ScopeOptions(Options, frozen=True, kw_only=True):
    """The Rollouts in scope."""

    names: Annotated[tuple[str, ...], argument(nargs=-1)]
    namespace: NamespaceOption
    all_namespaces: Annotated[bool, option("-A", "--all-namespaces", is_flag=True, help="All namespaces.")]
    selector: Annotated[
        str,
        option("-l", "--selector", default="", help="Label selector: key=value, key!=value, key in (a,b), !key."),
    ]


class ShardOptions(Options, frozen=True, kw_only=True):
    """The part of the Rollouts in scope that belongs to this process."""

    shards: Annotated[
        int | None,
        option(
            "--shards",
            type=click.IntRange(min=1),
            metavar="N",
            help="How many passes share the Rollouts among them, each in a process of its own. [default: 1]",
        ),
    ]
    shard: Annotated[
        int | None,
        option(
            "--shard",
            type=click.IntRange(min=0),
            metavar="I",
            help="With --shards: which of them this one is, from 0 on. [default: JOB_COMPLETION_INDEX, which "
            "Kubernetes sets in an Indexed Job]",
        ),
    ]


class MetricsServerOptions(Options, frozen=True, kw_only=True):
    """The metrics server, and how it is asked."""

    metrics_server: Annotated[
        str | None, option("--metrics-server", metavar="URL", help="Prometheus; needed as soon as a metric is asked.")
    ]
    metrics_token_file: Annotated[
        Path | None,
        option("--metrics-token-file", type=PATH, help="File with a bearer token for it, read anew in each pass."),
    ]
    metrics_ca_file: Annotated[
        Path | None,
        option("--metrics-ca-file", type=PATH, help="File with the certificate authority to trust for it."),
    ]
    metrics_header: Annotated[
        tuple[tuple[str, str], ...],
        option("--metrics-header", type=Header(), multiple=True, help="Header to send with each query; repeatable."),
    ]
    partial_answers: Annotated[
        Literal["refuse", "accept"],
        option(
            "--partial-answers",
            type=click.Choice(["refuse", "accept"]),
            default="refuse",
            show_default=True,
            help="What an answer is worth that says itself that data are missing.",
        ),
    ]


class PassOptions(MetricsServerOptions, frozen=True, kw_only=True):
    """What a pass decides by: the metrics, the interval, the time budget and the field managers."""

    common_cause: Annotated[
        Literal["hold", "off"],
        option(
            "--common-cause",
            type=click.Choice(["hold", "off"]),
            default="hold",
            show_default=True,
            help="Where at least three canaries, and half of those measured, fail in one pass: hold them all, or roll "
            "each back.",
        ),
    ]
    no_inline_queries: NoInlineQueries
    templates: Templates
    control_loop_interval: Interval
    pass_timeout: Annotated[
        float,
        option("--pass-timeout", type=Duration(), default="50s", show_default=True, help="How long one pass may take."),
    ]
    gitops_managers: Annotated[
        tuple[str, ...],
        option(
            "--gitops-managers",
            type=Names(),
            default="",
            help="Field managers that put weights back without meaning it, separated by commas. [default: those of "
            "Argo CD, Flux and Helm]",
        ),
    ]


class LogOptions(Options, frozen=True, kw_only=True):
    """What is logged on stderr, and in which form."""

    log_format: Annotated[
        Literal["text", "json"],
        option(
            "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of stderr."
        ),
    ]
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None,
        option(
            "--log-level",
            type=click.Choice(["debug", "info", "warning", "error"]),
            help="What is logged on stderr. [default: info; on a terminal error]",
        ),
    ]
