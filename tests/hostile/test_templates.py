"""Hostile metric files and the whole program: an invalid file is refused, an invalid query holds the weight."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.hostile.tally import End, ended
from tests.hostile.whole_program import (
    ROLLOUT,
    folder_with,
    law_halted,
    law_readable,
    law_unchanged,
    run_as_process,
    run_in_process,
)
from tests.support.metrics_server import Server, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACTS = "\x1b[2J\x9b31m\u202e"


@pytest.fixture
def server() -> Iterator[Server]:
    """Yields a server with good values for every canary."""
    with running(Server()) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a release in progress whose first metric is the hostile one."""
    folder = folder_with(tmp_path / "manifests", weight=10)
    text = (folder / ROLLOUT).read_text(encoding="utf-8")
    (folder / ROLLOUT).write_text(text.replace("istio_requests_total", "m"), encoding="utf-8")
    return folder


def templates(tmp_path: Path, query: str) -> Path:
    made = tmp_path / "templates"
    made.mkdir()
    fields = {"name": "m", "title": "own", "unit": "percent", "threshold": "minimum", "query": query}
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
    (made / "m.yaml").write_text(text, encoding="utf-8")
    return made


QUERIES = {
    "undefined": ("{{ nothing }}", "'nothing' is undefined"),
    "loop": ("{% for a in range(10**9) %}x{% endfor %}", "is not part of the template language"),
    "nested": ("{% for a in [1] %}{% for b in [1] %}{% endfor %}{% endfor %}", "a for within a for"),
    "bomb": ("{{ 'x' * 10**9 }}", "is not part of the template language"),
    "objects": ("{{ ''.__class__.__mro__ }}", "access to attribute '__class__'"),
    "globals": ("{{ cycler.__init__.__globals__.os.system('id') }}", "is not part of the template language"),
    "include": ("{% include '/etc/passwd' %}", "Include is not part"),
    "macro": ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "is not part of the template language"),
    "syntax": ("up{% if " + ACTS, "query: line 1: "),
    "surrogate": ("up{{ '\\ud800' }}", "renders to text that is none"),
    "deep": ("{{ " + "(" * 8000 + " }}", "cannot be rendered (RecursionError)"),
    "long": ("{% for a in ['" + "a" * 999 + "', 1, 2, 3] %}" + "d" * 9000 + "{% endfor %}", "renders to more than"),
}


@pytest.mark.hostile("A metric template", "queries, through the whole program: plan, run")
@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_cannot_be_put_into_words_holds_the_weight(
    tmp_path: Path, folder: Path, server: Server, name: str
) -> None:
    query, words = QUERIES[name]
    options = ("--templates", templates(tmp_path, query), "--metrics-server", server.url, "--detailed-exitcode")
    for command in ("plan", "run"):
        result = run_in_process(folder, command, *options)
        law_readable(result)
        assert result.code == 4
        assert words in result.out
        law_unchanged(result) if command == "plan" else law_halted(result)
        ended(End.HELD)
    assert all(form["query"] != "m" for _, _, form in server.requests)


BOMB = "\n".join(["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))])
FILES = {
    "bomb": (BOMB.encode(), "is not a field"),
    "binary": (bytes(range(256)) * 9, "is not UTF-8"),
    "nul": (b"name: \x00", "is not YAML"),
    "deep": (b"[" * 60_000, "is nested too deeply"),
    "huge": (b"#" * 10**6, "is larger than 64 KiB"),
    "python": (b"name: !!python/object/apply:os.system [true]", "name: must be text"),
    "field": (f'"{ACTS}": x'.encode().replace(b"\x1b", b"\\e").replace("\x9b".encode(), b"\\x9b"), "is not a field"),
    "bound": (b"name: m\ntitle: t\nunit: u\nthreshold: least\nquery: up", "threshold: must be minimum or maximum"),
    "empty": (b"", "must be a mapping"),
    "document": (b"name: a\n---\nname: b", "another document"),
}


@pytest.mark.hostile("A metric template", "files, through the whole program: plan, run, lint")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_metric_ends_the_pass_before_it_begins(tmp_path: Path, folder: Path, name: str) -> None:
    content, words = FILES[name]
    (made := tmp_path / "templates").mkdir()
    (made / "m.yaml").write_bytes(content)
    for command in ("plan", "run", "lint"):
        result = run_in_process(folder, command, "--templates", made)
        law_readable(result)
        law_unchanged(result)
        assert result.code in {1, 2}
        assert words in result.text
        assert "m.yaml" in result.text
        ended(End.REFUSED)


@pytest.mark.hostile("A metric template", "through the program as a process: plan, run")
@pytest.mark.parametrize("name", ["bomb", "surrogate"])
def test_a_process_says_the_same(tmp_path: Path, folder: Path, server: Server, name: str) -> None:
    query, words = QUERIES[name]
    options = ("--templates", templates(tmp_path, query), "--metrics-server", server.url, "--detailed-exitcode")
    for command in ("plan", "run"):
        result = run_as_process(folder, command, *options)
        law_readable(result)
        assert (result.code, words in result.out) == (4, True)
        law_unchanged(result) if command == "plan" else law_halted(result)
        ended(End.HELD)
