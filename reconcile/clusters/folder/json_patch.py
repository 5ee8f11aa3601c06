"""A JSON patch applied to a parsed object, by the rules of the API server."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconcile.clusters.folder.objects import as_served, ref_to
from reconcile.clusters.json_equality import json_equal
from reconcile.model.errors import LostRaceError, RefusedError

if TYPE_CHECKING:
    from reconcile.clusters.folder.parsed_file import ParsedObject
    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Operation, Patch


def patched(item: ParsedObject, patch: Patch, default_namespace: str) -> Manifest:
    """Returns the manifest after the patch. Raises LostRaceError for a failed `test`, RefusedError for other faults."""
    # Only a pass that writes pays for the import.
    from jsonpatch import JsonPatch, JsonPatchException, JsonPointerException  # noqa: PLC0415 - as above

    result: Any = deepcopy(item.manifest)
    for operation in patch.operations:
        try:
            if operation.get("op") == "test":
                _test(as_served(replace(item, manifest=result), default_namespace), operation, patch)
                continue
            _check_paths(operation, patch)
            result = JsonPatch([operation]).apply(result, in_place=True)
        except (JsonPatchException, JsonPointerException, TypeError, KeyError, IndexError, ValueError) as error:
            text = f"{operation.get('op')} {operation.get('path')}"
            raise RefusedError(f"{patch.target}: {text} does not fit: {error}") from error
    try:
        ref = ref_to(replace(item, manifest=result), default_namespace)
    except RefusedError as error:
        raise RefusedError(f"{patch.target}: the patch leaves {error}") from error
    if ref != patch.target:
        raise RefusedError(f"{patch.target}: the patch makes another object of it")
    return result  # type: ignore[no-any-return]  # a dict, or it would have another name


def _test(manifest: Manifest, operation: Operation, patch: Patch) -> None:
    from jsonpatch import JsonPointer, JsonPointerException  # noqa: PLC0415 - only a pass that writes pays for it

    pointer, wanted = JsonPointer(operation["path"]), operation["value"]
    try:
        value = pointer.resolve(manifest)
    except JsonPointerException as error:
        raise LostRaceError(f"{patch.target}: {operation['path']} is not there any more") from error
    # Not by jsonpatch: its older releases, which the project admits, take 1 for true.
    if not json_equal(value, wanted):
        raise LostRaceError(f"{patch.target}: {operation['path']} is no longer {wanted!r}")


def _check_paths(operation: Operation, patch: Patch) -> None:
    """Raises ValueError where a patch of the status writes something else, or another patch the status.

    The API server has the same rule: the status is a subresource.
    """
    for name in ("path", "from") if operation.get("op") == "move" else ("path",):
        parts = str(operation[name]).split("/")
        if len(parts) == 1:
            raise ValueError("only parts of an object can be written")
        if (parts[1:2] == ["status"]) != (patch.subresource == "status"):
            part = "the status" if patch.subresource == "status" else "anything but the status"
            raise ValueError(f"only {part} can be written this way")
