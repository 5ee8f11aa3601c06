"""How cost grows with N: a line through the points, and what the last step of N makes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]
"""N and the cost."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """Cost = `fixed` + `each` * N, fitted so that each point is missed by as small a part of itself as can be.

    `last` is by how much more the cost grew than N, from the last point but one to the last: 1 = in proportion, less is
    better. None with one point.
    """

    fixed: float
    each: float
    last: float | None


def growth(points: Sequence[Point]) -> Growth:
    """Fit it: weighted least squares, the weight of a point being 1 / cost squared."""
    weighted = [(1 / max(cost, 1e-9) ** 2, n, cost) for n, cost in points]
    whole = sum(weight for weight, _, _ in weighted)
    mean_n = sum(weight * n for weight, n, _ in weighted) / whole
    mean = sum(weight * cost for weight, _, cost in weighted) / whole
    spread = sum(weight * (n - mean_n) ** 2 for weight, n, _ in weighted)
    each = sum(weight * (n - mean_n) * (cost - mean) for weight, n, cost in weighted) / spread if spread else 0.0
    return Growth(fixed=mean - each * mean_n, each=each, last=_last(sorted(points)))


def _last(points: Sequence[Point]) -> float | None:
    if len(points) < 2:
        return None
    (n, cost), (more, dearer) = points[-2:]
    return (dearer / cost) / (more / n) if cost else None
