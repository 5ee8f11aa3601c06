"""`-o patch`: patches for kustomize."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given

from reconcile.model.kinds import DEPLOYMENT, SERVICE
from reconcile.report.patches import render, render_patches
from tests.unit.report import factory
from tests.unit.report.strategies import TEXTS, VALUES


def test_the_list_is_ready_for_a_kustomization() -> None:
    advancing = factory.advancing(patches=(factory.status_patch(phase="Progressing"), factory.route_patch(40, 50)))

    assert (
        render([factory.record(advancing), factory.record()])
        == """\
# 1 patch on a subresource (status) is left out: kustomize has no subresources.
patches:
- target:
    group: networking.istio.io
    kind: VirtualService
    name: podinfo
    namespace: test
  patch: |-
    - op: test
      path: /spec/http/0/route/0/destination/host
      value: podinfo
    - op: test
      path: /spec/http/0/route/0/weight
      value: 60
    - op: test
      path: /spec/http/0/route/1/destination/host
      value: podinfo-canary
    - op: test
      path: /spec/http/0/route/1/weight
      value: 40
    - op: add
      path: /spec/http/0/route/0/weight
      value: 50
    - op: add
      path: /spec/http/0/route/1/weight
      value: 50
"""
    )


def test_nothing_to_patch_is_an_empty_list() -> None:
    assert render([factory.record()]) == "patches: []\n"


def test_what_is_left_out_is_counted() -> None:
    text = render_patches([factory.status_patch(), factory.status_patch()])

    assert text == ("# 2 patches on a subresource (status) are left out: kustomize has no subresources.\npatches: []\n")


def test_names_are_no_regular_expressions_and_the_core_group_is_no_group() -> None:
    patch = factory.patch(SERVICE, factory.add_of("/x", 1), name="pod.info-1")

    assert yaml.safe_load(render_patches([patch]))["patches"][0]["target"] == {
        "kind": "Service",
        "name": r"pod\.info-1",
        "namespace": "test",
    }


@given(VALUES, TEXTS)
def test_every_operation_survives(value: Any, path: str) -> None:
    operations = [factory.test_of(path, value), factory.add_of(path, value)]

    read = yaml.safe_load(render_patches([factory.patch(DEPLOYMENT, *operations)]))

    assert yaml.safe_load(read["patches"][0]["patch"]) == operations
