"""Saved plans that are damaged, forged, replayed, or no plans: steerer writes nothing because of them.

The law: whatever the file says, steerer writes what an ordinary pass would write at that moment, or nothing. A forger
makes a new checksum: it is against mistakes, and no signature. Most files go through the module, over a cluster in
memory; some of each kind go through the whole program.
"""

from __future__ import annotations

import json
import logging
import os
import random
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.cli.logs import log_decision
from reconcile.engine import saved_plan, saved_plan_check
from reconcile.model.errors import UsageError
from reconcile.model.plan import Result
from reconcile.report import record as records
from tests.hostile.tally import End, ended
from tests.hostile.whole_program import RunResult, law_readable, law_unchanged, run_in_process
from tests.support.logs import restored_logging
from tests.support.program import contents, example, steerer
from tests.support.world import release
from tests.unit.engine.saved_plans import LATER, World, places, with_checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WHOSE = "A saved plan"
NO_PLAN = "is no plan that steerer saved"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path / "in")


@pytest.fixture
def plan(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "plan.json"
    assert run_in_process(folder, "plan", "--out", path).code == 0
    return path


def applied(folder: Path, plan: Path, *options: object) -> RunResult:
    """Applies a plan with the whole program, and checks that people see a message and no traceback."""
    result = run_in_process(folder, "apply", plan, *options)
    law_readable(result)
    return result


def refused(folder: Path, plan: Path, words: str) -> None:
    result = applied(folder, plan)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    law_unchanged(result)
    ended(End.REFUSED)


# Files that are no plans.

DEEP = 200_000
NONE: dict[str, tuple[bytes | str, str]] = {
    "nothing": ("", "is no JSON"),
    "a manifest": ("apiVersion: v1\nkind: Service\n", "is no JSON"),
    "a page": ("<html></html>", "is no JSON"),
    "bytes of zero": (b"\0" * 100, "is no JSON"),
    "a program": (b"\x7fELF\xff", NO_PLAN),
    "UTF-16": ('{"kind": "steerer plan"}'.encode("utf-16"), NO_PLAN),
    "a byte order mark": ('\ufeff{"kind": "steerer plan"}', "is no JSON"),
    "a list": ("[]", "make one with steerer plan --out"),
    "null": ("null", "make one with steerer plan --out"),
    "a number": ("1e5", "make one with steerer plan --out"),
    "no number": ("NaN", "is no JSON"),
    "endless": ('{"kind": "steerer plan", "x": -Infinity}', "is no JSON"),
    "a number beyond all": ('{"kind": "steerer plan", "x": 1e999}', "is no JSON"),
    "a number of a million digits": ("1" * 1_000_000, "is no JSON"),
    "a member twice": ('{"kind": "steerer plan", "kind": "steerer plan"}', "is no JSON"),
    "lists in lists": ("[" * DEEP + "]" * DEEP, "is no JSON"),
    "mappings in mappings": ('{"a":' * DEEP + "1" + "}" * DEEP, "is no JSON"),
    "millions of lists": ("[" + "[]," * 1_000_000 + "1]", "it has more than 2000000 values"),
    "64 MiB and one": (" " * (64 * 1024 * 1024 + 1), "is larger than 64 MiB"),
    "another kind": ('{"kind": "Plan", "format": 1}', "make one with steerer plan --out"),
    "another format": ('{"kind": "steerer plan", "format": 2}', "has format 2, and this steerer reads 1"),
    "a format that a terminal would obey": ('{"kind": "steerer plan", "format": "\\u001b[2J"}', "has format"),
    "a format of a mile": (json.dumps({"kind": "steerer plan", "format": "x" * 100_000}), "has format"),
    "no sum": ('{"kind": "steerer plan", "format": 1}', "was changed since steerer saved it"),
    "nothing but a sum": (json.dumps(with_checksum({"kind": "steerer plan", "format": 1, "sha256": ""})), NO_PLAN),
}


@pytest.mark.hostile(WHOSE, "what is no plan: binary, YAML, huge, deep, NaN, members that are there twice")
@pytest.mark.parametrize("name", NONE)
def test_what_is_no_plan_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    text, words = NONE[name]
    path = tmp_path / "plan.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(folder, path, words)


def to_nothing(path: Path) -> None:
    path.symlink_to("none")


def in_circles(path: Path) -> None:
    path.symlink_to(path.name)


def to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


NO_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a pipe that nobody writes to": (os.mkfifo, "cannot be read: it is no regular file"),
    "a folder": (lambda path: path.mkdir(), "cannot be read: Is a directory"),
    "a link to endless zeros": (to_a_device, "cannot be read: it is no regular file"),
    "a link to nothing": (to_nothing, "cannot be read: No such file"),
    "a link to itself": (in_circles, "cannot be read: Too many levels of symbolic links"),
}


@pytest.mark.hostile(WHOSE, "what is no file: pipes, devices, links to nothing")
@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_file_is_not_waited_for(folder: Path, tmp_path: Path, name: str) -> None:
    make, words = NO_FILES[name]
    path = tmp_path / "plan.json"
    make(path)
    refused(folder, path, words)


@pytest.mark.hostile(WHOSE, "what is no file: pipes, devices, links to nothing")
@pytest.mark.parametrize("name", ["a pipe that nobody writes to", "a folder", "a link to endless zeros"])
def test_a_plan_takes_the_place_of_no_device(folder: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "plan.json"
    NO_FILES[name][0](path)
    before = path.lstat().st_ino
    done = steerer("plan", "-f", folder, "--out", path)
    assert (done.returncode, done.stdout, path.lstat().st_ino) == (2, "", before)
    assert f"{path} cannot be written: " in done.stderr
    ended(End.REFUSED)


@pytest.mark.hostile(WHOSE, "what is no file: pipes, devices, links to nothing")
def test_a_link_to_a_plan_is_the_plan(folder: Path, plan: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(plan)
    result = applied(folder, tmp_path / "link")
    assert (result.code, "started" in result.out) == (0, True)
    ended(End.SAFE)


# Damage.


@pytest.mark.hostile(WHOSE, "cut off at each of its bytes")
def test_cut_off_anywhere_it_is_no_plan() -> None:
    text = json.dumps(World().save(), indent=2)
    for length in range(len(text)):
        with pytest.raises(UsageError, match=r"is no plan|was changed"):
            saved_plan.parse(text[:length], "plan.json")
        ended(End.REFUSED)
    assert saved_plan.parse(text, "plan.json").entries


@pytest.mark.hostile(WHOSE, "one of its bytes is another one")
def test_with_another_byte_it_is_no_plan_or_says_the_same() -> None:
    text = json.dumps(World().save(), indent=2).encode()
    chance = random.Random(5)  # noqa: S311 - any bytes will do
    for index in range(len(text)):
        other = bytearray(text)
        other[index] = chance.choice([byte for byte in range(256) if byte != text[index]])
        try:
            loaded = saved_plan.parse(other.decode("utf-8", "surrogateescape"), "plan.json")
        except UsageError:
            ended(End.REFUSED)
            continue
        assert loaded == saved_plan.parse(text.decode(), "plan.json")  # white space, or another notation
        ended(End.SAFE)


# Forgeries, with a valid checksum.


def put(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        where: Any = content
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = to

    return change


ENTRY: tuple[str | int, ...] = ("rollouts", 0)
WRITE = (*ENTRY, "patches", 1)
SECRET = {"apiVersion": "v1", "kind": "Secret", "namespace": "test", "name": "a"}


def another_selector(content: dict[str, Any]) -> None:
    content["rollouts"][0]["patches"][1]["operations"].append(
        {"op": "add", "path": "/spec/selector", "value": {"matchLabels": {"app": "all"}}}
    )


def another_patch(content: dict[str, Any]) -> None:
    patch = deepcopy(content["rollouts"][0]["patches"][1])
    patch["target"] |= {"kind": "Deployment", "apiVersion": "apps/v1", "name": "a"}
    patch["operations"] = [{"op": "add", "path": "/spec/template/spec/hostPID", "value": True}]
    content["rollouts"][0]["patches"].append(patch)


def another_entry(content: dict[str, Any], **rollout: str) -> None:
    entry = deepcopy(content["rollouts"][0])
    entry["rollout"] |= rollout
    content["rollouts"].append(entry)


WIDENED: dict[str, Callable[[dict[str, Any]], None]] = {
    "a selector is written too": another_selector,
    "another Deployment is written too": another_patch,
    "all traffic": put(*WRITE, "operations", -1, "value", to=100),
    "without a test": lambda content: content["rollouts"][0]["patches"][1]["operations"].pop(0) and None,
    "a test of something else": put(*WRITE, "operations", 0, "value", to="x"),
    "another object": put(*WRITE, "target", "name", to="b"),
    "another namespace": put(*WRITE, "target", "namespace", to="kube-system"),
    "another kind": put(*WRITE, "target", "kind", to="Deployment"),
    "a Secret": put(*WRITE, "target", to=SECRET),
    "the Rollout's own spec": put(*ENTRY, "patches", 0, "target", "subresource", to=""),
    "a promotion": put(*ENTRY, "move", to="promote"),
    "a Warning less": put(*ENTRY, "events", to=[]),
    "an Event more": lambda content: content["rollouts"][0]["events"].append({"type": "Normal", "message": "All well"}),
    "a promise of success": put(*ENTRY, "patches", 0, "operations", -1, "value", "phase", to="Succeeded"),
    "a gate that was not passed": put(*ENTRY, "gates", 0, "outcome", to="failed"),
    "another threshold": put(*ENTRY, "measurements", 0, "threshold", to=0),
    "another query": put(*ENTRY, "measurements", 0, "query", to="vector(100)"),
    "another Rollout": put(*ENTRY, "rollout", "name", to="b"),
    "another Rollout's namespace": put(*ENTRY, "rollout", "namespace", to="other"),
    "another Rollout's uid": put(*ENTRY, "uid", to="uid-other"),
    "another generation": put(*ENTRY, "generation", to=99),
    "a Rollout more": partial(another_entry, name="b"),
    "a Rollout of another namespace more": partial(another_entry, namespace="kube-system"),
}


@pytest.mark.hostile(WHOSE, "patches that were widened: a selector, other objects, other namespaces")
@pytest.mark.parametrize("name", WIDENED)
def test_no_forger_widens_what_is_written(name: str) -> None:
    world = World(*release("a", 10), *release("b", 10))
    content = world.save()
    content["rollouts"] = content["rollouts"][:1]
    before = deepcopy(world.cluster.objects)
    WIDENED[name](content)
    honest = World(*release("a", 10), *release("b", 10))
    expected = {record.plan.rollout: record.plan for record in honest.one_pass(LATER).plans()}
    for record in world.apply(with_checksum(content)):
        if record.result is Result.APPLIED and record.plan.patches:
            assert record.plan == expected[record.plan.rollout]
    if not name.endswith("more"):
        assert world.cluster.objects == before
    ended(End.NOT_APPLIED if world.cluster.objects == before else End.SAFE)


ANYTHING: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**70, 1.5, 1e308, "", "x", "\x1b[2J", "\u202e", "\ud800", "~", "/", "/-", "..", "../..", "%"),
    *([], [None], [[]], {}, {"a": 1}, {"/": {}}, [{"op": "test"}], "9" * 5000, "x" * 10_000),
)


class Formatter(logging.Handler):
    """Formats each record and keeps nothing: pytest-xdist cannot send text with half of a surrogate pair."""

    def emit(self, record: logging.LogRecord) -> None:
        """Raises where the text cannot be formatted."""
        self.format(record)


@contextmanager
def formatted_only() -> Iterator[None]:
    with restored_logging():
        logger = logging.getLogger("steerer")
        logger.handlers, logger.propagate = [Formatter()], False
        yield


class Forgers:
    """A saved plan, and the decisions of a pass five minutes later, with which forgeries are compared."""

    def __init__(self) -> None:
        world = World()
        self.content = world.save()
        self._cluster = world.cluster
        self._fresh = [*world.one_pass(LATER).plans()]

    def tries(self, content: dict[str, Any]) -> None:
        """Checks that a forgery leads to no other writes than those of the pass, and can be reported and logged."""
        try:
            plan = saved_plan.parse(json.dumps(with_checksum({"sha256": "", **content})), "plan.json")
        except UsageError as error:
            assert "plan.json " in str(error)  # noqa: PT017 - or it is one
            ended(End.REFUSED)
            return
        objects = self._cluster.fetch(plan.targets)
        made = [*saved_plan_check.accept_or_refuse(plan, self._fresh, objects, LATER)]
        written = [record for record in made if record.plan.patches or record.plan.events]
        assert all(record in self._fresh for record in written)
        for record in [*made, *plan.refused(plan.age_problem(LATER, 0))]:
            records.render([record], "json").encode()
            with formatted_only():
                log_decision(record)
        ended(End.SAFE if written else End.NOT_APPLIED)


@pytest.mark.hostile(WHOSE, "each of its values is anything else")
def test_with_anything_in_any_place_it_is_refused_or_does_what_a_pass_does() -> None:
    forgers = Forgers()
    for index in range(len(places(forgers.content))):
        for value in ANYTHING:
            content = deepcopy(forgers.content)
            inside, key = places(content)[index]
            inside[key] = value
            forgers.tries(content)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.hostile(WHOSE, "some of its values are anything else (drawn at random)")
@settings(max_examples=300)
@given(data=st.data())
def test_no_forgery_is_written_unless_a_pass_would_write_it(data: st.DataObject) -> None:
    forgers = Forgers()
    content = deepcopy(forgers.content)
    for _ in range(data.draw(st.integers(1, 3))):
        inside, key = data.draw(st.sampled_from(places(content)))
        match data.draw(st.integers(0, 2)):
            case 0:
                inside[key] = data.draw(VALUES)
            case 1:
                del inside[key]
            case _:
                inside[key] = deepcopy(data.draw(st.sampled_from(places(content)))[0])
    forgers.tries(content)


# Through the whole program.


def forged(plan: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(plan.read_text())
    change(content)
    plan.write_text(json.dumps(with_checksum(content)))


STEP = (*ENTRY, "patches", 1, "operations", -1, "value")
WHOLE: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "all traffic": (put(*STEP, to=100), "was 100 and is 10"),
    "a selector is written too": (another_selector, "is not what steerer"),
    "another object": (put(*WRITE, "target", "name", to="podinfo-canary"), "podinfo-canary"),
    "another namespace": (put(*WRITE, "target", "namespace", to="kube-system"), "kube-system"),
    "another Rollout": (put(*ENTRY, "rollout", "name", to="another"), "Rollout another.test is not there"),
    "another cluster's": (put(*ENTRY, "uid", to="6f1d"), "its uid is absent, and was 6f1d"),
    "an error": (put(*ENTRY, "error", to="\x1b[2Jboom"), "no plan could be made"),
}


@pytest.mark.hostile(WHOSE, "forged and summed up anew, through the whole program")
@pytest.mark.parametrize("name", WHOLE)
def test_a_forgery_is_refused_by_object_and_field(folder: Path, plan: Path, name: str) -> None:
    change, words = WHOLE[name]
    forged(plan, change)
    result = applied(folder, plan)
    assert (result.code, words in result.out) == (4, True), result.text
    law_unchanged(result)
    ended(End.NOT_APPLIED)


NAMES = ("..", ".", "../../kube-system", "a/b", "%2e%2e", "", "\n")


@pytest.mark.hostile(WHOSE, "names in it that lead elsewhere")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("where", [("rollout", "namespace"), ("rollout", "name"), ("patches", 1, "target", "name")])
def test_no_server_is_asked_for_what_is_no_name(folder: Path, plan: Path, where: tuple[Any, ...], name: str) -> None:
    forged(plan, put(*ENTRY, *where, to=name))
    refused(folder, plan, NO_PLAN)


@pytest.mark.hostile(WHOSE, "applied with_checksum, after the world moved, or of another version")
def test_replayed_it_does_nothing_more(folder: Path, plan: Path) -> None:
    assert applied(folder, plan).code == 0
    for _ in range(2):
        result = applied(folder, plan, "--control-loop-interval", "0s")
        assert result.code == 4
        law_unchanged(result)
        ended(End.NOT_APPLIED)


@pytest.mark.hostile(WHOSE, "applied with_checksum, after the world moved, or of another version")
@pytest.mark.parametrize("file", ["virtual-service", "deployment", "deployment-canary", "service", "hpa-canary"])
def test_where_an_object_is_gone_it_is_refused(folder: Path, plan: Path, file: str) -> None:
    (folder / "workloads" / f"{file}.yaml").unlink()
    result = applied(folder, plan)
    if file == "hpa-canary":  # nothing in the plan relies on it
        assert result.code == 0
        ended(End.SAFE)
        return
    assert result.code == 4
    law_unchanged(result)
    ended(End.NOT_APPLIED)


@pytest.mark.hostile(WHOSE, "applied with_checksum, after the world moved, or of another version")
def test_another_version_says_so(folder: Path, plan: Path) -> None:
    forged(plan, put("version", to="9.9.9\x1b[2J"))
    forged(plan, put(*STEP, to=50))
    result = applied(folder, plan)
    assert (result.code, "9.9.9" in result.out or "was 50 and is 10" in result.out) == (4, True)
    law_unchanged(result)
    ended(End.NOT_APPLIED)


@pytest.mark.hostile(WHOSE, "applied with_checksum, after the world moved, or of another version")
@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2020-02-30T00:00:00Z", "now", None, 5]
)
def test_a_time_of_no_use_keeps_it_from_being_applied(folder: Path, plan: Path, time: object) -> None:
    forged(plan, put("time", to=time))
    result = applied(folder, plan)
    assert result.code in {2, 4}
    law_unchanged(result)
    ended(End.REFUSED if result.code == 2 else End.NOT_APPLIED)


@pytest.mark.hostile(WHOSE, "what is no plan: binary, YAML, huge, deep, NaN, members that are there twice")
def test_a_member_that_is_there_twice_is_not_one_to_look_at_and_one_to_apply(folder: Path, plan: Path) -> None:
    text = plan.read_text().replace('"rollouts": [', '"rollouts": [], "rollouts": [', 1)
    plan.write_text(text)
    refused(folder, plan, NO_PLAN)


@pytest.mark.hostile(WHOSE, "what is no plan: binary, YAML, huge, deep, NaN, members that are there twice")
def test_the_program_itself_says_so(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    before = contents(folder)
    for text, words in (("[" * DEEP, "is no JSON"), ("[" + "[]," * 20_000_000 + "1]", "more than 2000000 values")):
        path.write_text(text)
        done = steerer("apply", path, "-f", folder)
        assert (done.returncode, done.stdout, contents(folder)) == (2, "", before)
        assert done.stderr.startswith(f"steerer: {path} ")
        assert words in done.stderr
        ended(End.REFUSED)
