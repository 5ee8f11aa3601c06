"""The HTTP client: pykube's, with this project's proxies, retries and timeouts."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pykube
import pykube.http
import requests
import urllib3

from reconcile import __version__
from reconcile.clusters.kube.exchange import PlainConnection, TlsConnection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from reconcile.clusters.kube.access import Access
    from reconcile.clusters.kube.exchange import Response
    from reconcile.clusters.kube.login import Login

CONNECT_TIMEOUT = 5.0
LONGEST_RETRY_AFTER = 2.0
"""Seconds; a server that asks for a longer wait is tried again after these."""


class Client:
    """Sends requests to one server over one pool of up to so many `connections`, for several threads.

    pykube knows the server and the certificates, `files` by their names in a kubeconfig; the credentials are those of
    `login`. A session of `requests` makes anew for each request what is the same for all of them, which takes longer
    than the rest of the request: here the pool is found once, and asked directly.
    """

    def __init__(
        self, access: Access, login: Login, files: Mapping[str, str], timeouts: tuple[float, float], connections: int
    ) -> None:
        self.config = _config(access, files)
        adapter = _Adapter(self.config, pool_maxsize=connections)
        self._pykube = pykube.HTTPClient(self.config, http_adapter=adapter)
        self._login = login
        self._timeout = urllib3.Timeout(*timeouts)
        session, proxy = self._pykube.session, access.cluster.get("proxy-url")
        self.headers = {
            "Host": urllib3.util.parse_url(access.server).netloc,
            **session.headers,
            "User-Agent": f"steerer/{__version__}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }
        named = {"http": proxy, "https": proxy} if proxy else {}
        self.pool, self._base = adapter.pool_for(
            access.server, session.merge_environment_settings(access.server, named, None, None, None)
        )

    def close(self) -> None:
        """Closes all connections."""
        self._pykube.session.close()

    def send(
        self, method: str, address: tuple[str, str], *, body: bytes | None, headers: Mapping[str, str], query: str
    ) -> Response:
        """Sends one request, and returns the response with its content. It follows no redirect.

        `address` is what pykube calls the version, and the path below it.
        """
        version, path = address
        url = self._pykube.get_kwargs(version=version, url=path)["url"].removeprefix(self._pykube.url)
        response: Response = self.pool.urlopen(
            method,
            f"{self._base}{url}{query}",
            body,
            {**self.headers, **headers, **self._login.headers()},
            _RETRY,
            redirect=False,
            assert_same_host=False,
            timeout=self._timeout,
        )
        return response


class _Adapter(pykube.http.KubernetesHTTPAdapter):  # type: ignore[misc]  # pykube has no types
    """Knows the pool of connections to a server."""

    def pool_for(self, server: str, settings: dict[str, Any]) -> tuple[Any, str]:
        """Returns the pool, and the base of a path in a request line: an address only where a proxy has to see it."""
        request = requests.Request("GET", server).prepare()
        self._setup_request_certificates(self.kube_config, request, settings)
        tls = settings["verify"], settings["cert"]
        pool = self.get_connection_with_tls_context(request, tls[0], settings["proxies"], tls[1])
        self.cert_verify(pool, server, *tls)
        pool.ConnectionCls = TlsConnection if pool.scheme == "https" else PlainConnection
        return pool, self.request_url(request, settings["proxies"]).rstrip("/")


def _config(access: Access, files: Mapping[str, str]) -> Any:
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
    return pykube.KubeConfig(document)


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


_RETRY = _Retry(total=2, connect=1, other=0, backoff_factor=0.2, allowed_methods=["GET"], raise_on_status=False)
