"""The order in which the API server is looked for: kubeconfig files, as kubectl does, or a pod's service account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile.clusters.kube.access import Access
from reconcile.clusters.kube.kubeconfig import read_access
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def find_access(
    kubeconfig: str | None, context: str | None, environ: Mapping[str, str], account: Path = SERVICE_ACCOUNT
) -> Access:
    """Returns the first of: the file named, those of `$KUBECONFIG`, the pod's service account, `~/.kube/config`.

    Raises UsageError if there is none, or if a file cannot be used.
    """
    if kubeconfig:
        return read_access([_expanded(kubeconfig)], context)
    listed = [_expanded(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    if listed:
        # Like kubectl: missing files of the list are skipped, as long as one is there.
        return read_access([path for path in listed if path.exists()] or listed[:1], context)
    if context is None and "KUBERNETES_SERVICE_HOST" in environ and (account / "token").is_file():
        return _service_account(environ, account)
    default = Path(environ["HOME"], ".kube", "config") if environ.get("HOME") else None
    if default is not None and default.is_file():
        return read_access([default], context)
    raise UsageError(
        "no cluster: this is no pod with a service account, and there is neither $KUBECONFIG nor ~/.kube/config; "
        "give --kubeconfig FILE, or -f DIR for a folder of manifests"
    )


def _expanded(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{name}: there is no such home folder") from error


def _service_account(environ: Mapping[str, str], account: Path) -> Access:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    return Access(
        source="the pod's service account",
        cluster={"server": f"https://{host}:{port}", "certificate-authority": str(account / "ca.crt")},
        user={"tokenFile": str(account / "token")},
    )
