"""What is promised of the image, seen on the engine that built it. Not part of the suite: `make image-test` runs it."""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import time
from typing import TYPE_CHECKING

import pytest

from reconcile import __version__
from tests.components.docker import DockerError
from tests.image.built import CONFINED
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from tests.image.built import Build, Builder

# What a pass needs, and what that needs.
DISTRIBUTIONS = {
    "certifi",
    "charset-normalizer",
    "click",
    "httptools",
    "idna",
    "jinja2",
    "jsonpatch",
    "jsonpointer",
    "markdown-it-py",
    "markupsafe",
    "mdurl",
    "msgspec",
    "pygments",
    "pykube-ng",
    "pyyaml",
    "requests",
    "rich",
    "urllib3",
}
PLAY = ("simulate", "--filename=/artifacts", "--scenario=/artifacts/scenarios/demo.yaml")
MOUNTED = (f"--volume={ROOT / 'artifacts'}:/artifacts:ro", "--tmpfs=/tmp:mode=1777")


def normal(name: str) -> str:
    """Write the name of a distribution as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return {normal(name): version for name, version in (line.split("==") for line in lines)}


def somebody() -> str:
    """Give a user and a group that no image knows, as OpenShift does."""
    number = random.randrange(100_000, 1_000_000_000)  # noqa: S311 (no secret)
    return f"--user={number}:{number}"


def test_a_second_build_gives_the_same_bytes(image: Build, build: Builder) -> None:
    first, second = image.described(), build().described()

    # A layer is named by the hash of its archive: names, owners, modes and times of the files are in it.
    assert first["RootFS"]["Layers"] == second["RootFS"]["Layers"]
    # The name of what came before the last step, which has the time of its making; an engine with BuildKit has no such.
    for described in (first, second):
        described["Config"].pop("Image", None)
    assert first["Config"] == second["Config"]


def test_one_layer_on_its_base(image: Build) -> None:
    base = image.docker.inspect(os.environ["BASE_IMAGE"])["RootFS"]["Layers"]
    layers = image.described()["RootFS"]["Layers"]

    assert layers[: len(base)] == base
    assert len(layers) == len(base) + 1


def test_holds_the_wheel_and_its_pinned_dependencies_and_nothing_else(image: Build) -> None:
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found = {normal(name): version for name, version in json.loads(image.python(code, "--workdir=/")).items()}

    pinned = pins()
    assert found == {"steerer": __version__} | {name: pinned[name] for name in DISTRIBUTIONS}


def test_every_module_is_compiled_once_and_for_all(image: Build) -> None:
    """Bytecode whose flags are 1 is hash-based and unchecked (PEP 552): no time, no look at the source."""
    code = """
import importlib.util, json, pathlib
sources = list(pathlib.Path("/opt/steerer/lib").rglob("*.py"))
compiled = [pathlib.Path(importlib.util.cache_from_source(str(source))) for source in sources]
print(json.dumps([len(sources), sorted({path.read_bytes()[4] if path.exists() else str(path) for path in compiled})]))
"""
    count, flags = json.loads(image.python(code))

    assert count > 100
    assert flags == [1]


def test_all_files_are_of_one_time_and_belong_to_root(image: Build) -> None:
    code = """
import json, os
paths = ["/opt/steerer", *(os.path.join(f, n) for f, d, names in os.walk("/opt/steerer") for n in d + names)]
seen = [os.lstat(path) for path in paths]
print(json.dumps([sorted({s.st_uid for s in seen}), sorted({int(s.st_mtime) for s in seen}),
                  [p for p, s in zip(paths, seen) if s.st_mode & 0o022 and not os.path.islink(p)]]))
"""
    owners, times, writable = json.loads(image.python(code))

    assert owners == [0]
    assert len(times) == 1
    assert writable == []


def test_runs_as_a_number_that_is_not_root(image: Build) -> None:
    assert image.described()["Config"]["User"] == "65532:65532"
    assert image.python("import os; print(os.getuid(), os.getgid())").split() == ["65532", "65532"]


def test_runs_as_anybody_with_nothing(image: Build) -> None:
    assert image.run("--version", options=(*CONFINED, somebody())) == f"steerer, version {__version__}\n"


def test_plays_a_release_as_anybody_with_nothing_but_a_folder(image: Build) -> None:
    told = image.run(*PLAY, options=(*CONFINED, somebody(), *MOUNTED))

    assert "Promotion complete! Scaling down podinfo-canary.test" in told


def test_without_the_shell_there_is_none(image: Build) -> None:
    """What `CONFINED` takes away is gone: otherwise the tests above would show less than they say."""
    with pytest.raises(DockerError, match=r"(?i)permission denied|exec format"):
        image.docker("run", "--rm", *CONFINED, "--entrypoint=/bin/sh", image.tag, "-c", "exit 0")


def test_writes_nothing_but_its_scratch_folder(image: Build) -> None:
    name = f"steerer-image-test-{random.randrange(10**9)}"  # noqa: S311 (no secret)
    image.docker("run", f"--name={name}", MOUNTED[0], image.tag, *PLAY)
    try:
        changed = {line.split()[1] for line in image.docker("diff", name).splitlines()}
    finally:
        image.docker("rm", "--force", name)

    assert {path for path in changed if path != "/artifacts"} <= {"/tmp"}  # noqa: S108 (the container's)


def test_a_missing_cluster_is_told_in_words(image: Build) -> None:
    with pytest.raises(DockerError) as raised:
        image.run("run", options=(*CONFINED, somebody()))

    assert "Traceback" not in str(raised.value)
    assert "kubeconfig" in str(raised.value)


def test_ends_at_once_when_asked(image: Build) -> None:
    """The first process of a container ignores SIGTERM unless it says otherwise; a drained node would wait for it."""
    # A folder without Rollouts: a pass over nothing, and then a minute of waiting.
    container = image.docker(
        *("run", "--detach", "--tmpfs=/empty", image.tag, "run", "--filename=/empty", "--every=1m", "--for=10m")
    ).strip()
    try:
        _wait_until_waiting(image, container)
        begun = time.monotonic()
        image.docker("stop", "--time=30", container)
        took = time.monotonic() - begun
    finally:
        image.docker("rm", "--force", container)

    assert took < 10


def _wait_until_waiting(image: Build, container: str) -> None:
    deadline = time.monotonic() + 30
    while "No Rollouts" not in image.docker("logs", container):
        assert time.monotonic() < deadline, image.docker("logs", container)
        time.sleep(0.2)


def test_says_what_it_is(image: Build) -> None:
    labels = image.described()["Config"]["Labels"]

    named = {key.removeprefix("org.opencontainers.image."): value for key, value in labels.items()}
    assert named["title"] == "steerer"
    assert named["version"] == __version__
    assert named["licenses"] == "Apache-2.0"
    assert named["base.name"] == os.environ["BASE_IMAGE"]
    assert re.fullmatch(r"[0-9a-f]{40}", named["revision"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", named["created"])


def test_figures(image: Build) -> None:
    """Nothing to hold it to: printed, for the documentation."""
    whole, base = (image.docker.inspect(name)["Size"] for name in (image.tag, os.environ["BASE_IMAGE"]))
    inside = (
        "import subprocess, time; b = time.monotonic(); "
        "subprocess.run(['/opt/steerer/bin/steerer', '--version'], check=True, capture_output=True); "
        "print(time.monotonic() - b)"
    )
    starts = [float(image.python(inside)) for _ in range(5)]
    containers = []
    for _ in range(5):
        begun = time.monotonic()
        image.run("--version")
        containers.append(time.monotonic() - begun)
    print(  # noqa: T201 (this is what it is for)
        f"\nsize: {(whole - base) / 1e6:.1f} MB on a base of {base / 1e6:.0f} MB"
        f"\nsteerer --version: {statistics.median(starts):.2f} s in a running container, "
        f"{statistics.median(containers):.2f} s with the start of one (docker {image.docker.version})"
    )
