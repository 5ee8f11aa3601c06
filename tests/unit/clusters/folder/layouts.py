"""Texts as people lay them out, in all ways at once: a strategy, and where each value of a text stands."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

Place = tuple[str | int, ...]

LEAVES = ["1", "1.50", "0644", "true", "on", "~", "''", '""', "a", "x y", "'it''s'", '"a\\tb"', "a:b", "é", "'#'"]
BESIDE = ["", "", "", "  ", " # beside", "  # beside it", "\t# a\ttab", "   \t"]
SPACES: list[list[str]] = [[], [], [], [""], ["# a line of its own"], ["", "#\ta tab"], ["   "]]


@dataclass
class Rows:
    """Lines, and the first and last line of each value in them."""

    lines: list[str] = field(default_factory=list)
    places: dict[Place, tuple[int, int]] = field(default_factory=dict)
    keeps: str = ""
    """The header of the last value, if that is a block: blank lines below may belong to it."""

    def add(self, more: Rows) -> None:
        """Put others below."""
        shift = len(self.lines)
        self.lines += more.lines
        self.places |= {place: (first + shift, last + shift) for place, (first, last) in more.places.items()}
        self.keeps = more.keeps


@st.composite
def laid_out(draw: st.DrawFn) -> tuple[str, dict[Place, tuple[int, int]]]:
    """Draw a document and the lines of each of its values but the collections in block style."""
    rows = Rows(draw(st.sampled_from([[], ["# head"], ["---"], ["--- # c", "# d"], ["%YAML 1.1", "---"]])))
    rows.add(_mapping(draw, 0, (), 0))
    end = draw(st.sampled_from([[], [""], ["# the end"], ["..."]]))
    blank = end == [""] and "+" in rows.keeps
    newline = "" if not rows.keeps and draw(st.booleans()) else "\n"
    return "\n".join([*rows.lines, *([] if blank else end)]) + newline, rows.places


def _spaces(draw: st.DrawFn, column: int, *, keeps: str) -> list[str]:
    rows = draw(st.sampled_from(SPACES))
    if keeps and rows and not rows[0].strip() and (rows[0] or "+" in keeps):
        return []
    return [" " * column + row if row.strip() else row for row in rows]


def _mapping(draw: st.DrawFn, column: int, path: Place, depth: int) -> Rows:
    rows = Rows()
    for key in draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True)):
        rows.lines += _spaces(draw, column, keeps=rows.keeps) if rows.lines else []
        rows.add(
            _value(draw, " " * column + draw(st.sampled_from([f"{key}:", f'"{key}":'])), (*path, key), column, depth)
        )
    return rows


def _sequence(draw: st.DrawFn, column: int, path: Place, depth: int) -> Rows:
    rows = Rows()
    for number in range(draw(st.integers(1, 3))):
        rows.lines += _spaces(draw, column, keeps=rows.keeps) if rows.lines else []
        width = draw(st.integers(1, 3))
        if depth < 3 and draw(st.booleans()):
            inner = draw(st.sampled_from([_mapping, _sequence]))(draw, column + 1 + width, (*path, number), depth + 1)
            inner.lines[0] = " " * column + "-" + inner.lines[0][column + 1 :]
            rows.add(inner)
        else:
            rows.add(_value(draw, " " * column + "-", (*path, number), column, 3))
    return rows


def _value(draw: st.DrawFn, head: str, path: Place, column: int, depth: int) -> Rows:
    """Draw what stands behind a key or a dash."""
    if depth < 3 and draw(st.booleans()):
        rows = Rows([head + draw(st.sampled_from(BESIDE)), *_spaces(draw, column + 1, keeps="")])
        if draw(st.booleans()):
            rows.add(_mapping(draw, column + draw(st.integers(1, 4)), path, depth + 1))
        else:
            rows.add(_sequence(draw, column + draw(st.integers(0, 4)), path, depth + 1))
        return rows
    gap = " " * draw(st.sampled_from([1, 1, 1, 2, 5]))
    first, *others = draw(st.sampled_from([_leaf, _below, _flow, _block, _several, _nothing]))(draw, column)
    rows = Rows([f"{head}{gap}{first}" if first.strip(" ") else head + first, *others])
    rows.places[path] = (0, len(others))
    rows.keeps = first if first[:1] in {"|", ">"} else ""
    if rows.lines[-1].strip() and not rows.keeps:
        beside = draw(st.sampled_from(BESIDE))
        rows.lines[-1] += "" if "\t" in beside and rows.lines[-1].endswith("-") else beside
    if first in {"[ k,", "[ k ]"}:
        rows.places |= {(*path, 0): (0, 0)} | ({(*path, 1): (1, 1)} if others else {})
    if first == "{ k: 1 }":
        rows.places[*path, "k"] = (0, 0)
    return rows


def _leaf(draw: st.DrawFn, column: int) -> list[str]:  # noqa: ARG001 - the others have a column
    return [draw(st.sampled_from(LEAVES))]


def _below(draw: st.DrawFn, column: int) -> list[str]:
    return ["", " " * (column + draw(st.integers(1, 4))) + draw(st.sampled_from([*LEAVES, "{}", "[]", "{ }"]))]


def _flow(draw: st.DrawFn, column: int) -> list[str]:
    inner = " " * (column + draw(st.integers(1, 4)))
    return draw(st.sampled_from([["[ k ]"], ["[ k,", f"{inner}'l' ]"], ["{ k: 1 }"], ["{}"], ["[]"]]))


def _block(draw: st.DrawFn, column: int) -> list[str]:
    inner = " " * (column + draw(st.integers(1, 4)))
    header = draw(st.sampled_from(["|", "|-", ">", ">-", "| # beside", "|+"]))
    blank = draw(st.sampled_from([[], [""], ["", ""]])) if header == "|+" else []
    return [header, *(inner + row for row in draw(st.sampled_from([["x"], ["set -e", "echo a"]]))), *blank]


def _several(draw: st.DrawFn, column: int) -> list[str]:
    inner = " " * (column + draw(st.integers(1, 4)))
    return draw(st.sampled_from([["x", f"{inner}y"], ['"x', f'{inner}y"'], ["'x", f"{inner}y'"]]))


def _nothing(draw: st.DrawFn, column: int) -> list[str]:  # noqa: ARG001 - as above
    return [draw(st.sampled_from(["", "", "&x1"]))]
