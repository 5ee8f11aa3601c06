"""A YAML or JSON file as its objects, each with the part of the text that it stands in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile import files
from reconcile.clusters.folder import json_text
from reconcile.clusters.folder.file_tree import signature_of
from reconcile.clusters.folder.yaml_documents import MAX_TEXT, Values, is_object, split
from reconcile.clusters.folder.yaml_nodes import Fault, Mapping, Scalar, Sequence
from reconcile.model.errors import UsageError
from reconcile.model.kinds import ROLLOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconcile.clusters.folder.file_tree import Signature
    from reconcile.clusters.folder.yaml_edits import Path as ValuePath

MAX_BYTES = MAX_TEXT
MAX_DOCUMENTS = 50_000
HELM = "looks like a Helm template ({{ ): render it, or leave the chart out"
_BOM = "\ufeff"
_DASH = re.compile(r" *- +")
_ALIAS = re.compile(r"(?:^|[\s\[{,])\*[^\s*]")


class ParsedObject(Struct):
    """One object: the number of its part of the text, how far that part is indented, and its place in it.

    `implied` is the apiVersion and kind that a List implies: the API leaves them out of a `PodList`'s items.
    """

    manifest: dict[str, Any]
    part: int
    place: ValuePath = ()
    implied: dict[str, Any] = field(default_factory=dict)
    indent: int = 0

    @property
    def typed(self) -> dict[str, Any]:
        """The manifest with its apiVersion and kind."""
        return self.implied | self.manifest


class Flaw(Struct, frozen=True):
    """A document that cannot be read: the place as `file:line:column`, what is wrong with it, and its text."""

    place: str
    problem: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"

    @property
    def may_be_rollout(self) -> bool:
        """Whether it may be a Rollout: one that is left out would be one that nobody looks at."""
        return ROLLOUT.group in self.text


class ParsedFile(Struct):
    """One file as it was read; `parts` joined are its text. Without a signature the file does not exist yet.

    `path` is its name within the folder, `real` its path without links. `flaws` are its documents that cannot be read.
    A JSON file is one part.
    """

    path: Path
    real: Path
    signature: Signature | None = None
    parts: list[str] = field(default_factory=list)
    objects: list[ParsedObject] = field(default_factory=list)
    flaws: list[Flaw] = field(default_factory=list)
    is_json: bool = False

    @property
    def text(self) -> str:
        """The text of the file, from its first byte to its last."""
        return "".join(self.parts)


def load(path: Path, real: Path) -> ParsedFile:
    """Returns a file that is read and parsed. Raises UsageError with the file, the line and the column of a fault."""
    try:
        data, status = files.read(path, MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return parse(ParsedFile(path, real, signature_of(status)), data)


def parse(file: ParsedFile, data: bytes) -> ParsedFile:
    """Returns the file with what its bytes hold. Raises UsageError like `load`.

    JSON of anything but Kubernetes is left out, whatever is wrong with it: folders have much of it.
    """
    path = file.path
    file.is_json = path.suffix == ".json"
    if file.is_json and b'"apiVersion"' not in data:
        return file
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}:{line}: it is not UTF-8 (byte {error.start})") from error
    if text.startswith(_BOM):
        file.parts.append(_BOM)
        text = text.removeprefix(_BOM)
    (_parse_json if file.is_json else _parse)(file, text)
    return file


def _parse_json(file: ParsedFile, text: str) -> None:
    """Adds the objects of a JSON text to a file. Raises UsageError where it may have a Rollout and cannot be read."""
    value: Any = None
    try:
        value = json_text.read(text)
    except Fault as fault:
        flaw = _flaw(file.path, text, fault.index, text, fault.problem)
        if flaw.may_be_rollout:
            raise UsageError(str(flaw)) from fault
        file.flaws.append(flaw)
    if isinstance(value, dict) and {"apiVersion", "kind"} <= value.keys():
        file.objects += _objects(value, {}, ParsedObject({}, len(file.parts)))
    file.parts.append(text)


def _parse(file: ParsedFile, text: str) -> None:
    """Adds the parts and objects of a text to a file. Raises UsageError."""
    values = Values()
    start = 0
    documents = split(text)
    if len(documents) > MAX_DOCUMENTS:
        raise UsageError(f"{file.path} has more than {MAX_DOCUMENTS} documents")
    for document in documents:
        try:
            root = values.compose(document)
            value: Any = values.of(root) if root and is_object(root) else None
        except Fault as fault:
            flaw = _flaw(file.path, text, start + fault.index, document, fault.problem)
            if values.exhausted or flaw.may_be_rollout:
                raise UsageError(str(flaw)) from fault
            file.flaws.append(flaw)
            root = value = None
        _add(file, document, root, value)
        start += len(document)


def _flaw(path: Path, text: str, index: int, document: str, problem: str) -> Flaw:
    before = text[:index]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Flaw(f"{path}:{line}:{column}", HELM if "{{" in document else problem, document)


def _add(file: ParsedFile, document: str, root: Any, value: Any) -> None:
    """Adds a document: as one part with one object, or with a part for each item of a List."""
    done = 0
    for item, begin, end, indent in _items(document, root, value):
        file.parts.append(document[done:begin])
        file.objects += _objects(item, _implied(value), ParsedObject({}, len(file.parts), indent=indent))
        file.parts.append(document[begin:end])
        done = end
    if not done:
        file.objects += _objects(value, {}, ParsedObject({}, len(file.parts)))
    file.parts.append(document[done:])


def _items(document: str, root: Any, value: Any) -> Iterator[tuple[Any, int, int, int]]:
    """Yields the items of a List with the start and end of their text and its indentation; none where that is unclear.

    An edit of one item then costs no more than an edit of one object, also in a dump of thousands.
    """
    if not (value and str(value.get("kind")).endswith("List")) or _ALIAS.search(document):
        return
    node = next((node for key, node in root.entries if isinstance(key, Scalar) and key.text == "items"), None)
    if not isinstance(node, Sequence) or node.flow:
        return
    begins = [item.start for item in node.children]
    lines = [document.rfind("\n", 0, index) + 1 for index in [*begins, node.end]]
    for item, line in zip(node.children, lines, strict=False):
        if not isinstance(item, Mapping) or item.flow or not _DASH.fullmatch(document, line, item.start):
            return
    for item, line, begin, end in zip(value["items"], lines, begins, lines[1:], strict=False):
        yield item, begin, end, begin - line


def _objects(value: Any, implied: dict[str, Any], where: ParsedObject) -> Iterator[ParsedObject]:
    """Yields the object, or the objects of a List and of the Lists in it."""
    if not isinstance(value, dict):
        return
    items = value.get("items")
    if not (str(value.get("kind")).endswith("List") and isinstance(items, list)):
        yield replace(where, manifest=value, implied={} if "kind" in value else implied)
        return
    for index, item in enumerate(items):
        yield from _objects(item, _implied(value), replace(where, place=(*where.place, "items", index)))


def _implied(value: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": value.get("apiVersion"), "kind": str(value.get("kind")).removesuffix("List")}
