"""The figures as tables and sentences: for the terminal and for docs/performance.md. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.bounds import COUNT, MEGABYTE, held
from tests.bench.figures import ALL, IDLE, SHARDS, SOME
from tests.bench.growth import growth
from tests.support import recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.bench.bounds import Held
    from tests.bench.cost import Cost
    from tests.bench.figures import Crowd, Figures, Measured
    from tests.bench.growth import Point

# Flagger 1.44 on two cores of another machine, with its defaults, counted from the audit log as well.
FLAGGER_IDLE = 12
FLAGGER_RELEASE = 172
_FLAGGER = (
    ("requests per idle canary and round", "12"),
    ("a round every 10 s takes, at 300 and at 1,000 canaries", "24 s, 78 s"),
    ("requests for a whole release in five steps", "166 to 172"),
    ("300 such releases at once", "290 s instead of 83 s"),
    ("Events of these that were lost", "3,400 of 3,600"),
    ("first look after a start, at 1 and at 1,000 canaries", "10 s, 90 s late"),
)
_KINDS: dict[str, Callable[[Cost], float]] = {
    "requests": lambda cost: cost.total,
    "KiB read": lambda cost: (cost.received or 0) / 1024,
    "seconds": lambda cost: cost.wall,
    "CPU seconds": lambda cost: cost.cpu,
    "memory in MB": lambda cost: cost.peak / MEGABYTE,
}


def parts(figures: Figures) -> dict[str, str]:
    """Give each part of the page by its name."""
    return {
        "machine": ", ".join(f"{what} {value}" for what, value in figures.machine.items()) + "\n",
        "bounds": bounds(figures),
        "passes": passes(figures),
        "floors": floors(figures),
        "shards": shards(figures),
        "requests": requests(figures),
        "growth": grown(figures),
        "crowd": crowd(figures),
        "start": start(figures),
        "releases": releases(figures),
        "hanging": hanging(figures),
        "naive": naive(figures),
        "ways": ways(figures),
        "profiles": profiles(figures),
        "Flagger": recorded.table(("Flagger 1.44", "on another machine"), _FLAGGER),
    }


def bounds(figures: Figures) -> str:
    """Write each bound beside its figure; a count that is over says so loudly."""
    rows = [
        (
            row.bound.about,
            row.bound.what,
            _number(row.bound.most, row.bound.unit),
            "not measured" if row.figure is None else _number(row.figure, row.bound.unit),
            _verdict(row),
        )
        for row in held(figures)
    ]
    return recorded.table(("what", "figure", "bound", "measured", "met"), rows)


def _verdict(row: Held) -> str:
    if row.met is None:
        return ""
    return "yes" if row.met else "**no**" if row.bound.kind == COUNT else "no"


def passes(figures: Figures) -> str:
    """Write what each pass costs, with its ratios: per Rollout, to the floor of a start, to the pass over one."""
    head = (
        "N",
        "state",
        "requests (each)",
        "of these writes",
        "queries",
        "KiB read (each)",
        "seconds (floors)",
        "CPU seconds",
        "MB (of one)",
    )
    return recorded.table(head, ([*_pass(figures, one)] for one in figures.passes))


def _pass(figures: Figures, one: Measured) -> Iterator[str]:
    cost, kib = one.cost, (one.cost.received or 0) / 1024
    yield f"{one.n:,}"
    yield one.state
    yield f"{cost.total:,} ({cost.total / one.n:.3g})"
    yield f"{cost.writes:,}"
    yield f"{cost.queries:,}"
    yield f"{kib:,.0f} ({kib / one.n:.2g})"
    yield f"{cost.wall:.2f}" + (f" ({cost.wall / figures.start.floor:.1f})" if figures.start else "")
    yield f"{cost.cpu:.2f}"
    first = figures.of(1, IDLE)
    yield f"{cost.peak / MEGABYTE:.0f}" + (f" ({cost.peak / first.peak:.1f})" if first else "")


def floors(figures: Figures) -> str:
    """Write what sending alone takes, beside the passes that send the same."""
    head = (
        "N, all advancing",
        "requests",
        "seconds",
        "CPU seconds",
        "a whole pass: seconds (times)",
        "CPU seconds (times)",
    )
    rows = [
        (
            f"{one.n:,}",
            f"{one.requests:,}",
            f"{one.wall:.2f}",
            f"{one.cpu:.2f}",
            f"{cost.wall:.2f} ({cost.wall / one.wall:.2f})",
            f"{cost.cpu:.2f} ({cost.cpu / one.cpu:.1f})",
        )
        for one in figures.floors
        if (cost := figures.of(one.n, ALL))
    ]
    return recorded.table(head, rows)


def shards(figures: Figures) -> str:
    """Write what shards read together, beside one process that reads the same."""
    head = ("N", "state", "LISTs of one process", f"LISTs of {SHARDS} shards (times)")
    rows = [
        (f"{one.n:,}", one.state, f"{one.lists:,}", f"{one.lists_of_shards:,} ({one.lists_of_shards / one.lists:.2f})")
        for one in figures.passes
        if one.lists
    ]
    return recorded.table(head, rows)


def requests(figures: Figures) -> str:
    """Write the requests of the biggest passes by verb and resource."""
    found = [figures.sizes(state)[-1] for state in (IDLE, SOME, ALL) if figures.sizes(state)]
    names = sorted({name for one in found for name in one.cost.requests})
    rows = ([name, *(f"{one.cost.requests.get(name, 0):,}" for one in found)] for name in names)
    return recorded.table(("verb and resource", *(f"N = {one.n:,}, {one.state}" for one in found)), rows)


def grown(figures: Figures) -> str:
    """Returns a table of how cost grows with N: for each state the start, each 1,000 more, and the last step."""
    found = [(state, sizes) for state in (IDLE, SOME, ALL) if (sizes := figures.sizes(state))]
    rows = (
        (kind, *(_growth([(one.n, of(one.cost)) for one in sizes]) for _, sizes in found))
        for kind, of in _KINDS.items()
    )
    return recorded.table(("cost", *(state for state, _ in found)), rows)


def _growth(points: Sequence[Point]) -> str:
    fit = growth(points)
    last = "" if fit.last is None else f" ({fit.last:.2f})"
    return f"{_short(fit.fixed)} + {_short(1000 * fit.each)}{last}"


def crowd(figures: Figures) -> str:
    """Compare ten Rollouts alone with the same ten among strangers."""
    return recorded.table(
        ("10 Rollouts", "requests", "KiB read", "seconds", "MB"), (row for one in figures.crowds for row in _crowd(one))
    )


def _crowd(one: Crowd) -> Iterator[tuple[str, ...]]:
    for where, cost in (("alone", one.alone), (f"among {one.strangers:,} foreign", one.among)):
        kib = (cost.received or 0) / 1024
        ratio = f" ({cost.wall / one.alone.wall:.2f} times)" if cost is one.among else ""
        what = f"{one.state}, {where}"
        yield what, f"{cost.total}", f"{kib:,.0f}", f"{cost.wall:.2f}{ratio}", f"{cost.peak / MEGABYTE:.0f}"


def start(figures: Figures) -> str:
    """Compare the start of the program with its floor."""
    if figures.start is None:
        return "not measured\n"
    found = figures.start
    rows = [
        ("`import requests, jinja2`, the floor", found.floor),
        ("the version printed", found.version),
        ("an idle pass over one Rollout, requests and all", found.idle),
    ]
    return recorded.table(
        ("from nothing to the end", "seconds", "floors"),
        [(what, f"{taken:.2f}", f"{taken / found.floor:.2f}") for what, taken in rows],
    )


def releases(figures: Figures) -> str:
    """Write what whole releases cost."""
    found = figures.releases
    if found is None:
        return "not measured\n"
    by = ", ".join(f"{count / found.rollouts:.2f} {what}" for what, count in found.requests.items())
    rows = [
        ("requests for one release, from the new revision to Succeeded", f"{found.each:.1f}: {by}"),
        ("queries to Prometheus for one", f"{found.queries / found.rollouts:.1f}"),
        (f"passes, one begun every {found.interval} s; of these late", f"{len(found.walls)}; {found.late}"),
        ("seconds of the passes", ", ".join(f"{wall:.1f}" for wall in found.walls)),
        ("seconds until all had succeeded", f"{found.seconds:.0f}"),
        ("succeeded", f"{found.succeeded} of {found.rollouts}"),
        ("Events stored, of those claimed", f"{found.stored:,} of {found.told:,}"),
    ]
    return recorded.table((f"{found.rollouts} releases at once", ""), rows)


def hanging(figures: Figures) -> str:
    """Write what a query that hangs does to the others."""
    found = figures.hanging
    if found is None:
        return "not measured\n"
    own = "halted" if found.halted else "NOT halted"
    return (
        f"The Rollout whose queries got no answer {own}; of the {found.others} others {found.moved} made their step. "
        f"The pass was over after {found.wall:.1f} s; its deadline is {found.deadline:.0f} s.\n"
    )


def naive(figures: Figures) -> str:
    """Write what naive ways cost, beside what the whole of our pass over as many Rollouts does."""
    rows = []
    for one in figures.naive:
        query = "query" in one.way
        ours = figures.of(one.rollouts, ALL if query else IDLE)
        beside = "" if ours is None else f"{ours.queries if query else ours.total:,}"
        rows.append((one.way, f"{one.rollouts:,}", f"{one.requests:,}", f"{one.wall:.1f}", beside))
    for n in sorted({one.n for one in figures.passes}):
        ours = figures.of(n, IDLE)
        beside = "" if ours is None else f"{ours.total:,}"
        rows.append(("Flagger, a round of idle canaries (see below)", f"{n:,}", f"{FLAGGER_IDLE * n:,}", "", beside))
    return recorded.table(
        ("one request after the other", "Rollouts", "requests", "seconds", "ours, a whole pass"), rows
    )


def ways(figures: Figures) -> str:
    """Write what each way to read takes."""
    rows = [
        (
            one.way,
            f"{one.objects:,}",
            f"{one.requests}",
            f"{one.received / 1024:,.0f}",
            f"{one.wall:.2f}",
            f"{one.cpu:.2f}",
        )
        for one in figures.ways
    ]
    return recorded.table(("all Deployments", "objects", "requests", "KiB", "seconds", "CPU seconds"), rows)


def profiles(figures: Figures) -> str:
    """Write where the time of a pass goes, the profiles beside each other."""
    ordered = [list(one.seconds.items()) for one in figures.profiles]
    heads = [cell for one in figures.profiles for cell in (f"N = {one.n:,}, {one.state}", "seconds")]
    rows = [[cell for name, spent in row for cell in (name, f"{spent:.2f}")] for row in zip(*ordered, strict=False)]
    return recorded.table(heads, rows) if heads else "not measured\n"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _number(value: float, unit: str) -> str:
    text = f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
    return f"{text} {unit}".strip()
