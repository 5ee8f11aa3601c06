"""Kubeconfig files, and the service account of a pod."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr3t"  # noqa: S105  made up, to look for it in messages


def write_kubeconfig(path: Path, name: str = "one", *, current: str | None = "one", user: object = None) -> Path:
    """Writes a kubeconfig with one context, one cluster and one user of the same name."""
    document = {
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"ns-{name}"}}],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example/"}}],
        "users": [{"name": name, "user": user or {}}],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def service_account(tmp_path: Path) -> Path:
    """Writes the files that the kubelet puts into a pod."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text(SECRET)
    (folder / "ca.crt").write_text("a certificate")
    return folder
