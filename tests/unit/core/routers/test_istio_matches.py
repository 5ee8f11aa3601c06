"""Which route takes the requests of a later one."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.core.routers.istio_matches import takes_all_of


def matching(*alternatives: Any) -> dict[str, Any]:
    return {"match": list(alternatives)}


API = matching({"uri": {"prefix": "/api"}})
TESTER = matching({"headers": {"x-tester": {"exact": "yes"}}})
# What it is -> the earlier route, the later one, and whether the earlier one takes all requests of the later one.
CASES: dict[str, tuple[Any, Any, bool]] = {
    "two without a match": ({}, {}, True),
    "a list without entries": ({"match": []}, API, True),
    "an entry without a condition": (matching(TESTER["match"][0], {}), API, True),
    "a name is no condition": (matching({"name": "all"}), API, True),
    "any path": (matching({"uri": {"prefix": "/"}}), TESTER, True),
    "any path by an expression": (matching({"uri": {"regex": ".*"}}), {}, True),
    "the same": (API, API, True),
    "a longer path": (API, matching({"uri": {"exact": "/api/v2"}, "method": {"exact": "GET"}}), True),
    "a shorter path": (API, matching({"uri": {"prefix": "/ap"}}), False),
    "a path against none": (API, {}, False),
    "a header against none": (TESTER, {}, False),
    "a header against another": (TESTER, matching({"headers": {"x-user": {"exact": "yes"}}}), False),
    "a header that is there at all": (matching({"headers": {"x-tester": {}}}), TESTER, True),
    "a header of any value": (matching({"headers": {"x-tester": {"regex": ".*"}}}), TESTER, True),
    "a header beside a path": (API, matching({"uri": {"prefix": "/api"}, "headers": {"a": {"exact": "b"}}}), True),
    "two expressions": (matching({"uri": {"regex": "/a.*"}}), matching({"uri": {"regex": "/ab.*"}}), False),
    "each alternative is taken": (matching({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/b"}}), API, True),
    "one alternative is not taken": (API, matching({"uri": {"prefix": "/api"}}, {"uri": {"prefix": "/"}}), False),
    "letters of any case": (
        matching({"uri": {"exact": "/a"}}),
        matching({"uri": {"exact": "/a"}, "ignoreUriCase": True}),
        False,
    ),
    "letters of any case in both": (
        matching({"uri": {"exact": "/a"}, "ignoreUriCase": True}),
        matching({"uri": {"exact": "/a"}, "ignoreUriCase": True}),
        True,
    ),
    "one of its gateways": (matching({"gateways": ["a", "mesh"]}), matching({"gateways": ["mesh"]}), True),
    "another gateway": (matching({"gateways": ["a"]}), matching({"gateways": ["mesh"]}), False),
    "one gateway against all": (matching({"gateways": ["a"]}), {}, False),
    "the same port": (matching({"port": 80}), matching({"port": 80, "scheme": {"exact": "http"}}), True),
    "another port": (matching({"port": 80}), matching({"port": 81}), False),
    "who asks": (matching({"sourceLabels": {"app": "a"}}), {}, False),
    "what cannot be read takes nothing": ({"match": "x"}, API, False),
    "what cannot be read is taken by nothing": ({}, {"match": ["x"]}, False),
    "what is no route": ("x", API, False),
    "a text that is none": (matching({"method": "GET"}), matching({"method": {"exact": "GET"}}), False),
}


@pytest.mark.parametrize(("earlier", "later", "expected"), CASES.values(), ids=CASES)
def test_a_route_takes_what_a_later_one_matches(earlier: Any, later: Any, expected: bool) -> None:  # noqa: FBT001
    assert takes_all_of(earlier, later) is expected
