"""One value of a manifest changed as steerer changes it, and which lines of the file that touched."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.yaml_documents import Values, read
from reconcile.clusters.folder.yaml_edits import Path as Place
from reconcile.clusters.folder.yaml_edits import UneditableError, rewrite
from reconcile.clusters.folder.yaml_nodes import Alias, Composer, Mapping, Sequence
from reconcile.clusters.json_equality import json_equal
from tests.edits.sources import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconcile.clusters.folder.parsed_file import ParsedFile, ParsedObject
    from reconcile.clusters.folder.yaml_nodes import Node
    from tests.edits.sources import Source

SEED = 1


class End(StrEnum):
    """What became of an edit."""

    EXACT = "only the lines of the value"
    REFUSED = "refused in words"
    OTHER = "other lines too"
    CHANGED = "another meaning"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One edit: the value at `place` of an object of a file becomes `value`."""

    source: str
    kind: str
    file: ParsedFile
    item: ParsedObject
    place: Place
    value: Any

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"{self.file.path}: {'.'.join(map(str, self.place))}"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How a trial ended, in words where it was refused."""

    trial: Trial
    end: End
    words: str = ""


def drawn(sources: Iterable[Source], most: int, seed: int = SEED) -> list[Trial]:
    """Returns so many trials at most, spread evenly over the modules, whatever their versions, and the kinds."""
    random = Random(seed)  # noqa: S311 - the same trials in each run
    groups: dict[tuple[str, str], list[Trial]] = defaultdict(list)
    seen: set[tuple[str, Place]] = set()
    for source in sources:
        for file in source.files():
            for trial in _of_file(source.name, file, random):
                identity = (file.parts[trial.item.part], (*trial.item.place, *trial.place))
                if identity not in seen:  # the versions of a module have most of their files in common
                    seen.add(identity)
                    groups[source.name.partition("@")[0], trial.kind].append(trial)
    for group in groups.values():
        random.shuffle(group)
    chosen: list[Trial] = []
    while len(chosen) < most and any(groups.values()):
        chosen += [group.pop() for group in groups.values() if group][: most - len(chosen)]
    return chosen


def _of_file(source: str, file: ParsedFile, random: Random) -> Iterator[Trial]:
    for item in file.objects:
        if str(item.typed.get("kind")) not in KINDS:
            continue
        for place, old in _scalars(item.manifest, ()):
            kind = _kind(place, old)
            if kind:
                value = NEW[kind](old, random)
                yield Trial(source=source, kind=kind, file=file, item=item, place=place, value=value)


def _scalars(value: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _scalars(item, (*place, key))
    else:
        yield place, value


def _kind(place: Place, value: Any) -> str:
    *_, parent, key = ("", *place)
    if isinstance(value, int) and not isinstance(value, bool):
        return "replicas" if "eplicas" in str(key) else "weight" if key == "weight" else ""
    if not isinstance(value, str):
        return ""
    if "\n" in value.strip("\n"):
        return "script"
    if key == "image":
        return "image"
    if key == "value" and "env" in place[-3:]:
        return "environment variable"
    return "annotation" if parent == "annotations" else ""


def _image(value: str, random: Random) -> str:
    return (value.rpartition(":")[0] or value) + random.choice([":9.9.9", ":2", "-with-a-longer-name:10.20.30"])


def _text(value: str, random: Random) -> str:
    return random.choice(sorted({value + "-next", "x", "on", "1.0", "a: b", "it's new", 'say "x"', "#1"} - {value}))


def _script(value: str, random: Random) -> str:
    lines = value.split("\n")
    lines.insert(random.randrange(len(lines)), random.choice(["echo new", "  echo indented", ""]))
    lines[0] += " # changed"
    return "\n".join(lines)


NEW: dict[str, Callable[[Any, Random], Any]] = {
    "image": _image,
    "weight": lambda value, random: (value + random.randrange(1, 100)) % 101,
    "replicas": lambda value, random: value + random.choice([1, 7, 100]),
    "annotation": _text,
    "environment variable": _text,
    "script": _script,
}


def tried(trial: Trial) -> Tried:
    """Edits the text as a write of steerer does, and compares the file before and after."""
    file, item = trial.file, trial.item
    wanted = _with(item.manifest, trial.place, trial.value)
    parts = file.parts.copy()
    try:
        parts[item.part] = rewrite(parts[item.part], item.place, wanted, item.indent)
    except UneditableError as error:
        return Tried(trial=trial, end=End.REFUSED, words=str(error))
    return Tried(trial=trial, end=_end(trial, parts))


def _end(trial: Trial, parts: list[str]) -> End:
    before, after = trial.file.text, "".join(parts)
    part = " " * trial.item.indent + parts[trial.item.part]
    place = (*trial.item.place, *trial.place)
    expected = _with(read(" " * trial.item.indent + trial.file.parts[trial.item.part]), place, trial.value)
    if not json_equal(read(part), expected):
        return End.CHANGED
    first, last = lines(trial)
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    rest = len(old) - 1 - last
    alike = new[:first] == old[:first] and new[len(new) - rest :] == old[last + 1 :]
    return End.EXACT if alike and len(new) >= first + rest else End.OTHER


def lines(trial: Trial) -> tuple[int, int]:
    """Returns the first and the last line of the value in its file, counted from 0, by the marks of the parser."""
    item = trial.item
    text = " " * item.indent + trial.file.parts[item.part]
    node = _node(Composer(1_000_000).compose(text), (*item.place, *trial.place))
    above = "".join(trial.file.parts[: item.part]).count("\n")
    return above + text.count("\n", 0, node.start), above + text.count("\n", 0, max(node.start, node.end - 1))


def _node(node: Node | None, place: Place) -> Node:
    """Returns the node of a value; what an alias stands for is where the alias is."""
    assert node is not None
    if not place or isinstance(node, Alias):
        return node
    if isinstance(node, Mapping):
        values = Values()
        return _node(next(value for name, value in node.entries if values.key(name) == place[0]), place[1:])
    assert isinstance(node, Sequence)
    return _node(node.children[int(place[0])], place[1:])


def _with(value: Any, place: Place, new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _with(value[place[0]], place[1:], new)
    return copy
