"""A promoted template as it goes into Git: without the default values of the server."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.clusters.git.strip_defaults import matching_item, strip_defaults, undeclared_leftover

CONTAINER_DEFAULTS = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}
POD_DEFAULTS = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "terminationGracePeriodSeconds": 30,
    "securityContext": {},
}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "podinfo"}}, "spec": {"containers": list(containers), **spec}}


def live(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return pod(*(CONTAINER_DEFAULTS | item for item in containers), **(POD_DEFAULTS | spec))


def test_an_image_is_all_that_changes_where_an_image_is_all_that_changed() -> None:
    stated = pod({"name": "app", "image": "app:1"})
    has, new = live({"name": "app", "image": "app:1"}), live({"name": "app", "image": "app:2"})
    assert strip_defaults(new, has, stated) == pod({"name": "app", "image": "app:2"})


def test_defaults_of_what_is_new_stay_out_too() -> None:
    probe = {"httpGet": {"port": "http"}}
    served = {"httpGet": {"port": "http", "scheme": "HTTP", "path": "/"}, "timeoutSeconds": 1, "periodSeconds": 5}
    served |= {"successThreshold": 1, "failureThreshold": 3}
    sidecar = {"name": "sidecar", "image": "sidecar:1", "ports": [{"containerPort": 1}]}
    new = live(
        sidecar | {"ports": [{"containerPort": 1, "protocol": "TCP"}]},
        {"name": "app", "image": "app", "readinessProbe": served, "imagePullPolicy": "Always"},
        volumes=[{"name": "config", "configMap": {"name": "app", "defaultMode": 420}}],
    )
    has = live({"name": "app", "image": "app:1"})
    assert strip_defaults(new, has, pod({"name": "app", "image": "app:1"})) == pod(
        sidecar,
        {"name": "app", "image": "app", "readinessProbe": probe | {"periodSeconds": 5}, "imagePullPolicy": "Always"},
        volumes=[{"name": "config", "configMap": {"name": "app"}}],
    )


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("app", "Always"),
        ("host:5000/app:latest", "Always"),
        ("app:1", "IfNotPresent"),
        ("app@sha256:0", "IfNotPresent"),
    ],
)
def test_the_pull_policy_that_an_image_brings_stays_out(image: str, policy: str) -> None:
    new = {"containers": [{"name": "app", "image": image, "imagePullPolicy": policy}]}
    assert strip_defaults(new, None, None) == {"containers": [{"name": "app", "image": image}]}
    other = {"Always": "Never", "IfNotPresent": "Always"}[policy]
    new["containers"][0]["imagePullPolicy"] = other
    assert strip_defaults(new, None, None) == new


def test_a_default_that_the_object_has_not_is_stated() -> None:
    has = live({"name": "app", "image": "app:1"}, terminationGracePeriodSeconds=60)
    new = live({"name": "app", "image": "app:1"})
    assert (
        strip_defaults(new, has, pod({"name": "app", "image": "app:1"}))["spec"]["terminationGracePeriodSeconds"] == 30
    )


def test_what_is_stated_stays_as_it_is_written() -> None:
    stated = pod(
        {"image": "app:1", "name": "app", "resources": {"limits": {"cpu": "1000m"}}}, hostNetwork=False, x=None
    )
    container = {"name": "app", "image": "app:1", "resources": {"limits": {"cpu": "1"}}}
    leaned = strip_defaults(live(container), live(container), stated)
    assert leaned == stated
    assert list(leaned["spec"]["containers"][0]) == ["image", "name", "resources"]


def test_what_is_stated_and_no_longer_wanted_goes() -> None:
    stated = pod({"name": "app", "image": "app:1"}, automountServiceAccountToken=False, nodeSelector={"disk": "ssd"})
    has = live({"name": "app", "image": "app:1"}, automountServiceAccountToken=False, nodeSelector={"disk": "ssd"})
    new = live({"name": "app", "image": "app:1"})
    assert strip_defaults(new, has, stated) == pod({"name": "app", "image": "app:1"})
    assert undeclared_leftover(new, has, stated) is None


def test_the_old_name_of_the_service_account_is_never_stated() -> None:
    new = {"spec": {"serviceAccountName": "new", "serviceAccount": "new"}}
    has = {"spec": {"serviceAccountName": "old", "serviceAccount": "old"}}
    assert strip_defaults(new, has, {"spec": {"serviceAccountName": "old"}}) == {"spec": {"serviceAccountName": "new"}}


def test_a_value_that_takes_the_place_of_a_mapping_is_stated() -> None:
    assert strip_defaults({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}) == {"a": {"b": 1}}


def test_what_an_apply_would_leave_behind_is_found() -> None:
    stated = pod({"name": "app", "image": "app:1"})
    restarted = live({"name": "app", "image": "app:1"})
    restarted["metadata"] = {"labels": {"app": "podinfo"}, "annotations": {"restartedAt": "noon"}}
    new = live({"name": "app", "image": "app:2"})
    assert undeclared_leftover(new, restarted, stated) == ("spec", "template", "metadata", "annotations")
    new["metadata"]["annotations"] = {"other": "x"}
    assert undeclared_leftover(new, restarted, stated) == ("spec", "template", "metadata", "annotations", "restartedAt")
    stated["metadata"]["annotations"] = {"restartedAt": "noon"}
    assert undeclared_leftover(new, restarted, stated) is None
    has = live({"name": "app", "image": "app:1", "tty": True})
    where = ("spec", "template", "spec", "containers", 0, "tty")
    assert undeclared_leftover(live({"name": "app", "image": "app:1"}), has, stated) == where


def test_items_of_two_lists_are_paired_as_an_apply_does() -> None:
    assert matching_item({"name": "b", "x": 1}, [{"name": "a"}, {"name": "b"}], 0) == {"name": "b"}
    assert matching_item({"name": "c"}, [{"name": "a"}], 0) is None
    assert matching_item({"containerPort": 1, "name": "new"}, [{"containerPort": 1}], 0) == {"containerPort": 1}
    assert matching_item("x", ["y", "x"], 1) == "x"
    assert matching_item("x", ["y"], 1) is None
    assert matching_item("x", None, 0) is None
