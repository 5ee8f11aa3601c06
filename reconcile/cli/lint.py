"""`steerer lint`: finds what would halt a release in a folder of manifests, as they are in Git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.cli import adapters
from reconcile.cli.command import Options, command
from reconcile.cli.logs import log_to_stderr
from reconcile.cli.options import (
    Interval,
    LogOptions,
    ManifestOptions,
    NoInlineQueries,
    PreflightOutput,
    ScopeOptions,
    Strict,
    Templates,
)
from reconcile.cli.preflight import count_rollouts, examine_all, print_results, read_subjects
from reconcile.cli.scope import selection_for
from reconcile.metrics import templates
from reconcile.model.errors import TemplateError
from reconcile.model.measurement import Answer, Failure
from reconcile.model.settings import Settings
from reconcile.preflight import checks, files, queries
from reconcile.preflight.findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.cli.signals import Stop
    from reconcile.preflight.findings import Answers, Subject


class LintOptions(Options, frozen=True, kw_only=True):
    """The options of `steerer lint`."""

    manifests: ManifestOptions
    scope: ScopeOptions
    templates: Templates
    control_loop_interval: Interval
    no_inline_queries: NoInlineQueries
    strict: Strict
    output: PreflightOutput
    log: LogOptions


@command(LintOptions)
def lint(options: LintOptions, _stop: Stop) -> int:
    """Find everything in a folder of manifests that would halt a release. Ends with 4 if there is something."""
    log_to_stderr(options.log.log_format, options.log.log_level)
    selection = selection_for(options.scope, None)
    sources, loaded = adapters.sources_for(options.manifests), templates.load(options.templates)
    folder = adapters.folder_for(sources, selection.namespaces)
    settings = Settings(
        interval=adapters.interval_for(options.control_loop_interval),
        metrics=loaded.metrics,
        inline_queries=not options.no_inline_queries,
    )
    subjects, errors = read_subjects(folder, selection, settings)
    manifests = folder.by_place()
    subjects = tuple(subject.in_folder(manifests.values()) for subject in subjects)
    results = examine_all(subjects, checks.FOLDER, _render_failures(subjects, loaded))
    shared = (files.files(manifests, folder.faults()), count_rollouts(subjects, errors, Level.WARNING))
    return print_results("Folder", shared, results, options.output, strict=options.strict)


def _render_failures(subjects: Iterable[Subject], loaded: templates.TemplateSet) -> Answers:
    """Returns an answer for each question whose query cannot be rendered: without a server, nothing else is known."""
    answers = {}
    for question in (question for subject in subjects for question in queries.questions(subject)):
        try:
            loaded.render(question, question.rollout.namespace)
        except TemplateError as error:
            answers[question] = Answer(failure=Failure.TEMPLATE, detail=str(error))
    return answers
