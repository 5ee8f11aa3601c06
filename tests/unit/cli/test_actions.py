"""What a person asks for by a command, on a folder: the annotation, what is printed, and the exit codes."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model import objects
from reconcile.model.errors import LostRaceError
from tests.support.program import contents, invoke, stored

if TYPE_CHECKING:
    from pathlib import Path
    from subprocess import CompletedProcess

PREFIX = "apps.weave.works/"
FILE = "rollouts/podinfo.yaml"


def revision_of(folder: Path) -> str:
    return objects.deployment(stored(folder, "workloads/deployment-canary.yaml")).revision


def asked(folder: Path) -> dict[str, str]:
    annotations: dict[str, str] = stored(folder, FILE)["metadata"].get("annotations", {})
    return {key.removeprefix(PREFIX): value for key, value in annotations.items()}


def act(verb: str, folder: Path, *args: object) -> CompletedProcess[str]:
    return invoke(verb, "podinfo", "-f", folder, *args)


def annotate(folder: Path, **annotations: str) -> None:
    path = folder / FILE
    manifest: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    manifest["metadata"]["annotations"] = {PREFIX + key: value for key, value in annotations.items()}
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")


def change_canary(folder: Path) -> None:
    path = folder / "workloads" / "deployment-canary.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("image: ", "image: new/"), encoding="utf-8")


# What is written.


@pytest.mark.parametrize("verb", ["abort", "pause", "promote", "approve"])
def test_an_action_names_the_revision_of_the_canary(folder: Path, verb: str) -> None:
    done = act(verb, folder)
    assert (done.returncode, asked(folder)) == (0, {verb: revision_of(folder)}), done.stderr
    assert done.stdout == f"podinfo.test  {verb} of revision {revision_of(folder)}: annotated\n"


def test_the_rest_of_the_file_stays_to_the_byte(folder: Path) -> None:
    before = contents(folder)
    act("abort", folder)
    after = contents(folder)
    assert [name for name in before if before[name] != after[name]] == [FILE]
    added = f"  annotations:\n    apps.weave.works/abort: {revision_of(folder)}\n".encode()
    assert after[FILE].replace(added, b"") == before[FILE]


def test_a_pause_of_any_revision_holds_the_next_ones_too(folder: Path) -> None:
    done = act("pause", folder, "--revision", "*")
    assert (done.stdout, asked(folder)) == ("podinfo.test  pause of any revision: annotated\n", {"pause": "*"})


def test_no_other_action_is_about_any_revision(folder: Path) -> None:
    done = act("abort", folder, "--revision", "*")
    assert (done.returncode, asked(folder)) == (2, {})
    assert "is for pause alone: abort is about one revision" in done.stderr


@pytest.mark.parametrize("pause", ["*", "v1-an-older-one"])
def test_resume_takes_away_any_pause(folder: Path, pause: str) -> None:
    annotate(folder, pause=pause, approve="v1-a")
    assert act("resume", folder).stdout == "podinfo.test  resume: annotated\n"
    assert asked(folder) == {"approve": "v1-a"}


def test_resume_needs_no_canary(folder: Path) -> None:
    annotate(folder, pause="*")
    (folder / "workloads" / "deployment-canary.yaml").unlink()
    assert (act("resume", folder).returncode, asked(folder)) == (0, {})


def test_an_approval_can_be_for_one_step(folder: Path) -> None:
    act("approve", folder, "--weight", 20)
    assert asked(folder) == {"approve": f"{revision_of(folder)}/20"}
    assert act("approve", folder, "--weight", 101).returncode == 2


def test_a_retry_has_a_token_of_its_own_and_takes_the_abort_away(folder: Path) -> None:
    act("abort", folder)
    done = act("retry", folder)
    assert done.returncode == 0, done.stderr
    [(key, value)] = asked(folder).items()
    assert key == "retry"
    assert re.fullmatch(rf"{revision_of(folder)}/\d{{8}}T\d{{6}}Z", value)


def test_what_is_asked_for_already_is_unchanged(folder: Path) -> None:
    act("pause", folder)
    before = contents(folder)
    done = act("pause", folder)
    assert (done.returncode, contents(folder)) == (0, before)
    assert done.stdout.endswith(": unchanged\n")
    assert act("resume", folder).returncode == 0
    assert act("resume", folder).stdout == "podinfo.test  resume: unchanged\n"


def test_an_action_that_goes_first_is_named(folder: Path) -> None:
    act("pause", folder)
    assert act("promote", folder).stdout.endswith("\n  pause is asked for as well, and goes first\n")
    assert act("abort", folder).stdout.endswith(": annotated\n")
    assert act("pause", folder).stdout.endswith("\n  abort is asked for as well, and goes first\n")
    change_canary(folder)  # an abort of another revision is in nobody's way
    assert act("pause", folder).stdout.endswith(": annotated\n")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_read_what_was_written(folder: Path, form: str) -> None:
    document = yaml.safe_load(act("abort", folder, "-o", form).stdout)
    assert document == {
        "rollout": "podinfo",
        "namespace": "test",
        "action": "abort",
        "revision": revision_of(folder),
        "annotations": {"apps.weave.works/abort": revision_of(folder)},
        "result": "annotated",
        "dryRun": "none",
    }
    removed = json.loads(act("resume", folder, "-o", "json").stdout)
    assert (removed["revision"], removed["result"]) == (None, "unchanged")
    assert removed["annotations"] == {"apps.weave.works/pause": None}


def test_a_dry_run_writes_nothing(folder: Path) -> None:
    before = contents(folder)
    done = act("abort", folder, "--dry-run=client")
    assert (done.returncode, contents(folder)) == (0, before)
    assert done.stdout.endswith(": annotated (dry run)\n")
    assert json.loads(act("abort", folder, "--dry-run=client", "-o", "json").stdout)["dryRun"] == "client"


# Which revision is meant.


def test_the_revision_alone_is_printed_for_a_pipeline(folder: Path) -> None:
    done = invoke("revision", "podinfo", "-f", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{revision_of(folder)}\n", "")


def test_the_revision_that_is_named_has_to_be_the_canarys(folder: Path) -> None:
    seen = revision_of(folder)
    change_canary(folder)
    before = contents(folder)
    done = act("promote", folder, "--revision", seen)
    assert (done.returncode, contents(folder)) == (4, before)
    assert done.stderr == (
        f"steerer: Deployment podinfo-canary.test has moved on: it has revision {revision_of(folder)}, and not {seen}; "
        "nothing was written\n"
    )
    assert act("promote", folder, "--revision", revision_of(folder)).returncode == 0


@pytest.mark.parametrize("verb", ["approve", "abort"])
def test_a_revision_can_be_named_that_the_canary_does_not_have(folder: Path, verb: str) -> None:
    done = act(verb, folder, "--revision", "v1-the-next", "--unchecked")
    assert (done.returncode, asked(folder)) == (0, {verb: "v1-the-next"})
    assert "--unchecked needs --revision" in act(verb, folder, "--unchecked").stderr


def test_annotations_that_were_changed_meanwhile_are_told_to_run_it_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*_: object) -> None:
        raise LostRaceError("/metadata/annotations is no longer {}")

    monkeypatch.setattr("reconcile.clusters.folder.cluster.FolderCluster.patch", overtaken)
    done = act("abort", folder)
    assert done.returncode == 4
    assert done.stderr == "steerer: Rollout podinfo was changed meanwhile, nothing was written: run it again\n"


def test_an_action_waits_for_a_pass_over_the_same_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as other:
        other.enter_context(FolderCluster(folder).lock())
        monkeypatch.setattr("reconcile.clusters.folder.lock.time.sleep", lambda _: other.close())
        assert act("abort", folder).returncode == 0
    assert asked(folder) == {"abort": revision_of(folder)}


# What is refused.


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("other",), 2, "no Rollout other in any namespace"),
        (("podinfo", "-n", "shop"), 2, "has no Rollout of namespace shop: it has those of namespace test"),
        ((), 2, "Missing argument 'NAME'"),
        (("podinfo", "--timeout", "1m"), 2, "--timeout needs --wait"),
        (("podinfo", "--wait", "--dry-run=client"), 2, "--wait and --dry-run exclude each other"),
    ],
)
def test_what_cannot_be_asked_for_is_said(folder: Path, args: tuple[str, ...], code: int, said: str) -> None:
    before = contents(folder)
    done = invoke("abort", "-f", folder, *args)
    assert (done.returncode, contents(folder)) == (code, before)
    assert said in done.stderr


def test_a_canary_that_is_missing_is_named(folder: Path) -> None:
    (folder / "workloads" / "deployment-canary.yaml").unlink()
    done = act("abort", folder)
    assert (done.returncode, asked(folder)) == (1, {})
    assert "Deployment podinfo-canary.test is missing, which Rollout podinfo.test names as its canary" in done.stderr


def test_standard_input_cannot_be_written() -> None:
    done = invoke("abort", "podinfo", "-f", "-")
    assert done.returncode == 2
    assert "-f - can only be read" in done.stderr


# Following it to the end.


def test_an_action_is_followed_as_a_run_waits(folder: Path) -> None:
    done = act("resume", folder, "--wait", "--timeout", "1s", "--control-loop-interval", "0s", "-o", "json")
    [record] = json.loads(done.stdout)["rollouts"]
    assert done.returncode == 3  # no metrics server: the release does not come to an end
    assert record["rollout"]["name"] == "podinfo"
    text = act("resume", folder, "--wait", "--timeout", "1s", "--control-loop-interval", "0s").stdout
    assert text.startswith("podinfo.test  resume: unchanged\n")
