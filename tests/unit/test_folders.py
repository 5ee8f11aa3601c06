"""The list of the folders of tests says what is there."""

from __future__ import annotations

import pytest

from tests.components.catalogue import COMPONENTS
from tests.components.modules import MODULE_OF
from tests.support.folders import FOLDERS, NO_TESTS, TESTS, Folder, programs, used


def test_each_folder_is_listed() -> None:
    there = {path.name for path in TESTS.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))}
    assert {folder.name for folder in FOLDERS} == there - NO_TESTS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_needs_the_components_that_its_tests_use(folder: Folder) -> None:
    names = used(folder.path)
    assert {component.name for component in COMPONENTS if component.signs & names} == {
        component.name for component in folder.needs
    }


def test_what_components_consist_of_can_be_built() -> None:
    assert {program for component in COMPONENTS for program in component.programs} == set(MODULE_OF)


def test_what_is_built_is_what_the_tests_need_that_are_asked_for() -> None:
    assert programs([TESTS / "unit"]) == programs([TESTS / "explorer" / "test_explorer.py"]) == set()
    assert programs([TESTS / "prometheus"]) == {"prometheus", "promtool"}
    assert programs([TESTS]) == set(MODULE_OF)
