"""Kubeconfig files, read and joined as kubectl does, to the cluster and the user of one context.

pykube can read a kubeconfig too. It takes one file, knows neither `tokenFile` nor the current version of credential
plug-ins, and leaves private keys readable in the temporary folder.
"""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import yaml

from reconcile.clusters.kube.access import CERTIFICATES, Access, cause
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def read_access(paths: Sequence[Path], context: str | None) -> Access:
    """Returns the cluster and the user of a context; None = the current one. Raises UsageError."""
    source = ", ".join(map(str, paths))
    entries, current = _merged(paths)
    chosen = context or current
    if not chosen:
        raise UsageError(f"{source}: no current-context; give --context ({_listed(entries['contexts'])})")
    if chosen not in entries["contexts"]:
        raise UsageError(f"{source}: no context {chosen!r} ({_listed(entries['contexts'])})")
    names = entries["contexts"][chosen]
    cluster = entries["clusters"].get(str(names.get("cluster")))
    if cluster is None:
        raise UsageError(f"{source}: context {chosen!r} is of a cluster {names.get('cluster')!r} that is not there")
    user = entries["users"].get(str(names.get("user"))) if names.get("user") else {}
    if user is None:
        raise UsageError(f"{source}: context {chosen!r} is of a user {names.get('user')!r} that is not there")
    return Access(
        source=source,
        cluster=_checked_cluster(source, cluster),
        user=_checked_user(source, user, str(cluster["server"])),
        namespace=str(names.get("namespace") or "default"),
    )


def _merged(paths: Sequence[Path]) -> tuple[dict[str, dict[str, dict[str, Any]]], str]:
    """Returns the contexts, clusters and users of all files by name, and the current-context.

    As with kubectl the first file wins.
    """
    entries: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    current = ""
    for path in paths:
        document = _load(path)
        current = current or str(document.get("current-context") or "")
        for plural in ("contexts", "clusters", "users"):
            try:
                for entry in document.get(plural) or []:
                    entries[plural].setdefault(str(entry["name"]), _absolute(entry.get(plural[:-1]) or {}, path.parent))
            except (TypeError, KeyError, AttributeError) as error:
                raise UsageError(f"{path}: {plural} is not a list of names with their {plural[:-1]}") from error
    return entries, current


def _load(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the kubeconfig cannot be read: {cause(error)}") from error
    except (ValueError, yaml.YAMLError, RecursionError):
        # Not chained: the parser quotes the lines around the fault, which may hold credentials.
        raise UsageError(f"{path}: the kubeconfig is not YAML") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path}: the kubeconfig is no mapping with clusters, users and contexts")
    return document


def _absolute(part: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Returns a part whose files, and a plug-in with a slash, are absolute: they are relative to the file's folder."""
    part = dict(part)
    for key in (*CERTIFICATES, "tokenFile"):
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
    """Returns the user with older forms turned into a token or a password.

    Raises UsageError for a user who would be sent as anonymous, or with other rights than the file states.
    """
    url = urlsplit(server)
    if url.username and not user:
        user = {"username": unquote(url.username), "password": unquote(url.password or "")}
    if provider := user.get("auth-provider"):
        user = {**user, "token": _provider_token(source, provider)}
    if len(user.get("as-groups") or ()) > 1 or user.get("as-user-extra"):
        raise UsageError(f"{source}: the user is impersonated with several groups or extras, which steerer cannot send")
    if bool(user.get("client-certificate") or user.get("client-certificate-data")) != bool(
        user.get("client-key") or user.get("client-key-data")
    ):
        raise UsageError(f"{source}: the user has a client certificate or a client key, and needs both")
    return user


def _provider_token(source: str, provider: Any) -> str:
    """Returns the token of an `auth-provider`, which kubectl has replaced by credential plug-ins."""
    settings = provider.get("config") or {} if isinstance(provider, dict) else {}
    token: str | None = settings.get("id-token") or settings.get("access-token")
    if not token:
        raise UsageError(f"{source}: the user has an auth-provider without a token; use a credential plug-in (exec)")
    return token


def _listed(contexts: Mapping[str, Any]) -> str:
    return f"the file has: {', '.join(sorted(contexts))}" if contexts else "the file has none"
