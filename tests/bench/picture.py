"""How cost grows with N, as a picture: two charts with logarithmic axes, in SVG. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tests.bench.figures import ALL, IDLE, SOME
from tests.bench.tables import FLAGGER_IDLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.bench.cost import Cost
    from tests.bench.figures import Figures
    from tests.bench.growth import Point

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 96, 34, 36
GAP = 13  # from name to name
_COLOURS = {IDLE: "#1a7f37", SOME: "#9a6700", ALL: "#0969da", "published": "#8c959f"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart: its name at its end."""

    name: str
    colour: str
    points: Sequence[Point]
    dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Powers of ten, over so many pixels from `begin` on; they may run backwards."""

    low: int
    high: int
    begin: float
    end: float

    def place(self, value: float) -> float:
        """Give where a value is."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.begin + part * (self.end - self.begin), 1)


def picture(figures: Figures) -> str:
    """Draw requests and seconds against N."""
    requests = [*_lines(figures, lambda cost: cost.total), _flagger(figures)]
    charts = [
        ("requests of a pass", requests),
        ("seconds of a pass", [*_lines(figures, lambda cost: cost.wall)]),
    ]
    inner = "\n".join(
        f'<g transform="translate({number * WIDTH},0)">\n{_chart(title, lines)}\n</g>'
        for number, (title, lines) in enumerate(charts)
    )
    size = f'width="{len(charts) * WIDTH}" height="{HEIGHT}" viewBox="0 0 {len(charts) * WIDTH} {HEIGHT}"'
    style = 'font-family="sans-serif" font-size="11"'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{ground}\n{inner}\n</svg>\n'


def _lines(figures: Figures, of: Callable[[Cost], float]) -> Iterator[Line]:
    for state in (IDLE, SOME, ALL):
        points = [(one.n, of(one.cost)) for one in figures.sizes(state)]
        yield Line(name=state, colour=_COLOURS[state], points=points)


def _flagger(figures: Figures) -> Line:
    points = [(one.n, FLAGGER_IDLE * one.n) for one in figures.sizes(IDLE)]
    return Line(name="Flagger, idle", colour=_COLOURS["published"], points=points, dashed=True)


def _chart(title: str, lines: Sequence[Line]) -> str:
    across = _axis([n for line in lines for n, _ in line.points], LEFT, WIDTH - RIGHT)
    up = _axis([cost for line in lines for _, cost in line.points], HEIGHT - BOTTOM, TOP)
    heights = _apart([up.place(line.points[-1][1]) for line in lines])
    drawn = [_text(LEFT, TOP - 14, title, bold=True), *_grid(across, up)]
    drawn += [_line(line, across, up, height) for line, height in zip(lines, heights, strict=True)]
    return "\n".join(drawn)


def _apart(heights: Sequence[float]) -> list[float]:
    """Move names that would lie on each other up, the lowest first."""
    placed: dict[int, float] = {}
    for number in sorted(range(len(heights)), key=lambda one: -heights[one]):
        placed[number] = min(heights[number], min(placed.values(), default=HEIGHT) - GAP)
    return [placed[number] for number in range(len(heights))]


def _axis(values: Sequence[float], begin: float, end: float) -> Axis:
    """Give whole powers of ten around all values."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Axis(low=low, high=max(high, low + 1), begin=begin, end=end)


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for power in range(across.low, across.high + 1):
        x = across.place(10**power)
        yield f'<path d="M{x} {up.begin}V{up.end}" stroke="#d0d7de"/>'
        yield _text(x, up.begin + 14, f"{10**power:,}", anchor="middle")
    for power in range(up.low, up.high + 1):
        y = up.place(10**power)
        yield f'<path d="M{across.begin} {y}H{across.end}" stroke="#d0d7de"/>'
        yield _text(across.begin - 6, y + 4, f"{10**power:,g}", anchor="end")
    yield _text((across.begin + across.end) / 2, up.begin + 28, "Rollouts", anchor="middle")


def _line(line: Line, across: Axis, up: Axis, height: float) -> str:
    places = [(across.place(n), up.place(cost)) for n, cost in line.points]
    path = "L".join(f"{x} {y}" for x, y in places)
    dashes = ' stroke-dasharray="5 3"' if line.dashed else ""
    name = _text(places[-1][0] + 6, height + 4, line.name, colour=line.colour)
    return f'<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="2"{dashes}/>\n{name}'


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#1f2328", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}"{weight}>{escape(text)}</text>'
