"""What a manifest in Git states, held against the live object, which has the defaults of its server as well.

Duty: **pure** comparison: whether an object shows what its manifest states, and what a patch to a live object is as a
patch to its manifest. Nothing here reads or writes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from reconcile.clusters.folder.yaml_documents import same
from reconcile.model.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.kinds import Manifest

Path = tuple[str | int, ...]

REPLICAS: Path = ("spec", "replicas")
# The server stores quantities in a form of its own: `1000m` becomes `1`.
QUANTITIES = frozenset({"limits", "requests", "sizeLimit", "divisor"})
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([KMGTPE]i|[numkMGTPE])?)")
_SUFFIXES = {"": Fraction(1)}
_SUFFIXES |= {name: Fraction(1000) ** power for power, name in enumerate("numkMGTPE", start=-3) if name in "num"}
_SUFFIXES |= {name: Fraction(1000) ** power for power, name in enumerate("kMGTPE", start=1)}
_SUFFIXES |= {f"{name}i": Fraction(1024) ** power for power, name in enumerate("KMGTPE", start=1)}
# What tells the items of a list apart, as an apply does: the first that all of them have.
_KEYS = ("mountPath", "containerPort", "topologyKey", "name")


@dataclass(frozen=True, slots=True)
class Difference:
    """The first member that a manifest states and the live object does not have so; None = absent."""

    path: Path
    live: Any
    stated: Any

    def __str__(self) -> str:
        """Say what each of the two has, in the order of time for a step that is on its way."""
        return f"the cluster has {dotted(self.path)} {_told(self.live)}, the checkout {_told(self.stated)}"


def difference(stated: Any, live: Any, path: Path = ("spec",)) -> Difference | None:
    """Find what the live object lacks of what is stated; it may have more members, but no more items of a list.

    Null states nothing, and what a server leaves out when it stores (false, 0, an empty text) is the same as absent.
    Replicas are none or some: how many is the affair of an autoscaler.
    """
    if stated is None:
        return None
    if isinstance(stated, dict) and isinstance(live, dict | None):
        members = live or {}
        found = (difference(value, members.get(key), (*path, key)) for key, value in stated.items())
        return next((item for item in found if item), None)
    if isinstance(stated, list) and isinstance(live, list | None):
        items = live or []
        if len(items) != len(stated):
            return Difference(path, live, stated)
        pairs = enumerate(zip(stated, items, strict=True))
        return next((item for at, pair in pairs if (item := difference(*pair, (*path, at)))), None)
    return None if _equal(stated, live, path) else Difference(path, live, stated)


def _equal(stated: Any, live: Any, path: Path) -> bool:
    if path == REPLICAS:
        return bool(stated) is bool(1 if live is None else live)
    if live is None:
        return stated in (False, 0, "")
    if same(stated, live):
        return True
    if not QUANTITIES & set(path[-2:]):
        return False
    quantities = quantity(stated), quantity(live)
    return None not in quantities and quantities[0] == quantities[1]


def quantity(value: Any) -> Fraction | None:
    """Give the number of a Kubernetes quantity such as `100m`, `1.5Gi` or 2; None for anything else."""
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if match is None or isinstance(value, bool):
        return None
    number, exponent, suffix = match.groups()
    scale = Fraction(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""]
    return Fraction(number) * scale


def dotted(path: Path) -> str:
    """Write a path as people write fields: `spec.http[0].route[1].weight`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _told(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list):
        return f"with {len(value)} item{'' if len(value) == 1 else 's'}"
    return shown(value)


def partner(item: Any, among: Any, at: int) -> Any:
    """Find the item of another list that an apply would take for this one; None where it has none."""
    if not isinstance(among, list):
        return None
    key = key_of([item, *among])
    if key is None:
        return among[at] if at < len(among) else None
    return next((other for other in among if other[key] == item[key]), None)


def key_of(items: Sequence[Any]) -> str | None:
    """Give the member that tells the items of a list apart; None where they are told apart by their place."""
    return next((key for key in _KEYS if all(isinstance(item, dict) and key in item for item in items)), None)


def member(manifest: Manifest, path: Path) -> Any:
    """Give what stands at a path; None where nothing does."""
    value: Any = manifest
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def parts(pointer: str) -> Path:
    """Take a JSON pointer apart: `/spec/http/0` is spec, http, 0."""
    names = (name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:])
    return tuple(int(name) if name.isdigit() else name for name in names)
