"""The chart on a real API server: installed, changed, upgraded, uninstalled, by Helm 3 and by Helm 4.

The story is told once for each Helm, and each test reads a part of what it left behind.
"""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from itertools import product
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import yaml

from tests.apiserver.steering import at_rest, get, path_of
from tests.components.controlplane import KubectlError
from tests.components.processes import wait_for
from tests.helm.conftest import HELMS
from tests.helm.rendering import CHART, NAMESPACE, RELEASE, HelmError, helm, rendered

if TYPE_CHECKING:
    from pathlib import Path

    from tests.components.controlplane import ControlPlane

CRD = "customresourcedefinition/rollouts.apps.weave.works"
# The command line of the seed, with the chart's path in place of its repository.
SEED = (
    *("upgrade", "--install", RELEASE, str(CHART), f"--namespace={NAMESPACE}"),
    *("--set", "metricsServer=http://prometheus.istio-system:9090"),
    *("--set", "controlLoopInterval=1m"),
)
OURS = "cronjobs,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings"

Names = set[str]


@dataclass(kw_only=True)
class Story:
    """What was seen in each chapter."""

    shop: str
    old_columns: Names
    notes: str
    installed: Names
    columns: Names
    job_pod: dict[str, Any]
    tested: str
    changed: dict[str, Any]
    narrowed: Names
    in_shop: Names
    left: Names
    rollouts: Names
    kept: dict[str, Any]


def names(plane: ControlPlane, what: str = OURS, namespace: str = NAMESPACE) -> Names:
    """Name the objects of steerer's."""
    found = plane.kubectl("get", what, "-o", "name", "-l", "app.kubernetes.io/name=steerer", namespace=namespace)
    return set(found.split())


def columns(plane: ControlPlane) -> Names:
    [version] = get(plane, CRD, NAMESPACE)["spec"]["versions"]
    return {column["name"] for column in version["additionalPrinterColumns"]}


def older(scratch: Path) -> Path:
    """Give a chart like ours whose CRD is of an earlier version: one without a column for the message."""
    chart = scratch / "chart"
    shutil.copytree(CHART, chart)
    path = chart / "files" / "crd.yaml"
    crd = yaml.safe_load(path.read_text())
    [version] = crd["spec"]["versions"]
    version["additionalPrinterColumns"] = [
        column for column in version["additionalPrinterColumns"] if column["name"] != "Message"
    ]
    path.write_text(yaml.safe_dump(crd))
    return chart


@pytest.fixture(scope="module", params=HELMS)
def story(bare_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Story:
    """Play the story."""
    plane, program = bare_plane, request.param

    def run(*args: str) -> str:
        return helm(*args, program=program, kubeconfig=plane.kubeconfig)

    # Not a release of Helm's: tests before this one have applied it.
    plane.kubectl("delete", CRD, "--ignore-not-found")
    run("install", RELEASE, str(older(tmp_path_factory.mktemp("older"))), f"--namespace={NAMESPACE}")
    told: dict[str, Any] = {"old_columns": columns(plane)}
    notes = run(*SEED)
    told |= {"notes": notes, "installed": names(plane), "columns": columns(plane)}

    shop = told["shop"] = f"shop-{uuid4().hex[:8]}"
    plane.create_namespace(shop)
    plane.apply(json.dumps({"apiVersion": "v1", "kind": "List", "items": at_rest(shop, "podinfo")}))
    told["job_pod"] = started(plane)
    told["tested"] = check_of(plane, program)

    run(*SEED, "--set", "controlLoopInterval=10s", "--set", "suspend=true", "--set", f"namespaces={{{shop}}}")
    told |= {"changed": get(plane, f"cronjob/{RELEASE}", NAMESPACE)["spec"], "narrowed": names(plane)}
    told["in_shop"] = names(plane, "roles,rolebindings", shop)

    run("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait")
    left = names(plane) | names(plane, "roles,rolebindings", shop)
    rollouts = set(plane.kubectl("get", "rollouts", "-o", "name", namespace=shop).split())
    return Story(**told, left=left, rollouts=rollouts, kept=get(plane, CRD, NAMESPACE))


def started(plane: ControlPlane) -> dict[str, Any]:
    """Let the CronJob's Job run now, not at the next minute, and give its pod."""
    name = f"now-{uuid4().hex[:8]}"
    plane.kubectl("create", "job", name, f"--from=cronjob/{RELEASE}", namespace=NAMESPACE)
    plane.kubectl("wait", "--for=condition=Complete", f"job/{name}", "--timeout=120s", namespace=NAMESPACE)
    listed = plane.kubectl("get", "pods", "-o", "json", "-l", f"job-name={name}", namespace=NAMESPACE)
    [pod] = json.loads(listed)["items"]
    found: dict[str, Any] = pod
    return found


def check_of(plane: ControlPlane, program: str) -> str:
    """Run `helm test`. What stands in for kubelets ends no pod but a Job's, so this one's end is told by hand."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{RELEASE}-check"

    def pod() -> str:
        found: str = plane.request("GET", path).json()["metadata"].get("uid", "")
        return found

    last = pod()  # of the other Helm: what a test leaves behind is removed by the next one
    with ThreadPoolExecutor(1) as threads:
        test = threads.submit(
            helm, "test", RELEASE, f"--namespace={NAMESPACE}", program=program, kubeconfig=plane.kubeconfig
        )
        end = {"status": {"phase": "Succeeded"}}

        def ended() -> bool:
            # Again and again: who brings pods up may report this one as running after it was told to have ended.
            if pod() not in {"", last}:
                plane.request("PATCH", f"{path}/status", body=end, content_type="application/merge-patch+json")
            return test.done()

        wait_for(ended, "the end of the test")
        return test.result()


def test_the_seeds_own_command_line_installs_all_of_it(story: Story) -> None:
    assert story.installed == {
        "cronjob.batch/steerer",
        "serviceaccount/steerer",
        "clusterrole.rbac.authorization.k8s.io/steerer",
        "clusterrolebinding.rbac.authorization.k8s.io/steerer",
    }
    assert "STATUS: deployed" in story.notes
    assert "a pass every 1m over the Rollouts of all namespaces" in story.notes
    assert "helm test steerer --namespace istio-system" in story.notes


def test_an_upgrade_brings_the_new_resource_definition(story: Story) -> None:
    assert story.columns - story.old_columns == {"Message"}


def test_where_only_restricted_pods_are_admitted_the_pod_of_the_job_is_one(story: Story) -> None:
    [container] = story.job_pod["spec"]["containers"]
    assert story.job_pod["status"]["phase"] == "Succeeded"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert story.job_pod["spec"]["serviceAccountName"] == "steerer"
    assert story.job_pod["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


def test_the_test_of_the_release_is_admitted_and_reported(story: Story) -> None:
    assert "TEST SUITE:     steerer-check" in story.tested
    assert "Phase:          Succeeded" in story.tested


def test_changed_values_change_the_cron_job_and_the_rights(story: Story) -> None:
    [container] = story.changed["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert {"--every=10s", "--for=55s", f"--namespace={story.shop}"} <= set(container["args"])
    assert (story.changed["schedule"], story.changed["suspend"]) == ("* * * * *", True)
    assert story.narrowed == {"cronjob.batch/steerer", "serviceaccount/steerer"}
    kinds = ("role", "rolebinding")
    assert story.in_shop == {f"{kind}.rbac.authorization.k8s.io/steerer" for kind in kinds}


def test_what_is_uninstalled_leaves_the_resource_and_all_rollouts_behind(story: Story) -> None:
    assert story.left == set()
    assert story.rollouts == {"rollout.apps.weave.works/podinfo"}
    assert "deletionTimestamp" not in story.kept["metadata"]
    assert story.kept["spec"]["names"]["kind"] == "Rollout"


# --- What may be in the way ---


def test_a_resource_that_somebody_else_installed_is_left_to_them_unless_helm_is_told_otherwise(
    control_plane: ControlPlane, namespace: str, program: str
) -> None:
    # The CRD of this control plane was applied with kubectl.
    def install(*args: str) -> str:
        scope = ("--set", f"namespaces={{{namespace}}}")
        release = ("install", f"{program}-steerer", str(CHART), f"--namespace={namespace}", *scope)
        return helm(*release, *args, program=program, kubeconfig=control_plane.kubeconfig)

    with pytest.raises(HelmError, match=r"rollouts\.apps\.weave\.works.* exists and cannot be imported"):
        install()
    assert "STATUS: pending-install" in install("--take-ownership", "--dry-run=server")
    assert "has to be there already" in install("--set", "crd.install=false")


def test_two_installs_beside_each_other_share_nothing(control_plane: ControlPlane, namespace: str) -> None:
    for team in ("one", "two"):
        helm(
            *("install", team, str(CHART), f"--namespace={namespace}"),
            *("--set", f"crd.install=false,namespaces={{{namespace}}}"),
            kubeconfig=control_plane.kubeconfig,
        )
    assert names(control_plane, "cronjobs,roles", namespace) == {
        f"{kind}/{team}-steerer"
        for kind in ("cronjob.batch", "role.rbac.authorization.k8s.io")
        for team in ("one", "two")
    }


# --- Every combination of values ---

_TERM = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]"
CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "interval": (("controlLoopInterval=10s",), ("controlLoopInterval=6h", "shards=4")),
    "scope": ((), ("namespaces={default,kube-system}",)),
    "metrics": (
        ("metricsServer=",),
        ("metricsAuth.secretName=a,metricsAuth.tokenKey=b",),
        ("metricsAuth.secretName=a,metricsAuth.caKey=b,metricsAuth.headersKey=c", "metricTemplates.configMapName=d"),
        ("notify.secretName=a",),
    ),
    "pod": (
        (),
        (
            "podLabels.a=b,podAnnotations.c=d,nodeSelector.e=f,priorityClassName=system-cluster-critical",
            "tolerations[0].key=a,tolerations[0].operator=Exists,env[0].name=HTTPS_PROXY,env[0].value=http://proxy",
            f"{_TERM}.key=a,{_TERM}.operator=Exists",
            "image.pullSecrets={a,b},resources.limits.memory=1Gi,gitopsManagers={a,b},serviceAccount.annotations.a=b",
        ),
    ),
}


@pytest.mark.parametrize("chosen", [*product(*CHOICES.values())])
def test_the_api_server_takes_every_combination_without_a_warning(
    control_plane: ControlPlane, chosen: tuple[tuple[str, ...], ...]
) -> None:
    settings = [word for choice in chosen for setting in choice for word in ("--set", setting)]
    items = [item for item in rendered(*settings) if item["kind"] != "CustomResourceDefinition"]
    assert len(items) >= 5
    for item in items:
        if item["metadata"].get("namespace") == NAMESPACE:
            item["metadata"]["namespace"] = "kube-system"  # it has to be there
    for item in items:
        collection = path_of(item).rpartition("/")[0]
        answer = control_plane.request("POST", f"{collection}?dryRun=All&fieldValidation=Strict", body=item)
        assert (answer.status_code, answer.headers.get("Warning")) == (HTTPStatus.CREATED, None), answer.text


def test_a_pod_with_less_care_would_not_be_admitted(bare_plane: ControlPlane) -> None:
    [pod] = [item for item in rendered() if item["kind"] == "Pod"]
    pod["metadata"]["name"] = f"careful-{uuid4().hex[:8]}"
    careless = pod | {"spec": pod["spec"] | {"securityContext": {}}}

    bare_plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
    with pytest.raises(KubectlError, match='violates PodSecurity "restricted'):
        bare_plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(careless))
