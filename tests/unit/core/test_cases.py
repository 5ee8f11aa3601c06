"""The golden cases: `cases/<name>/given.yaml` is a world, `expected.yaml` the decision record of one pass over it.

`make golden` writes the expectations anew; the diff is for people to read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonpatch
import pytest

from reconcile.engine.one_pass import Pass
from reconcile.engine.selection import Selection
from reconcile.model.settings import Settings
from reconcile.report.record import to_dict
from reconcile.report.yaml_text import to_yaml
from tests.support import fast_yaml
from tests.support.fakes import FixedMeter, MemoryCluster, ref_of
from tests.support.paths import ROOT
from tests.support.world import DURATION, METRICS, START, SUCCESS

if TYPE_CHECKING:
    from pathlib import Path

    from reconcile.model.plan import Record

CASES = ROOT / "tests" / "cases"


def manifests(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for document in fast_yaml.load_all(path.read_text(encoding="utf-8")):
        found.extend(document["items"] if document["kind"] == "List" else [document])
    return found


def given(case: Path) -> tuple[MemoryCluster, FixedMeter]:
    """Returns the example with the case's own objects in place of those of their name; the metrics are good."""
    objects = [*manifests(CASES / "example" / "given.yaml"), *manifests(case / "given.yaml")]
    return MemoryCluster(objects, versioned=False), FixedMeter(**{SUCCESS: 100.0, DURATION: 100.0})


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda path: str(path.name))
def test_a_case_is_decided_as_expected(case: Path, update_golden: bool) -> None:  # noqa: FBT001 - a fixture
    cluster, meter = given(case)
    record = decided(cluster, meter)
    text = to_yaml(to_dict(record))
    expected = case / "expected.yaml"
    if update_golden:
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    for patch in record.plan.patches:  # whatever is planned applies cleanly to what it was made from
        before = {ref_of(item): item for item in cluster.objects.values()}[patch.target]
        jsonpatch.apply_patch(before, list(patch.operations))


def decided(cluster: MemoryCluster, meter: FixedMeter) -> Record:
    """Makes one pass that writes nothing."""
    settings = Settings(metrics=METRICS)
    one = Pass(cluster=cluster, meter=meter, settings=settings, selection=Selection(), now=lambda: START)
    return next(iter(one.plans()))
