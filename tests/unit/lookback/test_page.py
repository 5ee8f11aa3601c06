"""The page and the picture: what is on them, that they are well formed, and that nothing in them acts or is fetched."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from reconcile.lookback import page
from reconcile.lookback.history import MOST_CHECKS, MOST_HAPPENED
from reconcile.model.kinds import ROLLOUT, Ref
from tests.unit.lookback.release import made, simulated
from tests.unit.report.strategies import TEXTS

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></svg></style><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "url(http://example.com/x) @import 'http://example.com'",
    "]]><!--\x00\x1b[31m\u202e\ud800",
    "x" * 2000,
]
SVG = "{http://www.w3.org/2000/svg}"
VOID = {"meta", "link", "rect", "path"}


class Reader(HTMLParser):
    """Reads a page: its tags, its attributes, and whether each tag is closed in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps a tag."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Closes the tag that was opened last."""
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keeps a text."""
        self.texts.append(data)


def check_page(text: str) -> Reader:
    """Returns a page that is read, after it was looked through for what may act or fetch."""
    reader = Reader(text)
    assert not {"script", "iframe", "img", "object", "embed", "form", "base", "image", "use", "a"} & {*reader.tags}
    assert not [
        name for name, _ in reader.attributes if name.startswith("on") or name in {"src", "xlink:href", "action"}
    ]
    assert [value for name, value in reader.attributes if name == "href"] == ["data:,"]
    styles = [value for name, value in reader.attributes if name == "style"]
    assert all(re.fullmatch(r"(top|left): [0-9.]+%", style) for style in styles)
    assert reader.tags.count("style") == 1
    return reader


def check_picture(text: str) -> ET.Element:
    """Returns a picture that is read likewise."""
    root = ET.fromstring(text)  # noqa: S314 - made here
    names = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert names <= {"svg", "title", "desc", "style", "rect", "path", "text", "tspan", "g", "line", "circle"}
    assert not [key for element in root.iter() for key in element.attrib if key.startswith("on") or "href" in key]
    return root


def test_the_page_of_the_demonstration_tells_all_of_it() -> None:
    text = page.html([simulated("demo")])
    words = " ".join(check_page(text).texts)
    for told in ("Promoted", "success rate", "at least 99", "Halt rollout podinfo.test", "823", "12:00:30"):
        assert told in words
    assert "Nobody asked for anything." in words


def test_a_page_has_a_heading_order_captions_scopes_and_names_for_its_pictures() -> None:
    reader = check_page(page.html([simulated("demo"), replace(simulated("actions"), rollout=Ref(ROLLOUT, "b", "c"))]))
    tags, attributes = reader.tags, dict.fromkeys(reader.attributes)
    assert [tag for tag in tags if tag in {"h1", "h2", "h3"}][:5] == ["h1", "h2", "h2", "h3", "h3"]
    assert tags.count("table") == tags.count("caption")
    assert ("lang", "en") in attributes
    assert ("scope", "col") in attributes
    identifiers = [value for name, value in reader.attributes if name == "id"]
    assert len(identifiers) == len({*identifiers})
    named = [value for name, value in reader.attributes if name == "aria-labelledby"]
    assert {*named} <= {*identifiers}
    assert sum(value == "img" for name, value in reader.attributes if name == "role") == 6


def test_a_page_forbids_itself_to_run_or_to_fetch_anything() -> None:
    attributes = check_page(page.html([simulated("demo")])).attributes
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in attributes


def test_the_picture_of_the_demonstration_has_words_for_those_who_cannot_see_it() -> None:
    root = check_picture(page.svg([simulated("demo")]))
    assert root.findtext(f"{SVG}title") == "Release of podinfo.test: Promoted"
    words = root.findtext(f"{SVG}desc") or ""
    assert "30 % from 12:00:20, 40 % from 12:01:00" in words
    assert "request duration: values from 150 to 2525 ms, good is at most 500; 3 of 16 checks did not pass" in words


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    history = made(text=text, name=text)
    plain = check_page(page.html([made()]))
    assert check_page(page.html([history])).tags == plain.tags
    check_picture(page.svg([history]))


@settings(max_examples=25)
@given(TEXTS)
def test_any_text_stays_text(text: str) -> None:
    check_page(page.html([made(steps=2, metrics=1, text=text, name=text)]))
    check_picture(page.svg([made(steps=2, metrics=1, text=text, name=text)]))


def test_a_long_release_and_one_with_many_metrics_stay_small() -> None:
    large = made(steps=1000, metrics=32)
    text, picture = page.html([large]), page.svg([large])
    assert len(text) < 1_500_000
    assert text.count("<tr>") <= 32 * (MOST_CHECKS + 1) + MOST_HAPPENED + 5
    assert "that passed are left out" in text
    assert "in between are left out" in text
    assert check_picture(picture).attrib["viewBox"].startswith("0 0 960 ")


@pytest.mark.parametrize(
    ("phase", "kind", "expected"),
    [
        ("Failed", "", ("Rolled back", "bad")),
        ("RollingBack", "", ("Rolling back", "bad")),
        ("Succeeded", "Promoted", ("Promoted", "good")),
        ("Succeeded", "", ("At rest", "good")),
        ("", "", ("At rest", "good")),
        ("Progressing", "", ("In progress", "open")),
    ],
)
def test_the_outcome_is_a_word(phase: str, kind: str, expected: tuple[str, str]) -> None:
    history = made()
    happened = tuple(replace(item, kind=kind) for item in history.happened)
    assert page.outcome(replace(history, phase=phase, happened=happened)) == expected


def test_a_release_that_halts_now_is_told_as_halted() -> None:
    history = made()
    span = replace(history.spans[0], end=history.end)
    assert page.outcome(replace(history, spans=(span,))) == ("Halted", "bad")


def test_a_release_of_which_nothing_is_known_is_a_page_too() -> None:
    history = replace(made(metrics=0), weights=(), spans=(), happened=(), acts=(), facts=(), notes=())
    assert "Nothing is known of this time." in page.html([history])
    check_picture(page.svg([history]))
    check_picture(page.svg([]))
