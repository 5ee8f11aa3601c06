"""Names of objects and hosts."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.model.names import is_object_name, short_host


@pytest.mark.parametrize("name", ["a", "A_b", "a..b", "${NAME}", "x" * 253, "é"])
def test_what_can_be_a_part_of_a_path_can_be_a_name(name: str) -> None:
    assert is_object_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/etc/passwd", "../a", "a%2fb", "a\nb", "\x1b", "x" * 254, 5, None, {}]
)
def test_what_leads_elsewhere_is_no_name(name: Any) -> None:
    assert not is_object_name(name)


@pytest.mark.parametrize(
    ("host", "short"),
    [
        ("podinfo", "podinfo"),
        ("podinfo.test", "podinfo"),
        ("podinfo.test.svc", "podinfo"),
        ("podinfo.test.svc.cluster.local", "podinfo"),
        ("podinfo.other", None),
        ("podinfo.test.svc.cluster", "podinfo"),
        ("podinfo.test.test", None),
        ("podinfo.svc", None),
        ("podinfo.test.", None),
        (".test", None),
        ("", None),
        ("example.com", None),
    ],
)
def test_hosts_of_the_own_namespace_are_services(host: str, short: str | None) -> None:
    assert short_host(host, "test") == short
