"""The decision record: its shape, and that it survives every reader."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from msgspec.structs import replace

from reconcile.model.errors import UsageError
from reconcile.model.kinds import DEPLOYMENT
from reconcile.model.measurement import Counts, Range, Slice
from reconcile.model.plan import Gate, Outcome, Position, Result
from reconcile.report.record import render, to_dict
from tests.unit.report import factory
from tests.unit.report.strategies import TEXTS

if TYPE_CHECKING:
    from reconcile.model.plan import Record

DOCUMENT = """\
rollouts:
- rollout:
    namespace: test
    name: podinfo
  time: "2026-01-31T12:00:00Z"
  move: advance
  before:
    phase: Progressing
    weight: 40
  after:
    phase: Progressing
    weight: 50
  actions: []
  gates:
  - name: canary
    outcome: passed
    reason: healthy
  - name: analysis
    outcome: not reached
    reason: ''
  measurements:
  - name: istio_requests_total
    query: |-
      sum(rate(istio_requests_total{
        reporter="destination"
      }[1m]))
    value: 99.97
    threshold: 99
    bound: minimum
    verdict: passed
    text: success rate 99.97% >= 99%
    time: "2026-01-31T12:00:00Z"
  patches:
  - target:
      apiVersion: apps.weave.works/v1beta1
      kind: Rollout
      namespace: test
      name: podinfo
      subresource: status
    operations:
    - op: test
      path: /metadata/resourceVersion
      value: "4711"
    - op: add
      path: /status
      value:
        phase: Progressing
  - target:
      apiVersion: apps/v1
      kind: Deployment
      namespace: test
      name: podinfo
    operations:
    - op: add
      path: /spec/replicas
      value: 2
  events:
  - type: Normal
    reason: Synced
    message: Advance rollout podinfo.test weight 50
  promotion: []
  reason: every gate and both metrics passed at weight 40
  result: applied
  error: ''
"""


def sample() -> Record:
    return factory.record(
        factory.advancing(
            gates=(
                Gate(name="canary", outcome=Outcome.PASSED, reason="healthy"),
                Gate(name="analysis", outcome=Outcome.UNREACHED),
            ),
            measurements=(factory.success_rate(),),
            patches=(
                factory.status_patch(phase="Progressing"),
                factory.patch(DEPLOYMENT, factory.add_of("/spec/replicas", 2)),
            ),
        )
    )


def test_yaml_is_the_record_in_its_order() -> None:
    assert render([sample()], "yaml") == DOCUMENT


def test_json_is_the_same_document() -> None:
    text = render([sample()], "json")

    assert text.startswith('{\n  "rollouts": [\n    {\n      "rollout": {\n        "namespace": "test",\n')
    assert text.endswith("}\n")
    assert json.loads(text) == yaml.safe_load(DOCUMENT)
    assert [*json.loads(text)["rollouts"][0]] == [*yaml.safe_load(DOCUMENT)["rollouts"][0]]


def test_no_rollouts_are_an_empty_list() -> None:
    assert render([], "json") == '{\n  "rollouts": []\n}\n'
    assert render([], "yaml") == "rollouts: []\n"


def test_another_form_is_refused() -> None:
    with pytest.raises(UsageError, match="-o xml: the decision record comes as json or yaml"):
        render([], "xml")


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_null(odd: float) -> None:
    made = factory.record(
        factory.plan(
            measurements=(factory.success_rate(odd),),
            patches=(factory.patch(DEPLOYMENT, factory.add_of("/spec/x", {"deep": [odd, 1.5]})),),
        )
    )

    read = json.loads(render([made], "json"), parse_constant=pytest.fail)["rollouts"][0]

    assert read["measurements"][0]["value"] is None
    assert read["patches"][0]["operations"][0]["value"] == {"deep": [None, 1.5]}


def test_whole_figures_read_as_the_user_wrote_them() -> None:
    made = to_dict(factory.record(factory.plan(measurements=(factory.success_rate(100.0), factory.latency(0.5)))))

    assert [repr(m["value"]) for m in made["measurements"]] == ["100", "0.5"]
    assert repr(made["measurements"][0]["threshold"]) == "99"


def test_a_weight_that_nobody_looked_at_is_null() -> None:
    made = to_dict(factory.record(factory.plan(before=Position(phase="", weight=None))))

    assert made["before"] == {"phase": "", "weight": None}


@given(TEXTS, TEXTS, TEXTS)
def test_every_text_of_a_record_survives(name: str, reason: str, error: str) -> None:
    made = factory.record(factory.plan(rollout=factory.ref(name), reason=reason), Result.FAILED, error)

    for read in (json.loads(render([made], "json")), yaml.safe_load(render([made], "yaml"))):
        assert read == {"rollouts": [to_dict(made)]}


def test_json_loads_neither_rich_nor_yaml() -> None:
    code = (
        "import sys; from reconcile.report import record; record.render([], 'json'); "
        "sys.exit(' '.join({'rich', 'yaml'} & {*sys.modules}) or 0)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_range_and_what_holds_nothing_up_are_told() -> None:
    found = replace(factory.success_rate(), threshold=None, range=Range(least=1.0), bound="range", gates=False)
    [told] = to_dict(factory.record(factory.plan(measurements=(found,))))["measurements"]
    assert (told["threshold"], told["bound"], told["thresholdRange"]) == (None, "range", {"min": 1.0})
    assert told["gate"] is False


def test_what_a_metric_was_compared_with_is_told() -> None:
    counts = Slice(canary=Counts(total=600.5, bad=6.0), primary=Counts(total=5400.0, bad=5.0))
    found = replace(factory.success_rate(), primary_value=99.0, counts=counts, evidence=266.9, limit=20)
    [told] = to_dict(factory.record(factory.plan(measurements=(found,))))["measurements"]
    assert {key: told[key] for key in ("primaryValue", "canary", "primary", "evidence", "evidenceLimit")} == {
        "primaryValue": 99,
        "canary": {"total": 600.5, "bad": 6},
        "primary": {"total": 5400, "bad": 5},
        "evidence": 266.9,
        "evidenceLimit": 20,
    }
