"""What Istio would report of the workloads: a page for Prometheus to scrape, whose counters go up with time."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.components.prometheus import Exporter, PrometheusServer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tests.bench.objects import App

SCRAPE = 5  # seconds
# The share of requests, in percent, that are answered within so many seconds.
_BUCKETS = {"0.1": 90, "0.25": 98, "0.5": 100, "+Inf": 100}
_ASKED = re.compile(r'^prometheus_http_requests_total\{code="\d+",handler="/api/v1/query"\} (\S+)$', re.MULTILINE)


def page(apps: Collection[App]) -> str:
    """Give the page, with `@90` for 90 times the number that grows: all is well with all canaries and primaries."""
    lines: list[str] = []
    for app in apps:
        for workload in (app.name, app.canary):
            who = f'reporter="destination",destination_workload_namespace="{app.namespace}"'
            who += f',destination_workload="{workload}"'
            lines.append(f'istio_requests_total{{{who},response_code="200"}} @100\n')
            lines += [
                f'istio_request_duration_seconds_bucket{{{who},le="{bound}"}} @{share}\n'
                for bound, share in _BUCKETS.items()
            ]
    return "".join(lines)


def at(text: str, number: int) -> str:
    """Give the page as it is to be scraped."""
    for share in set(_BUCKETS.values()):
        text = text.replace(f"@{share}\n", f"{share * number}\n")
    return text


def queries(server: PrometheusServer) -> int:
    """Give how many instant queries Prometheus has answered, as it counts them itself."""
    text = server.session.get(f"{server.url}/metrics", timeout=10).text
    return sum(int(float(count)) for count in _ASKED.findall(text))


def answered(server: PrometheusServer, app: App) -> bool:
    """Say whether there is a rate of what this app serves."""
    return bool(server.query(f'rate(istio_requests_total{{destination_workload="{app.canary}"}}[1m]) > 0'))


@contextmanager
def prometheus(directory: Path, apps: Collection[App]) -> Iterator[PrometheusServer]:
    """Run a Prometheus that scrapes the traffic of these apps. It has an answer only after two scrapes."""
    text = page(apps)
    with Exporter() as exporter:
        exporter.set(lambda: at(text, int(time.monotonic())))
        with PrometheusServer(directory, config=exporter.scrape_config(interval=f"{SCRAPE}s")) as server:
            yield server
