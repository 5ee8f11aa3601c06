"""What `steerer lint` and `steerer check` share: reading the Rollouts, printing the results, the exit code.

The checks are in `reconcile.preflight`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from reconcile.cli import adapters
from reconcile.cli.exit_codes import HALTED, NOTHING
from reconcile.engine.observe import observe_everything
from reconcile.preflight import examination
from reconcile.preflight.findings import Examined, Finding, Level, Result
from reconcile.report import plain_data
from reconcile.report import preflight as report
from reconcile.report.console import console_for
from reconcile.report.markdown import preflight as markdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconcile.cli.options import Form
    from reconcile.engine.selection import Selection
    from reconcile.model.errors import ClusterError
    from reconcile.model.ports import Cluster
    from reconcile.model.settings import Settings
    from reconcile.preflight.findings import Answers, Check, Subject


def read_subjects(
    cluster: Cluster, selection: Selection, settings: Settings
) -> tuple[tuple[Subject, ...], tuple[ClusterError, ...]]:
    """Returns the Rollouts in scope with all that they need, and the errors of namespaces that cannot be listed."""
    snapshot, every = observe_everything(cluster, selection)
    return examination.subjects(snapshot.observations, every, settings, adapters.now()), snapshot.list_errors


def examine_all(subjects: Iterable[Subject], checks: Sequence[Check], answers: Answers) -> list[Examined]:
    """Returns the results of all checks of all Rollouts."""
    return [examination.examine(subject, checks, answers) for subject in subjects]


def count_rollouts(subjects: Sequence[Subject], errors: Iterable[ClusterError], none_found: Level) -> Result:
    """Returns how many Rollouts were read, the errors, and a finding of this level where there is no Rollout at all."""
    found = [Finding(level=Level.ERROR, object="Rollouts", message=str(error)) for error in errors]
    if not subjects and not found:
        found = [Finding(level=none_found, object="Rollouts", message="none found")]
    return Result(check="rollouts", findings=tuple(found), summary=f"{len(subjects)} looked at" if subjects else "")


def print_results(
    title: str, shared: Iterable[Result], rollouts: Iterable[Examined], form: Form, *, strict: bool
) -> int:
    """Prints all results, the shared ones first. Returns the exit code."""
    every = [Examined(rollout=None, results=tuple(shared)), *rollouts]
    if form == "text":
        report.print_preflight(every, console_for(sys.stdout), title)
    elif form == "markdown":
        click.echo(markdown.render(every, title), nl=False)
    else:
        click.echo(plain_data.dump(report.data(every), form), nl=False)
    bad = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    found = {finding.level for item in every for result in item.results for finding in result.findings}
    return HALTED if found & bad else NOTHING
