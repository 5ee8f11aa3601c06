"""Bodies of responses: which of them are a number, and what the others are."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.metrics.responses import MAX_LABELS, NotABatchError, batch_answers, parse, single_answer
from reconcile.model.measurement import Answer, Failure
from tests.hostile.tally import End, ended
from tests.support.metrics_server import result_body, vector
from tests.unit.metrics.meter import failed


def understood(body: bytes, status: int = 200) -> Answer:
    return single_answer(parse(body, status, str.strip))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("1.25", 1.25), ("-3", -3), ("+4", 4), ("1e+06", 1e6), ("1e-7", 1e-7), (".5", 0.5), ("5.", 5.0)],
)
def test_numbers(text: str, value: float) -> None:
    assert understood(vector(text)) == Answer(value=value)
    assert understood(result_body("scalar", [1, text])) == Answer(value=value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_is_a_value(value: float) -> None:
    assert understood(vector(repr(value))).value == value


@pytest.mark.hostile("The metrics server", "no number: no data, NaN, infinite, several series, other types, errors")
@pytest.mark.parametrize(
    ("body", "failure", "words"),
    [
        (vector(), Failure.NO_DATA, "the query finds no series"),
        (vector("NaN"), Failure.NOT_A_NUMBER, "the query gives NaN, as it does without traffic"),
        (vector("+Inf"), Failure.NOT_A_NUMBER, "the query gives +Inf"),
        (vector("-Inf"), Failure.NOT_A_NUMBER, "the query gives -Inf"),
        (vector("1e999"), Failure.NOT_A_NUMBER, "too large"),
        (result_body("scalar", [1, "NaN"]), Failure.NOT_A_NUMBER, "NaN"),
        (vector("1", "2", "3"), Failure.SEVERAL_SERIES, "the query gives 3 series and must give one"),
        (result_body("matrix", []), Failure.WRONG_TYPE, "the query gives a matrix and must give one number"),
        (result_body("string", [1, "5"]), Failure.WRONG_TYPE, "the query gives a string and must give one number"),
        (result_body("vector", [{"metric": {}, "histogram": [1, {}]}]), Failure.WRONG_TYPE, "a histogram"),
        (b'{"status":"error","errorType":"bad_data","error":" x"}', Failure.QUERY_ERROR, "bad_data:  x"),
        (b'{"status":"error"}', Failure.QUERY_ERROR, "HTTP 400, without a text"),
        (b'{"status":"error","errorType":[],"error":{}}', Failure.QUERY_ERROR, "HTTP 400, without a text"),
    ],
)
def test_answers_that_are_no_number(body: bytes, failure: Failure, words: str) -> None:
    answer = understood(body, 400 if failure is Failure.QUERY_ERROR else 200)
    assert failed(answer)[0] is failure
    assert words in answer.detail


@pytest.mark.parametrize(
    ("metrics", "labels"),
    [
        ([{"le": "0.5"}, {"seconds": "+Inf"}], (("le", "0.5"), ("seconds", "+Inf"))),
        ([{"le": "0.5"}, {"le": "1", "pod": "a"}], ()),
        ([{"le": "0.5"}, {}], ()),
        ([{"le": "0.5"}, None], ()),
        ([{"le": str(number)} for number in range(MAX_LABELS + 1)], ()),
    ],
)
def test_of_several_series_the_labels_are_known_where_each_has_one(
    metrics: list[Any], labels: tuple[tuple[str, str], ...]
) -> None:
    assert understood(result_body("vector", [{"metric": one, "value": [1, "5"]} for one in metrics])).labels == labels


ODD: list[Any] = [None, True, 5, 1.5, "x", "", [], {}, [[]], [{}], [1], [1, 2, 3], {"a": 1}]


@pytest.mark.hostile("The metrics server", "members that are absent or of a wrong type")
@pytest.mark.parametrize("odd", ODD)
def test_no_odd_shape_is_an_answer(odd: Any) -> None:
    sample = {"metric": {}, "value": odd}
    bodies = [
        json.dumps(odd).encode(),
        json.dumps({"status": odd}).encode(),
        json.dumps({"status": "success", "data": odd}).encode(),
        result_body(odd, []),
        result_body("scalar", odd),
        result_body("scalar", [1, odd]),
        result_body("vector", [sample]),
        result_body("vector", [{"metric": {}, "value": [1, odd]}]),
        *([] if isinstance(odd, list) and len(odd) != 1 else [result_body("vector", odd)]),
        result_body("vector", [odd]),
    ]
    for body in bodies:
        answer = understood(body)
        assert failed(answer) == (
            Failure.UNREACHABLE,
            "HTTP 200: the reply is not of the shape of Prometheus's API",
        )


@pytest.mark.hostile("The metrics server", "members that are absent or of a wrong type")
@pytest.mark.parametrize("text", ["abc", "1_000", " 1", "1\n", "٣", "0x10", "infinity", "nan", "1,5", "--1", "."])
def test_no_odd_text_is_a_number(text: str) -> None:
    assert failed(understood(vector(text)))[0] is Failure.UNREACHABLE


@pytest.mark.hostile("The metrics server", "replies that are no JSON, cut off, or nested deeply")
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "HTTP 200: an empty reply"),
        (b" <!DOCTYPE html><html>", "HTTP 200: a web page"),
        (vector("1")[:-3], "HTTP 200: a reply that is cut off"),
        (b"upstream connect error", "HTTP 200: a reply that is no JSON"),
        (b"[" * 100_000, "HTTP 200: a reply that is no JSON"),
        (b'{"status": ' + b"1" * 5000 + b"}", "HTTP 200: a reply that is cut off or otherwise no JSON"),
        (b"\xff\xfe\xfa", "HTTP 200: a reply that is no JSON"),
    ],
)
def test_replies_that_are_no_json(body: bytes, words: str) -> None:
    failure, detail = failed(understood(body))
    assert failure is Failure.UNREACHABLE
    assert detail.startswith(words)


@pytest.mark.hostile("The metrics server", "data beside a bad status")
@pytest.mark.parametrize("status", [199, 400, 404, 500, 503])
def test_data_beside_a_bad_status_is_no_answer(status: int) -> None:
    assert failed(understood(vector("1"), status))[0] is Failure.UNREACHABLE


def test_warnings_are_kept_beside_any_answer() -> None:
    warnings = ["one", 2, "three", *["more"] * 20]
    assert understood(vector("1", warnings=warnings)) == Answer(value=1, warnings=("one", "three", *["more"] * 7))
    assert understood(vector(warnings=["one"])).warnings == ("one",)
    for odd in ODD:
        assert understood(vector("1", warnings=odd)).value == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@pytest.mark.hostile("The metrics server", "any bytes and any JSON (drawn at random)")
@given(status=st.integers(100, 599), body=st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_reply_raises(status: int, body: bytes) -> None:
    assert failed(understood(body, status))


@pytest.mark.hostile("The metrics server", "any bytes and any JSON (drawn at random)")
@given(kind=st.sampled_from(["vector", "scalar", "matrix", "string"]) | JSON, result=JSON)
def test_no_result_raises_and_no_value_is_infinite(kind: Any, result: Any) -> None:
    answer = understood(result_body(kind, result))
    assert (answer.value is None) == (answer.failure is not None)
    assert answer.value is None or math.isfinite(answer.value)
    ended(End.SAFE if answer.failure is None else End.HELD)


@pytest.mark.hostile("The metrics server", "any JSON to a query for several (drawn at random)")
@given(
    result=JSON
    | st.lists(
        st.fixed_dictionaries(
            {
                "metric": JSON
                | st.dictionaries(st.sampled_from(["workload"]), st.sampled_from(["a", "b", "c"]) | JSON),
                "value": JSON | st.tuples(st.just(1), st.sampled_from(["1", "NaN", "+Inf", "x"])),
            }
        ),
        max_size=4,
    ),
    status=st.sampled_from([200, 200, 200, 503]),
)
def test_nobody_gets_a_number_that_is_not_theirs(result: Any, status: int) -> None:
    read = parse(result_body("vector", result), status, str.strip)
    try:
        answers = batch_answers(read, ["a", "b"])
    except NotABatchError:
        ended(End.HELD)
        return
    assert answers.keys() == {"a", "b"}
    for workload, answer in answers.items():
        assert (answer.value is None) == (answer.failure is not None)
        if answer.value is not None:
            theirs = [one for one in result if [str(label) for label in one["metric"].values()] == [workload]]
            assert [float(one["value"][1]) for one in theirs] == [answer.value]
        ended(End.HELD if answer.value is None else End.SAFE)
