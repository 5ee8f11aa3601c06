"""The hash of a pod template, which names a revision of the canary."""

from __future__ import annotations

import hashlib
import json
from typing import Any

VERSION = "v1"
DIGITS = 20


def revision(template: Any) -> str:
    """Returns the revision of a pod template, e.g. `v1-3f9a…`. The order and spelling of its fields do not matter."""
    text = json.dumps(canonical(template), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{VERSION}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:DIGITS]}"


def revision_without_annotations(template: Any) -> str:
    """Returns the revision of a pod template but for its annotations, which every restart changes."""
    metadata = template.get("metadata") or {}
    return revision(template | {"metadata": {key: metadata[key] for key in metadata if key != "annotations"}})


def canonical(value: Any) -> Any:
    """Returns the value without null and empty members, at every depth: servers add and omit them.

    An empty string stays: as the value of a label it is not the same as no label. Items of lists stay as well: their
    order and number mean something.
    """
    if isinstance(value, dict):
        members = {str(key): canonical(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not None and member not in ({}, [])}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return value
