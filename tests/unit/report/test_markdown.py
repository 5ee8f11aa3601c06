"""Markdown for a comment: what is told, that text of others starts nothing in it, and that it fits."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.plan import AskedAction, Change, Result
from reconcile.preflight.findings import Examined, Finding, Level
from reconcile.preflight.findings import Result as CheckResult
from reconcile.report.markdown import passes, preflight
from reconcile.report.markdown.escaping import code, escape
from reconcile.report.markdown.layout import MOST
from tests.unit.report import factory
from tests.unit.report.strategies import TEXTS

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NO_WIDTH = "\u200b"
HOSTILE = [
    "| a | b |\n| --- | --- |",
    "`code` ``` fence",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "@everyone, #1, !2 and ~bug",
    "[click](javascript:alert(1)) ![x](http://example.com/x.png)",
    "https://example.com/x www.example.com",
    "/approve",
    "mail@example.com app@sha256:00",
    "**bold** __bold__ ~~gone~~ $x$ \\| &lt;b&gt; &#64;all",
    "</details></summary><!-- -->",
    "\x1b[31mred\u202etxt",
]


def rendered(markdown: str) -> str:
    return str(PARSER.render(markdown))


def tags(html: str) -> set[str]:
    return {name.lower() for name in re.findall(r"</?([a-zA-Z][a-zA-Z0-9]*)", html)}


def test_a_pass_is_a_table_and_a_part_for_what_was_decided() -> None:
    text = passes.render([factory.record(factory.halting())])
    assert text.startswith("### <code>podinfo.test</code> halted\n\n| Rollout | verdict | phase | weight | why |\n")
    assert "| **halted** | Progressing | 30 % | request duration 2.525s &gt; 500ms |" in text
    assert "| ✗ | istio\\_request\\_duration\\_seconds\\_bucket | request duration 2.525s &gt; 500ms | <code>" in text
    assert "- Warning: Halt rollout podinfo.test request duration 2.525s &gt; 500ms" in text
    assert "- <code>Rollout podinfo.test</code> status" in text


def test_several_rollouts_are_counted_and_one_at_rest_has_no_part() -> None:
    idle = factory.record(factory.plan(rollout=factory.ref("cart", "shop")))
    text = passes.render([idle, factory.record(factory.advancing(), Result.PLANNED)])
    assert text.startswith("### 2 Rollouts: 1 idle, 1 would advance\n")
    assert "| <code>cart.shop</code> | **idle** |" in text
    assert "| 40 % → 50 % |" in text
    assert text.count("<details>") == 1


def test_a_pass_over_nothing_says_so() -> None:
    assert passes.render([]) == "### No Rollouts found.\n\n"


def test_a_refused_plan_says_why_and_what_was_asked_for() -> None:
    asked = (AskedAction(action="promote", value="v1-1", outcome="waits for the pause to end"),)
    changes = tuple(Change(path=f"/spec/{index}", before="a", after="b") for index in range(12))
    made = factory.advancing(actions=asked, promotion=changes)
    text = passes.render([factory.record(made, Result.REFUSED, "it was changed")])
    assert "; it was changed |" in text
    assert "- promote v1-1: waits for the pause to end" in text
    assert "- <code>/spec/9</code> a → b\n- and 2 more" in text


def test_findings_are_a_table_with_the_worst_first() -> None:
    found = [
        Finding(level=level, object="Service a", message=f"{level} here", path="spec", advice="mend it")
        for level in (Level.INFO, Level.ERROR, Level.WARNING)
    ]
    results = (CheckResult(check="services", findings=tuple(found)), CheckResult(check="canary", summary="not paused"))
    shared = CheckResult(check="rights", incomplete="it may not be asked")
    text = preflight.render(
        [
            Examined(rollout=None, results=(shared,)),
            Examined(rollout=Ref(ROLLOUT, "test", "podinfo"), results=results),
        ],
        "Cluster",
    )
    assert text.startswith("### 1 Rollout: 1 error, 1 warning\n")
    assert [line.split("|")[1].strip() for line in text.splitlines() if "here" in line] == [
        "✗ error",
        "! warning",
        "i info",
    ]
    assert "| services | Service a: spec: error here | mend it |" in text
    assert "- ✓ canary: not paused" in text
    assert "- · rights: not looked at in full: it may not be asked" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_starts_nothing(text: str) -> None:
    html = rendered(f"| a | b |\n| --- | --- |\n| {escape(text)} | {code(text)} |")
    assert tags(html) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert html.count("<td>") == 2
    cell = re.findall(r"<td>(.*?)</td>", html, re.DOTALL)[0]
    assert not re.search(r"[@#!~]\w|\w://\w|www\.", cell)


@given(TEXTS)
def test_any_text_is_one_cell(text: str) -> None:
    html = rendered(f"| a | b |\n| --- | --- |\n| x{escape(text)} | {code(text)} |")
    assert tags(html) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert (html.count("<tr>"), html.count("<td>")) == (2, 2)


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_a_whole_document_has_our_tags_only(texts: list[str]) -> None:
    name, reason, error, message = texts
    made = factory.halting(
        rollout=factory.ref(name, "test"),
        reason=reason,
        gates=factory.gates(rollout=f"!{error}"),
        measurements=(factory.success_rate(text=message), replace(factory.latency(), metric=reason, query=error)),
        events=(factory.event(message, "Warning"),),
        promotion=(Change(path=name, before=reason, after=message),),
    )
    ours = rendered(passes.render([factory.record(made, Result.FAILED, error)]))
    plain = rendered(passes.render([factory.record(factory.halting(), Result.FAILED, "x")]))
    assert tags(ours) <= tags(plain) | {"ul", "li"}
    assert "<details open><summary>" in ours


def test_a_document_of_a_thousand_rollouts_fits_and_says_what_it_leaves_out() -> None:
    records = [
        factory.record(factory.halting(rollout=factory.ref(f"service-{index}"), reason="x" * 5000))
        for index in range(1000)
    ]
    text = passes.render(records)
    assert len(text) <= MOST
    assert re.search(r"_Cut: [0-9]+ more Rollouts have no room in a comment of 60,000 characters; `-o json`", text)
    assert re.search(r"_Cut: [0-9]+ more parts have no room", text)
    assert text.count("<details") == text.count("</details>") > 10
    assert "x" * 599 + "…" in text
    assert "x" * 601 not in text


def test_one_rollout_with_32_metrics_of_long_queries_fits() -> None:
    measurements = tuple(replace(factory.latency(), metric=f"metric-{index}", query="{" * 4096) for index in range(32))
    text = passes.render([factory.record(factory.halting(measurements=measurements))])
    assert len(text) <= MOST
    assert all(f"metric-{index} |" in text for index in range(32))
