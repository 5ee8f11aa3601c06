"""Metric templates: what a file may hold, and that no name changes more of a query than the name in it."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.metrics import templates
from reconcile.metrics.templates import load
from reconcile.model.errors import TemplateError, UsageError
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Metric, Question
from tests.hostile.tally import End, ended

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILTIN = load()
SUCCESS = "istio_requests_total"


def question(metric: str = "m", workload: str = "podinfo-canary", interval: str = "1m") -> Question:
    return Question(
        rollout=Ref(ROLLOUT, "test", "podinfo"), metric=metric, workload=workload, interval=interval, weight=10
    )


def file(folder: Path, at: str = "m.yaml", **fields: str) -> Path:
    """Write a metric file; a field is YAML text, and an empty one is left out."""
    given_fields = {"name": "m", "title": "requests", "unit": "percent", "threshold": "minimum", "query": "up"} | fields
    path = folder / at
    path.write_text("".join(f"{key}: {value}\n" for key, value in given_fields.items() if value))
    return path


def rendered(folder: Path, query: str, workload: str = "podinfo-canary", namespace: str = "test") -> str:
    file(folder, query="|\n" + "".join(f"  {line}\n" for line in query.splitlines()))
    return load(folder).render(question(workload=workload), namespace)


# A small reader of PromQL: enough to tell the matchers of a query from each other.
_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|(?P<word>[A-Za-z_:][\w:]*)|(?P<op>=~|!~|!=|[^\s])""",
    re.ASCII,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|U([0-9a-f]{8})|(\\))")


def tokens(query: str) -> list[tuple[str, str]]:
    return [(str(found.lastgroup), found[0]) for found in _TOKEN.finditer(query)]


def text_of(string: str) -> str:
    """Undo the escapes of a string as Prometheus does; one that it does not know fails the test."""
    inner = string[1:-1]
    assert "\\" not in _ESCAPE.sub("", inner)
    return _ESCAPE.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), inner)


def matchers(query: str) -> list[tuple[str, str, str]]:
    """Give each label matcher of a query as label, operator and the text that it is compared with."""
    found = tokens(query)
    return [
        (label, op, text_of(string))
        for (_, label), (_, op), (kind, string) in zip(found, found[1:], found[2:], strict=False)
        if kind == "string" and op in {"=", "=~", "!=", "!~"}
    ]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.text(
    r""""'`\.+*?()|[]{}^$#=~,ab""" + "\n\t ", min_size=1, max_size=20
)


SECONDS, MILLISECONDS = "istio_request_duration_seconds_bucket", "istio_request_duration_milliseconds_bucket"


def test_the_built_in_metrics() -> None:
    rate = {"title": "success rate", "unit": "percent", "bound": "minimum"}
    duration = {"title": "request duration", "unit": "milliseconds", "bound": "maximum"}
    expected = {
        SUCCESS: rate,
        f"{SUCCESS}_grpc": rate,
        f"{SUCCESS}_waypoint": rate,
        SECONDS: duration,
        MILLISECONDS: duration,
        f"{MILLISECONDS}_waypoint": duration,
    }
    assert BUILTIN.metrics == {name: Metric(name=name, **fields) for name, fields in expected.items()}


@pytest.mark.parametrize("metric", BUILTIN.metrics)
@pytest.mark.parametrize("interval", ["30s", "1m", "90s", "1h30m", "500ms"])
def test_a_built_in_query_looks_at_one_workload_over_the_interval(metric: str, interval: str) -> None:
    query = BUILTIN.render(question(metric, interval=interval), "test")
    ranges = 1 if "milli" in metric else 2
    assert query.count(f"[{interval}]") == query.count("[") == ranges
    wanted = {
        ("reporter", "=", "waypoint" if metric.endswith("_waypoint") else "destination"),
        ("destination_workload_namespace", "=~", "test"),
        ("destination_workload", "=~", "podinfo-canary"),
    }
    errors = {("response_code", "!~", "5.*"), ("grpc_response_status", "!~", "2|4|8|12|13|14|15")}
    assert set(matchers(query)) - errors == wanted
    assert "#" not in query


@pytest.mark.hostile("A metric template", "names with quotes, braces, regular expressions (drawn at random)")
@pytest.mark.parametrize("metric", BUILTIN.metrics)
@settings(deadline=None)  # other tests may use the same cores
@given(workload=NAMES, namespace=NAMES)
def test_a_name_is_the_name_and_nothing_else(metric: str, workload: str, namespace: str) -> None:
    plain = BUILTIN.render(question(metric, workload="w"), "n")
    query = BUILTIN.render(question(metric, workload=workload), namespace)
    assert [kind for kind, _ in tokens(query)] == [kind for kind, _ in tokens(plain)]
    assert len(query.splitlines()) == len(plain.splitlines())
    for (label, op, text), (plain_label, plain_op, plain_text) in zip(matchers(query), matchers(plain), strict=True):
        assert (label, op) == (plain_label, plain_op)
        raw = {"w": workload, "n": namespace}.get(plain_text)
        if raw is None:
            assert text == plain_text
        else:
            assert re.fullmatch(text, raw)
    ended(End.SAFE)


@pytest.mark.hostile("A metric template", "names with quotes, braces, regular expressions (drawn at random)")
@settings(deadline=None)  # other tests may use the same cores
@given(name=NAMES, other=NAMES)
def test_a_name_matches_no_other_name(name: str, other: str) -> None:
    query = BUILTIN.render(question(SUCCESS, workload=name), "test")
    expression = next(text for label, _, text in matchers(query) if label == "destination_workload")
    assert bool(re.fullmatch(expression, other, re.DOTALL)) == (name == other)
    ended(End.SAFE)


@pytest.mark.hostile("A metric template", "names with quotes, braces, regular expressions (drawn at random)")
@settings(deadline=None)  # other tests may use the same cores
@given(name=NAMES)
def test_every_kind_of_string_ends_where_the_author_ended_it(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plain = """a{b="{{ workload }}",c='{{ workload }}',d=`{{ workload }}`,"""
    literal = """e="{{ workload | literal }}",f='{{ workload | literal }}'}"""
    query = plain + literal
    text = rendered(tmp_path_factory.mktemp("templates"), query, workload=name)
    assert [kind for kind, _ in tokens(text)] == [kind for kind, _ in tokens(query.replace("{{ workload }}", "w"))]
    assert [text_of(string) for kind, string in tokens(text) if kind == "string"][-2:] == [name, name]
    ended(End.SAFE)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('a{b=~"{{ workload }}"}', r'a{b=~"a\\.b-canary"}'),
        ('a{b=~"{{ workload | regex }}"}', r'a{b=~"a\\.b-canary"}'),
        ('a{b=~"{{ workload | regex | regex }}"}', r'a{b=~"a\\.b-canary"}'),
        ('a{b="{{ workload | literal }}"}', 'a{b="a.b-canary"}'),
        ('a{b="{{ workload | regex | literal }}"}', 'a{b="a.b-canary"}'),
        ("a{b=~\"{{ workload | replace('-canary', '') }}\"}", r'a{b=~"a\\.b"}'),
        ("a{b=\"{{ workload | replace('.', '|') | literal }}\"}", r'a{b="a\x7cb-canary"}'),
        ("{{ 'a.b' | replace('.', '_') }}", "a_b"),
        ("a{b=~\"{{ 'x|y' | regex }}\"}", r'a{b=~"x\\\x7cy"}'),
        ("a[{{ interval }}]", "a[1m]"),
        ("{{ nothing | default('up') }}", "up"),
        ("{% if namespace == 'test' %}up{% else %}down{% endif %}", "up"),
        ("{{ 'up' if nothing is not defined else 'down' }}", "up"),
        ("{% for a in ['b', 'c'] %}{{ a }}{% if not loop.last %} or {% endif %}{% endfor %}", "b or c"),
        ("{{ namespace ~ '_' ~ 5 }} > {{ 0.5 }} {# why #}", "test_5 > 0.5"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ],
)
def test_what_an_author_can_write(tmp_path: Path, query: str, expected: str) -> None:
    assert rendered(tmp_path, query, workload="a.b-canary") == expected


@pytest.mark.hostile(
    "A metric template", "loops, arithmetic, calls, macros, includes, Python's own attributes, syntax errors"
)
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{{ wrkload }}", "'wrkload' is undefined"),
        ("{{ wrkload | regex }}", "'wrkload' is undefined"),
        ("{{ ''.__class__ }}", "__class__"),
        ("{{ workload._raw }}", "_raw"),
        ("{{ ''['__class__'] }}", "line 1: Getitem is not part"),
        ("{{ workload | attr('_raw') }}", "attr"),
        ("up\n{{ namespace.__init__.__globals__ }}", "__init__"),
        ("{{ workload.upper }}", "builtin_function_or_method cannot be written"),
        ("{{ ['a'] }}", "a list cannot be written"),
        ("{{ true }}", "a bool cannot be written"),
        ("{{ none }}", "a NoneType cannot be written"),
        ("{{ '\\ud800' }}", "renders to text that is none"),
        ("{{ cycler.__init__.__globals__ }}", "'StrictUndefined' object is unsafe"),
        ("{{ self._TemplateReference__context }}", "'TemplateReference' object is unsafe"),
        ("{% for a in [1] %}{{ loop.__class__ }}{% endfor %}", "'LoopContext' object is unsafe"),
        ("{% for a in [1] %}{{ loop.cycle }}{% endfor %}", "a method cannot be written"),
        ("{{ 'a'.format }}{{ 'a'.format_map }}", "a function cannot be written"),
        ("{{ ''.__\uff43lass__ }}", "has no attribute"),
        ("{{ '%s' | format(1) }}", "No filter named 'format'"),
        ("{{ '%999999999s' % 1 }}", "Mod is not part"),
        ("{{ 'abc'[0:1] }}", "Getitem is not part"),
        ("{{ {'a': 1} }}", "Dict is not part"),
        ("{{ -1 }}", "Neg is not part"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "is not part"),
        ("{% call a() %}{% endcall %}", "CallBlock is not part"),
        ("{% filter regex %}a{% endfilter %}", "FilterBlock is not part"),
        ("{% block a %}{{ self.a() }}{% endblock %}", "Block is not part"),
        ("{% extends 'a' %}", "Extends is not part"),
        ("{% from 'a' import b %}", "FromImport is not part"),
        ("{% with a = 1 %}{% endwith %}", "With is not part"),
        ("{% do 1 %}", "unknown tag 'do'"),
        ("{# no end", "Missing end of comment"),
        ("{{ 1" + "0" * 5000 + " }}", "cannot be rendered (ValueError)"),
        ("{{ " + "not " * 3900 + "1 }}", "cannot be rendered (RecursionError)"),
        ("{% if 1 %}" * 700 + "up" + "{% endif %}" * 700, "cannot be rendered (RecursionError)"),
        ("{{ 'up'" + " | regex" * 1900 + " }}", "cannot be rendered (RecursionError)"),
        ("{{ 'up' if 1" + " and 1" * 2500 + " }}", "cannot be rendered (RecursionError)"),
        ("{% for a in " + "[" * 3000 + "]" * 3000 + " %}{% endfor %}", "cannot be rendered (RecursionError)"),
        ("{{ range(9) }}", "line 1: Call is not part"),
        ("{{ lipsum() }}", "Call is not part"),
        ("{% for a in range(1000000000) %}{% endfor %}", "Call is not part"),
        ("{{ 'x' * 1000000000 }}", "Mul is not part"),
        ("{{ 9 ** 9 ** 9 ** 9 }}", "Pow is not part"),
        ("{% set a = 'b' %}", "Assign is not part"),
        ("{% macro a() %}{% endmacro %}", "Macro is not part"),
        ("{% include 'a' %}", "Include is not part"),
        ("{% import 'a' as b %}", "Import is not part"),
        ("{% for a in [1, 2] %}{% for b in [1, 2] %}{% endfor %}{% endfor %}", "a for within a for"),
        ("{% for a in [1] recursive %}{% endfor %}", "recursive"),
        ("{% for a in 5 %}{% endfor %}", "cannot be rendered (TypeError)"),
        ("up\n{% if %}", "line 2: "),
        ("{{ 'a' | upper }}", "upper"),
        ("{{ " + "(" * 4000 + "}}", "cannot be rendered"),
        ("{% if namespace == 'other' %}up{% endif %}", "renders to nothing for podinfo-canary.test"),
        ("{{ workload | replace('podinfo-canary', '') }}", "replace: must be 1 to 1024"),
        ("{{ 'oo' | replace('o', '" + "x" * 1000 + "') }}", "more than 1024 characters"),
        ("{% for a in 'b' | replace('b', '" + "c" * 99 + "') %}" + "d" * 999 + "{% endfor %}", "more than 16384"),
    ],
)
def test_what_an_author_cannot_write(tmp_path: Path, query: str, words: str) -> None:
    with pytest.raises(TemplateError) as caught:
        rendered(tmp_path, query)
    assert str(caught.value).startswith(f"{tmp_path / 'm.yaml'}: query: ")
    assert words in str(caught.value)
    ended(End.HELD)


@pytest.mark.hostile("A metric template", "the most work that a query can be")
@pytest.mark.parametrize(
    "body",
    [
        "{{''|regex}}" * 650,
        "{{''|replace('','aaaaaaaaaaaaaaaaa')|replace('a','')}}" * 160,
        "{% if 1 %}{% endif %}" * 380,
    ],
    ids=["filters", "texts", "branches"],
)
def test_the_longest_loop_around_the_longest_body_ends_soon(tmp_path: Path, body: str) -> None:
    began = time.monotonic()
    assert rendered(tmp_path, "{% for a in [" + "1," * 3800 + "] %}" + body + "{% endfor %}up") == "up"
    assert time.monotonic() - began < 60  # on a core of its own less than one
    ended(End.SAFE)


def grouped(folder: Path, text: str, *workloads: str) -> str | None:
    file(folder, grouped="|\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    return load(folder).render_batch(question(), "test", workloads)


@pytest.mark.parametrize("metric", BUILTIN.metrics)
@settings(deadline=None)  # other tests may use the same cores
@given(workloads=st.lists(NAMES, min_size=1, max_size=5), other=NAMES, namespace=NAMES)
def test_a_built_in_query_for_several_matches_these_workloads_and_no_other(
    metric: str, workloads: list[str], other: str, namespace: str
) -> None:
    query = BUILTIN.render_batch(question(metric), namespace, workloads)
    assert query is not None
    found = matchers(query)
    for text in {text for label, _, text in found if label == "destination_workload"}:
        assert all(re.fullmatch(text, name) for name in workloads)
        assert bool(re.fullmatch(text, other, re.DOTALL)) == (other in workloads)
    places = [(label, op) for label, op, _ in found]
    assert places == [
        (label, op) for label, op, _ in matchers(BUILTIN.render_batch(question(metric), "n", ["w"]) or "")
    ]
    assert all(re.fullmatch(text, namespace) for label, _, text in found if label.endswith("namespace"))


def test_what_an_author_can_write_for_several(tmp_path: Path) -> None:
    several = r"(?:a\\.b|c)"
    assert grouped(tmp_path, 'x{w=~"{{ workloads }}"}', "a.b", "c") == f'x{{w=~"{several}"}}'
    assert grouped(tmp_path, 'x{w=~"p-{{ workloads | regex }}"}', "a.b", "c") == f'x{{w=~"p-{several}"}}'
    assert grouped(tmp_path, "{{ namespace }}[{{ interval }}]", "a") == "test[1m]"
    assert grouped(tmp_path, "{% if namespace == 'other' %}up{% endif %}", "a") is None


def test_a_metric_need_not_have_a_query_for_several(tmp_path: Path) -> None:
    file(tmp_path)
    assert load(tmp_path).render_batch(question(), "test", ["a", "b"]) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ workload }}", "'workload' is undefined"),
        ("{{ wrkloads }}", "'wrkloads' is undefined"),
        ('x{w="{{ workloads | literal }}"}', "workloads are several names"),
        ("{{ workloads | replace('-canary', '') }}", "workloads are several names"),
        ("{{ workloads._raw }}", "_raw"),
        ("up\n{% if %}", "line 2: "),
        ("{{ range(9) }}", "Call is not part"),
    ],
)
def test_a_query_for_several_that_cannot_be_rendered_is_an_error_also_while_it_is_not_used(
    tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(TemplateError) as first:
        grouped(tmp_path, text, "a")
    with pytest.raises(TemplateError) as second:
        load(tmp_path).render(question(), "test")
    assert str(first.value) == str(second.value)
    assert str(first.value).startswith(f"{tmp_path / 'm.yaml'}: grouped: ")
    assert words in str(first.value)


def test_a_query_is_for_one_workload(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="query: 'workloads' is undefined"):
        rendered(tmp_path, "{{ workloads }}")


def test_a_broken_query_harms_no_other_metric(tmp_path: Path) -> None:
    file(tmp_path, query="'{% if %}'")
    metrics = load(tmp_path)
    assert metrics.render(question(SUCCESS), "test")
    with pytest.raises(TemplateError):
        metrics.render(question(), "test")


@pytest.mark.hostile("A metric template", "names and intervals that cannot be put into words")
@pytest.mark.parametrize(
    ("asked", "namespace", "words"),
    [
        (question("nope"), "test", "metric 'nope' is not known; there are: istio_request_duration_milli"),
        (question(SUCCESS, workload=""), "test", "workload: must be"),
        (question(SUCCESS, workload="\ud800"), "test", "workload: must be"),
        (question(SUCCESS, workload="a" * 1025), "test", "workload: must be"),
        (question(SUCCESS), "", "namespace: must be"),
        *(
            (question(SUCCESS, interval=interval), "test", "is no PromQL duration")
            for interval in [
                "",
                "1M",
                "1.5m",
                "-1m",
                "0s",
                "1m]) or vector(100",
                "1s1m",
                "1m\n",
                "٣m",
                "1" * 2000 + "s",
            ]
        ),
    ],
)
def test_a_question_that_cannot_be_put_into_words(asked: Question, namespace: str, words: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(words)):
        BUILTIN.render(asked, namespace)
    ended(End.HELD)


def test_a_file_of_the_same_metric_replaces_the_built_in_one(tmp_path: Path) -> None:
    file(tmp_path, "other-file-name.yml", name=SUCCESS, title="share of good answers", unit="per mille")
    file(tmp_path, "more.yaml", name="more")
    metrics = load(tmp_path)
    assert set(metrics.metrics) == {*BUILTIN.metrics, "more"}
    assert metrics.metrics[SUCCESS].title == "share of good answers"
    assert metrics.render(question(SUCCESS), "test") == "up"
    assert BUILTIN.render(question(SUCCESS), "test") != "up"


def test_a_mounted_config_map(tmp_path: Path) -> None:
    version = tmp_path / "..2026_01_01"
    version.mkdir()
    file(version)
    (tmp_path / "..data").symlink_to(version.name)
    (tmp_path / "m.yaml").symlink_to("..data/m.yaml")
    assert "m" in load(tmp_path).metrics


def test_what_is_no_metric_file_is_left_alone(tmp_path: Path) -> None:
    file(tmp_path)
    for name in ("README.md", ".hidden.yaml", "m.yaml~"):
        (tmp_path / name).write_text("not a metric")
    (tmp_path / "folder.yaml").mkdir()
    assert set(load(tmp_path).metrics) == {*BUILTIN.metrics, "m"}


@pytest.mark.hostile("A metric template", "files that are no metric: YAML bombs, binary, huge, nested, other fields")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        *(({key: ""}, f"{key}: is missing or empty") for key in ("name", "title", "unit", "threshold", "query")),
        *(({key: "'  '"}, f"{key}: is missing or empty") for key in ("name", "query")),
        ({"querry": "up"}, "querry: is not a field; there are name, title"),
        ({"name": "[a]"}, "name: must be text"),
        ({"name": "5"}, "name: must be text; put it in quotes"),
        ({"name": "a b"}, "name: must be one word"),
        ({"title": "true"}, "title: must be text"),
        ({"title": "' a'"}, "title: must be one line"),
        ({"title": '"a\\nb"'}, "title: must be one line"),
        ({"title": "a" * 129}, "title: must be one line of at most 128"),
        ({"unit": "{a: b}"}, "unit: must be text"),
        ({"query": "~"}, "query: must be text"),
        ({"query": "a" * 16385}, "query: is longer than 16384"),
        ({"grouped": "a" * 16385}, "grouped: is longer than 16384"),
        ({"grouped": "''"}, "grouped: is missing or empty"),
        ({"grouped": "5"}, "grouped: must be text"),
        ({"threshold": "min"}, "threshold: must be minimum or maximum, and is 'min'"),
        ({"threshold": "95"}, "threshold: must be text"),
        ({"? [a]": "b"}, "?: is not a field"),
    ],
)
def test_fields_that_are_wrong(tmp_path: Path, fields: Mapping[str, str], words: str) -> None:
    path = file(tmp_path, **fields)
    with pytest.raises(TemplateError) as caught:
        load(tmp_path)
    assert f"{path}: {words}" in str(caught.value)
    ended(End.REFUSED)


BOMB = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))])


@pytest.mark.hostile("A metric template", "files that are no metric: YAML bombs, binary, huge, nested, other fields")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "must be a mapping"),
        (b"- a", "must be a mapping"),
        (b"name: a\nname: b", "name: is there twice"),
        (b"name: a\n---\nname: b", "is not YAML: line 2: but found another document"),
        (b"name: 'a", "is not YAML: line 1: "),
        (b"name: a\n\tb", "is not YAML: line 2: "),
        (b"name: \x00", "is not YAML: "),
        (b"name: \xff", "is not UTF-8 (byte 6)"),
        (b"name: !!python/object/apply:os.system [true]", "name: must be text"),
        (b"#" * (64 * 1024 + 1), "is larger than 64 KiB"),
        (b"[" * 20000, "is nested too deeply"),
        (BOMB.encode(), "a0: is not a field"),
        (b"<<: &a {name: b}", "<<: is not a field"),
    ],
)
def test_files_that_are_no_metric(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(content)
    with pytest.raises(TemplateError) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{path}: {words}")
    ended(End.REFUSED)


def test_two_files_of_one_metric(tmp_path: Path) -> None:
    file(tmp_path, "a.yaml")
    file(tmp_path, "b.yml")
    with pytest.raises(TemplateError, match=r"b\.yml: name: m is the name in a\.yaml already"):
        load(tmp_path)


@pytest.mark.hostile("A metric template", "pipes, links to nothing, files that cannot be read")
def test_no_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.yaml")
    with pytest.raises(TemplateError, match=r"m\.yaml: is no regular file"):
        load(tmp_path)
    ended(End.REFUSED)


@pytest.mark.hostile("A metric template", "pipes, links to nothing, files that cannot be read")
def test_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").symlink_to("gone")
    with pytest.raises(TemplateError, match=r"m\.yaml: is no regular file, or a link to nothing"):
        load(tmp_path)
    ended(End.REFUSED)


@pytest.mark.hostile("A metric template", "pipes, links to nothing, files that cannot be read")
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").symlink_to("/proc/self/mem")
    with pytest.raises(TemplateError, match=r"m\.yaml: cannot be read: Input/output error"):
        load(tmp_path)
    ended(End.REFUSED)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone cannot be read: No such file"):
        load(tmp_path / "gone")


def test_an_installed_package_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "builtin_templates").mkdir()
    file(tmp_path / "builtin_templates")
    monkeypatch.setattr(templates, "_PACKAGE", tmp_path)
    assert set(load().metrics) == {"m"}
