"""The template language: what an author can write, what is refused, and how much work a query can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from reconcile.metrics.templates import load
from reconcile.model.errors import TemplateError
from tests.hostile.tally import End, ended
from tests.unit.metrics.metric_folder import file, grouped, question, rendered

if TYPE_CHECKING:
    from pathlib import Path


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
        ("{{ wrkload }}", "'wrkload' is undefined; there are args, interval, namespace, rollout, workload"),
        ("{{ wrkload | regex }}", "'wrkload' is undefined"),
        ("{{ ''.__class__ }}", "__class__"),
        ("{{ workload._plain }}", "_plain"),
        ("{{ ''['__class__'] }}", "line 1: Getitem is not part"),
        ("{{ workload | attr('_plain') }}", "attr"),
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
        ("{{ '%s' | format(1) }}", "No filter named 'format'; there are regex, literal, replace, default"),
        (
            '{{ printf "%s" .target }}',
            "line 1: expected token 'end of print statement', got 'string'; a query is a Jinja2",
        ),
        ("up\n{{ .target }}", "line 2: unexpected '.'; a query is a Jinja2 template, such as {{ workload }}"),
        ("{{ $x := 1 }}", "Go's {{ .name }}, printf and $ do not exist"),
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
@pytest.mark.timeout(60)  # on a core of its own less than one second
def test_the_longest_loop_around_the_longest_body_ends_soon(tmp_path: Path, body: str) -> None:
    assert rendered(tmp_path, "{% for a in [" + "1," * 3800 + "] %}" + body + "{% endfor %}up") == "up"
    ended(End.SAFE)


def test_what_an_author_can_write_for_several(tmp_path: Path) -> None:
    several = r"(?:a\\.b|c)"
    assert grouped(tmp_path, 'x{w=~"{{ workloads }}"}', "a.b", "c") == f'x{{w=~"{several}"}}'
    assert grouped(tmp_path, 'x{w=~"p-{{ workloads | regex }}"}', "a.b", "c") == f'x{{w=~"p-{several}"}}'
    assert grouped(tmp_path, "{{ namespace }}[{{ interval }}]", "a") == "test[1m]"
    assert grouped(tmp_path, "{% if namespace == 'other' %}up{% endif %}", "a") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ workload }}", "'workload' is undefined"),
        ("{{ wrkloads }}", "'wrkloads' is undefined; there are args, interval, namespace, workloads"),
        ('x{w="{{ workloads | literal }}"}', "workloads are several names"),
        ("{{ workloads | replace('-canary', '') }}", "workloads are several names"),
        ("{{ workloads._plain }}", "_plain"),
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


def test_args_of_a_rollout_are_escaped_like_names(tmp_path: Path) -> None:
    file(
        tmp_path,
        query="""'a{b=~"{{ args.route }}", c="{{ args.route | literal }}", d="{{ args.no | default("x") }}"}'""",
    )
    asked = replace(question(), args=(("route", '/a.b"} or up{c="'),))
    [matcher, literal, default] = load(tmp_path).render(asked, "test").split(", ")
    assert matcher == r'a{b=~"\x2fa\\.b\x22\\\x7d\x20or\x20up\\\x7bc\x3d\x22"'
    assert literal == r'c="\x2fa.b\x22\x7d\x20or\x20up\x7bc\x3d\x22"'
    assert default == 'd="x"}'


@pytest.mark.parametrize(
    ("query", "args", "words"),
    [
        ("{{ args.rout }}", (("route", "a"),), "m.yaml: query: args has no 'rout': it is one of the metric in the"),
        ("{{ args.items }}", (), "m.yaml: query: args has no 'items'"),
        ("{{ args._values }}", (("a", "b"),), "m.yaml: query: "),
        ("{{ args }}", (("a", "b"),), "m.yaml: query: a Args cannot be written into a query"),
        ("up", (("a", "\ud800"),), "args.a: must be 1 to 1024 characters of text"),
    ],
)
def test_args_that_are_not_there_are_told(
    tmp_path: Path, query: str, args: tuple[tuple[str, str], ...], words: str
) -> None:
    file(tmp_path, query=f"'{query}'")
    with pytest.raises(TemplateError) as caught:
        load(tmp_path).render(replace(question(), args=args), "test")
    assert words in str(caught.value)
