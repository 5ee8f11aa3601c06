"""Quantities of Kubernetes."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.clusters.git.quantities import quantity


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("1", 1000), ("100m", 100), (".5", 500), ("1.5k", 1_500_000), ("1e3", 1_000_000), ("1E-3", 1),
        ("2Ki", 2_048_000), ("1E", 10**21), (2, 2000), (0.1, 100), ("-1", -1000),
    ],
)  # fmt: skip
def test_quantities_are_numbers(text: Any, thousandths: int) -> None:
    assert quantity(text) == quantity(f"{thousandths}m")
    assert quantity(text) is not None


@pytest.mark.parametrize("text", ["", "1 Gi", "x", "1ki", None, True, [1], "1e9999"])
def test_what_is_no_quantity_is_none(text: Any) -> None:
    assert quantity(text) is None
