"""What `steerer lint` and `steerer check` have in common: what is read, how it is reported, the exit code.

Duty: as of `cli`. What is found is `reconcile.preflight`'s affair; nothing is written.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from reconcile.cli import adapters, exit_codes
from reconcile.engine.observe import observe_everything
from reconcile.preflight import examination
from reconcile.preflight.findings import Examined, Finding, Level, Result
from reconcile.report import layout, record
from reconcile.report import preflight as report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconcile.cli.options import Form
    from reconcile.engine.selection import Selection
    from reconcile.model.errors import ClusterError
    from reconcile.model.ports import Cluster
    from reconcile.model.settings import Settings
    from reconcile.preflight.findings import Answers, Check, Subject


def subjects(
    cluster: Cluster, selection: Selection, settings: Settings
) -> tuple[tuple[Subject, ...], tuple[ClusterError, ...]]:
    """Read the Rollouts in scope and all that surrounds them, and say which could not be listed."""
    snapshot, every = observe_everything(cluster, selection)
    return examination.subjects(snapshot.observations, every, settings, adapters.now()), snapshot.list_errors


def examined(found: Iterable[Subject], checks: Sequence[Check], answers: Answers) -> list[Examined]:
    """Make all checks of all Rollouts."""
    return [examination.examine(subject, checks, answers) for subject in found]


def counted(subjects: Sequence[Subject], unread: Iterable[ClusterError], nothing: Level) -> Result:
    """Say how many Rollouts were found and which could not be; none at all is worth a finding of this level."""
    found = [Finding(level=Level.ERROR, object="Rollouts", message=str(error)) for error in unread]
    if not subjects and not found:
        found = [Finding(level=nothing, object="Rollouts", message="none found")]
    return Result(check="rollouts", findings=tuple(found), summary=f"{len(subjects)} looked at" if subjects else "")


def reported(title: str, shared: Iterable[Result], rollouts: Iterable[Examined], form: Form, *, strict: bool) -> int:
    """Print all results, those that are about no single Rollout first, and give the exit code."""
    every = [Examined(rollout=None, results=tuple(shared)), *rollouts]
    if form == "text":
        report.print_preflight(every, layout.console_for(sys.stdout), title)
    else:
        click.echo(record.dump(report.data(every), form), nl=False)
    bad = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    found = {finding.level for item in every for result in item.results for finding in result.findings}
    return exit_codes.HALTED if found & bad else exit_codes.NOTHING
