"""What people read of `lint` and `check`, and what programs do."""

from __future__ import annotations

import io

from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.preflight.findings import Examined, Finding, Level, Result
from reconcile.report.console import console_for
from reconcile.report.preflight import data, print_preflight

PODINFO = Ref(ROLLOUT, "test", "podinfo")


def finding(level: Level, thing: str, message: str, path: str = "", advice: str = "") -> Finding:
    return Finding(level=level, object=thing, message=message, path=path, advice=advice)


EXAMINED = [
    Examined(rollout=None, results=(Result(check="rights", summary="all of them"),)),
    Examined(
        rollout=PODINFO,
        results=(
            Result(check="rollout", findings=(finding(Level.ERROR, str(PODINFO), "is wrong", "spec.a", "mend it"),)),
            Result(check="deployments", incomplete="Deployment podinfo.test is missing"),
            Result(
                check="services",
                findings=(
                    finding(Level.WARNING, "Service podinfo.test", "Service podinfo.test has no pods", "spec.selector"),
                    finding(Level.WARNING, "Service podinfo.test", "Service podinfo.test is odd\x1b[31m"),
                ),
            ),
            Result(check="steps", findings=(finding(Level.INFO, "other", "take a while"),)),
        ),
    ),
]


def printed(*, encoding: str = "utf-8") -> list[str]:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    print_preflight(EXAMINED, console_for(stream), "Cluster")
    stream.flush()
    return raw.getvalue().decode(encoding).splitlines()


def test_every_check_has_its_line_and_every_finding_its_object_once() -> None:
    assert printed() == [
        "Cluster  nothing in the way",
        "  ✓ rights  all of them",
        "",
        "podinfo.test  1 error, 2 warnings",
        "  ✗ rollout      spec.a: is wrong",
        "                 mend it",
        "  · deployments  not looked at in full: Deployment podinfo.test is missing",
        "  ! services     Service podinfo.test: spec.selector: has no pods",
        "  ! services     Service podinfo.test is odd\\x1b[31m",
        "  i steps        other: take a while",
        "",
        "1 Rollout: 1 error, 2 warnings",
    ]


def test_a_console_without_unicode_can_show_it() -> None:
    assert "  x rollout      spec.a: is wrong" in printed(encoding="ascii")


def test_programs_get_every_check_and_every_finding() -> None:
    document = data(EXAMINED)
    assert document["counts"] == {"error": 1, "warning": 2, "info": 1}
    assert [(item["rollout"] or {}).get("name") for item in document["results"]] == [None, *["podinfo"] * 4]
    assert document["results"][1]["findings"] == [
        {
            "level": "error",
            "object": "Rollout podinfo.test",
            "path": "spec.a",
            "message": "is wrong",
            "advice": "mend it",
        }
    ]
