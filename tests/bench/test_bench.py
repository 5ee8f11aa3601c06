"""The bench's own arithmetic, and that the page says what was measured."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.bench import page, tables
from tests.bench.bounds import BOUNDS, COUNT, held
from tests.bench.cost import Cost
from tests.bench.figures import (
    ALL,
    IDLE,
    SHARED,
    SOME,
    Crowd,
    Figures,
    Hanging,
    Measured,
    Releases,
    Start,
    read,
    written,
)
from tests.bench.growth import growth
from tests.bench.naive import Naive
from tests.bench.objects import App
from tests.bench.picture import picture
from tests.bench.play import expected
from tests.bench.profile import Profile, module
from tests.bench.traffic import at
from tests.bench.traffic import page as traffic_page
from tests.bench.ways import Way
from tests.support import recorded

CHEAP = Cost(
    requests={"list rollouts": 2, "list deployments": 4},
    everywhere=4,
    queries=0,
    received=1024,
    wall=1.0,
    cpu=0.5,
    peak=2**20,
    moves={"idle": 1000},
)
RELEASES = Releases(
    rollouts=2,
    interval=10,
    requests={"patch rollouts": 16, "create events": 18},
    queries=20,
    walls=[1.5, 11.0],
    late=1,
    seconds=21.0,
    succeeded=2,
    told=18,
    stored=17,
)


def test_a_line_is_found_from_points_on_it() -> None:
    fit = growth([(1, 3.0), (100, 201.0), (1000, 2001.0)])

    assert fit.fixed == pytest.approx(1)
    assert fit.each == pytest.approx(2)
    assert fit.last == pytest.approx(2001 / 201 / 10)


def test_a_size_is_expected_to_take_what_smaller_ones_let_expect() -> None:
    assert expected([], 1000) == 0
    assert expected([(1, 20.0)], 1000) == 20
    assert expected([(1, 20.4), (100, 60.0)], 1000) == pytest.approx(420)


def test_a_single_point_is_no_growth() -> None:
    fit = growth([(100, 7.0)])

    assert (fit.fixed, fit.each, fit.last) == (7.0, 0.0, None)


def test_a_count_over_its_bound_is_broken_and_a_time_is_not() -> None:
    dear = replace(CHEAP, requests={"get deployments": 1000}, wall=100.0)
    figures = Figures(passes=[Measured(n=1000, state=IDLE, cost=dear)])

    missed = [row for row in held(figures) if row.met is False]

    assert [(row.bound.what, row.broken) for row in missed] == [("requests", True), ("time", False)]


def test_what_was_not_measured_is_neither_met_nor_broken() -> None:
    rows = held(Figures())

    assert {(row.met, row.broken) for row in rows} == {(None, False)}


def test_no_bound_stands_there_twice() -> None:
    names = [(bound.about, bound.what) for bound in BOUNDS]
    assert len(set(names)) == len(names)


def test_steps_that_were_due_and_not_made_are_counted() -> None:
    lazy = replace(CHEAP, moves={"advance": 997, "not reached": 3})
    rows = held(Figures(passes=[Measured(n=1000, state=ALL, cost=lazy)]))

    [behind] = [row for row in rows if row.bound.what == "Rollouts left behind" and row.figure is not None]

    assert (behind.figure, behind.bound.kind, behind.broken) == (3, COUNT, True)


def test_requests_that_rise_where_rollouts_share_their_routes_are_broken() -> None:
    own = replace(CHEAP, requests={"get virtualservices": 100}, moves={"advance": 1000})
    shared = replace(own, requests={"get virtualservices": 101})
    passes = [Measured(n=1000, state=state, cost=cost) for state, cost in ((ALL, own), (SHARED, shared))]

    [against] = [row for row in held(Figures(passes=passes)) if row.bound.what == "requests against one each"]

    assert (against.figure, against.broken) == (1.01, True)


def test_an_event_that_was_lost_is_broken_and_a_late_pass_is_not() -> None:
    missed = [row for row in held(Figures(releases=RELEASES)) if row.met is False]

    assert [(row.bound.what, row.broken) for row in missed] == [("Events lost", True), ("passes late", False)]


@pytest.mark.parametrize(
    ("path", "function", "whose"),
    [
        ("/somewhere/reconcile/clusters/kube.py", "list", "reconcile/clusters/kube"),
        ("/somewhere/reconcile/routers/__init__.py", "<module>", "reconcile/routers"),
        ("/lib/python3.11/site-packages/requests/api.py", "get", "requests"),
        ("/lib/python3.11/json/decoder.py", "raw_decode", "json of the standard library"),
        ("/lib/python3.11/logging.py", "log", "logging of the standard library"),
        ("~", "<method 'read' of '_ssl._SSLSocket' objects>", "waiting for the servers, TLS included"),
        ("~", "<built-in method builtins.isinstance>", "built-in functions"),
        ("<frozen importlib._bootstrap>", "_find_and_load", "importing"),
        ("<frozen os>", "get", "os of the standard library"),
    ],
)
def test_time_is_told_by_whose_it_is(path: str, function: str, whose: str) -> None:
    assert module(path, function) == whose


def test_the_counters_that_are_scraped_rise_together() -> None:
    text = at(traffic_page([App(7)]), 3)

    assert 'destination_workload="app-0007-canary",le="0.25"} 294\n' in text
    assert 'destination_workload="app-0007-canary",response_code="200"} 300\n' in text
    assert "@" not in text


def test_figures_survive_being_written() -> None:
    figures = Figures(
        machine={"cores": "2"},
        passes=[Measured(n=1000, state=IDLE, cost=CHEAP)],
        crowds=[Crowd(state=ALL, strangers=5000, alone=CHEAP, among=CHEAP)],
        start=Start(floor=0.2, version=0.1, idle=0.3),
        releases=RELEASES,
        hanging=Hanging(others=10, moved=10, halted=True, wall=12.5, deadline=50.0),
        naive=[Naive(way="a GET of each", rollouts=100, requests=100, wall=0.2)],
        ways=[Way(way="pages", objects=2, requests=1, received=100, wall=0.1, cpu=0.1)],
        profiles=[Profile(n=1000, state=IDLE, seconds={"json": 0.5})],
    )

    assert read(written(figures)) == figures


def test_the_picture_has_a_line_for_each_state() -> None:
    figures = Figures(passes=[Measured(n=n, state=state, cost=CHEAP) for n in (1, 1000) for state in (IDLE, SOME, ALL)])

    lines = [element for element in ET.fromstring(picture(figures)).iter() if element.get("stroke-width")]  # noqa: S314

    assert len(lines) == 7


def test_the_page_and_the_picture_show_what_is_kept() -> None:
    text = page.PAGE.read_text(encoding="utf-8")

    assert sorted(recorded.named(text, page.COMMAND)) == sorted(tables.parts(page.kept()))
    assert page.drawn(text) == text, "draw it anew: make bench-drawing"
    assert page.PICTURE.read_text(encoding="utf-8") == picture(page.kept()), "draw it anew: make bench-drawing"
