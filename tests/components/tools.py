"""Build the programs of the real components from their Go modules, once, into the user's cache folder.

Each folder in `tests/tools` is a Go module that pins all it needs. It names one component's programs as its tools, or
is itself a program, for what a component keeps in libraries, or names modules to copy files from. What comes of it is
kept under the content of that folder, so that only the first run pays. Starting programs is not done here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = Path(__file__).parent.parent / "tools"
KUBERNETES_VERSION = "1.37.0"

_VERSION_PACKAGE = "k8s.io/component-base/version"
_MAJOR, _MINOR, _ = KUBERNETES_VERSION.split(".")


class ToolUnavailable(Exception):  # noqa: N818 (a circumstance of this machine, not a fault: tests skip)
    """A program is neither built, nor can it be built here, nor is it installed. The text says why."""


class BuildError(Exception):
    """A program could be built here and was not: the text has the end of what the build said."""


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
        return MODULES / self.name

    def sources(self) -> list[Path]:
        """List the program that the folder itself is; empty where it only names others."""
        return sorted(self.folder.glob("*.go"))

    def recipe(self) -> str:
        """Give all that decides over the outcome, as 12 hexadecimal digits."""
        digest = hashlib.sha256()
        for file in (self.folder / "go.mod", self.folder / "go.sum", *self.sources()):
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        digest.update(repr((self.ldflags, self.copies, _BUILD, sorted(_BUILD_ENVIRONMENT.items()))).encode())
        return digest.hexdigest()[:12]

    def products(self) -> Path:
        """Give the folder in the cache for what this recipe gives, there or not."""
        return cache() / f"{self.name}-{self.recipe()}"


_BUILD = ("go", "build", "-trimpath")
# Version control is not asked: the outcome depends on go.mod alone, and git may refuse a checkout of another user.
_BUILD_ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off"}


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _helm_ldflags(major: str, minor: str) -> str:
    packages = ("chartutil", "lint/rules")
    named = [f"-X helm.sh/helm/v3/pkg/{package}.k8sVersion" for package in packages]
    return " ".join(["-s -w", *(f"{name}Major={major} {name}Minor={minor}" for name in named)])


_MODULES = (
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
        },
        copies=(
            (
                "github.com/fluxcd/kustomize-controller",
                "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
            ),
            ("github.com/argoproj/argo-cd/v3", "manifests/crds/application-crd.yaml"),
            ("github.com/argoproj/argo-workflows/v4", "manifests/base/crds/full/argoproj.io_workflowtemplates.yaml"),
        ),
    ),
    Module(name="verdicts", programs=_same("verdicts")),
)

_MODULE_OF = {program: module for module in _MODULES for program in module.programs}


def cache() -> Path:
    """Give the folder for what is built: `$XDG_CACHE_HOME/steerer/tools`, `~/.cache/steerer/tools` without it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steerer" / "tools"


def tool(name: str) -> Path:
    """Give the program (or the file) called `name`, and build it if that was not done yet.

    Without Go, a program of that name in `$KUBEBUILDER_ASSETS` or on PATH will do. Raises ToolUnavailable when there
    is none, BuildError when the build fails, KeyError when no module offers `name`.
    """
    module = _MODULE_OF[name]
    product = module.products() / module.programs[name]
    if product.exists():
        return product
    if shutil.which("go") is None:
        return _installed(name)
    _make(module)
    return product


def _installed(name: str) -> Path:
    places = [place for place in (os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH")) if place]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise ToolUnavailable(f"no go to build {name}, and no {name} on PATH or in $KUBEBUILDER_ASSETS")
    return Path(found)


def _make(module: Module) -> None:
    target = module.products()
    with _lock(module):
        if target.exists():  # another run was faster
            return
        fresh = Path(tempfile.mkdtemp(prefix=f".{module.name}-", dir=cache()))
        try:
            if module.copies is None:
                built = "." if module.sources() else "tool"
                _go(module, *_BUILD[1:], "-ldflags", module.ldflags, "-o", f"{fresh}/", built)
            for source, file in module.copies or ():
                _copy(module, source, file, fresh)
            fresh.chmod(0o755)
            fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        _remove_others(module)


def _copy(module: Module, source: str, file: str, target: Path) -> None:
    unpacked = json.loads(_go(module, "mod", "download", "-json", source))
    (target / Path(file).name).write_bytes((Path(unpacked["Dir"]) / file).read_bytes())


def _go(module: Module, *arguments: str) -> str:
    done = subprocess.run(
        ["go", *arguments],
        cwd=module.folder,
        env=os.environ | _BUILD_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise BuildError(f"go {arguments[0]} of tests/tools/{module.name} failed ({done.returncode}):\n{said}")
    return done.stdout


@contextlib.contextmanager
def _lock(module: Module) -> Iterator[None]:
    """Hold the module for this process: of two runs at once one builds, the other waits and finds it built."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f".{module.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_others(module: Module) -> None:
    """Remove what older recipes gave; a program that still runs from there is not harmed by it."""
    ours = re.compile(re.escape(module.name) + r"-[0-9a-f]{12}")
    for folder in cache().iterdir():
        if ours.fullmatch(folder.name) and folder != module.products():
            shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Make all there is, one line each; give the exit code."""
    if shutil.which("go") is None:
        print("cannot build the components: there is no go on PATH", file=sys.stderr)  # noqa: T201
        return 1
    for module in _MODULES:
        start = time.monotonic()
        try:
            tool(next(iter(module.programs)))
        except BuildError as error:
            print(error, file=sys.stderr)  # noqa: T201
            return 1
        print(f"{module.name}: {', '.join(module.programs)} ({time.monotonic() - start:.1f} s)", flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
