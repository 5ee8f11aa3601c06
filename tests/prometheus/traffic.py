"""The traffic of the workloads: samples every 15 seconds for five minutes up to `AT`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.components.prometheus import Series

AT = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
STEP = 15
SAMPLES = 21

# By workload: response codes, and the number of requests between two samples.
REQUESTS: dict[str, dict[str, int]] = {
    "good": {"200": 20, "404": 5},
    "mixed": {"200": 90, "302": 5, "500": 3, "503": 2},
    "only-errors": {"500": 7},
    "only-errors-now": {"200": 0, "503": 7},
    "idle": {"200": 0},
    "idle-after-errors": {"500": 0},
}

# By workload: gRPC statuses, and the number of calls between two samples. The HTTP code of each call is 200.
CALLS: dict[str, dict[str, int]] = {
    "calls-good": {"0": 20, "5": 5},
    "calls-mixed": {"0": 90, "7": 5, "13": 3, "14": 2},
    "calls-all-fail": {"14": 7},
    "calls-idle": {"0": 0},
}

# Names with a meaning in PromQL, regular expressions or Jinja2, and names that they would match if it had an effect.
NAMES = (
    "a",
    "b",
    "ab",
    "a.b",
    "axb",
    "a-b",
    "a|b",
    "a\\b",
    "a\\.b",
    "a\nb",
    "a\tb",
    'a"b',
    "a'b",
    "a`b",
    "[ab]",
    "(a)",
    "a*",
    "a+",
    "a?",
    "a{2}",
    "aa",
    "A",
    "(?i)a",
    "^a$",
    ".*",
    ".+",
    'x",reporter=~".*',
    'x"} or vector(100) #',
    "{{ interval }}",
    "{% if",
    "# c",
    "ünï-😀",
    "a b",
    "\\",
    "\\n",
    "\\x61",
)

# By workload: cumulative requests by bucket (upper bound in milliseconds) between two samples. The 99th of 100 is in
# the middle of the bucket that ends at 500, 1000 or 2500.
FAST = {100.0: 90, 250.0: 98, 500.0: 100}
SLOW = {250.0: 90, 500.0: 98, 1000.0: 100}
SLOWER = {500.0: 90, 1000.0: 98, 2500.0: 100}
IDLE = {100.0: 0, 250.0: 0, 500.0: 0}
P99 = {"fast": 375.0, "slow": 750.0, "slower": 1750.0}
DURATIONS: dict[str, tuple[dict[float, int] | None, dict[float, int] | None]] = {
    "fast-in-seconds": (FAST, None),
    "fast-in-milliseconds": (None, FAST),
    "fast-in-both": (FAST, FAST),
    "slower-in-seconds": (SLOWER, SLOW),
    "slower-in-milliseconds": (FAST, SLOW),
    "idle-in-seconds": (IDLE, SLOW),
    "idle-in-milliseconds": (SLOW, IDLE),
    "idle-only-in-seconds": (IDLE, None),
    "idle-in-both": (IDLE, IDLE),
}


def share(name: str) -> int:
    """Returns the percentage of successful requests to the workload of this name: no two have the same."""
    return NAMES.index(name) + 10


def series() -> Iterator[Series]:
    """Yields all series, with those that must not count: other reporters, other namespaces, the primary."""
    for workload, codes in REQUESTS.items():
        yield from _requests("test", workload, codes)
        yield from _requests("test", f"{workload}-primary", {"500": 11})
        yield from _requests("test-2", workload, {"500": 11})
        yield from _requests("test", workload, {"500": 13}, reporter="source")
        yield from _requests("test", f"{workload}-ambient", codes, reporter="waypoint")
    for workload, statuses in CALLS.items():
        for status, count in statuses.items():
            labels = _labels("test", workload, "destination") | {"response_code": "200", "grpc_response_status": status}
            yield "istio_requests_total", labels, _samples(count)
    for name in NAMES:
        codes = {"200": share(name), "500": 100 - share(name)}
        yield from _requests("names", name, codes)
        yield from _requests(name, "names", codes)
    for workload, (seconds, milliseconds) in DURATIONS.items():
        yield from _durations("istio_request_duration_seconds_bucket", workload, seconds or {}, per_second=1000)
        yield from _durations("istio_request_duration_milliseconds_bucket", workload, milliseconds or {}, per_second=1)


def _requests(
    namespace: str, workload: str, codes: Mapping[str, int], reporter: str = "destination"
) -> Iterator[Series]:
    for code, count in codes.items():
        labels = _labels(namespace, workload, reporter) | {"response_code": code}
        yield "istio_requests_total", labels, _samples(count)


def _durations(name: str, workload: str, buckets: Mapping[float, int], *, per_second: int) -> Iterator[Series]:
    for namespace, reporter, factor in (
        ("test", "destination", 1),
        ("test", "source", 3),
        ("test", "waypoint", 2),
        ("test-2", "destination", 3),
    ):
        bounds = {f"{bound * factor / per_second:g}": count for bound, count in buckets.items()}
        if buckets:
            bounds["+Inf"] = max(buckets.values())
        for le, count in bounds.items():
            yield name, _labels(namespace, workload, reporter) | {"le": le}, _samples(count)


def _labels(namespace: str, workload: str, reporter: str) -> dict[str, str]:
    names = {"destination_workload_namespace": namespace, "destination_workload": workload, "reporter": reporter}
    return {label: _escaped(value) for label, value in names.items()}


def _escaped(value: str) -> str:
    """Returns a label value as the text format has it."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _samples(count: int) -> list[tuple[float, float]]:
    first = AT.timestamp() - (SAMPLES - 1) * STEP
    return [(first + number * STEP, 1000 + number * count) for number in range(SAMPLES)]
