"""The HTTP client: pykube's, with this project's proxies, retries and timeouts."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pykube
import pykube.http
import urllib3

from reconcile import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Self

    import requests

    from reconcile.clusters.kube.access import Access
    from reconcile.clusters.kube.login import Login

CONNECT_TIMEOUT = 5.0
LONGEST_RETRY_AFTER = 2.0
"""Seconds; a server that asks for a longer wait is tried again after these."""


def new_client(
    access: Access, login: Login, files: Mapping[str, str], timeouts: tuple[float, float], connections: int
) -> Any:
    """Returns a pykube client that keeps up to so many `connections`; `files` are the certificates, by their names.

    pykube gets the address and the certificates; the credentials are those of `login`.
    """
    user = {key: path for key, path in files.items() if key.startswith("client-")}
    cluster = {"server": access.server} | {key: path for key, path in files.items() if key not in user}
    cluster |= {
        key: access.cluster[key] for key in ("insecure-skip-tls-verify", "tls-server-name") if access.cluster.get(key)
    }
    document = {
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    if cluster.get("insecure-skip-tls-verify"):
        # The kubeconfig asks for it; a warning at each request says nothing new.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    config = pykube.KubeConfig(document)
    retry = _Retry(total=2, connect=1, other=0, backoff_factor=0.2, allowed_methods=["GET"], raise_on_status=False)
    adapter = pykube.http.KubernetesHTTPAdapter(config, max_retries=retry, pool_maxsize=connections)
    client = pykube.HTTPClient(config, timeout=timeouts, http_adapter=adapter)
    client.session.auth = login
    client.session.headers.update({"User-Agent": f"steerer/{__version__}", "Accept": "application/json"})
    return client


def fix_proxies(session: requests.Session, access: Access) -> MutableMapping[str, str]:
    """Returns the proxies to the server, and keeps the session from reading the environment.

    A session reads all of the environment at each request, which takes longer than the rest of the request.
    """
    proxy = access.cluster.get("proxy-url")
    named = {"http": proxy, "https": proxy} if proxy else {}
    found = session.merge_environment_settings(access.server, named, None, None, None)
    session.verify, session.trust_env = found["verify"], False
    proxies: MutableMapping[str, str] = found["proxies"]
    return proxies


class _Retry(urllib3.Retry):
    """Retries that take no longer than a pass can afford, whatever Retry-After the server sends."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: Any = None,
        _stacktrace: Any = None,
    ) -> Self:
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            # A second try would take as long again; the next pass reads the object.
            raise error.with_traceback(_stacktrace)
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002 - the library's
        if status_code == HTTPStatus.TOO_MANY_REQUESTS and has_retry_after:
            return bool(self.total)
        return super().is_retry(method, status_code, has_retry_after)

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        seconds = super().get_retry_after(response)
        return None if seconds is None else min(seconds, LONGEST_RETRY_AFTER)
