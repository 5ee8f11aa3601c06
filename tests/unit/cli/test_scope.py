"""The Rollouts in scope: the shard of this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconcile.engine.shards import shard_index
from tests.support.program import contents, invoke

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("args", "environ", "words"),
    [
        (
            ("--shards", "2"),
            {},
            "--shards needs --shard, which of the 2 this is; in an Indexed Job JOB_COMPLETION_INDEX",
        ),
        (("--shard", "0"), {}, "--shard needs --shards"),
        ((), {"STEERER_SHARD": "1"}, "--shard needs --shards"),
        (("--shards", "2", "--shard", "2"), {}, "--shard is 2: with 2 shards it must be a number from 0 to 1"),
        (("--shards", "1", "--shard", "1"), {}, "--shard is 1: with 1 shards it must be a number from 0 to 0"),
        (("--shards", "2"), {"JOB_COMPLETION_INDEX": "3"}, "JOB_COMPLETION_INDEX is 3: with 2 shards"),
        ((), {"STEERER_SHARDS": "2", "JOB_COMPLETION_INDEX": "x"}, "JOB_COMPLETION_INDEX is x: with 2 shards"),
        (("--shards", "0"), {}, "Invalid value for '--shards'"),
        (("--shards", "2", "--shard", "-1"), {}, "Invalid value for '--shard'"),
        (("--shards", "2", "--shard", "0", "--wait"), {}, "--wait and --shards exclude each other"),
    ],
)
def test_a_shard_that_is_none_is_refused(
    folder: Path, args: tuple[str, ...], environ: dict[str, str], words: str
) -> None:
    before = contents(folder)
    done = invoke("run", "-f", folder, *args, **environ)
    assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    assert contents(folder) == before


def planned(folder: Path, *args: str, **environ: str) -> list[str]:
    done = invoke("plan", "-f", folder, "-o", "json", *args, **environ)
    assert done.returncode == 0, done.stderr
    return [record["rollout"]["name"] for record in json.loads(done.stdout)["rollouts"]]


def test_each_of_the_shards_has_its_rollouts_and_a_number_of_somebody_elses_job_means_nothing(folder: Path) -> None:
    index = shard_index("test", "", 3)
    assert [planned(folder, "--shards", "3", "--shard", str(each)) for each in range(3)] == [
        ["podinfo"] if each == index else [] for each in range(3)
    ]
    assert planned(folder, STEERER_SHARDS="3", JOB_COMPLETION_INDEX=str(index)) == ["podinfo"]
    assert planned(folder, STEERER_SHARDS="3", STEERER_SHARD=str(index), JOB_COMPLETION_INDEX="9") == ["podinfo"]
    assert planned(folder, "podinfo", STEERER_SHARDS="3", STEERER_SHARD=str((index + 1) % 3)) == []
    for shards in ({}, {"STEERER_SHARDS": "1"}):
        assert planned(folder, JOB_COMPLETION_INDEX="7", **shards) == ["podinfo"]
