"""Metric files: which files of a folder are read, and what is wrong with the others."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconcile.metrics.metric_files import MetricFiles
from reconcile.metrics.templates import load
from reconcile.model.errors import TemplateError, UsageError
from tests.hostile.tally import End, ended
from tests.unit.metrics.metric_folder import BUILTIN, file

if TYPE_CHECKING:
    from collections.abc import Mapping


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


def test_a_file_of_this_program_is_read_when_its_metric_is_asked_for(tmp_path: Path) -> None:
    path = file(tmp_path)
    files = MetricFiles([tmp_path], {})
    assert list(files) == ["m"]
    path.write_text("name: m\n")
    with pytest.raises(TemplateError, match="title: is missing"):
        files["m"]
    with pytest.raises(KeyError):
        files["n"]


@pytest.mark.hostile("A metric template", "files that are no metric: YAML bombs, binary, huge, nested, other fields")
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        *(({key: ""}, f"{key}: is missing or empty") for key in ("name", "title", "unit", "query")),
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
        (b"[" * 1000, "is nested too deeply"),
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


def test_a_metric_without_a_better_side(tmp_path: Path) -> None:
    file(tmp_path, threshold="")
    assert load(tmp_path).metrics["m"].bound == ""
