"""The edits of this repository's own manifests, in every layout, and that an edit that goes wrong is noticed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconcile.clusters.folder import yaml_edits
from tests.edits import numbers, sources, trials
from tests.edits.trials import End, Trial

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

FIELD, OWN = sources.own()
# The value of an anchor that others follow is refused. An alias is written out.
REFUSED = {
    "metadata.annotations.team",
    "metadata.annotations.again",
    "spec.template.spec.containers.0.image",
}


def first() -> Trial:
    return next(trial for trial in trials.drawn([OWN], 1000) if trial.file.path.name == "lists_in_two_ways.yaml")


def test_an_edit_touches_the_lines_of_its_value() -> None:
    found = [trials.tried(trial) for trial in trials.drawn([FIELD, OWN], 1000)]
    other = {tried.trial.where: tried for tried in found if tried.end != End.EXACT}
    assert sorted(other) == sorted(f"{OWN.folder / 'aliases.yaml'}: {place}" for place in REFUSED)
    assert {tried.end for tried in other.values()} == {End.REFUSED}
    assert all("is used in another place too" in tried.words for tried in other.values())
    assert set(Counter(tried.trial.kind for tried in found)) == set(trials.NEW)
    assert {tried.trial.file.path for tried in found} > set(OWN.folder.iterdir())


def test_the_same_edits_are_drawn_each_time() -> None:
    one, other = ([(trial.where, trial.value) for trial in trials.drawn([OWN], 20)] for _ in range(2))
    assert len(one) == 20
    assert one == other


def test_an_edit_that_touches_other_lines_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    edit = yaml_edits.rewrite
    monkeypatch.setattr(
        trials, "rewrite", lambda *arguments: edit(*arguments).replace("      - destination", "    - destination")
    )
    assert trials.tried(first()).end == End.OTHER
    monkeypatch.setattr(trials, "rewrite", lambda *arguments: edit(*arguments) + "# more\n")
    assert trials.tried(first()).end == End.OTHER


def test_an_edit_that_means_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    edit = yaml_edits.rewrite
    monkeypatch.setattr(trials, "rewrite", lambda *arguments: edit(*arguments).replace("somebody", "nobody"))
    assert trials.tried(first()).end == End.CHANGED
    monkeypatch.setattr(trials, "rewrite", lambda text, *_: text)
    assert trials.tried(first()).end == End.CHANGED


def test_without_go_modules_there_is_nothing_to_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path))
    assert (sources.module_cache(), sources.modules()) == (tmp_path, [])
    name, version = sources.pinned()[0]
    (tmp_path / f"{sources.escaped(name)}@{version}").mkdir(parents=True)
    assert [source.name for source in sources.modules()] == [f"{name}@{version}"]


def test_the_figures_of_the_page_are_those_of_a_run() -> None:
    numbers.RECORD.check()
    figures = numbers.RECORD.kept()
    assert numbers.share(figures) >= numbers.LEAST
    assert not any(ends[End.CHANGED] for ends in figures["edits"].values())
