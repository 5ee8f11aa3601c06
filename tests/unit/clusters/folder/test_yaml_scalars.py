"""Scalars as kubectl reads them."""

from __future__ import annotations

import pytest

from reconcile.clusters.folder.yaml_documents import read
from reconcile.clusters.folder.yaml_scalars import is_plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("on", True),
        ("y", True),
        ("No", False),
        ("oN", "oN"),
        ("~", None),
        ("", None),
        ("null", None),
        ("nuLL", "nuLL"),
        ("1", 1),
        ("+12", 12),
        ("-0x1F", -31),
        ("0644", 420),
        ("0o17", 15),
        ("0b101", 5),
        ("1_000", 1000),
        ("089", 89.0),
        ("1:30", "1:30"),
        ("1.", 1.0),
        ("1.50", 1.5),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("1e3", 1000.0),
        ("9223372036854775807", 2**63 - 1),
        ("18446744073709551616", 18446744073709551616.0),
        ("9" * 5000, "9" * 5000),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("...x", "...x"),
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00Z"),
        ("2024-05-01", "2024-05-01"),
        ("1m", "1m"),
        ("=", "="),
    ],
)
def test_a_scalar_is_what_kubectl_reads(text: str, expected: object) -> None:
    value = read(f"- {text}")[0]
    assert value == expected
    assert type(value) is type(expected)
    assert not is_plain(text) or value == text
