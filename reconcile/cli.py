"""The command line: from options and environment to adapters, a pass, a report and an exit code.

Duty: the only place that builds adapters, reads the clock, waits, sets up logging and picks apply or print.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconcile import __version__, options
from reconcile.errors import ClusterError, SteererError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from reconcile.engine import Pass
    from reconcile.observe import Selection
    from reconcile.plan import Record, Settings
    from reconcile.ports import Cluster, Meter

NOTHING, FAILED, USAGE = 0, 1, 2
CHANGED, WAITING, HALTED = 2, 3, 4
INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="steerer")
def steerer() -> None:
    """Release new versions step by step: one pass looks, decides, writes (or prints) and ends.

    Every option can be given as an environment variable too; the help of each names it.
    """


@steerer.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.PASS
@options.option(
    "--dry-run",
    type=click.Choice(["none", "client", "server"]),
    default="none",
    show_default=True,
    help="client: print the plan and write nothing; server: send each patch to be checked, and store nothing.",
)
@options.option("--every", type=options.Duration(), help="Make a pass each time this long has passed. [default: one]")
@options.option(
    "--for",
    "duration",
    type=options.Duration(),
    help="With --every: begin no pass after this long. [default: never end]",
)
@options.option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changed, 3 waiting, 4 halted or failed.")
@options.output("text", "json", "yaml", "patch")
@options.LOG
@click.pass_context
def run(context: click.Context, /, **given: Any) -> None:
    """Make one pass over the Rollouts in scope, or over those of these NAMES."""
    context.exit(_passes(given))


@steerer.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.PASS
@options.option("--detailed-exitcode", is_flag=True, help="0 nothing to do, 2 changes pending, 3 waiting, 4 halted.")
@options.output("text", "json", "yaml", "patch")
@options.LOG
@click.pass_context
def plan(context: click.Context, /, **given: Any) -> None:
    """Print what a pass would do, and write nothing: `run --dry-run=client`."""
    context.exit(_passes({"dry_run": "client", "every": None, "duration": None} | given))


@steerer.command()
@click.argument("names", nargs=-1)
@options.CLUSTER
@options.SCOPE
@options.output("text", "json", "yaml")
@options.LOG
def status(**given: Any) -> None:
    """Say where Rollouts stand, and why: phase, weight, measurements, events."""
    from reconcile.observe import matches  # noqa: PLC0415 - `--version` loads only what it uses
    from reconcile.ports import EVENT, ROLLOUT, Scope  # noqa: PLC0415 - as above
    from reconcile.report import describe, lines, record  # noqa: PLC0415 - as above

    _log_to_stderr(given["log_format"], given["log_level"])
    with _cluster(given, {}) as (cluster, default_namespace):
        namespace = _namespace(given, default_namespace)
        rollouts = [
            item
            for item in cluster.list(ROLLOUT, Scope(namespace=namespace))
            if (not given["names"] or item["metadata"]["name"] in given["names"])
            and matches(given["selector"], item["metadata"].get("labels") or {})
        ]
        if missing := set(given["names"]) - {item["metadata"]["name"] for item in rollouts}:
            raise UsageError(f"no Rollout {', '.join(sorted(missing))} in {namespace or 'any namespace'}")
        told = []
        for item in rollouts:
            here = item["metadata"].get("namespace", "default")
            fields = {"involvedObject.kind": ROLLOUT.name, "involvedObject.name": item["metadata"]["name"]}
            told.append((item, cluster.list(EVENT, Scope(namespace=here, fields=fields))))
    if given["output"] != "text":
        data = {"rollouts": [describe.status_data(item, events) for item, events in told]}
        click.echo(record.dump(data, given["output"]), nl=False)
        return
    console = lines.console_for(sys.stdout)
    for index, (item, events) in enumerate(told):
        if index:
            console.print()
        describe.print_status(item, events, _now(), console)
    if not told:
        click.echo("No Rollouts found.")


@steerer.command()
@click.argument("names", nargs=-1)
@options.option("-f", "--filename", type=options.FOLDER, required=True, help="A folder of manifests; it is only read.")
@options.option("--scenario", type=options.FOLDER, required=True, help="What the metrics say, and what else happens.")
@options.option("--templates", type=options.FOLDER, help="Folder with more metric templates.")
@options.option("--out", type=options.FOLDER, help="Keep the manifests of the end in this new folder.")
@options.SCOPE
@options.output("text", "json", "yaml")
@options.LOG
def simulate(**given: Any) -> None:
    """Play a release on a copy of a folder, tick by tick, without waiting: the same pass, scripted measurements."""
    from reconcile.metrics import scenario, templates  # noqa: PLC0415 - `--version` loads only what it uses
    from reconcile.ports import KINDS, Scope  # noqa: PLC0415 - as above
    from reconcile.report import simulation  # noqa: PLC0415 - as above
    from reconcile.simulate import play  # noqa: PLC0415 - as above

    _log_to_stderr(given["log_format"], given["log_level"] or "error")
    script = scenario.load(given["scenario"])
    metrics = templates.load(given["templates"]).metrics
    settings = _settings({"gitops_managers": ""}, interval=script.tick, metrics=metrics)
    selection = _selection(given, None)
    with _copied(given["filename"], given["out"]) as folder:
        passes = list(play(folder, scenario.ScriptedMeter(script), script, settings, selection))
        objects = [item for kind in KINDS.values() for item in folder.list(kind, Scope(namespace=selection.namespace))]
        click.echo(simulation.render(objects, passes, given["output"]), nl=False)


# What the commands share.


def _passes(given: dict[str, Any]) -> int:
    """Make one pass, or one after the other, and report each. Gives the exit code."""
    _log_to_stderr(given["log_format"], given["log_level"], dry_run=given["dry_run"] != "none")
    if given["duration"] is not None and not given["every"]:
        raise UsageError("--for needs --every above zero: how long it is from one pass to the next")
    write_params = {"dryRun": "All"} if given["dry_run"] == "server" else {}
    code = NOTHING
    with _cluster(given, write_params) as (cluster, default_namespace):
        single = _pass(given, cluster, default_namespace)
        for _ in _ticks(given["every"], given["duration"]):
            try:
                code = _report(_records(single, given), given)
            except ClusterError as error:
                if given["every"] is None:
                    raise
                click.echo(f"steerer: {error}", err=True)  # the next tick may find the server again
                code = FAILED
    return code


def _ticks(every: float | None, duration: float | None) -> Iterator[None]:
    """Let one pass begin now, and, with `every`, one at each multiple of it until `duration` has passed (None: ever).

    Ticks count from the first, however long the passes take; one that a long pass missed is left out.
    """
    begun = time.monotonic()
    yield
    while every:
        passed = time.monotonic() - begun
        offset = (passed // every + 1) * every
        if duration is not None and offset > duration:
            return
        time.sleep(offset - passed)
        yield


def _records(single: Pass, given: dict[str, Any]) -> list[Record]:
    if given["dry_run"] == "client":
        return list(single.plans())
    with _lock(single.cluster):
        records = list(single.run())
    return [_not_stored(record) for record in records] if given["dry_run"] == "server" else records


def _lock(cluster: Cluster) -> AbstractContextManager[None]:
    """Keep two passes over one folder apart; an API server does that by resource versions."""
    lock: Callable[[], AbstractContextManager[None]] = getattr(cluster, "lock", nullcontext)
    return lock()


def _not_stored(record: Record) -> Record:
    from reconcile.plan import Result  # noqa: PLC0415 - loaded long before

    return replace(record, result=Result.PLANNED) if record.result is Result.APPLIED else record


def _report(records: Sequence[Record], given: dict[str, Any]) -> int:
    """Print one pass and give its exit code."""
    form = given["output"]
    if form == "text":
        from reconcile.report import lines, text  # noqa: PLC0415 - only this form needs a terminal library

        text.print_records(records, lines.console_for(sys.stdout))
    elif form == "patch":
        from reconcile.report import patches  # noqa: PLC0415 - as above

        click.echo(patches.render(records), nl=False)
    else:
        from reconcile.report import record  # noqa: PLC0415 - as above

        click.echo(record.render(records, form), nl=False)
    sys.stdout.flush()
    if any(record.plan.error for record in records):
        return FAILED
    return max(map(_code, records), default=NOTHING) if given["detailed_exitcode"] else NOTHING


def _code(record: Record) -> int:
    from reconcile.plan import Result  # noqa: PLC0415 - loaded long before

    if record.result is Result.FAILED or record.plan.move == "halt":
        return HALTED
    if record.result in {Result.LOST_RACE, Result.UNREACHED} or record.plan.move == "wait":
        return WAITING
    return CHANGED if record.plan.patches else NOTHING


def _pass(given: dict[str, Any], cluster: Cluster, default_namespace: str | None) -> Pass:
    from reconcile.engine import Pass  # noqa: PLC0415 - `--version` loads only what it uses
    from reconcile.metrics import templates  # noqa: PLC0415 - as above

    interval = given["control_loop_interval"]
    if interval is None:
        interval = 60.0 if given["every"] is None else given["every"]
    loaded = templates.load(given["templates"])
    return Pass(
        cluster=cluster,
        meter=_meter(given, loaded),
        settings=_settings(given, interval=interval, metrics=loaded.metrics),
        selection=_selection(given, default_namespace),
        now=_now,
        budget=given["pass_timeout"],
    )


def _settings(given: dict[str, Any], **settings: Any) -> Settings:
    from reconcile.plan import Settings  # noqa: PLC0415 - `--version` loads only what it uses

    managers = tuple(name.strip() for name in given["gitops_managers"].split(",") if name.strip())
    built = Settings(**settings)
    return replace(built, gitops_managers=managers) if managers else built


def _selection(given: dict[str, Any], default_namespace: str | None) -> Selection:
    from reconcile.observe import Selection, matches  # noqa: PLC0415 - `--version` loads only what it uses

    matches(given["selector"], {})  # a selector that is none is told before anything is read
    return Selection(namespace=_namespace(given, default_namespace), names=given["names"], labels=given["selector"])


def _namespace(given: dict[str, Any], default: str | None) -> str | None:
    if given["all_namespaces"] and given["namespace"]:
        raise UsageError("-n and -A exclude each other")
    return None if given["all_namespaces"] else given["namespace"] or default


def _meter(given: dict[str, Any], loaded: Any) -> Meter:
    from reconcile.metrics import prometheus  # noqa: PLC0415 - `--version` loads only what it uses

    if not given["metrics_server"]:
        return prometheus.Unconfigured()
    return prometheus.Prometheus(
        given["metrics_server"],
        loaded,
        token_file=given["metrics_token_file"],
        ca_file=given["metrics_ca_file"],
        headers=dict(given["metrics_header"]),
        budget=given["pass_timeout"] * 0.6,
    )


@contextmanager
def _cluster(given: dict[str, Any], write_params: dict[str, str]) -> Iterator[tuple[Cluster, str | None]]:
    """Give the cluster, and the namespace that is looked at if none is named (None = all)."""
    if given["filename"] is not None:
        if given["kubeconfig"] or given["context"] or write_params:
            raise UsageError("-f reads a folder: --kubeconfig, --context and --dry-run=server need an API server")
        from reconcile.clusters.folder import FolderCluster  # noqa: PLC0415 - only what is used

        yield FolderCluster(given["filename"]), None
        return
    from reconcile.clusters.kube import connect  # noqa: PLC0415 - only what is used

    with connect(given["kubeconfig"], given["context"], write_params=write_params) as cluster:
        yield cluster, cluster.default_namespace


@contextmanager
def _copied(source: Path, out: Path | None) -> Iterator[Any]:
    """Give a copy of a folder to play on: a new one that is kept, or one that is thrown away."""
    import shutil  # noqa: PLC0415 - only a simulation needs it
    import tempfile  # noqa: PLC0415 - as above

    from reconcile.clusters.folder import FolderCluster  # noqa: PLC0415 - as above

    FolderCluster(source)  # what is wrong with the folder is told of the user's folder, not of the copy
    if out is not None and out.exists():
        raise UsageError(f"{out}: is there already; name a new folder")
    with tempfile.TemporaryDirectory(prefix="steerer-") as scratch:
        folder = Path(scratch, "play") if out is None else out
        shutil.copytree(source, folder, symlinks=True)
        yield FolderCluster(folder)


def _now() -> datetime:
    return datetime.now(UTC)


class _JsonFormatter(logging.Formatter):
    """One JSON object a line, each with these members as well."""

    def __init__(self, **members: Any) -> None:
        super().__init__()
        self._members = members

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: record.__dict__[key] for key in ("namespace", "rollout") if key in record.__dict__}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line | self._members, ensure_ascii=False)


def _log_to_stderr(form: str, level: str | None, *, dry_run: bool = False) -> None:
    """Log to stderr. What a dry run logs would otherwise look as if it had happened."""
    handler = logging.StreamHandler(sys.stderr)
    mark = "dry run: " if dry_run else ""
    text = logging.Formatter(f"%(asctime)s %(levelname)s {mark}%(message)s", "%Y-%m-%dT%H:%M:%S")
    handler.setFormatter(_JsonFormatter(**{"dryRun": True} if dry_run else {}) if form == "json" else text)
    chosen = level or ("error" if sys.stderr.isatty() else "info")
    logger = logging.getLogger("steerer")
    logger.handlers = [handler]
    logger.setLevel(chosen.upper())
    logger.propagate = False


def main() -> None:
    """Be the program: every error that is ours ends in words and an exit code, never in a traceback."""
    program = Path(sys.argv[0]).name
    name = "kubectl steerer" if program.startswith("kubectl-") else "steerer"
    end = partial(_end, name)
    try:
        code = steerer.main(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        end("", error.exit_code)
    except UsageError as error:
        end(str(error), USAGE)
    except SteererError as error:
        end(str(error), FAILED)
    except (KeyboardInterrupt, click.Abort):
        end("interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader went away, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        end("", FAILED)
    else:
        sys.exit(code if isinstance(code, int) else NOTHING)


def _end(name: str, words: str, code: int) -> None:
    if words:
        click.echo(f"{name}: {words}", err=True)
    sys.exit(code)
