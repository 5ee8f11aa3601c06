"""Hostile Rollouts in a folder, where there is no admission, and the whole program: `run`, `plan` and `status`.

The folder has a release in progress: the canary is healthy and has traffic, and no metrics server is configured. So a
pass that nothing misleads halts at its analysis, and writes a status and a Warning.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # its types are in a package of their own
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.model.rollout_manifest import parse
from reconcile.model.template_hash import revision
from tests.hostile.pieces import ABSENT, NO_JSON, OTHERS, QUERY, SPEC, STATUS, TEXTS, paths, pieces, put, shown
from tests.hostile.tally import End, ended
from tests.hostile.whole_program import (
    EVENTS,
    ROLLOUT,
    ROUTE,
    RunResult,
    folder_with,
    law_halted,
    law_readable,
    law_unchanged,
    run_as_process,
    run_in_process,
)
from tests.support.program import stored
from tests.support.share import share
from tests.unit.test_crd import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reconcile.model.kinds import Manifest

WEIGHT = 10
ROUTES = "routes.yaml"
# A metric may be observed only, or a gate at more traffic.
OPEN = {f"spec.canaryAnalysis.metrics.0.{field}" for field in ("observe", "fromWeight")}
# A suspended Rollout is held, a canary may warm up, without metrics there is nothing to query, with another revision
# the release starts over: all of it is allowed.
MEANT = {
    *("spec.suspend", "spec.canaryAnalysis.warmUp", "spec.canaryAnalysis.metrics", "spec.canaryAnalysis.metrics.0"),
    *("status.canaryRevision", *OPEN),
}
FAST = 60.0
"""The most seconds that one pass may take, on a busy machine."""


class Release:
    """A release in a folder for hostile Rollouts: each has its own route and Deployments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder_with(folder, weight=WEIGHT)
        (self.folder / ROLLOUT).unlink()
        self._route = stored(self.folder, ROUTE)
        self._deployments = [stored(self.folder, f"workloads/deployment{side}.yaml") for side in ("", "-canary")]
        self._status = STATUS | {
            "canaryRevision": revision(stored(self.folder, "workloads/deployment-canary.yaml")["spec"]["template"])
        }

    def manifest(self, name: str) -> Manifest:
        """Returns a valid Rollout in progress."""
        return {
            "apiVersion": "apps.weave.works/v1beta1",
            "kind": "Rollout",
            "metadata": {"name": name, "namespace": "test"},
            "spec": SPEC
            | {"virtualService": {"name": name}}
            | {side: SPEC[side] | {"name": f"{SPEC[side]['name']}-{name}"} for side in ("primary", "canary")},
            "status": self._status,
        }

    def play(self, manifests: Sequence[Manifest], *args: object) -> RunResult:
        """Makes a pass over these Rollouts."""
        self.write(manifests)
        began = time.monotonic()
        result = run_in_process(self.folder, *args, "-o", "json")
        assert time.monotonic() - began < FAST
        law_readable(result, rollouts=len(manifests))
        return result

    def write(self, manifests: Sequence[Manifest]) -> None:
        """Replaces the Rollouts of the folder, with a route for each."""
        names = [f"r-{number}" for number in range(len(manifests))]
        own = [put(self._route, "metadata.name", name) for name in names]
        pairs = ((item, name) for item in self._deployments for name in names)
        own += [put(item, "metadata.name", f"{item['metadata']['name']}-{name}") for item, name in pairs]
        for file, documents in ((ROLLOUT, manifests), (ROUTES, own)):
            text = yaml.dump_all(documents, Dumper=yaml.CSafeDumper, allow_unicode=True)
            (self.folder / file).write_text(text, encoding="utf-8")
        (self.folder / EVENTS).unlink(missing_ok=True)

    def plan(self, path: str, *more: Any) -> Iterator[tuple[Any, Manifest, Any]]:
        """Yields each hostile value for a field, the Rollout with it, and the plan of a pass for that."""
        tried = [*pieces(path), *more]
        manifests = [put(self.manifest(f"r-{number}"), path, piece) for number, piece in enumerate(tried)]
        result = self.play(manifests, "plan")
        law_unchanged(result)
        found = {record["rollout"]["name"]: record for record in json.loads(result.out)["rollouts"]}
        assert len(found) == len(tried)
        for number, piece in enumerate(tried):
            yield piece, manifests[number], found[f"r-{number}"]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release(tmp_path_factory.mktemp("hostile") / "manifests")


def without_nulls(value: Any) -> Any:
    """Returns a manifest as the API server reads it: null in a mapping is absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def in_schema(manifest: Manifest) -> bool:
    checker = jsonschema.Draft202012Validator(SCHEMA)
    return bool(checker.is_valid(without_nulls(manifest)))


def named(reason: str, path: str) -> bool:
    """Returns whether a reason names the path of a field, or of a field in it."""
    return any(problem.startswith(path.replace(".0", "[0]")) for problem in reason.split("; "))


def law_invalid(record: Any, path: str) -> None:
    """The pass halts before it queries a metric, the reason names the field, and only that is written."""
    assert (record["move"], record["measurements"]) == ("halt", []), record
    assert {gate["name"]: gate["outcome"] for gate in record["gates"]}["rollout"] == "failed", record
    assert named(record["reason"], path), record["reason"]
    law_status_only(record)


def law_status_only(record: Any) -> None:
    """The plan writes only the status, and has only a Warning."""
    assert {patch["target"].get("subresource") for patch in record["patches"]} <= {"status"}
    assert {event["type"] for event in record["events"]} <= {"Warning"}


def risen(record: Any) -> bool:
    """Returns whether the plan gives a canary more traffic than it has."""
    after, before = record["after"]["weight"], record["before"]["weight"]
    return after is not None and before is not None and after > before


@pytest.mark.hostile("A Rollout", "every field of spec, in every wrong way, in a folder")
@pytest.mark.parametrize("path", paths("spec"))
def test_a_spec_that_the_schema_refuses_halts_before_anything_is_asked(release: Release, path: str) -> None:
    # Where any text will do, YAML's word for no number is one.
    for piece, manifest, record in release.plan(path, *(() if path.rpartition(".")[2] in QUERY else NO_JSON)):
        if not in_schema(manifest):
            law_invalid(record, path)
        may_rise = path in OPEN or not risen(record) or not manifest["spec"]["canaryAnalysis"].get("metrics")
        assert may_rise, shown(piece)
        ended(End.HALTED if record["move"] == "halt" else End.SAFE)


FIELDS = [*paths("spec"), *paths("status")]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.hostile("A Rollout", "any JSON in place of several fields at once (drawn at random)")
@settings(max_examples=300)
@given(changes=st.lists(st.tuples(st.sampled_from(FIELDS), ANYTHING), min_size=1, max_size=4))
def test_what_the_schema_refuses_is_a_problem_and_nothing_raises(changes: list[tuple[str, Any]]) -> None:
    manifest = {"metadata": {"name": "r", "namespace": "test"}, "spec": SPEC, "status": STATUS}
    for path, piece in changes:
        with suppress(KeyError, IndexError, TypeError):  # an earlier change removed the parent of this one
            manifest = put(manifest, path, piece)
    found = parse(manifest)
    refused = not in_schema(manifest | {"status": {}})
    assert not refused or any(problem.startswith("spec") for problem in found.problems)
    assert (found.spec is None) == bool(found.problems)
    assert all(len(problem) < 300 for problem in found.problems)
    ended(End.HALTED if found.problems else End.SAFE)


@pytest.mark.hostile("A Rollout", "every field of status, in every wrong way, in a folder")
@pytest.mark.parametrize("path", paths("status"))
def test_a_status_of_a_wrong_type_halts_or_is_not_looked_at(release: Release, path: str) -> None:
    for piece, manifest, record in release.plan(path, *NO_JSON):
        assert not risen(record), shown(piece)
        if not in_schema(manifest) and path != "status.canaryRevision":
            law_status_only(record)
            assert record["move"] == "halt"
        ended(End.HALTED if named(record["reason"], path) else End.SAFE)


@pytest.mark.hostile("A Rollout", "every field, written over by a pass")
@pytest.mark.parametrize("path", share(sorted({*FIELDS} - MEANT), "written over", 5))
def test_a_pass_writes_nothing_but_what_it_has_to_say(release: Release, path: str) -> None:
    tried = [ABSENT, True, "\x1b[2J\u202e\n", {"x": [{}]}]
    result = release.play(
        [put(release.manifest(f"r-{number}"), path, piece) for number, piece in enumerate(tried)], "run"
    )
    law_halted(result)
    for _ in tried:
        ended(End.HALTED)


NO_NAMES = [text for text in TEXTS if text not in {"", "x", "5", "null", "a" * 64}]


@pytest.mark.hostile("A Rollout", "its own name and namespace, in a folder")
@pytest.mark.parametrize("field", ["name", "namespace"])
@pytest.mark.parametrize("text", [*NO_NAMES, "a" * 64], ids=repr)
def test_a_name_that_no_api_server_takes_halts(release: Release, field: str, text: str) -> None:
    result = release.play([put(release.manifest("r-0"), f"metadata.{field}", text)], "plan")
    law_unchanged(result)
    [record] = json.loads(result.out)["rollouts"]
    law_invalid(record, f"metadata.{field}")
    ended(End.HALTED)


@pytest.mark.hostile("A Rollout", "its other metadata, in a folder")
@pytest.mark.parametrize("field", ["labels", "annotations", "generation", "creationTimestamp", "managedFields", "x"])
def test_other_metadata_changes_nothing(release: Release, field: str) -> None:
    manifests = [
        put(release.manifest(f"r-{number}"), f"metadata.{field}", piece)
        for number, piece in enumerate(piece for piece in (*TEXTS, *OTHERS) if piece is not ABSENT)
    ]
    result = release.play(manifests, "plan")
    law_unchanged(result)
    for record in json.loads(result.out)["rollouts"]:
        law_status_only(record)
        assert record["reason"].startswith("success rate: unreachable (no metrics server is named")
        ended(End.SAFE)


@pytest.mark.hostile("A Rollout", "through the program as a process: plan, run, status")
@pytest.mark.parametrize(
    ("path", "piece", "words"),
    [
        ("spec.canaryAnalysis.metrics", [{"name": "x", "threshold": 1}] * 10_000, "has 10000 items, at most 32 are"),
        ("spec.canaryAnalysis.metrics", [{"name": "\x1b[2J" * 40, "threshold": 1}] * 32, "is no metric template"),
        ("spec.canary", "\u202eevil\x1b[31m", "spec.canary: must be a mapping"),
        ("spec.primary.host", "a\x00b.*", "spec.primary.host: "),
        ("status.phase", "\x1b[2J\n2026-01-31 INFO", "status.phase: "),
        ("status.conditions", [{"type": [{}]}, 1, "\x9b31m"], "no metrics server is named"),
    ],
    ids=["many", "names", "mapping", "host", "phase", "conditions"],
)
def test_the_program_says_what_is_wrong_and_leaves_the_rest(
    release: Release, path: str, piece: Any, words: str
) -> None:
    release.write([put(release.manifest("r-0"), path, piece)])
    for command, code in (("plan", 4), ("run", 4), ("status", 0)):
        result = run_as_process(release.folder, command, *(["--detailed-exitcode"] if code else []))
        law_readable(result)
        assert result.code == code
        assert words in result.out
        if command == "run":
            law_halted(result)
        else:
            law_unchanged(result)
    ended(End.HALTED)
