"""The parts of the pages that are drawn from the code, and the picture of a release.

`python -m tests.support.drawing` writes them between their markers; tests/unit/test_docs.py keeps the two equal.
"""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from reconcile.core.state_machine import GATES, OPENING, TABLE, Order, Row, Standing, Traffic
from reconcile.model.rights import PASS
from reconcile.model.rollout import Phase
from tests.components.catalogue import COMPONENTS
from tests.support import release_picture
from tests.support.folders import FOLDERS
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from reconcile.model.rights import Right

Word = TypeVar("Word", bound=StrEnum)
PAGES = tuple(ROOT / "docs" / f"{name}.md" for name in ("architecture", "security", "testing"))
REDRAW = ".venv/bin/python -m tests.support.drawing"
_PART = re.compile(r"(<!-- drawn from (?P<source>\S+): (?P<name>[\w ]+) -->\n).*?(<!-- end of drawing -->)", re.DOTALL)
NEW = "(new)"
PARKED = "0 replicas and no traffic yet"
COPY_DUE = "template not copied yet"
ORDERS = {None: [], Order.ROLL_BACK: ["aborted, or a limit passed"], Order.PROMOTE: ["a person says promote"]}


def diagram() -> str:
    """Returns the table as a state diagram; rows between the same two phases are one edge."""
    edges: dict[tuple[Phase, Phase], list[str]] = {}
    for row in TABLE:
        for phase in _ordered(row.phases, Phase):
            moves = edges.setdefault((phase, row.to), [])
            if row.move.value not in moves:
                moves.append(row.move.value)
    order = list(Phase)
    drawn = sorted(edges, key=lambda edge: (order.index(edge[0]), order.index(edge[1])))
    lines = [f"  {start.value or '[*]'} --> {end.value}: {', '.join(edges[start, end])}" for start, end in drawn]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def rows() -> str:
    """Returns the rows of the table, in their order."""
    head = ("phase", "the canary has", "routes give it", "and", "move", "next phase")
    return _table(head, (_cells(row) for row in TABLE))


def gates() -> str:
    """Returns a table of the gates of each move, in their order."""
    made = dict.fromkeys(row.move for row in TABLE)
    return _table(
        ("move", "gates"),
        ((f"`{move}`", " · ".join(f"`{gate}`" for gate in (*OPENING, *GATES[move]))) for move in made),
    )


def settings() -> dict[str, Any]:
    """Returns pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def layers() -> str:
    """Returns the layers of the import rule, the highest first."""
    contracts = settings()["tool"]["importlinter"]["contracts"]
    found = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return "\n".join(["```text", *(re.sub(r"\s*[|:]\s*", "  ", layer) for layer in found), "```"])


def rights() -> str:
    """Returns a table of the rights that a pass needs, in the order in which it uses them."""
    return _table(
        ("verb", "on", "without it"),
        ((f"`{right.verb}`", f"`{_resource(right)}`", right.without) for right in PASS),
    )


def folders() -> str:
    """Write what each folder of tests shows, the real components that it needs, and what runs it."""
    return _table(
        ("folder", "shows", "needs", "run by"),
        (
            (f"`tests/{one.name}`", one.shows, ", ".join(component.name for component in one.needs), one.run_by)
            for one in FOLDERS
        ),
    )


def components() -> str:
    """Write what each real component consists of, and whence that comes."""
    return _table(
        ("component", "built from its Go module", "from elsewhere"),
        ((one.name, ", ".join(f"`{program}`" for program in one.programs), one.other) for one in COMPONENTS),
    )


PARTS: dict[str, Callable[[], str]] = {
    "state diagram": diagram,
    "rows": rows,
    "gates": gates,
    "layers": layers,
    "rights": rights,
    "folders": folders,
    "components": components,
}


def redrawn(page: str) -> str:
    """Returns the page with every drawn part made from the code."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]()}\n\n{part[4]}", page)


def with_part(page: str, name: str, content: str) -> str:
    """Returns the page with one of its drawn parts replaced."""
    return _PART.sub(lambda part: f"{part[1]}\n{content}\n\n{part[4]}" if part["name"] == name else part[0], page)


def drawn(page: str) -> list[str]:
    """Returns the names of the parts that the page has markers for."""
    return [part["name"] for part in _PART.finditer(page)]


def _resource(right: Right) -> str:
    name = ".".join(filter(None, (right.kind.plural, right.kind.group)))
    return f"{name}/{right.subresource}" if right.subresource else name


def _cells(row: Row) -> tuple[str, ...]:
    return (
        ", ".join(phase.value or NEW for phase in _ordered(row.phases, Phase)),
        _any_of(row.standings, Standing),
        _any_of(row.traffic, Traffic),
        ", ".join([*_condition(row.parked, PARKED), *_condition(row.copy_due, COPY_DUE), *ORDERS[row.order]]),
        f"`{row.move}`" + (f", else `{row.otherwise}`" if row.otherwise else ""),
        row.to.value,
    )


def _ordered(found: Collection[Word], every: type[Word]) -> list[Word]:
    return [item for item in every if item in found]


def _any_of(found: Collection[Word], every: type[Word]) -> str:
    chosen = _ordered(found, every)
    return "any" if len(chosen) == len(every) else ", ".join(item.value for item in chosen)


def _condition(condition: bool | None, words: str) -> list[str]:  # noqa: FBT001 - a cell of the table
    return [] if condition is None else [words if condition else f"not: {words}"]


def _table(head: tuple[str, ...], body: Iterator[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(redrawn(page.read_text(encoding="utf-8")), encoding="utf-8")
    for picture, scenario in release_picture.PICTURES.items():
        picture.write_text(release_picture.drawn(scenario), encoding="utf-8")
