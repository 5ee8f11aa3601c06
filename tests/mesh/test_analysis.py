"""What an analysis makes of real requests: beside those of the primary, too few of them, and none at all.

The parts are those of test_mesh. Beside the requests of users, which go by the stored weights and are answered well,
each workload is asked for errors, so that the share of them is known.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.components.mesh import DEFAULT_RATE
from tests.mesh.release import SUCCESS, WINDOW, measurement, messages, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.mesh.release import Release

CHECK: dict[str, Any] = {"name": SUCCESS, "interval": WINDOW}
ABSOLUTE = CHECK | {"threshold": 99}
RATIO = CHECK | {"comparison": {"maxRatio": 2}}
SEQUENTIAL = CHECK | {"comparison": {"maxRatio": 2, "falseAlarmRate": 0.05}}
FAILS = "/status/500"
ENOUGH = 150
WINDOW_S = int(WINDOW.removesuffix("s"))


def test_a_canary_is_held_against_its_primary_and_never_against_nothing(release: Release) -> None:
    with release.routed_as_before():
        begins_only_where_there_are_series(release)
        has_no_traffic(release)
    has_too_few_requests(release)
    fails_five_times_as_often(release)
    fails_as_often_as_its_primary(release)


def begins_only_where_there_are_series(release: Release) -> None:
    query = 'sum(rate(istio_requests_total{destination_app="{{ workload }}"}[{{ interval }}]))'
    wrong = {"name": "requests", "query": query, "thresholdRange": {"min": 1}, "interval": WINDOW}
    measured_by(release, wrong)
    record = release.run_pass()
    assert (record["move"], release.weights()) == ("halt", (100, 0))
    [message] = messages(record)
    assert message.startswith(f"Halt rollout {release.full_name} requests: no series for podinfo-canary, nor for its ")
    right = query.replace("destination_app", "destination_workload")
    measured_by(release, wrong | {"query": right})
    assert release.run_pass()["move"] == "start"


def has_no_traffic(release: Release) -> None:
    """The route gives it 30 %, but no request has come: no data, whatever the primary has."""
    for metric in (ABSOLUTE, RATIO, ABSOLUTE | {"minRequests": 1}):
        held = analysed(release, metric)
        assert (held["move"], measurement(held, SUCCESS)["verdict"]) == ("halt", "no data")
    failed = analysed(release, ABSOLUTE | {"onNoData": "Fail"})
    assert (failed["move"], measurement(failed, SUCCESS)["verdict"]) == ("halt", "failed")
    assert messages(failed)[0].endswith("a failure by onNoData")
    skipped = analysed(release, ABSOLUTE | {"onNoData": "Pass"})
    assert (skipped["move"], measurement(skipped, SUCCESS)["verdict"]) == ("advance", "skipped")
    assert release.weights() == (40, 60)


def has_too_few_requests(release: Release) -> None:
    release.wait_routed()
    release.wait_seen(release.mesh.canary)
    record = analysed(release, ABSOLUTE | {"minRequests": 500})
    assert (record["move"], measurement(record, SUCCESS)["verdict"]) == ("halt", "no data")
    [message] = messages(record)
    found = re.fullmatch(rf"Halt rollout {release.full_name} success rate: no data \((\d+) of 500 requests\)", message)
    assert found, message
    assert 0 < int(found[1]) <= DEFAULT_RATE * WINDOW_S


def fails_five_times_as_often(release: Release) -> None:
    """Of the primary's requests 3 of 35 fail, of the canary's 18 of 42.

    A window of that is evidence of hundreds to 1: with half of the errors it is not surely above the limit.
    """
    with failing(release, primary=1.5, canary=18):
        wait_for(
            lambda: errors(release) > ENOUGH and 4 < times_as_often(release) < 6,
            "the canary to fail five times as often",
        )
        record = analysed(release, RATIO)
        assert (record["move"], measurement(record, SUCCESS)["verdict"]) == ("halt", "failed")
        [message] = messages(record)
        words = r"success rate \d\d\.\d\d%, primary 9\d\.\d\d%, short of 100% by (.*)% and (.*)%: (.*) > 2 times"
        found = re.fullmatch(rf"Halt rollout {release.full_name} {words}", message)
        assert found, message
        mine, theirs, ratio = map(float, found.groups())
        assert ratio == pytest.approx(mine / theirs, rel=0.01)
        assert 3 < ratio < 7

        record = analysed(release, SEQUENTIAL)
        assert (record["move"], measurement(record, SUCCESS)["verdict"]) == ("halt", "failed")
        [message] = messages(record)
        assert re.search(r"evidence .* to 1 that the canary is worse than 2 times the primary, limit 20 to 1", message)


def fails_as_often_as_its_primary(release: Release) -> None:
    """A third of the requests to either fails: that is no fault of the canary, and no reason to wait."""
    with failing(release, primary=8, canary=12):
        wait_for(lambda: 0.8 < times_as_often(release) < 1.25, "both to fail alike")
        assert analysed(release, ABSOLUTE)["move"] == "halt"
        record = analysed(release, RATIO)
        found = measurement(record, SUCCESS)
        assert (record["move"], found["verdict"]) == ("advance", "passed")
        assert found["value"] < 90
        assert found["primaryValue"] < 90
    assert release.weights() == (10, 90)


def measured_by(release: Release, *metrics: dict[str, Any]) -> None:
    release.plane.patch("rollout/podinfo", release.namespace, {"spec": {"canaryAnalysis": {"metrics": metrics}}})


def analysed(release: Release, metric: dict[str, Any]) -> dict[str, Any]:
    measured_by(release, metric)
    return release.run_pass()


@contextmanager
def failing(release: Release, *, primary: float, canary: float) -> Iterator[None]:
    """Ask each workload for so many errors a second."""
    mesh = release.mesh
    with mesh.trouble(FAILS, primary, workload=mesh.primary), mesh.trouble(FAILS, canary):
        yield


def errors(release: Release) -> float:
    """Give how many errors of the canary are in the window."""
    matchers = f'response_code=~"5.*",destination_workload="{release.mesh.canary}"'
    found = release.mesh.prometheus.query(f"sum(increase(istio_requests_total{{{matchers}}}[{WINDOW}]))")
    return float(found[0]["value"][1]) if found else 0.0


def times_as_often(release: Release) -> float:
    """Give the ratio of the two shares of errors in the window, as Prometheus has them; 0 without any."""
    rate = "sum by (destination_workload) (rate(istio_requests_total{%s}[" + WINDOW + "]))"
    shares = " / ".join(rate % matchers for matchers in ('response_code=~"5.*"', ""))
    found = {
        one["metric"]["destination_workload"]: float(one["value"][1]) for one in release.mesh.prometheus.query(shares)
    }
    primary, canary = (found.get(name, 0.0) for name in (release.mesh.primary, release.mesh.canary))
    return canary / primary if primary else 0.0
