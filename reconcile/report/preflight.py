"""The report of `steerer lint` and `steerer check`: every check, its findings, and what to do about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.preflight.findings import Level, count_levels
from reconcile.report.layout import Line
from reconcile.report.styled_text import CROSS, SKIPPED, TICK, Text, join_texts, pad_to_widest, styled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.preflight.findings import Examined, Finding, Result
    from reconcile.report.console import Console

_MARKS = {Level.ERROR: (CROSS, "bold red"), Level.WARNING: ("!", "yellow"), Level.INFO: ("i", "cyan")}
_WELL, _INCOMPLETE = (TICK, "green"), (SKIPPED, "dim")


def print_preflight(examined: Sequence[Examined], console: Console, shared: str) -> None:
    """Prints a block for each Rollout and the totals. `shared` is the title of results that are about no Rollout."""
    for item in examined:
        name = shared if item.rollout is None else f"{item.rollout.name}.{item.rollout.namespace}"
        console.print_lines([Line(head=join_texts(styled(name, "bold"), _verdict(item.results)))])
        names = pad_to_widest([styled(result.check) for result in item.results])
        for result, check in zip(item.results, names, strict=True):
            console.print_lines(_lines(result, check, str(item.rollout)))
        console.print_lines([Line()])
    console.print_lines([Line(head=Text(total(examined), "bold"))])


def _verdict(results: Sequence[Result]) -> Text:
    counts = count_levels(results)
    bad = [(level, counts[level.value]) for level in (Level.ERROR, Level.WARNING) if level.value in counts]
    if not bad:
        return styled("nothing in the way", "green")
    words = ", ".join(_count(count, level) for level, count in bad)
    return styled(words, _MARKS[bad[0][0]][1])


def total(examined: Sequence[Examined]) -> str:
    """Counts the Rollouts, the errors and the warnings."""
    rollouts = [item for item in examined if item.rollout is not None]
    counts = count_levels([result for item in examined for result in item.results])
    parts = [_count(counts.get(level, 0), level) for level in (Level.ERROR, Level.WARNING)]
    return f"{_count(len(rollouts), 'Rollout')}: {', '.join(parts)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _lines(result: Result, check: Text, rollout: str) -> Iterator[Line]:
    """Show a check: what was well, what could not be seen, and each finding with what to do about it below."""
    if result.summary or result.incomplete:
        mark, style = _INCOMPLETE if result.incomplete else _WELL
        words = styled(
            result.summary or f"not looked at in full: {result.incomplete}", "dim" if result.incomplete else ""
        )
        yield Line(indent=2, head=join_texts(Text(mark, style), check, gap=" "), body=words)
    for finding in result.findings:
        mark, style = _MARKS[finding.level]
        yield Line(
            indent=2, head=join_texts(Text(mark, style), check, gap=" "), body=styled(message_of(finding, rollout))
        )
        if finding.advice:
            yield Line(indent=6 + len(check.plain), body=styled(finding.advice, "dim"))


def message_of(finding: Finding, rollout: str) -> str:
    """Returns the object, the field and the message, without an object that the block or the message names."""
    message = finding.message.removeprefix(f"{finding.object} ") if finding.path else finding.message
    known = finding.object == rollout or message.startswith(finding.object)
    return ": ".join(filter(None, ("" if known else finding.object, finding.path, message)))


def data(examined: Sequence[Examined]) -> dict[str, Any]:
    """Returns the same as plain data, for `-o json` and `-o yaml`."""
    return {
        "counts": {level.value: 0 for level in Level}
        | count_levels([result for item in examined for result in item.results]),
        "results": [_result(item, result) for item in examined for result in item.results],
    }


def _result(item: Examined, result: Result) -> dict[str, Any]:
    rollout = None if item.rollout is None else {"namespace": item.rollout.namespace, "name": item.rollout.name}
    return {
        "rollout": rollout,
        "check": result.check,
        "seen": result.summary,
        "unseen": result.incomplete,
        "findings": [_finding(finding) for finding in result.findings],
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "level": finding.level.value,
        "object": finding.object,
        "path": finding.path,
        "message": finding.message,
        "advice": finding.advice,
    }
