"""What each folder of tests shows, which real components it needs, and which command runs it.

docs/testing.md is drawn from it, and pytest builds by it what the folders need that it is asked for.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.components.catalogue import (
    ALERTMANAGER,
    BROWSER,
    CONTOUR,
    CONTROL_PLANE,
    DOCKER,
    GITOPS,
    HELM,
    KIND,
    KUBE_STATE_METRICS,
    MESH,
    PROMETHEUS,
    Component,
)
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TESTS = ROOT / "tests"
# What is in `tests` beside folders of tests.
NO_TESTS = {"cases", "support", "tools"}


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder of `tests`; `shows` and `run_by` are Markdown."""

    name: str
    shows: str
    needs: tuple[Component, ...] = ()
    run_by: str = "`make test`"

    @property
    def path(self) -> Path:
        """Where it is."""
        return TESTS / self.name


_RELIABILITY = "see [reliability.md](reliability.md)"

FOLDERS = (
    Folder(
        name="unit",
        shows="each module by itself, laid out as `reconcile`; the plans of the named situations in `tests/cases`; "
        "processes on folders: signals, `--wait`, exit codes; the pages, against the code",
        run_by="`make unit`; `make cover` for every branch of the pure packages, `engine` and `metrics`",
    ),
    Folder(name="field", shows="what users met: their manifests, and what has to become of them"),
    Folder(
        name="random_worlds",
        shows="the laws of a pass, in thousands of random worlds",
        run_by="`make worlds`; a fourth of them in `make test`",
    ),
    Folder(
        name="explorer",
        shows="every state that passes, people, tools and crashes can reach together, over a cluster in memory: "
        + _RELIABILITY,
        run_by="`make explore`; a short one in `make test`",
    ),
    Folder(
        name="hostile",
        shows="hostile input of every kind, counted; also what is marked `hostile` in other folders: "
        "see [reliability.md](reliability.md#hostile-input)",
        run_by="`make hostile`; a fifth of the odd values of each field in `make test`",
    ),
    Folder(
        name="false_alarms",
        shows="how often an analysis stops a good canary, and how often it finds a bad one: "
        "see [metrics.md](metrics.md#how-often-an-analysis-is-wrong)",
        run_by="`make statistics`; a few releases in `make test`",
    ),
    Folder(
        name="edits",
        shows="which lines of a manifest an edit touches, in every layout and in public repositories: "
        "see [reliability.md](reliability.md#edits-of-manifests)",
        run_by="`make edits`; own manifests in `make test`",
    ),
    Folder(
        name="contract",
        shows="one contract for folders and API servers: the port, whole lives of a release, races, crashes",
        needs=(CONTROL_PLANE,),
        run_by="`make worlds`; in `make test` a third of the releases on the API server",
    ),
    Folder(
        name="apiserver",
        shows="a release through the API: admission, rights, dry runs, Gateway API, how many requests, shards",
        needs=(CONTROL_PLANE, PROMETHEUS),
    ),
    Folder(
        name="faults",
        shows=f"a release with a fault, another pass or an edit at each of its requests: {_RELIABILITY}",
        needs=(CONTROL_PLANE,),
        run_by="`make faults`; a part in `make test`",
    ),
    Folder(
        name="endurance",
        shows="thousands of passes over many Rollouts, killed, at once, with faults and people everywhere: "
        + _RELIABILITY,
        needs=(CONTROL_PLANE,),
        run_by="`make endure`; a short one in `make test`",
    ),
    Folder(
        name="bench",
        shows="what a pass costs, at up to 5,000 Rollouts: see [performance.md](performance.md)",
        needs=(CONTROL_PLANE, PROMETHEUS),
        run_by="`make bench`; the counts of 100 Rollouts in `make test`",
    ),
    Folder(
        name="helm",
        shows="the chart: rendered, refused, installed, upgraded, removed; its Jobs, with the pods of real controllers",
        needs=(CONTROL_PLANE, HELM),
    ),
    Folder(
        name="gitops",
        shows="what Argo CD, Flux and Argo Workflows make of a release, by their own code: health, what they put back, "
        "what of Git arrives",
        needs=(CONTROL_PLANE, GITOPS),
    ),
    Folder(
        name="prometheus",
        shows="each query of the built-in metrics, and every way in which an answer is none; replayed weeks",
        needs=(PROMETHEUS,),
        run_by="`make backtest`: what two weeks take; the rest in `make test`",
    ),
    Folder(
        name="monitoring",
        shows="the series of a Rollout in each state, when each alert fires, each query of the dashboard",
        needs=(CONTROL_PLANE, PROMETHEUS, KUBE_STATE_METRICS, ALERTMANAGER),
    ),
    Folder(
        name="browser",
        shows="a report as people see it: nothing runs, nothing is fetched, phone and screen, light and dark, keyboard",
        needs=(BROWSER,),
    ),
    Folder(
        name="mesh",
        shows="a release under requests that really fail and really take long; one over an HTTPRoute, behind Contour",
        needs=(CONTROL_PLANE, MESH, CONTOUR),
    ),
    Folder(
        name="components",
        shows="the components: they do what the tests rely on",
        needs=(CONTROL_PLANE, PROMETHEUS, MESH),
    ),
    Folder(name="image", shows="the image", needs=(DOCKER,), run_by="`make image-test`"),
    Folder(
        name="e2e",
        shows="everything at once, for ten minutes: pods, the CronJob, a node that is drained",
        needs=(DOCKER, KIND),
        run_by="`make e2e`",
    ),
)


def programs(paths: Iterable[Path]) -> set[str]:
    """Name the programs of the components that the tests at these paths need."""
    asked = [path.resolve() for path in paths]
    found = [folder for folder in FOLDERS if any(_overlap(folder.path, path) for path in asked)]
    return {program for folder in found for component in folder.needs for program in component.programs}


def _overlap(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def used(folder: Path) -> set[str]:
    """Give the fixtures that the tests of a folder use, and `module.name` of what they import from `tests`."""
    # The components' own modules are not what uses them.
    files = folder.glob("test_*.py" if folder.name == "components" else "**/*.py")
    return {name for file in sorted(files) for name in _used(ast.parse(file.read_text(encoding="utf-8")))}


def _used(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
        case ast.ImportFrom(module=str(module), names=names) if module.startswith("tests."):
            yield from (f"{module.removeprefix('tests.')}.{name.name}" for name in names)
        case ast.FunctionDef() if _takes_fixtures(node):
            yield from (argument.arg for argument in [*node.args.args, *node.args.kwonlyargs])
        case ast.Call(func=ast.Attribute(attr="getfixturevalue"), args=[ast.Constant(value=str(name))]):
            yield name
    for child in ast.iter_child_nodes(node):
        yield from _used(child)


def _takes_fixtures(function: ast.FunctionDef) -> bool:
    return function.name.startswith("test_") or any("fixture" in ast.unparse(one) for one in function.decorator_list)
