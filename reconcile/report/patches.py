"""`-o patch`: the JSON patches of a pass as the `patches:` list of a kustomization.

Duty: Patches -> text that kustomize takes as it is, under a `resources:` list or in a file of its own. kustomize
knows no subresources, so status patches are left out, and the text says so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reconcile.report.record import plain
from reconcile.report.yaml_text import to_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconcile.model.plan import Patch, Record

# What Go's regular expressions give a meaning; kustomize anchors and compiles the name and namespace of a target.
_META = re.compile(r"[\\.+*?()|\[\]{}^$]")


def render(records: Iterable[Record]) -> str:
    """Give the `patches:` list of all records, in their order, ending in a newline."""
    return render_patches([patch for record in records for patch in record.plan.patches])


def render_patches(patches: Iterable[Patch]) -> str:
    """Give the `patches:` list of some patches, without those on a subresource."""
    every = list(patches)
    whole = [patch for patch in every if not patch.subresource]
    return _left_out(len(every) - len(whole)) + to_yaml({"patches": [_entry(patch) for patch in whole]})


def _left_out(count: int) -> str:
    if not count:
        return ""
    what = "1 patch on a subresource (status) is" if count == 1 else f"{count} patches on a subresource (status) are"
    return f"# {what} left out: kustomize has no subresources.\n"


def _entry(patch: Patch) -> dict[str, Any]:
    kind = patch.target.kind
    target = {"group": kind.group} if kind.group else {}
    # No version: whoever applies this may keep the object under another served version than the pass read.
    target |= {"kind": kind.name, "name": _literal(patch.target.name), "namespace": _literal(patch.target.namespace)}
    # Manifests in Git have no generation to be tested; the values are tested all the same.
    operations = [operation for operation in patch.operations if operation["path"] != "/metadata/generation"]
    return {"target": target, "patch": to_yaml(plain(operations)).removesuffix("\n")}


def _literal(name: str) -> str:
    return _META.sub(r"\\\g<0>", name)
