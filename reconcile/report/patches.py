"""`-o patch`: the JSON patches of a pass as the `patches:` list of a kustomization.

kustomize has no subresources: status patches are left out, and a comment says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconcile.report.plain_data import plain
from reconcile.report.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.plan import Patch, Record

# Special characters of Go's regular expressions: kustomize reads the name and namespace of a target as one.
_META = re.compile(r"[\\.+*?()|\[\]{}^$]")


def render(records: Iterable[Record]) -> str:
    """Returns the `patches:` list of all records in their order, with a newline at its end."""
    return render_patches([patch for record in records for patch in record.plan.patches])


def render_patches(patches: Iterable[Patch]) -> str:
    """Returns the `patches:` list of these patches, without those on a subresource."""
    every = list(patches)
    kept = [patch for patch in every if not patch.subresource]
    return _left_out_comment(len(every) - len(kept)) + to_yaml({"patches": [_entry(patch) for patch in kept]})


def _left_out_comment(count: int) -> str:
    if not count:
        return ""
    what = "1 patch on a subresource (status) is" if count == 1 else f"{count} patches on a subresource (status) are"
    return f"# {what} left out: kustomize has no subresources.\n"


def _entry(patch: Patch) -> dict[str, Any]:
    kind = patch.target.kind
    target = {"group": kind.group} if kind.group else {}
    # No version: Git may hold the object in another served version than the pass read.
    target |= {"kind": kind.name, "name": _literal(patch.target.name), "namespace": _literal(patch.target.namespace)}
    # A manifest in Git has no generation; its values are still tested.
    operations = [operation for operation in patch.operations if operation["path"] != "/metadata/generation"]
    return {"target": target, "patch": to_yaml(plain(operations)).removesuffix("\n")}


def _literal(name: str) -> str:
    return _META.sub(r"\\\g<0>", name)
