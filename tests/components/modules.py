"""The Go modules of `tests/tools`: which programs and files each one offers, and how they come into being.

Each folder there pins all it needs. It names one component's programs as its tools, or is itself a program, for what a
component keeps in libraries, or names modules to copy files from.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

KUBERNETES_VERSION = "1.37.0"

_FOLDERS = Path(__file__).parent.parent / "tools"
_VERSION_PACKAGE = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")

BUILD = ("go", "build", "-trimpath")
# Version control is not asked: the outcome depends on go.mod alone, and git may refuse a checkout of another user.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}


def cache() -> Path:
    """Give the folder for what is built: `$XDG_CACHE_HOME/steerer/tools`, `~/.cache/steerer/tools` without it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steerer" / "tools"


@dataclass(frozen=True, kw_only=True)
class Module:
    """A folder of `tests/tools`, and how what it offers comes into being.

    `programs` maps the name that the tests use to the file that the build leaves behind.
    """

    name: str
    programs: dict[str, str]
    ldflags: str = "-s -w"
    copies: tuple[tuple[str, str], ...] | None = None  # (Go module, file in it): nothing is built, these are copied out

    @property
    def folder(self) -> Path:
        """Give where its go.mod is."""
        return _FOLDERS / self.name

    def sources(self) -> list[Path]:
        """List the program that the folder itself is; empty where it only names others."""
        return sorted(self.folder.glob("*.go"))

    @cached_property
    def recipe(self) -> str:
        """Give all that decides over the outcome, as 12 hexadecimal digits."""
        digest = hashlib.sha256()
        for file in (self.folder / "go.mod", self.folder / "go.sum", *self.sources()):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        digest.update(repr((self.ldflags, self.copies, BUILD, sorted(ENVIRONMENT.items()))).encode())
        return digest.hexdigest()[:12]

    def products(self) -> Path:
        """Give the folder in the cache for what this recipe gives, there or not."""
        return cache() / f"{self.name}-{self.recipe}"


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _helm_ldflags(major: str, minor: str) -> str:
    packages = ("chartutil", "lint/rules")
    named = [f"-X helm.sh/helm/v3/pkg/{package}.k8sVersion" for package in packages]
    return " ".join(["-s -w", *(f"{name}Major={major} {name}Minor={minor}" for name in named)])


_GATEWAY_KINDS = ("gatewayclasses", "gateways", "httproutes", "grpcroutes", "referencegrants")
_GATEWAY_CRDS = {f"{plural}-crd": f"gateway.networking.k8s.io_{plural}.yaml" for plural in _GATEWAY_KINDS}

MODULES = (
    # kubectl and Helm refuse a server that calls itself v0.0.0, as one built without these flags does.
    Module(
        name="kubernetes",
        programs=_same("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
        ldflags=(
            f"-s -w -X {_VERSION_PACKAGE}.gitVersion=v{KUBERNETES_VERSION}"
            f" -X {_VERSION_PACKAGE}.gitMajor={_MAJOR} -X {_VERSION_PACKAGE}.gitMinor={_MINOR}"
        ),
    ),
    Module(name="etcd", programs={"etcd": "server"}),
    Module(name="kwok", programs=_same("kwok")),
    Module(name="prometheus", programs=_same("prometheus", "promtool")),
    Module(name="alertmanager", programs=_same("amtool")),
    Module(name="podinfo", programs=_same("podinfo")),
    # Helm renders, offline, for the Kubernetes of its own client library, and for a very old one if not told of it.
    Module(name="helm", programs=_same("helm"), ldflags=_helm_ldflags("1", "35")),
    Module(name="helm4", programs={"helm4": "helm"}),
    Module(name="kube-state-metrics", programs=_same("kube-state-metrics")),
    Module(
        name="istio-api",
        programs={"istio-crds": "customresourcedefinitions.gen.yaml"},
        copies=(("istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"),),
    ),
    Module(
        name="gateway-api-crds",
        programs=_GATEWAY_CRDS,
        copies=tuple(("sigs.k8s.io/gateway-api", f"config/crd/standard/{file}") for file in _GATEWAY_CRDS.values()),
    ),
    Module(name="contour", programs=_same("contour")),
    Module(
        name="contour-crds",
        programs={"contour-crds": "01-crds.yaml"},
        copies=(("github.com/projectcontour/contour", "examples/contour/01-crds.yaml"),),
    ),
    Module(
        name="prometheus-operator-crds",
        programs={"prometheus-rule-crd": "monitoring.coreos.com_prometheusrules.yaml"},
        copies=(
            (
                "github.com/prometheus-operator/prometheus-operator",
                "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
            ),
        ),
    ),
    Module(
        name="gitops-crds",
        programs={
            "flux-kustomization-crd": "kustomize.toolkit.fluxcd.io_kustomizations.yaml",
            "argocd-application-crd": "application-crd.yaml",
            "argo-workflow-template-crd": "argoproj.io_workflowtemplates.yaml",
            "argocd-notifications-catalog": "install.yaml",
        },
        copies=(
            (
                "github.com/fluxcd/kustomize-controller",
                "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
            ),
            ("github.com/argoproj/argo-cd/v3", "manifests/crds/application-crd.yaml"),
            ("github.com/argoproj/argo-workflows/v4", "manifests/base/crds/full/argoproj.io_workflowtemplates.yaml"),
            ("github.com/argoproj/argo-cd/v3", "notifications_catalog/install.yaml"),
        ),
    ),
    Module(name="notifications", programs=_same("notifications")),
    Module(name="verdicts", programs=_same("verdicts")),
)

MODULE_OF = {program: module for module in MODULES for program in module.programs}
