"""Quantities of Kubernetes, such as `100m` or `1.5Gi`, as numbers."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([KMGTPE]i|[numkMGTPE])?)")
_SUFFIXES = {"": Fraction(1)}
_SUFFIXES |= {name: Fraction(1000) ** power for power, name in enumerate("numkMGTPE", start=-3) if name in "num"}
_SUFFIXES |= {name: Fraction(1000) ** power for power, name in enumerate("kMGTPE", start=1)}
_SUFFIXES |= {f"{name}i": Fraction(1024) ** power for power, name in enumerate("KMGTPE", start=1)}


def quantity(value: Any) -> Fraction | None:
    """Returns the number of a quantity such as `100m`, `1.5Gi` or 2; None for anything else."""
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if match is None or isinstance(value, bool):
        return None
    number, exponent, suffix = match.groups()
    scale = Fraction(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""]
    return Fraction(number) * scale
