"""The certificates and keys of a kubeconfig as files: the TLS library takes nothing else."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reconcile.clusters.kube.access import CERTIFICATES, cause
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack


def certificate_files(user: Mapping[str, Any], cluster: Mapping[str, Any], stack: ExitStack) -> dict[str, str]:
    """Returns the path of each certificate and key, by its name in the kubeconfig.

    Inline data becomes a file that only this user can read, until `stack` is closed. Raises UsageError.
    """
    # Created where it is needed only: a pod may have no writable folder.
    folder = cache(lambda: stack.enter_context(TemporaryDirectory(prefix="steerer-")))
    paths = {}
    for key in CERTIFICATES:
        part = cluster if key == "certificate-authority" else user
        if data := part.get(f"{key}-data"):
            paths[key] = _inline_file(key, data, folder)
        elif name := part.get(key):
            if not Path(name).is_file():
                raise UsageError(f"the {key} that the kubeconfig names is not there: {name}")
            paths[key] = str(name)
    return paths


def _inline_file(key: str, data: Any, folder: Callable[[], str]) -> str:
    try:
        path = Path(folder(), key)
        path.write_bytes(base64.b64decode(data, validate=True))
        path.chmod(0o600)
    except OSError as error:
        raise UsageError(f"{key}-data of the kubeconfig cannot be made a file: {cause(error)}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{key}-data of the kubeconfig is not base64") from error
    return str(path)
