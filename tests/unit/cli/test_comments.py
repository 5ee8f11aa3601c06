"""The recipes for a comment on a change: their scripts are run, with a program or a server that takes the comment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import yaml

from tests.support.pages import blocks
from tests.support.paths import ARTIFACTS
from tests.support.receiver import receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.receiver import Receiver


def recipe(word: str) -> dict[str, Any]:
    """Returns the one YAML block of pipelines.md that has a word in it."""
    [found] = [item for item in blocks("yaml") if item.page.name == "pipelines.md" and word in item.content]
    loaded: dict[str, Any] = yaml.safe_load(found.content)
    return loaded


def run(script: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as a runner does, with steerer and what is in the folder on its path."""
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder)} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ARTIFACTS, tmp_path / "deploy")
    return tmp_path


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def test_the_comment_at_github_replaces_the_last_one(folder: Path) -> None:
    first, second = (step for step in recipe("gh pr comment")["jobs"]["lint"]["steps"] if "run" in step)
    assert run(first["run"], folder).returncode == 0
    gh = folder / "gh"
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > arguments\n', encoding="utf-8")
    gh.chmod(0o755)
    assert run(second["run"], folder, NUMBER="7").returncode == 0
    assert (folder / "arguments").read_text(encoding="utf-8").split() == [
        *("pr", "comment", "7", "--edit-last", "--create-if-none", "--body-file", "comment.md")
    ]
    assert (folder / "comment.md").read_text(encoding="utf-8").startswith("### 1 Rollout: 0 errors, 0 warnings\n")


@pytest.mark.parametrize("is_broken", [False, True])
def test_the_note_at_gitlab_is_sent_and_what_lint_finds_still_fails(
    folder: Path, receiver: Receiver, *, is_broken: bool
) -> None:
    if is_broken:
        (folder / "deploy/workloads/service.yaml").unlink()
    done = run(
        "\n".join(recipe("CI_API_V4_URL")["rollouts"]["script"]),
        folder,
        CI_API_V4_URL=f"{receiver.url}/api/v4",
        CI_PROJECT_ID="3",
        CI_MERGE_REQUEST_IID="9",
        NOTE_TOKEN="token",  # noqa: S106 - no password
    )
    assert (done.returncode, done.stderr) == (4 if is_broken else 0, "")
    [request] = receiver.requests
    assert (request.path, request.headers["PRIVATE-TOKEN"]) == ("/api/v4/projects/3/merge_requests/9/notes", "token")
    assert parse_qs(request.body.decode())["body"] == [(folder / "comment.md").read_text(encoding="utf-8")]
