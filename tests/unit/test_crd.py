"""The CRD without a server: bounds, descriptions, and that it and the program say the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]  # its types are a package of their own
import pytest

from reconcile.core import status
from reconcile.metrics import MAX_QUERY
from reconcile.model import durations, names, rollout_checks, rollout_manifest, rollout_policy
from reconcile.model.checks import OnNoData
from reconcile.model.kinds import ROLLOUT
from reconcile.model.measurement import Counts, Failure, Measurement, Range, Slice
from reconcile.model.rollout import Attempt, Evidence, Phase, State
from reconcile.model.rollout_checks import MOST_METRICS, MOST_NAME
from reconcile.model.rollout_manifest import parse
from reconcile.model.rollout_status import MOST_EVIDENCE
from reconcile.model.template_pointer import POINTER
from reconcile.model.text import MOST_MESSAGE
from tests.support import fast_yaml, paths

if TYPE_CHECKING:
    from collections.abc import Iterator

CRD = fast_yaml.load(paths.CRD.read_text())
[VERSION] = CRD["spec"]["versions"]
SCHEMA: dict[str, Any] = VERSION["schema"]["openAPIV3Schema"]
AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


COUNTS = Slice(canary=Counts(total=600.5, bad=6), primary=Counts(total=5400, bad=5))


def schemas(schema: dict[str, Any] = SCHEMA, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every schema in the schema, with its path."""
    yield path or "(root)", schema
    for name, child in schema.get("properties", {}).items():
        yield from schemas(child, f"{path}.{name}")
    if "items" in schema:
        yield from schemas(schema["items"], f"{path}[]")


def at(path: str) -> dict[str, Any]:
    return dict(schemas())[path]


def rollout(**analysis: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps.weave.works/v1beta1",
        "kind": "Rollout",
        "metadata": {"name": "podinfo", "namespace": "test", "generation": 3},
        "spec": {
            "virtualService": {"name": "podinfo"},
            "primary": {"name": "podinfo", "host": "podinfo"},
            "canary": {"name": "podinfo-canary", "host": "podinfo-canary"},
            "canaryAnalysis": {"stepWeight": 10, **analysis},
        },
    }


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Give the schema as the API server applies it: what it does not name is dropped, so here it is an error."""
    schema = dict(schema)
    if "properties" in schema:
        schema["properties"] = {name: closed(child) for name, child in schema["properties"].items()}
        schema["additionalProperties"] = False
    if "items" in schema:
        schema["items"] = closed(schema["items"])
    return schema


def valid(value: object, schema: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(value))


def test_the_names_are_those_of_the_program() -> None:
    names = CRD["spec"]["names"]

    assert (names["kind"], names["plural"], CRD["spec"]["group"]) == (ROLLOUT.name, ROLLOUT.plural, ROLLOUT.group)
    assert (VERSION["name"],) == ROLLOUT.versions
    assert CRD["metadata"]["name"] == f"{ROLLOUT.plural}.{ROLLOUT.group}"
    assert VERSION["subresources"] == {"status": {}}
    assert names["shortNames"] == ["sro"]
    assert names["categories"] == ["all"]


@pytest.mark.parametrize(("path", "schema"), [*schemas()], ids=lambda value: value if isinstance(value, str) else "")
def test_every_field_is_described_typed_and_bounded(path: str, schema: dict[str, Any]) -> None:
    assert schema["description"].endswith("."), path
    assert not {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"} & set(schema)
    bound = {"string": {"maxLength", "enum"}, "array": {"maxItems"}, "object": {"properties", "maxProperties"}}
    assert schema["type"] in ("integer", "number", "boolean") or bound[schema["type"]] & set(schema)
    assert set(schema.get("required", [])) <= set(schema.get("properties", {}))


def test_nobody_calls_a_rollout_current_that_no_pass_has_seen() -> None:
    assert at(".status")["default"] == {"observedGeneration": -1}


def test_git_gets_back_what_it_wrote() -> None:
    assert [path for path, schema in schemas() if "default" in schema] == [".status"]


def test_the_printed_columns_exist() -> None:
    columns = {column["name"]: column for column in VERSION["additionalPrinterColumns"]}

    assert list(columns) == ["Status", "Weight", "Ready", "Reason", "Age", "Message"]
    assert [name for name, column in columns.items() if column.get("priority")] == ["Message"]
    assert {at(columns[name]["jsonPath"])["type"] for name in ("Status", "Weight")} == {"string", "integer"}


def test_names_phases_and_bounds_are_those_of_the_program() -> None:
    for path in (".spec.virtualService.name", ".spec.primary.name", ".spec.canary.name", ".spec.canary.host"):
        assert at(path)["pattern"] == f"^{names.DNS_NAME.pattern}$"
        assert at(path)["maxLength"] == names.DNS_NAME_LENGTH
    assert set(at(".status.phase")["enum"]) == {phase.value for phase in Phase if phase.value}
    assert at(".spec.canaryAnalysis.metrics")["maxItems"] == MOST_METRICS
    assert at(".spec.canaryAnalysis.promotion.keep")["maxItems"] == rollout_policy.MOST_KEPT
    assert at(".spec.canaryAnalysis.promotion.keep[]")["maxLength"] == rollout_policy.MOST_POINTER
    assert at(".spec.canaryAnalysis.promotion.keep[]")["pattern"] == f"^{POINTER}$"
    assert at(".spec.canaryAnalysis.metrics[].name")["maxLength"] == MOST_NAME
    assert at(".spec.canaryAnalysis.metrics[].args")["maxProperties"] == rollout_checks.MOST_ARGS
    assert at(".spec.canaryAnalysis.metrics[].query")["maxLength"] == rollout_checks.MOST_QUERY == MAX_QUERY
    assert at(".spec.canaryAnalysis.metrics[].minRequests")["maximum"] == rollout_checks.MOST_REQUESTS
    assert at(".spec.canaryAnalysis.metrics[].comparison.maxRatio")["maximum"] == rollout_checks.MOST_RATIO
    rates = at(".spec.canaryAnalysis.metrics[].comparison.falseAlarmRate")
    assert (rates["minimum"], rates["maximum"]) == (rollout_checks.MOST_RATE / 1000, rollout_checks.MOST_RATE)
    assert at(".status.analysis.evidence")["maxItems"] == MOST_EVIDENCE == 100 * rollout_checks.MOST_SEQUENTIAL
    assert set(at(".spec.canaryAnalysis.metrics[].onNoData")["enum"]) == {*OnNoData}
    assert at(".status.measurements")["maxItems"] >= MOST_METRICS
    assert at(".status.measurements[].query")["maxLength"] >= status.MOST_QUERY
    assert at(".status.conditions[].message")["maxLength"] >= MOST_MESSAGE
    assert at(".status.measurements[].verdict")["maxLength"] >= max(map(len, Failure))


@pytest.mark.parametrize(
    "interval",
    [
        "30s",
        "1m",
        "90s",
        "1h",
        "1h30m",
        "500ms",
        "1y2w3d4h5m6s7ms",
        "007s",
        "",
        "1M",
        "1.5m",
        "-1m",
        "m",
        "1m1h",
        " 1m",
    ],
)
def test_schema_and_program_agree_on_what_a_duration_is(interval: str) -> None:
    assert valid(interval, at(".spec.canaryAnalysis.metrics[].interval")) is (durations.seconds(interval) is not None)


def test_everything_that_the_program_writes_into_the_status_is_in_the_schema() -> None:
    measurement = Measurement(
        metric="istio_requests_total",
        query="sum(1)",
        value=99.5,
        threshold=99,
        bound="minimum",
        verdict="passed",
        text="99.5%",
        at=AT,
        range=Range(least=1, most=2),
        primary_value=99.7,
        evidence=18.5,
        gates=False,
        is_plain=False,
    )
    state = State(
        phase=Phase.PROGRESSING,
        canary_revision="v1-abc",
        canary_generation=2,
        canary_uid="u",
        promoted_revision="v1-abb",
        primary_revision="v1-abd",
        canary_weight=10,
        proven_weight=5,
        canary_replicas=2,
        last_advance=AT,
        last_transition=AT,
        history=((AT, 10),),
        attempt=Attempt(
            revision="v1-abc",
            number=2,
            tokens=("once", "again"),
            started=AT,
            checks=3,
            failed=2,
            consecutive=1,
            last_check=AT,
            last_hold=AT,
            evidence=(Evidence(metric="m", weight=10, counts=COUNTS),),
            failure="AnalysisFailed",
            message="why",
        ),
    )
    readiness = status.Readiness(ready="Unknown", reason="Halted", message="why", reconciling=True)

    written = status.render(parse(rollout()), state, readiness, [measurement], AT)

    jsonschema.validate(written, closed(at(".status")))
    assert set(written) == set(at(".status")["properties"])
    assert set(written["analysis"]) == set(at(".status.analysis")["properties"])
    assert parse({**rollout(), "status": written}).state == state
    assert set(written["measurements"][0]) == set(at(".status.measurements[]")["properties"])


def test_the_schema_knows_every_field_of_a_rollout() -> None:
    metrics = [
        {"name": "istio_requests_total", "threshold": 99, "interval": "1m", "args": {"route": "a"}, "onNoData": "Fail"},
        {"name": "m", "thresholdRange": {"min": 1, "max": 2}, "observe": True, "fromWeight": 50},
        {"name": "a", "comparison": {"maxRatio": 1.5, "ignoreBelow": 0.1, "falseAlarmRate": 0.05}, "minRequests": 500},
        {"name": "own", "query": "up", "title": "t", "unit": "u", "thresholdRange": {"min": 1}},
    ]
    promotion = {"keep": ["/metadata/labels/track"]}
    full = rollout(maxWeight=50, metrics=metrics, promotion=promotion)["spec"] | {"targetKind": "Deployment"}

    jsonschema.validate(full, closed(at(".spec")))
    assert not parse({**rollout(), "spec": full}).problems


def test_the_program_knows_the_fields_of_the_schema_and_no_others() -> None:
    known = {
        ".spec": rollout_manifest.SPEC,
        ".spec.virtualService": rollout_manifest.NAMED,
        ".spec.routes[]": rollout_manifest.ROUTE,
        ".spec.primary": rollout_manifest.SIDE,
        ".spec.canary": rollout_manifest.SIDE,
        ".spec.canaryAnalysis": rollout_policy.ANALYSIS,
        ".spec.canaryAnalysis.steps[]": rollout_policy.STEP,
        ".spec.canaryAnalysis.promotion": rollout_policy.PROMOTION,
        ".spec.canaryAnalysis.metrics[]": rollout_checks.CHECK,
        ".spec.canaryAnalysis.metrics[].thresholdRange": rollout_checks.RANGE,
        ".spec.canaryAnalysis.metrics[].comparison": rollout_checks.COMPARISON,
    }
    assert {path: set(names) for path, names in known.items()} == {
        path: set(schema["properties"])
        for path, schema in schemas()
        if path.startswith(".spec") and "properties" in schema
    }
