"""The results of `steerer lint` and `steerer check` as Markdown: a table of findings, and what was well below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.preflight.findings import Level
from reconcile.report.markdown.escaping import code, escape
from reconcile.report.markdown.layout import bullets, document, folded, row
from reconcile.report.preflight import message_of, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.preflight.findings import Examined, Finding

_MARKS = {Level.ERROR: "✗ error", Level.WARNING: "! warning", Level.INFO: "i info"}
_ORDER = [*Level]


def render(examined: Sequence[Examined], shared: str) -> str:
    """Returns the document for a comment. `shared` is the title of results that are about no Rollout."""
    found = [
        (finding, _row(finding, result.check, item, shared))
        for item in examined
        for result in item.results
        for finding in result.findings
    ]
    rows = [line for _, line in sorted(found, key=lambda pair: _ORDER.index(pair[0].level))]
    titles = ("", "of", "check", "found", "what to do")
    return document(escape(total(examined)), titles, rows, [_rest(item, shared) for item in examined], "findings")


def _name(item: Examined, shared: str) -> str:
    return escape(shared) if item.rollout is None else code(f"{item.rollout.name}.{item.rollout.namespace}")


def _row(finding: Finding, check: str, item: Examined, shared: str) -> str:
    words = escape(message_of(finding, str(item.rollout)))
    return row(_MARKS[finding.level], _name(item, shared), escape(check), words, escape(finding.advice))


def _rest(item: Examined, shared: str) -> str:
    well = [f"✓ {escape(result.check)}: {escape(result.summary)}" for result in item.results if result.summary]
    unseen = [
        f"· {escape(result.check)}: not looked at in full: {escape(result.incomplete)}"
        for result in item.results
        if result.incomplete
    ]
    return folded(f"{_name(item, shared)}: {len(well)} checks well", [bullets([*unseen, *well])])
