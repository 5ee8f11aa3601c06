"""`steerer lint`: what would halt a release, found in a folder of manifests as they are in Git.

Duty: the folder, and what can be known of queries without a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconcile import preflight
from reconcile.cli import adapters, options
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.preflight import REPORT, counted, examined, looks, reported
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.metrics import templates
from reconcile.model.errors import TemplateError
from reconcile.model.plan import Answer, Failure
from reconcile.preflight import installed, manifests
from reconcile.preflight.findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.preflight.findings import Answers, Look


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
    looked, unread = looks(folder, adapters.selection_for(given, None), given, loaded)
    found = examined(looked, preflight.OFFLINE, _unrendered(looked, loaded))
    shared = (installed.strangers(folder.others()), counted(looked, unread, Level.WARNING))
    context.exit(reported("Folder", shared, found, given))


def _unrendered(looked: Iterable[Look], loaded: templates.TemplateSet) -> Answers:
    """Give the questions that have no query: without a server that is all that can be known."""
    answers = {}
    for question in (question for look in looked for question in manifests.questions(look)):
        try:
            loaded.render(question, question.rollout.namespace)
        except TemplateError as error:
            answers[question] = Answer(failure=Failure.TEMPLATE, detail=str(error))
    return answers
