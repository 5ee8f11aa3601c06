"""Where the API server is and who asks it: kubeconfig files as kubectl reads them, or the service account of a pod.

Duty: from files and environment to an `Access`, every fault of which is a UsageError in words. It sends nothing to the
server. pykube could read a kubeconfig too, but takes one file, knows neither `tokenFile` nor the current version of
credential plug-ins, and leaves private keys readable in the temporary folder.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import yaml

from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PLUGIN_TIMEOUT = 60.0
"""Seconds that a credential plug-in may take; some of them ask a browser."""

_PLUGIN_GROUP = "client.authentication.k8s.io/"
_TOKEN = re.compile(r"[\x21-\x7e]+")
# The files that a kubeconfig names; each may also be there as `…-data`, in base64.
_FILES = ("certificate-authority", "client-certificate", "client-key")


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """One cluster, one user, one namespace (None = a pod's own; steerer then looks at all).

    `cluster` and `user` are the parts of the kubeconfig, with absolute paths; `source` is where they came from.
    """

    source: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any] = field(default_factory=dict, repr=False)
    namespace: str | None = None

    @property
    def server(self) -> str:
        """The URL of the API, without userinfo and without a slash at its end."""
        url = urlsplit(str(self.cluster["server"]))
        return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl().rstrip("/")


def find(
    kubeconfig: str | None, context: str | None, environ: Mapping[str, str], account: Path = SERVICE_ACCOUNT
) -> Access:
    """Find the cluster: the file named, those of `$KUBECONFIG`, the pod's service account, `~/.kube/config`.

    Raises UsageError if there is none, or if a file cannot be used.
    """
    if kubeconfig:
        return _from_files([_path(kubeconfig)], context)
    listed = [_path(name) for name in environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    if listed:
        # Like kubectl: those of the list that are not there do not matter, as long as one is.
        return _from_files([path for path in listed if path.exists()] or listed[:1], context)
    if context is None and "KUBERNETES_SERVICE_HOST" in environ and (account / "token").is_file():
        return _from_pod(environ, account)
    default = Path(environ["HOME"], ".kube", "config") if environ.get("HOME") else None
    if default is not None and default.is_file():
        return _from_files([default], context)
    raise UsageError(
        "no cluster: this is no pod with a service account, and there is neither $KUBECONFIG nor ~/.kube/config; "
        "give --kubeconfig FILE, or -f DIR for a folder of manifests"
    )


def authorization(user: Mapping[str, Any]) -> str | None:
    """Give the value of the Authorization header, or None for a user without one (certificates, anonymous).

    A token file is read each time, as the kubelet renews it. Raises UsageError if it cannot be.
    """
    token = user.get("token")
    if name := user.get("tokenFile"):
        try:
            token = Path(name).read_text(encoding="ascii").strip() or token
        except (OSError, ValueError) as error:
            if not token:
                raise UsageError(f"the token file {name} cannot be read: {_reason(error)}") from error
    if token:
        if not _TOKEN.fullmatch(str(token)):
            raise UsageError("the token of the user holds characters that no HTTP header can carry")
        return f"Bearer {token}"
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()
    return None


def impersonation(user: Mapping[str, Any]) -> dict[str, str]:
    """Give the headers for the `as` of a kubeconfig; without them steerer would act with rights nobody meant."""
    groups = user.get("as-groups") or [None]
    headers = {
        "Impersonate-User": user.get("as"),
        "Impersonate-Uid": user.get("as-uid"),
        "Impersonate-Group": groups[0],
    }
    return {name: str(value) for name, value in headers.items() if value}


def plugged(access: Access, environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Give the user as its credential plug-in makes it now; a user without one as it is. Raises UsageError.

    What the plug-in has to tell people ("log in again") goes to its own stderr, hence to theirs.
    """
    plugin = access.user.get("exec")
    if not isinstance(plugin, dict):
        return access.user
    command, version = str(plugin.get("command", "")), str(plugin.get("apiVersion", ""))
    if not command or not version.startswith(_PLUGIN_GROUP):
        raise UsageError(f"{access.source}: the user's exec needs a command and an apiVersion {_PLUGIN_GROUP}v1")
    question: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        question["cluster"] = dict(access.cluster)
    info = json.dumps({"apiVersion": version, "kind": "ExecCredential", "spec": question})
    extra = {str(entry["name"]): str(entry["value"]) for entry in plugin.get("env") or ()}
    try:
        done = subprocess.run(  # noqa: S603  as with kubectl, the user's own kubeconfig names the program
            [command, *map(str, plugin.get("args") or ())],
            env={**environ, **extra, "KUBERNETES_EXEC_INFO": info},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=PLUGIN_TIMEOUT,
            check=True,
        )
        status = json.loads(done.stdout)["status"]
        certificates = {
            f"client-{part}-data": base64.b64encode(status[key].encode()).decode()
            for part, key in (("certificate", "clientCertificateData"), ("key", "clientKeyData"))
            if status.get(key)
        }
    except OSError as error:
        hint = " ".join(str(plugin.get("installHint") or "").split())
        raise UsageError(
            f"the credential plug-in {command} cannot be started: {_reason(error)}. {hint}".rstrip()
        ) from error
    except subprocess.SubprocessError as error:
        why = (
            f"exit code {error.returncode}" if isinstance(error, subprocess.CalledProcessError) else "it took too long"
        )
        # Not chained: the exception would carry what the plug-in printed, which may be a credential.
        raise UsageError(f"the credential plug-in {command} failed: {why}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"the credential plug-in {command} printed no ExecCredential with a status") from None
    return {"token": status.get("token"), **certificates}


def files(user: Mapping[str, Any], cluster: Mapping[str, Any], stack: ExitStack) -> dict[str, str]:
    """Give the path of each certificate and key.

    What a kubeconfig holds inline becomes a file that only we can read, until `stack` is closed. Raises UsageError.
    """
    paths = {}
    folder = None
    for key in _FILES:
        part = cluster if key == "certificate-authority" else user
        if data := part.get(f"{key}-data"):
            try:
                # Not before it is needed: a pod may have nowhere to write, and nothing to.
                folder = folder or stack.enter_context(TemporaryDirectory(prefix="steerer-"))
                path = Path(folder, key)
                path.write_bytes(base64.b64decode(data, validate=True))
                path.chmod(0o600)
            except OSError as error:
                raise UsageError(f"{key}-data of the kubeconfig cannot be made a file: {_reason(error)}") from error
            except (ValueError, TypeError) as error:
                raise UsageError(f"{key}-data of the kubeconfig is not base64") from error
            paths[key] = str(path)
        elif name := part.get(key):
            if not Path(name).is_file():
                raise UsageError(f"the {key} that the kubeconfig names is not there: {name}")
            paths[key] = str(name)
    return paths


def _path(name: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{name}: there is no such home folder") from error


def _from_pod(environ: Mapping[str, str], account: Path) -> Access:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    host = f"[{host}]" if ":" in host else host
    return Access(
        source="the pod's service account",
        cluster={"server": f"https://{host}:{port}", "certificate-authority": str(account / "ca.crt")},
        user={"tokenFile": str(account / "token")},
    )


def _from_files(paths: Sequence[Path], context: str | None) -> Access:
    source = ", ".join(map(str, paths))
    named, current = _merged(paths)
    chosen = context or current
    if not chosen:
        raise UsageError(f"{source}: no current-context; give --context ({_known(named['contexts'])})")
    if chosen not in named["contexts"]:
        raise UsageError(f"{source}: no context {chosen!r} ({_known(named['contexts'])})")
    parts = named["contexts"][chosen]
    cluster = named["clusters"].get(str(parts.get("cluster")))
    if cluster is None:
        raise UsageError(f"{source}: context {chosen!r} is of a cluster {parts.get('cluster')!r} that is not there")
    user = named["users"].get(str(parts.get("user"))) if parts.get("user") else {}
    if user is None:
        raise UsageError(f"{source}: context {chosen!r} is of a user {parts.get('user')!r} that is not there")
    return Access(
        source=source,
        cluster=_checked_cluster(source, cluster),
        user=_checked_user(source, user, str(cluster["server"])),
        namespace=str(parts.get("namespace") or "default"),
    )


def _merged(paths: Sequence[Path]) -> tuple[dict[str, dict[str, dict[str, Any]]], str]:
    """Join the files as kubectl does: of each name, and of current-context, the first one counts."""
    named: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    current = ""
    for path in paths:
        document = _load(path)
        current = current or str(document.get("current-context") or "")
        for plural in ("contexts", "clusters", "users"):
            entries = document.get(plural) or []
            try:
                for entry in entries:
                    named[plural].setdefault(str(entry["name"]), _absolute(entry.get(plural[:-1]) or {}, path.parent))
            except (TypeError, KeyError, AttributeError) as error:
                raise UsageError(f"{path}: {plural} is not a list of names with their {plural[:-1]}") from error
    return named, current


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the kubeconfig cannot be read: {_reason(error)}") from error
    except (ValueError, yaml.YAMLError, RecursionError):
        # Not chained: the parser quotes the lines around the fault, and a kubeconfig is full of credentials.
        raise UsageError(f"{path}: the kubeconfig is not YAML") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: the kubeconfig is no mapping with clusters, users and contexts")
    return document


def _absolute(part: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths in a kubeconfig are relative to its own folder, and so is a plug-in that is named with a slash."""
    part = dict(part)
    for key in (*_FILES, "tokenFile"):
        if part.get(key):
            part[key] = str(folder.absolute() / str(part[key]))
    plugin = part.get("exec")
    if isinstance(plugin, dict) and os.sep in str(plugin.get("command", "")):
        part["exec"] = {**plugin, "command": str(folder.absolute() / plugin["command"])}
    return part


def _checked_cluster(source: str, cluster: dict[str, Any]) -> dict[str, Any]:
    server = str(cluster.get("server") or "")
    if urlsplit(server).scheme not in ("https", "http") or not urlsplit(server).hostname:
        raise UsageError(f"{source}: the cluster's server is no http or https URL with a host")
    return cluster


def _checked_user(source: str, user: dict[str, Any], server: str) -> dict[str, Any]:
    """Turn the older ways to say who asks into tokens and passwords, and refuse what would silently mean nobody."""
    url = urlsplit(server)
    if url.username and not user:
        user = {"username": unquote(url.username), "password": unquote(url.password or "")}
    provider = user.get("auth-provider")
    if provider:
        settings = provider.get("config") or {} if isinstance(provider, dict) else {}
        token = settings.get("id-token") or settings.get("access-token")
        if not token:
            raise UsageError(
                f"{source}: the user has an auth-provider without a token; use a credential plug-in (exec)"
            )
        user = {**user, "token": token}
    if len(user.get("as-groups") or ()) > 1 or user.get("as-user-extra"):
        raise UsageError(f"{source}: the user is impersonated with several groups or extras, which steerer cannot send")
    if bool(user.get("client-certificate") or user.get("client-certificate-data")) != bool(
        user.get("client-key") or user.get("client-key-data")
    ):
        raise UsageError(f"{source}: the user has a client certificate or a client key, and needs both")
    return user


def _known(contexts: Mapping[str, Any]) -> str:
    return f"the file has: {', '.join(sorted(contexts))}" if contexts else "the file has none"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
