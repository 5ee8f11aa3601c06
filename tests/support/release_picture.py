"""docs/release.svg: the canary's weight over time in the demonstration that `make demo` plays.

`python -m tests.support.drawing` writes it; tests/unit/test_docs.py keeps it equal to what is played.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from click.testing import CliRunner

from reconcile.cli import steerer
from tests.support.paths import ARTIFACTS, DOCS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PICTURE = DOCS / "release.svg"
WIDTH, HEIGHT = 776, 300
LEFT, RIGHT, TOP, BOTTOM = 50, 156, 40, 34
LINE = 16  # from one line of text to the next
TICK = 30  # seconds from one mark of the time axis to the next

# The picture has its own background, so that it can be read on a page of any colour.
STYLE = """\
  text { font: 12px sans-serif; fill: #1f2328 }
  .heading { font-weight: bold }
  .halted { fill: #9a3412 }
  .background { fill: #ffffff }
  .grid { stroke: #d0d7de }
  .band { fill: #ffedd5 }
  .weight { fill: none; stroke: #0550ae; stroke-width: 2.5 }
  .pass { fill: #0550ae }
  .halt { fill: #ffffff; stroke: #9a3412; stroke-width: 2 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .halted { fill: #fdba74 }
    .background { fill: #0d1117 }
    .grid { stroke: #30363d }
    .band { fill: #3b2410 }
    .weight { stroke: #79c0ff }
    .pass { fill: #79c0ff }
    .halt { fill: #0d1117; stroke: #fdba74 }
  }
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One pass over the Rollout of the demonstration: seconds since the first pass, weight in percent afterwards."""

    at: float
    move: str
    phase: str
    weight: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Halt:
    """Passes in a row that held the weight: from the first of them to the next advance, in seconds."""

    begin: float
    end: float
    weight: int
    reason: str


def played() -> list[Step]:
    """Plays the demonstration and returns its passes."""
    arguments = ["simulate", "-f", str(ARTIFACTS), "--scenario", str(ARTIFACTS / "scenarios" / "demo.yaml")]
    output = CliRunner().invoke(steerer, [*arguments, "-o", "json"], catch_exceptions=False).stdout
    records = [record for passes in json.loads(output)["passes"] for record in passes]
    start = datetime.fromisoformat(records[0]["time"])
    return [_step(record, start) for record in records]


def _step(record: dict[str, Any], start: datetime) -> Step:
    after = record["after"]
    return Step(
        at=(datetime.fromisoformat(record["time"]) - start).total_seconds(),
        move=record["move"],
        phase=after["phase"],
        weight=after["weight"] or 0,  # null where a Rollout is at rest and its route is not read
        reason=record["reason"],
    )


def halts(steps: Sequence[Step]) -> list[Halt]:
    """Returns the halts of the analysis, in their order."""
    found = []
    for halted, group in groupby(steps, key=lambda step: step.move == "halt" and step.phase == "Progressing"):
        if halted:
            first, *_, last = group
            end = next(step.at for step in steps if step.at > last.at)
            found.append(Halt(begin=first.at, end=end, weight=first.weight, reason=first.reason))
    return found


def picture(steps: Sequence[Step]) -> str:
    """Returns the SVG."""
    body = [*_bands(steps), *_grid(steps), _curve(steps), *_passes(steps), *_labels(steps)]
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">',
            '<title id="title">A simulated release: the weight of the canary over time</title>',
            f'<desc id="desc">{escape(description(steps))}</desc>',
            f"<style>\n{STYLE}</style>",
            '<rect class="background" width="100%" height="100%"/>',
            *body,
            "</svg>\n",
        ]
    )


def description(steps: Sequence[Step]) -> str:
    """Returns the picture in words."""
    held = ". ".join(
        f"It halts at {halt.weight} % from {_clock(halt.begin)} to {_clock(halt.end)}: {halt.reason}"
        for halt in halts(steps)
    )
    copied, routed = _first(steps, "promote"), _first(steps, "conclude")
    return (
        f"The weight rises from {steps[0].weight} % to {copied.weight} %, one step a pass. {held}. "
        f"The template is copied to the primary at {_clock(copied.at)}, and at {_clock(routed.at)} "
        f"all traffic goes to the primary."
    )


def _first(steps: Sequence[Step], move: str) -> Step:
    return next(step for step in steps if step.move == move)


def _across(steps: Sequence[Step], seconds: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * seconds / steps[-1].at, 1)


def _up(percent: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * percent / 100, 1)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}"


def _text(x: float, y: float, words: str, *, anchor: str = "start", look: str = "") -> str:
    named = f' class="{look}"' if look else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{named}>{escape(words)}</text>'


def _bands(steps: Sequence[Step]) -> Iterator[str]:
    for halt in halts(steps):
        begin, end = _across(steps, halt.begin), _across(steps, halt.end)
        height = _up(0) - _up(100)
        yield f'<rect class="band" x="{begin}" y="{_up(100)}" width="{round(end - begin, 1)}" height="{height}"/>'


def _grid(steps: Sequence[Step]) -> Iterator[str]:
    yield _text(LEFT, TOP - 18, "weight of the canary, in a simulated release", look="heading")
    for percent in range(0, 101, 20):
        yield f'<path class="grid" d="M{LEFT} {_up(percent)}H{WIDTH - RIGHT}"/>'
        yield _text(LEFT - 8, _up(percent) + 4, f"{percent} %", anchor="end")
    for seconds in range(0, int(steps[-1].at) + 1, TICK):
        yield _text(_across(steps, seconds), _up(0) + 20, _clock(seconds), anchor="middle")


def _curve(steps: Sequence[Step]) -> str:
    path = f"M{_across(steps, 0)} {_up(0)}" + "".join(
        f"V{_up(step.weight)}H{_across(steps, following.at)}"
        for step, following in zip(steps, [*steps[1:], steps[-1]], strict=True)
    )
    return f'<path class="weight" d="{path}"/>'


def _passes(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        look, radius = ("halt", 4.5) if step.move == "halt" else ("pass", 3.5)
        yield f'<circle class="{look}" cx="{_across(steps, step.at)}" cy="{_up(step.weight)}" r="{radius}"/>'


def _labels(steps: Sequence[Step]) -> Iterator[str]:
    for halt in halts(steps):
        x, y = _across(steps, halt.begin) + 4, _up(halt.weight) + LINE + 6
        metric, measured = re.split(r" (?=\d)", halt.reason, maxsplit=1)
        yield from _lines(x, y, f"halted: {metric}", measured, look="halted")
    copied, routed = _first(steps, "promote"), _first(steps, "conclude")
    x = WIDTH - RIGHT + 10
    yield from _lines(x, _up(copied.weight) + 4, f"{_clock(copied.at)} template copied", "to the primary")
    yield from _lines(x, _up(routed.weight) - LINE, f"{_clock(routed.at)} all traffic", "to the primary")


def _lines(x: float, y: float, *lines: str, look: str = "") -> Iterator[str]:
    return (_text(x, y + number * LINE, words, look=look) for number, words in enumerate(lines))
