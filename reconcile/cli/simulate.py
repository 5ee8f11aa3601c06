"""`steerer simulate`: a release played on a copy of a folder.

Duty: the copy, and what is shown of the play. The world between two passes is `reconcile.simulation.world`'s affair.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconcile.cli import adapters, options
from reconcile.cli.logs import log_to_stderr
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.metrics import templates
from reconcile.model.errors import UsageError
from reconcile.model.kinds import KINDS, Scope
from reconcile.report import simulation
from reconcile.simulation import scenario
from reconcile.simulation.world import play

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command()
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
    log_to_stderr(given["log_format"], given["log_level"] or "error")
    script = scenario.load(given["scenario"])
    metrics = templates.load(given["templates"]).metrics
    settings = adapters.settings_for({"gitops_managers": ""}, interval=script.tick, metrics=metrics)
    selection = adapters.selection_for(given, None)
    with _copied(given["filename"], given["out"]) as folder:
        passes = list(play(folder, scenario.ScriptedMeter(script), script, settings, selection))
        shown = [Scope(namespace=name) for name in selection.namespaces] or [Scope()]
        objects = [item for kind in KINDS.values() for scope in shown for item in folder.list(kind, scope)]
        click.echo(simulation.render(objects, passes, given["output"]), nl=False)


@contextmanager
def _copied(source: Path, out: Path | None) -> Iterator[Any]:
    """Give a copy of a folder to play on: a new one that is kept, or one that is thrown away."""
    FolderCluster(source)  # what is wrong with the folder is told of the user's folder, not of the copy
    if out is not None and out.exists():
        raise UsageError(f"{out}: is there already; name a new folder")
    with tempfile.TemporaryDirectory(prefix="steerer-") as scratch:
        folder = Path(scratch, "play") if out is None else out
        shutil.copytree(source, folder, symlinks=True)
        yield FolderCluster(folder)
