"""Two weeks of two metrics in a real Prometheus, and what a backtest of them takes: the figures of `make backtest`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import requests

from tests.apiserver.steering import Steerer
from tests.bench.play import machine
from tests.components.prometheus import PrometheusServer, openmetrics
from tests.support import recorded
from tests.support.paths import DOCS
from tests.support.program import example

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.components.prometheus import Series

DAYS, SCRAPE, DAY = 14, 30, 86_400
END = 1_767_830_400
"""The 8th of January 2026, in seconds."""
SECONDS, MEGABYTES = 20, 200
"""The bounds."""
PICTURE = DOCS / "backtest.svg"
LIMITS = "    onFailure: Rollback\n    failureLimit: 3\n    stepDeadline: 30m\n    deadline: 3h\n"
METRICS = {
    "istio_requests_total": "threshold: 99, interval: 2m",
    "istio_request_duration_milliseconds_bucket": "threshold: 500, interval: 2m",
}
# What is asked of the metrics beside their thresholds, and of the release.
CASES = {
    "thresholds": ("", ""),
    "thresholds and `minRequests`, of releases of an hour": (", minRequests: 50", "1h"),
    "`comparison` with `falseAlarmRate`, beside the thresholds": (
        ", comparison: {maxRatio: 1.5, falseAlarmRate: 0.05}",
        "",
    ),
}
_BUCKETS = (100, 250, 500, 1000, 2500, "+Inf")


def series() -> Iterator[Series]:
    """Yields two weeks of a service with a day and a night: four times the requests at noon, and errors in bursts."""
    random = Random(16)  # noqa: S311 - no secret
    times = range(END - DAYS * DAY - 3600, END + 1, SCRAPE)
    counts: dict[tuple[str, str], list[tuple[float, float]]] = {}
    sums: dict[tuple[str, str], int] = {}
    for at in times:
        day = 1 - abs((at % DAY) / DAY - 0.5) * 2
        served = int((60 + 240 * day) * random.uniform(0.8, 1.2))
        bad = int(served * (0.05 if random.random() < 0.0005 else 0.001) * random.expovariate(1))
        slow = min(served, int(served * 0.004 * random.expovariate(1)))
        added = {("code", "200"): served - bad, ("code", "500"): bad}
        for place, edge in enumerate(_BUCKETS):
            share = (0.6, 0.9, 1.0, 1.0, 1.0, 1.0)[place]
            added["le", str(edge)] = int((served - slow) * share) + (slow if place > 2 else 0)
        for key, count in added.items():
            sums[key] = sums.get(key, 10_000_000) + count
            counts.setdefault(key, []).append((float(at), float(sums[key])))
    labels = {
        "reporter": "destination",
        "destination_workload_namespace": "test",
        "destination_workload": "podinfo",
    }
    for (kind, value), samples in counts.items():
        if kind == "code":
            yield "istio_requests_total", labels | {"response_code": value}, samples
        else:
            yield "istio_request_duration_milliseconds_bucket", labels | {"le": value}, samples


def manifests(folder: Path, more: str) -> Path:
    """Writes the example with these metrics, up to half of the traffic, and a failure policy."""
    made = example(folder, metrics=False)
    file = made / "rollouts" / "podinfo.yaml"
    text = file.read_text(encoding="utf-8").replace("maxWeight: 100", "maxWeight: 50")
    metrics = "".join(f"      - {{name: {name}, {asked}{more}}}\n" for name, asked in METRICS.items())
    file.write_text(f"{text}{LIMITS}    metrics:\n{metrics}", encoding="utf-8")
    return made


def measured(scratch: Path) -> tuple[dict[str, Any], str]:
    """Returns the figures of each case, and the picture of the first."""
    with PrometheusServer(scratch / "prometheus", openmetrics=openmetrics(series()), blocks="60d") as server:
        program = Steerer(kubeconfig="/dev/null", metrics=server.url, seconds=600)
        cases, picture = {}, ""
        for number, (name, (more, length)) in enumerate(CASES.items()):
            folder, before = manifests(scratch / f"case-{number}", more), asked(server.url)
            options = ["-f", str(folder), "--until", "2026-01-08T00:00:00Z", "-o", "json"]
            done, used = program.measured(scratch, "backtest", *options, *(["--length", length] if length else []))
            counted = asked(server.url) - before
            picture = picture or program("backtest", *options[:-1], "svg").out
            [found] = json.loads(done.out)["rollouts"]
            cases[name] = {
                "checks": found["checks"],
                "releases": found["releases"],
                "requests": counted,
                "seconds": round(used.wall, 2),
                "cpu": round(used.cpu, 2),
                "megabytes": round(used.peak / 2**20, 1),
            }
    return {"machine": machine(), "cases": cases}, picture


def asked(url: str) -> int:
    """Returns how many queries over a window the server has answered."""
    text = requests.get(f"{url}/metrics", timeout=10).text
    found = re.findall(
        r'^prometheus_http_requests_total\{.*handler="/api/v1/query_range".*\} (\S+)$', text, re.MULTILINE
    )
    return int(sum(map(float, found)))


def parts(figures: Mapping[str, Any]) -> dict[str, str]:
    """Returns the table of the page."""
    rows = (
        (
            name,
            f"{case['checks']:,}",
            f"{case['releases']:,}",
            str(case["requests"]),
            f"{case['seconds']:.1f} s",
            f"{case['megabytes']:.0f} MB",
        )
        for name, case in figures["cases"].items()
    )
    head = (
        "two metrics, two weeks",
        "checks",
        "releases",
        "requests",
        f"time ({SECONDS} s)",
        f"memory ({MEGABYTES} MB)",
    )
    told = ", ".join(f"{what} {value}" for what, value in figures["machine"].items() if what != "Kubernetes")
    return {"figures": f"{recorded.table(head, rows)}\nmachine {told.removeprefix('machine ')}\n"}


def broken(figures: Mapping[str, Any]) -> list[str]:
    """Returns the cases that took more than the bounds."""
    return [
        name for name, case in figures["cases"].items() if case["seconds"] > SECONDS or case["megabytes"] > MEGABYTES
    ]


RECORD = recorded.Record(
    command="make backtest", file=Path(__file__).parent / "weeks.json", parts=parts, page=DOCS / "reports.md"
)
