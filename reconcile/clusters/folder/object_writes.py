"""One object written into its file: changed where it stands, or added as a new document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.clusters.folder import json_text
from reconcile.clusters.folder.file_write import store
from reconcile.clusters.folder.index import Entry
from reconcile.clusters.folder.parsed_file import ParsedFile, ParsedObject
from reconcile.clusters.folder.sources import STDIN
from reconcile.clusters.folder.yaml_edits import UneditableError, rewrite
from reconcile.clusters.folder.yaml_writer import document
from reconcile.clusters.json_equality import json_equal
from reconcile.model.errors import LostRaceError, MissingError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconcile.clusters.folder.index import Index
    from reconcile.clusters.folder.sources import Sources
    from reconcile.model.kinds import Manifest, Ref

ATTEMPTS = 10
"""How often a write is tried while others write the same file."""


def change(index: Index, sources: Sources, ref: Ref, new_value: Callable[[ParsedObject], Manifest]) -> None:
    """Replaces an object by its `new_value`, which is computed again if the file changes during the write.

    Messages name files as `sources` do.

    Raises MissingError without the object, RefusedError where its file cannot be edited, LostRaceError after ATTEMPTS.
    """
    for _ in range(ATTEMPTS):
        entry = index.current(ref)
        if entry is None:
            raise MissingError(f"{ref} is not in {sources}")
        file, item = entry
        if file.path == STDIN:
            raise RefusedError(f"{ref} cannot be changed: {STDIN} can only be read")
        wanted = new_value(item)
        if json_equal(wanted, item.manifest):
            return
        parts = file.parts.copy()
        try:
            parts[item.part] = _rewritten(file, item, wanted)
        except UneditableError as error:
            raise RefusedError(f"{ref} in {sources.shown(file.path)} cannot be changed there: {error}") from error
        if store(file, parts):
            item.manifest = wanted
            return
    raise contended(ref)


def _rewritten(file: ParsedFile, item: ParsedObject, wanted: Manifest) -> str:
    text = file.parts[item.part]
    return (
        json_text.rewrite(text, item.place, wanted) if file.is_json else rewrite(text, item.place, wanted, item.indent)
    )


def append(index: Index, file: ParsedFile, ref: Ref, manifest: Manifest) -> bool:
    """Adds a document at the end of a file; returns False if the file has changed."""
    text = file.text
    newline = "\r\n" if "\r\n" in text else "\n"
    added = ("---\n" if text else "") + document(manifest)
    parts = [*file.parts, "" if not text or text.endswith("\n") else newline, added.replace("\n", newline)]
    if not store(file, parts):
        return False
    index.add(ref, Entry(file, ParsedObject(manifest, len(parts) - 1)))
    return True


def contended(ref: Ref) -> LostRaceError:
    """Returns the error of a write that lost all its ATTEMPTS."""
    return LostRaceError(f"the file of {ref} is being written by somebody else all the time")
