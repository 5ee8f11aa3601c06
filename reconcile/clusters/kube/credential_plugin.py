"""Credential plug-ins: the programs that a kubeconfig's `exec` names, run as kubectl runs them."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

from reconcile.clusters.kube.access import cause
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.clusters.kube.access import Access

PLUGIN_TIMEOUT = 60.0
"""Seconds that a credential plug-in may take; some of them ask a browser."""

_API_GROUP = "client.authentication.k8s.io/"


def current_user(access: Access, environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Returns the user with the credentials that its plug-in prints now; without a plug-in the user as it is.

    The plug-in's stderr ("log in again") is that of this process. Raises UsageError.
    """
    plugin = access.user.get("exec")
    if not isinstance(plugin, dict):
        return access.user
    command, version = str(plugin.get("command", "")), str(plugin.get("apiVersion", ""))
    if not command or not version.startswith(_API_GROUP):
        raise UsageError(f"{access.source}: the user's exec needs a command and an apiVersion {_API_GROUP}v1")
    environment = {**environ, **_environment(plugin, version, access.cluster)}
    try:
        return _user(_output(command, plugin, environment))
    except OSError as error:
        hint = " ".join(str(plugin.get("installHint") or "").split())
        raise UsageError(
            f"the credential plug-in {command} cannot be started: {cause(error)}. {hint}".rstrip()
        ) from error
    except subprocess.SubprocessError as error:
        reason = (
            f"exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else "it took too long"
        )
        # Not chained: the exception holds what the plug-in printed, which may be a credential.
        raise UsageError(f"the credential plug-in {command} failed: {reason}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"the credential plug-in {command} printed no ExecCredential with a status") from None


def _environment(plugin: Mapping[str, Any], version: str, cluster: Mapping[str, Any]) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = dict(cluster)
    extra = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or ()}
    info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": spec})
    return {**extra, "KUBERNETES_EXEC_INFO": info}


def _output(command: str, plugin: Mapping[str, Any], environment: Mapping[str, str]) -> bytes:
    done = subprocess.run(  # noqa: S603  as with kubectl, the user's own kubeconfig names the program
        [command, *map(str, plugin.get("args") or ())],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=PLUGIN_TIMEOUT,
        check=True,
    )
    return done.stdout


def _user(output: bytes) -> dict[str, Any]:
    status = json.loads(output)["status"]
    certificates = {
        f"client-{part}-data": base64.b64encode(status[key].encode()).decode()
        for part, key in (("certificate", "clientCertificateData"), ("key", "clientKeyData"))
        if status.get(key)
    }
    return {"token": status.get("token"), **certificates}
