"""The pages say what the code does: drawings, layout, commands, options, fields, messages and examples."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
import pytest
from click.testing import CliRunner

from reconcile.cli import COMMANDS, steerer
from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.core import gates, messages
from reconcile.core.state_machine import Move
from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.metrics import metric_files, templates
from reconcile.model import rights, rollout_manifest
from reconcile.model.kinds import KINDS, ROLLOUT, Ref, Scope
from reconcile.model.measurement import Failure, Question
from reconcile.model.rollout import Phase
from reconcile.model.settings import Settings
from reconcile.preflight import checks
from reconcile.report import simulation, text
from reconcile.report.console import console_for
from reconcile.simulation import scenario_file
from reconcile.simulation.play import play
from reconcile.simulation.scripted_meter import ScriptedMeter
from tests.support import drawing, fast_yaml, release_picture
from tests.support.pages import PAGES, blocks, code, column, prose, read, section
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ARCHITECTURE, METRICS, OPERATING, HALTS = (
    ROOT / "docs" / f"{name}.md" for name in ("architecture", "metrics", "rollout", "operations")
)


# Drawings and layout.


def test_the_drawn_parts_are_equal_to_the_code() -> None:
    pages = [read(page) for page in drawing.PAGES]
    assert sorted(name for page in pages for name in drawing.drawn(page)) == sorted(drawing.PARTS)
    assert [drawing.redrawn(page) for page in pages] == pages, f"draw it anew: {drawing.REDRAW}"


def test_the_layout_names_each_package_once_and_none_that_is_not_there() -> None:
    named = [cell.split("`")[1] for cell in column(section(ARCHITECTURE, "Where a change goes"))]
    package = ROOT / "reconcile"
    there = {str(path.parent.relative_to(package)) for path in package.rglob("__init__.py")} - {"."}
    assert sorted(named) == sorted(there)


def test_the_layout_marks_the_packages_that_an_import_contract_keeps_pure() -> None:
    settings = drawing.settings()["tool"]["importlinter"]["contracts"]
    core = next(contract for contract in settings if contract["name"].startswith("The core"))["source_modules"]
    marked = {
        cell.split("`")[1].split("/")[0]
        for cell in column(section(ARCHITECTURE, "Where a change goes"))
        if cell.endswith("●")
    }
    assert sorted(marked) == sorted(name.removeprefix("reconcile.") for name in core)


def test_every_file_that_an_errand_names_is_there() -> None:
    named = code(section(ARCHITECTURE, "Three errands"))
    files = [name for name in named if "/" in name and "<" not in name]
    assert len(files) > 6
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_every_move_is_explained() -> None:
    explained = column(re.split("What each move does|The gates on", read(ARCHITECTURE))[1])
    assert sorted(explained) == sorted(f"`{move}`" for move in Move if move not in {Move.HALT, Move.WAIT})


# Commands and options.


def commands() -> Iterator[tuple[str, str]]:
    """Yields the page and the text of each command line of steerer: those in blocks, and those within sentences."""
    for block in blocks("sh"):
        for line in block.content.replace("\\\n", " ").splitlines():
            if line.startswith(("steerer ", "kubectl steerer ")):
                yield block.page.name, line
    for page in PAGES:
        for words in code(prose(page)):
            if words.startswith(("steerer ", "kubectl steerer ")):
                yield page.name, words


@pytest.mark.parametrize(("page", "line"), sorted(set(commands())))
def test_every_command_line_can_be_parsed(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    name, *arguments = words[words.index("steerer") + 1 :]
    assert name in COMMANDS, f"{page}: {line}"
    if "--help" in arguments or not arguments:  # a command that is only named need not have what it requires
        return
    try:
        command(name).make_context(name, arguments)
    except click.UsageError as error:
        pytest.fail(f"{page}: {line}: {error.format_message()}")


def command(name: str) -> click.Command:
    found = steerer.get_command(click.Context(steerer), name)
    assert found is not None
    return found


def options() -> dict[str, click.Option]:
    every = (param for name in COMMANDS for param in command(name).params)
    return {name: param for param in every if isinstance(param, click.Option) for name in param.opts}


# The option of every command.
FOREIGN = {"--help"}


def test_every_option_and_variable_that_is_named_exists() -> None:
    known, variables = set(options()), {option.envvar for option in options().values()}
    for page in PAGES:
        own = " ".join(words for words in code(prose(page)) if not words.startswith("kubectl -n"))
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", own)) <= known | FOREIGN, page.name
        assert set(re.findall(r"STEERER_\w+", read(page))) - {"STEERER_"} <= variables, page.name


def test_every_command_has_its_line() -> None:
    named = [code(cell)[0] for cell in column(section(ROOT / "docs" / "cli.md", "Commands"))]
    assert sorted(named) == sorted(f"steerer {name}" for name in COMMANDS)


@pytest.mark.parametrize("name", ["demo", "test", "unit"])
def test_the_commands_of_the_readme_are_targets_of_the_makefile(name: str) -> None:
    assert f"\nmake {name} " in read(ROOT / "README.md")
    assert re.search(rf"^{name}:", read(ROOT / "Makefile"), re.MULTILINE)


# What is shown of a run.


@pytest.fixture(name="played")
def the_demonstration(tmp_path: Path) -> tuple[list[str], list[str]]:
    """Plays the demonstration; returns what `make demo` prints, and what `plan` would print in the third pass."""
    shutil.copytree(ROOT / "artifacts", tmp_path / "play")
    script = scenario_file.load(ROOT / "artifacts" / "scenarios" / "demo.yaml")
    cluster, meter = FolderCluster(tmp_path / "play"), ScriptedMeter(script)
    settings = Settings(interval=script.tick, metrics=templates.load().metrics)
    at = script.start + timedelta(seconds=2 * script.tick)
    passes, third = [], io.StringIO()
    for records in play(cluster, meter, script, settings, Selection()):
        passes.append(records)
        if len(passes) == 2:
            one = Pass(cluster=cluster, meter=meter, settings=settings, selection=Selection(), now=lambda: at)
            text.print_records(list(one.plans()), console_for(third))
    objects = [item for kind in KINDS.values() for item in cluster.list(kind, Scope())]
    return simulation.render(objects, passes, "text").splitlines(), third.getvalue().splitlines()


def test_what_is_shown_of_the_demonstration_was_printed(played: tuple[list[str], list[str]]) -> None:
    shown = [
        block.content.splitlines()
        for page in ("simulation.md", "cli.md")
        for block in blocks("text")
        if block.page.name == page
    ]
    assert len(shown) == len(played)
    for lines, printed in zip(shown, played, strict=True):
        rest = iter(printed)
        for line in lines:
            assert line.strip() == "…" or line in rest, line


@pytest.mark.parametrize(("picture", "scenario"), release_picture.PICTURES.items(), ids=lambda value: str(value)[-12:])
def test_the_pictures_of_releases_are_what_is_drawn_of_their_scenarios(picture: Path, scenario: str) -> None:
    assert read(picture) == release_picture.drawn(scenario), f"draw it anew: {drawing.REDRAW}"
    assert f"({picture.name})" in read(ROOT / "docs" / "reports.md")
    svg = ET.fromstring(read(picture))  # noqa: S314 - a file of this repository
    told = {child.tag.rpartition("}")[2]: child.text for child in svg}
    assert svg.get("viewBox")
    assert told["title"]
    assert told["desc"]


def test_the_readme_shows_the_release_of_the_demonstration() -> None:
    assert "(docs/release.svg)" in read(ROOT / "README.md")


PREFLIGHT = ROOT / "docs" / "preflight.md"


def test_what_lint_is_shown_to_find_was_printed(tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "artifacts", tmp_path / "deploy")
    for file, old, new in (
        ("rollouts/podinfo.yaml", "stepWeight: 10", "stepWeight: 0"),
        ("workloads/service-canary.yaml", "- name: http\n", "- name: web\n"),
        ("workloads/virtual-service.yaml", "weight: 100", "weight: 70"),
    ):
        (folder / file).write_text(read(folder / file).replace(old, new), encoding="utf-8")
    printed = CliRunner().invoke(steerer, ["lint", "-f", str(folder)]).stdout
    shown = next(block.content for block in blocks("text") if block.page == PREFLIGHT)
    assert shown in printed


def test_every_check_is_explained() -> None:
    explained = [name for cell in column(section(PREFLIGHT, "What is looked at")) for name in code(cell)]
    named = {check.name for check in (*checks.FOLDER, *checks.CLUSTER)}
    assert sorted(explained) == sorted(
        named | {"files", "resources", "rights", "rollouts", "approval", "metrics server"}
    )


# Fields, messages, words.


def schema(*path: str) -> dict[str, Any]:
    crd = fast_yaml.load(read(ROOT / "manifests" / "crd.yaml"))
    found: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for key in path:
        found = found["properties"][key]
    return found


def fields(node: dict[str, Any], path: str) -> Iterator[str]:
    """Yields the paths of the leaves of a schema."""
    if "properties" in node:
        for key, child in node["properties"].items():
            yield from fields(child, f"{path}.{key}")
    elif "properties" in node.get("items", {}):
        yield path
        yield from fields(node["items"], f"{path}[]")
    else:
        yield path


def test_the_fields_of_the_rollout_are_those_of_its_schema() -> None:
    named = [name for cell in column(section(OPERATING, "Fields")) for name in code(cell)]
    assert sorted(named) == sorted(fields(schema("spec"), "spec"))


def test_the_fields_of_the_status_and_the_phases_are_those_of_the_code() -> None:
    part = section(OPERATING, "Status")
    named = [name for cell in column(part) for name in code(cell)]
    assert sorted(named) == sorted([*schema("status")["properties"], *filter(None, Phase)])


def test_what_to_do_is_said_for_every_gate() -> None:
    named = [name for cell in column(section(HALTS, "Why it halts")) for name in code(cell)]
    assert sorted(named) == sorted([*gates.BY_NAME, "analysis", "series"])


def test_the_seven_messages_are_those_of_the_code() -> None:
    one, canary, primary = "podinfo.test", "podinfo-canary.test", "podinfo.test"
    assert [code(cell)[0] for cell in column(section(OPERATING, "Events"), 2)] == [
        messages.starting(one),
        messages.advance(one, 10),
        messages.halt(one, "request duration 2.525s > 500ms"),
        messages.halt(one, "success rate 82.33% < 99%"),
        messages.copying(canary, primary),
        messages.waiting(primary, 1, 2),
        messages.complete(canary),
    ]


def test_the_gitops_tools_are_those_of_the_code() -> None:
    assert all(f"`{manager}`" in section(OPERATING, "GitOps") for manager in Settings().gitops_managers)


def test_the_role_is_what_a_pass_uses() -> None:
    [role] = [item for item in manifests() if item.get("kind") == "Role"]
    assert role["rules"] == rights.rules(rights.PASS)
    [role] = [item for item in manifests() if item.get("kind") == "ClusterRole"]
    assert role["rules"] == rights.rules(rights.ACTION)


def test_the_kinds_of_failure_are_those_of_the_code() -> None:
    named = [code(cell)[0] for cell in column(section(METRICS, "When there is no number"))]
    assert named == [failure.value for failure in Failure]


def test_the_fields_of_a_metric_file_are_those_of_the_code() -> None:
    named = [code(cell)[0] for cell in column(section(METRICS, "The file"))]
    assert named == [*metric_files.REQUIRED, *metric_files.OPTIONAL]


def test_the_built_in_metrics_are_those_there_are() -> None:
    metrics = templates.load().metrics
    part = section(METRICS, "Metrics")
    named = dict(zip((code(cell)[0] for cell in column(part)), column(part, 2), strict=True))
    assert named == {name: metric.bound for name, metric in metrics.items()}


# Examples.


def manifests() -> Iterator[dict[str, Any]]:
    for block in blocks("yaml"):
        yield from (item for item in fast_yaml.load_all(block.content) if item)


def test_every_rollout_that_is_shown_is_valid() -> None:
    shown = [item for item in manifests() if item.get("kind") == ROLLOUT.name]
    assert shown
    assert [rollout_manifest.parse(item).problems for item in shown] == [()] * len(shown)


def test_every_metric_that_is_shown_can_be_rendered(tmp_path: Path) -> None:
    shown = [block.content for block in blocks("yaml") if "query" in (fast_yaml.load(block.content) or {})]
    assert len(shown) > 1
    for index, content in enumerate(shown):
        folder = tmp_path / str(index)
        folder.mkdir()
        (folder / "metric.yaml").write_text(content, encoding="utf-8")
        name = fast_yaml.load(content)["name"]
        question = Question(
            rollout=Ref(ROLLOUT, "test", "podinfo"),
            metric=name,
            workload="podinfo-canary",
            interval="1m",
            weight=10,
        )
        assert '"podinfo-canary"' in templates.load(folder).render(question, "test")


def test_every_scenario_that_is_shown_can_be_loaded(tmp_path: Path) -> None:
    shown = [block.content for block in blocks("yaml") if "start" in (fast_yaml.load_all(block.content)[0] or {})]
    assert shown
    for content in shown:
        (tmp_path / "scenario.yaml").write_text(content, encoding="utf-8")
        assert scenario_file.load(tmp_path / "scenario.yaml").changes


def test_the_fields_of_a_scenario_are_those_that_are_read() -> None:
    page = ROOT / "docs" / "simulation.md"
    named = [code(cell)[0] for cell in column(section(page, "The scenario"))]
    shown = next(fast_yaml.load(block.content) for block in blocks("yaml") if block.page == page)
    assert named == list(shown)


def test_every_test_that_is_named_exists() -> None:
    named = [(page.name, words) for page in PAGES for words in code(prose(page)) if "::test_" in words]
    assert len({words for _, words in named}) > 40
    for page, words in named:
        file, _, name = words.partition("::")
        assert re.search(rf"^def {name}\(", read(ROOT / file), re.MULTILINE), f"{page}: {words}"


def test_every_page_is_on_the_list_of_the_readme() -> None:
    listed = re.findall(r"\]\(([^)]+)\)", section(ROOT / "README.md", "Read on"))
    assert {str(page.relative_to(ROOT)) for page in PAGES} - {"README.md"} <= set(listed)


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)]+)\)", prose(page)):
            if target.startswith("https://"):
                continue
            path, _, anchor = target.partition("#")
            there = page.parent / path if path else page
            assert there.exists(), f"{page.name}: {target}"
            if anchor:
                titles = re.findall(r"^#+ (.+)$", read(there), re.MULTILINE)
                anchors = [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]
                assert anchor in anchors, f"{page.name}: {target}"
