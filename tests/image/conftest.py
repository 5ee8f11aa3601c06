"""The image, built by the Makefile from the wheels, on whatever docker engine is there."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.components.docker import Docker, DockerError
from tests.components.fixtures import available
from tests.image.built import Build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.image.built import Builder


@pytest.fixture(scope="session")
def docker(pytestconfig: pytest.Config) -> Docker:
    """Give the docker engine."""
    with available("docker", pytestconfig):
        return Docker()


@pytest.fixture(scope="session")
def build(docker: Docker) -> Iterator[Builder]:
    """Give a function that builds the image anew, not one step of it from a cache; all are removed in the end."""
    tags: list[str] = []

    def made() -> Build:
        tag = f"steerer-image-test:{len(tags)}"
        tags.append(tag)
        subprocess.run(["make", "image", f"IMAGE={tag}", "IMAGE_OPTIONS=--no-cache --quiet"], check=True, timeout=600)
        return Build(docker, tag)

    yield made
    for tag in tags:
        with suppress(DockerError):
            docker("image", "rm", "--force", tag)


@pytest.fixture(scope="session")
def image(build: Builder) -> Build:
    """Give the image that the tests look at."""
    return build()
