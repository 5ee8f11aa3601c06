"""One object of a YAML text changed, and nothing else of the text.

Duty: turn "this object becomes that" into the fewest cuts and insertions, and prove the result by reading it again.
What a cut would not show rightly is refused, never guessed. It writes no file. Pure.

Cuts, and not a round trip through a YAML emitter: an emitter settles indentation, line breaks, quotes and alignment
anew for a whole file, and so changes lines that nobody asked it to change.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from reconcile.clusters.documents import (
    ALIAS,
    LIST,
    MAP,
    SCALAR,
    Fault,
    Node,
    Values,
    content,
    is_merge,
    is_object,
    key,
    parse,
    plain,
    same,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

_COLON = re.compile(r"[ \t]*:")
_GAP = re.compile(r"(?:[&!]\S*|\s+|#[^\n]*)*")
_COMMENT = re.compile(r"(?:^|[ \t]+)#[^\r\n]*")
# Strings that need no quotes anywhere, in a flow collection neither, for readers of YAML 1.1 and 1.2 alike.
_BARE = re.compile(r"[A-Za-z0-9_./$(](?:[-A-Za-z0-9_./$()+=@%*&!?<>|;~^\\` ]|:(?=[-A-Za-z0-9_./$()]))*(?<! )")
_NUMERIC = re.compile(r"[-+.0-9][-+.0-9_:eEaAbBcCdDfFxXoOtTzZ ]*")
# What JSON leaves as it is and YAML does not print: DEL, C1 controls, line separators, the byte order mark, surrogates.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_LITERAL = re.compile(r"(?=\S)[^\r\t\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]*")


class UneditableError(Exception):
    """The text is written in a way in which this change cannot be made without touching something else."""


def rewrite(text: str, document: int, path: Path, wanted: Any) -> str:
    """Give the text with the value at `path` of its `document` replaced; every line without a change as it was.

    Raises UneditableError.
    """
    # The first that means the right thing is the one that changes least.
    for source, literals, follow in product((text, _without_aliases(text)), (True, False), (True, False)):
        with suppress(Fault, UneditableError):
            result = _edited(source, document, path, wanted, literals=literals, follow=follow)
            if _agrees(text, result, document, path, wanted):
                return result
    raise UneditableError("it is written with anchors, merge keys or layout that this change would tear apart")


def lines(value: Any, column: int = 0, step: int = 2, offset: int = 0, *, literals: bool = True) -> list[str]:
    """Write a mapping or list that is not empty as block YAML, its keys or dashes at `column`.

    `step` is how far a mapping stands within a mapping, `offset` how far a list does; `literals` is whether texts of
    several lines are written as such.
    """
    pad = " " * column
    written: list[str] = []
    if isinstance(value, dict):
        for name, item in value.items():
            inner = column + (offset if isinstance(item, list) else step)
            written += _entry(f"{pad}{_string(str(name))}:", item, inner, (step, offset), literals=literals)
        return written
    for item in value:
        first, *rest = _entry("", item, column + 2, (step, offset), literals=literals)
        if first:
            written += [f"{pad}-{first}", *rest]
        else:
            written += [f"{pad}- {rest[0].lstrip()}", *rest[1:]]
    return written


def _entry(head: str, item: Any, column: int, style: tuple[int, int], *, literals: bool) -> list[str]:
    if _is_block(item):
        return [head, *lines(item, column, *style, literals=literals)]
    if literals and _is_text(item) and _LITERAL.fullmatch(item):
        chomp = "-" if not item.endswith("\n") else "+" if item.endswith("\n\n") else ""
        body = item.removesuffix("\n").split("\n")
        return [f"{head} |{chomp}", *(f"{' ' * column}{line}" if line else "" for line in body)]
    return [f"{head} {inline(item)}"]


def inline(value: Any, quote: str = "") -> str:
    """Write any value on one line, collections in flow style; `quote` is what a string was quoted with before."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_string(str(name))}: {inline(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, str):
        return _string(value, quote)
    if value is None or isinstance(value, bool | int | float):
        text = json.dumps(value, allow_nan=False)
        # YAML 1.1 takes 1e-05 for a string.
        return text.replace("e", ".0e") if isinstance(value, float) and "." not in text else text
    raise ValueError(f"{type(value).__name__} is no type of JSON")


def _string(value: str, quote: str = "") -> str:
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    bare = _BARE.fullmatch(value) and not _NUMERIC.fullmatch(value) and plain(value) is value
    if bare and not quote:
        return value
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(value, ensure_ascii=False))


def _is_block(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _is_text(value: Any) -> bool:
    """Say whether a value has several lines."""
    return isinstance(value, str) and "\n" in value.rstrip("\n")


@dataclass(slots=True)
class _Slot:
    """Where a value stands: `marker` is behind the `:` or `-` that leads it, `column` is that of its key or dash."""

    node: Node
    marker: int
    column: int
    dash: bool = False
    flow: bool = False
    start: int = 0
    name: str = ""
    merge: bool = False


@dataclass(slots=True)
class _Text:
    """A text and the cuts to be made in it."""

    text: str
    cuts: list[tuple[int, int, str]] = field(default_factory=list)
    step: int = 2
    offset: int = 0
    # Whether aliases and merge keys are left to follow what their anchors become.
    follow: bool = False
    # Whether texts of several lines may be written as such: an indented comment below would become a part of one.
    literals: bool = True

    @property
    def newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def cut(self, start: int, end: int, new: str = "") -> None:
        self.cuts.append((start, end, new))

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        """Give the end of the line, its line break not included."""
        end = self.text.find("\n", index)
        if end < 0:
            return len(self.text)
        return end - 1 if end > index and self.text[end - 1] == "\r" else end

    def leads(self, index: int) -> bool:
        """Say whether nothing stands before the index on its line."""
        return not self.text[self.line_start(index) : index].strip()

    def block(self, value: Any, column: int) -> str:
        return self.newline.join(lines(value, column, self.step, self.offset, literals=self.literals))

    def result(self) -> str:
        done, parts = 0, []
        for start, end, new in sorted(self.cuts, key=lambda cut: cut[0]):
            if start < done and new:
                raise UneditableError("two changes meet")
            parts += [self.text[done : max(start, done)], new]
            done = max(done, end)
        return "".join([*parts, self.text[done:]])

    # Slots: the places of the children of a node.

    def slots(self, node: Node) -> Iterator[_Slot]:
        """Give the places of all values of a map (merge keys included) or list."""
        if node.kind == MAP:
            for name, value in node.pairs:
                colon = _COLON.match(self.text, name.end)
                if not colon and not node.flow:
                    raise UneditableError("a key without its colon beside it")
                column = name.start - self.line_start(name.start)
                slot = _Slot(value, colon.end() if colon else name.end, column, flow=node.flow, start=name.start)
                slot.merge = is_merge(name)
                slot.name = "" if slot.merge else key(name)
                yield slot
        elif node.kind == LIST:
            before = node.start
            for item in node.children:
                dash = item.start if node.flow else self._dash(before)
                column = dash - self.line_start(dash)
                yield _Slot(item, dash + 1, column, dash=True, flow=node.flow, start=dash)
                before = item.end

    def _dash(self, index: int) -> int:
        found = _GAP.match(self.text, index)
        place = found.end() if found else index
        if self.text[place : place + 1] != "-":
            raise UneditableError("a list without its dashes")
        return place

    # Changes.

    def change(self, slot: _Slot, old: Any, new: Any) -> None:
        """Make what stands in the slot mean `new`."""
        if same(old, new):
            return
        node = slot.node
        if node.kind == ALIAS and self.follow:
            return
        if node.kind == MAP and isinstance(new, dict) and self.mapping(node, old, new):
            return
        if node.kind == LIST and isinstance(new, list) and self.sequence(node, old, new):
            return
        self.replace(slot, new)

    def mapping(self, node: Node, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Change a map entry by entry; False if nothing of it stays, or it is a flow map whose keys change."""
        slots = [slot for slot in self.slots(node) if not slot.merge]
        kept = [slot for slot in slots if slot.name in new]
        own = {slot.name for slot in slots}
        inherited = {} if self.follow else {name: old[name] for name in old.keys() - own}
        known = old.keys() if self.follow else own
        added = {
            name: value
            for name, value in new.items()
            if name not in known and not (name in inherited and same(value, inherited[name]))
        }
        if not kept or (
            node.flow and (added or len(kept) < len(slots) or any(self.is_empty(slot.node) for slot in slots))
        ):
            return False
        for slot in kept:
            self.change(slot, old[slot.name], new[slot.name])
        for slot, after in zip(slots, [*slots[1:], slots[-1]], strict=True):
            if slot.name not in new:
                self.remove(slot, after)
        if added:
            self.insert(kept[-1], self.block(added, kept[-1].column))
        return True

    def sequence(self, node: Node, old: list[Any], new: list[Any]) -> bool:
        """Change a list item by item; False if either is empty, or it is a flow list of another length."""
        if not old or not new or (node.flow and len(old) != len(new)):
            return False
        slots = list(self.slots(node))
        head = _common(old, new)
        tail = _common(old[head:][::-1], new[head:][::-1])
        olds, news = old[head : len(old) - tail], new[head : len(new) - tail]
        pairs = min(len(olds), len(news))
        for slot, left, right in zip(slots[head:], olds, news, strict=False):
            self.change(slot, left, right)
        ends = [*slots[1:], slots[-1]]
        for index in range(head + pairs, head + len(olds)):
            self.remove(slots[index], ends[index])
        if extra := news[pairs:]:
            self.add_items(slots, head + pairs, extra)
        return True

    def add_items(self, slots: list[_Slot], place: int, items: list[Any]) -> None:
        text = self.block(items, slots[0].column)
        if place:
            self.insert(slots[place - 1], text)
        elif self.leads(slots[0].start):
            start = self.line_start(slots[0].start)
            self.cut(start, start, text + self.newline)
        else:
            raise UneditableError("an item in front of a nested list")

    def insert(self, slot: _Slot, text: str) -> None:
        """Put lines below a slot; where its last ones are taken away, below those that stay."""
        place = self.line_end(max(slot.node.end, slot.marker))
        for start, end, new in sorted(self.cuts, reverse=True):
            if not new and start < place < end:
                place = self.line_end(self.line_start(start - 1))
        self.cut(place, place, self.newline + text)

    def remove(self, slot: _Slot, after: _Slot) -> None:
        """Take an entry or item away with its lines, `after` in its place; the comments around them stay."""
        end = self.line_end(max(slot.node.end, slot.marker))
        if not self.leads(slot.start):
            self.cut(slot.start, after.start)
        elif end == len(self.text):
            before = self.line_start(slot.start) - 1
            self.cut(before - 1 if self.text[before - 1 : before] == "\r" else before, end)
        else:
            self.cut(self.line_start(slot.start), self.text.index("\n", end) + 1)

    def replace(self, slot: _Slot, new: Any) -> None:
        """Write a slot anew, on the line and in the quotes it had if that can be."""
        node = slot.node
        on_a_line = node.kind == SCALAR and not node.literal and not self.is_empty(node)
        as_one = not _is_block(new) and (bool(node.style) or not _is_text(new))
        in_braces = node.flow and bool(node.children) and _is_block(new)
        if slot.flow or in_braces or (on_a_line and as_one):
            start = node.start if self.text[node.start] == "!" else content(self.text, node)
            self.cut(start, node.end, inline(new, node.style))
        else:
            self.rewrite(slot, new)

    def rewrite(self, slot: _Slot, new: Any) -> None:
        """Replace all that stands in a slot, whatever it was; a comment beside its key or dash stays there."""
        end = max(slot.node.end, slot.marker)
        comment = self.head_comment(slot, end)
        inner = 2 if slot.dash else self.offset if isinstance(new, list) else self.step
        head, *body = _entry("", new, slot.column + inner, (self.step, self.offset), literals=self.literals)
        if not body:
            self.cut(slot.marker, end, f"{head}{comment}")
            return
        last = self.line_end(end)
        head = f"{head}{comment}{self.text[end:last]}".rstrip()
        if slot.dash and not head:
            head = " " + body.pop(0).lstrip()
        self.cut(slot.marker, last, self.newline.join([head, *body]))

    def head_comment(self, slot: _Slot, end: int) -> str:
        """Give the comment beside a key or dash whose value starts on a later line."""
        first = self.line_end(slot.marker)
        if not slot.node.literal and content(self.text, slot.node) <= first:
            return ""
        found = _COMMENT.search(self.text[slot.marker : min(end, first)])
        return found.group() if found else ""

    def is_empty(self, node: Node) -> bool:
        """Say whether nothing is written where the node stands."""
        return node.kind == SCALAR and content(self.text, node) == node.end


def _common(left: list[Any], right: list[Any]) -> int:
    """Count the items that two lists begin with alike."""
    count = 0
    for one, other in zip(left, right, strict=False):
        if not same(one, other):
            break
        count += 1
    return count


def _edited(source: str, document: int, path: Path, wanted: Any, *, literals: bool, follow: bool) -> str:
    text = _Text(source, literals=literals, follow=follow)
    root = parse(source)[document]
    _adopt_style(text, root)
    node, old = root, Values().of(root)
    slot = None
    for part in path:
        slot = _slot(text, node, part)
        node, old = slot.node, old[part]
    if slot is not None:
        text.change(slot, old, wanted)
    elif node.kind != MAP or not text.mapping(node, old, wanted):
        raise UneditableError("a whole document cannot be replaced")
    return text.result()


def _slot(text: _Text, node: Node, part: str | int) -> _Slot:
    slots = list(text.slots(node))
    if isinstance(part, int) and part < len(slots):
        return slots[part]
    for slot in slots:
        if slot.name == part:
            return slot
    raise UneditableError(f"{part} is not written where it stands")


def _adopt_style(text: _Text, root: Node) -> None:
    """Indent as the document does: by its first mapping in a mapping, and its first list in one."""
    steps: list[int] = []
    offsets: list[int] = []
    todo = [root]
    while todo and not (steps and offsets):
        node = todo.pop(0)
        if node.flow or node.kind not in {MAP, LIST}:
            continue
        for slot in text.slots(node):
            child = slot.node
            if slot.dash or child.flow or child.kind not in {MAP, LIST}:
                continue
            first = next(text.slots(child))
            (steps if child.kind == MAP else offsets).append(first.column - slot.column)
        todo += node.children
    text.step = steps[0] if steps else 2
    text.offset = offsets[0] if offsets else 0


def _without_aliases(source: str) -> str:
    """Write out every alias but those of merge keys, so that what it stands for can change alone."""
    text = _Text(source)
    try:
        for root in parse(source):
            _adopt_style(text, root)
            todo = [root]
            while todo:
                for slot in text.slots(todo.pop()):
                    if slot.node.kind == ALIAS and not slot.merge:
                        text.replace(slot, Values().of(slot.node))
                    elif slot.node.kind != ALIAS:
                        todo.append(slot.node)
        return text.result()
    except (Fault, UneditableError):
        return source


def _agrees(before: str, after: str, document: int, path: Path, wanted: Any) -> bool:
    """Say whether the new text means the old one with the one value replaced."""
    values = Values()
    olds, news = parse(before), parse(after)
    if len(olds) != len(news):
        return False
    for index, (old, new) in enumerate(zip(olds, news, strict=True)):
        if index != document and not is_object(old):
            continue
        expected = values.of(old)
        if index == document:
            expected = _with(expected, path, wanted)
        if not same(expected, values.of(new)):
            return False
    return True


def _with(value: Any, path: Path, wanted: Any) -> Any:
    if not path:
        return wanted
    part, *rest = path
    copy = value.copy()
    copy[part] = _with(value[part], tuple(rest), wanted)
    return copy
