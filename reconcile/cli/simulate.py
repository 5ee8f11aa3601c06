"""`steerer simulate`: plays a release on a copy of a folder, and prints it.

What happens between two passes is in `reconcile.simulation`.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from reconcile.cli import adapters, report_file
from reconcile.cli.command import Options, command, option
from reconcile.cli.error_output import print_error
from reconcile.cli.exit_codes import HALTED, NOTHING
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.option_types import PATH
from reconcile.cli.options import LogOptions, ManifestOptions, Output, ScopeOptions
from reconcile.cli.report_file import ReportFile
from reconcile.cli.result_codes import never_moved
from reconcile.cli.scope import selection_for
from reconcile.clusters.folder.sources import copied
from reconcile.lookback.of_passes import Collected
from reconcile.metrics import templates
from reconcile.model.errors import UsageError
from reconcile.model.kinds import KINDS, Scope
from reconcile.model.settings import Settings
from reconcile.report import simulation
from reconcile.simulation import scenario_file
from reconcile.simulation.play import play
from reconcile.simulation.scripted_meter import ScriptedMeter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.cli.signals import Stop
    from reconcile.clusters.folder.cluster import FolderCluster
    from reconcile.clusters.folder.sources import Sources


class SimulateOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer simulate`."""

    manifests: ManifestOptions
    scenario: Annotated[
        Path, option("--scenario", type=PATH, required=True, help="What the metrics say, and what else happens.")
    ]
    templates: Annotated[Path | None, option("--templates", type=PATH, help="Folder with more metric templates.")]
    out: Annotated[Path | None, option("--out", type=PATH, help="Keep the manifests of the end in this new folder.")]
    report: ReportFile
    scope: ScopeOptions
    output: Output
    log: LogOptions


@command(SimulateOptions)
def simulate(options: SimulateOptions, _stop: Stop) -> int:
    """Play a release on a copy of a folder, tick by tick, without waiting: the same pass, scripted measurements.

    Ends with 4 if a Rollout halts or waits from the first pass to the last.
    """
    log_to_stderr(options.log.log_format, options.log.log_level or "error")
    report_file.check_name(options.report)
    script = scenario_file.load(options.scenario)
    settings = Settings(interval=script.tick, metrics=templates.load(options.templates).metrics)
    selection = selection_for(options.scope, None)
    with _copy_of(adapters.sources_for(options.manifests), options.out, selection.namespaces) as folder:
        passes = list(play(folder, ScriptedMeter(script), script, settings, selection))
        scopes = [Scope(namespace=name) for name in selection.namespaces] or [Scope()]
        objects = [item for kind in KINDS.values() for scope in scopes for item in folder.list(kind, scope)]
        click.echo(simulation.render(objects, passes, options.output), nl=False)
    if options.report is not None:
        collected = Collected("a simulation", settings.metrics)
        for records in passes:
            collected.add(records)
        report_file.write(options.report, collected.histories())
    stuck = never_moved(passes)
    for ref, reason in stuck.items():
        print_error(f"{ref.full_name} never moved: {reason}")
    return HALTED if stuck else NOTHING


@contextmanager
def _copy_of(sources: Sources, out: Path | None, namespaces: tuple[str, ...]) -> Iterator[FolderCluster]:
    """Yields a copy of manifests: in the new folder `out`, or in a temporary one. Raises UsageError if `out` exists."""
    adapters.folder_for(sources, namespaces).faults()  # an error names the user's folder, not the copy
    if out is not None and out.exists():
        raise UsageError(f"{out}: is there already; name a new folder")
    with tempfile.TemporaryDirectory(prefix="steerer-") as scratch:
        yield adapters.folder_for(copied(sources, Path(scratch, "play") if out is None else out), namespaces)
