"""`steerer lint`: what would halt a release, found in a folder of manifests as they are in Git.

Duty: the folder, and what can be known of queries without a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconcile.cli import adapters, options
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.preflight import REPORT, counted, examined, reported, subjects
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.metrics import templates
from reconcile.model.errors import TemplateError
from reconcile.model.measurement import Answer, Failure
from reconcile.preflight import checks, installed, queries
from reconcile.preflight.findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.preflight.findings import Answers, Subject


@click.command()
@click.argument("names", nargs=-1)
@options.option("-f", "--filename", type=options.FOLDER, required=True, help="A folder of manifests; it is only read.")
@options.SCOPE
@options.TEMPLATES
@options.INTERVAL
@REPORT
@click.pass_context
def lint(context: click.Context, /, **given: Any) -> None:
    """Find everything in a folder of manifests that would halt a release. Ends with 4 if there is something."""
    log_to_stderr(given["log_format"], given["log_level"])
    folder, loaded = FolderCluster(given["filename"]), templates.load(given["templates"])
    found, unread = subjects(folder, adapters.selection_for(given, None), given, loaded)
    results = examined(found, checks.FOLDER, _unrendered(found, loaded))
    shared = (installed.lookalikes(folder.others()), counted(found, unread, Level.WARNING))
    context.exit(reported("Folder", shared, results, given))


def _unrendered(subjects: Iterable[Subject], loaded: templates.TemplateSet) -> Answers:
    """Give the questions that have no query: without a server that is all that can be known."""
    answers = {}
    for question in (question for subject in subjects for question in queries.questions(subject)):
        try:
            loaded.render(question, question.rollout.namespace)
        except TemplateError as error:
            answers[question] = Answer(failure=Failure.TEMPLATE, detail=str(error))
    return answers
