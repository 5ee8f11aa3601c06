"""Whether a live object shows what its manifest declares; the object has the default values of the server as well."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from reconcile.clusters.git.quantities import quantity
from reconcile.clusters.json_equality import json_equal
from reconcile.model.paths import Path, dotted
from reconcile.model.text import shown

REPLICAS: Path = ("spec", "replicas")
# The server stores quantities in its own form: `1000m` becomes `1`.
QUANTITIES = frozenset({"limits", "requests", "sizeLimit", "divisor"})


class Difference(Struct, frozen=True):
    """The first field whose live value is not the declared one; None = absent."""

    path: Path
    live: Any
    declared: Any

    def __str__(self) -> str:
        """Returns both values, in words for a step that is in progress."""
        return f"the cluster has {dotted(self.path)} {_words(self.live)}, the checkout {_words(self.declared)}"


def difference(declared: Any, live: Any, path: Path = ("spec",)) -> Difference | None:
    """Returns the first declared value that the live object lacks; None if it has all of them.

    The live object may have more fields, but no more items of a list. Null declares nothing. What a server leaves out
    when it stores an object (false, 0, an empty text) is equal to absent. Replicas are equal where both are 0 or both
    are not: an autoscaler may change their number.
    """
    if declared is None:
        return None
    if isinstance(declared, dict) and isinstance(live, dict | None):
        fields = live or {}
        found = (difference(value, fields.get(key), (*path, key)) for key, value in declared.items())
        return next((item for item in found if item), None)
    if isinstance(declared, list) and isinstance(live, list | None):
        items = live or []
        if len(items) != len(declared):
            return Difference(path, live, declared)
        pairs = enumerate(zip(declared, items, strict=True))
        return next((item for at, pair in pairs if (item := difference(*pair, (*path, at)))), None)
    return None if _equal(declared, live, path) else Difference(path, live, declared)


def _equal(declared: Any, live: Any, path: Path) -> bool:
    if path == REPLICAS:
        return bool(declared) is bool(1 if live is None else live)
    if live is None:
        return declared in (False, 0, "")
    if json_equal(declared, live):
        return True
    if not QUANTITIES & set(path[-2:]):
        return False
    quantities = quantity(declared), quantity(live)
    return None not in quantities and quantities[0] == quantities[1]


def _words(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list):
        return f"with {len(value)} item{'' if len(value) == 1 else 's'}"
    return shown(value)
