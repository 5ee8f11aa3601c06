"""The connection to an API server: one request at a time, with credentials, bounds and words for what breaks.

Duty: transport. pykube is imported here and nowhere else; what the requests are about is `kube`'s affair, who asks
`kubeconfig`'s, what an answer means `answers`'.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import ExitStack
from http import HTTPStatus
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pykube
import pykube.exceptions
import pykube.http
import requests
import requests.auth
import urllib3

from reconcile import __version__
from reconcile.clusters.kube import kubeconfig, responses
from reconcile.clusters.kube.responses import Call, CredentialsError
from reconcile.model.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Self

    from reconcile.model.kinds import Manifest

TIMEOUT = 10.0
WORKERS = 16

_CONNECT_TIMEOUT = 5.0
# An answer that drips renews the time out of each read: this many of them for a whole one.
_DRIPS = 3
_LONGEST_RETRY_AFTER = 2.0
# What the three libraries and the operating system raise where there is no answer to look at.
_BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, pykube.exceptions.PyKubeError, OSError)
# What Go escapes in JSON beside what everybody does, and what UTF-8 cannot have.
_ESCAPED = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
# A server that cannot leave out the rest gives whole objects.
_HEADS = {
    verb: f"application/json;as={kind};g=meta.k8s.io;v=v1,application/json"
    for verb, kind in (("get", "PartialObjectMetadata"), ("list", "PartialObjectMetadataList"))
}
_METHODS = {"get": "GET", "list": "GET", "create": "POST", "patch": "PATCH"}


class Connection:
    """Sends requests to one API server as one user; for up to 16 threads at a time. To be used in a `with`.

    Reads are tried again once or twice where the connection broke, or where the server said when to (429, 503). A
    write is tried again only where the server has too much to do and said when to (429): then it was not looked at.
    Whether a broken one was stored, the next pass sees.
    """

    def __init__(self, access: kubeconfig.Access, timeout: float, environ: Mapping[str, str]) -> None:
        self.server = access.server
        self._timeout = timeout
        self._login = _Login(access, environ)
        with ExitStack() as stack:
            files = kubeconfig.files(self._login.user, access.cluster, stack)
            self.client = _client(access, self._login, files, timeout)
            stack.callback(self.client.session.close)
            self._proxies = _proxies(self.client.session, access)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(
        self, call: Call, params: Mapping[str, str] | None = None, body: object = None, content_type: str = ""
    ) -> Manifest:
        """Send one request and give the object that came back. Raises the ClusterError that the answer amounts to."""
        user = self._login.user
        try:
            status, kind, content = self._exchange(call, params, body, content_type)
            if status == HTTPStatus.UNAUTHORIZED and self._login.renew(user):
                # Refused before it did anything, so a write may be sent again as well.
                status, kind, content = self._exchange(call, params, body, content_type)
        except UsageError as error:
            raise CredentialsError(f"cannot {call}: {error}") from error
        except _BROKEN as error:
            raise UnreachableError(f"cannot {call}: no answer from {self.server}: {self._trouble(error)}") from error
        return responses.read(call, status, kind, content)

    def _exchange(
        self, call: Call, params: Mapping[str, str] | None, body: object, content_type: str
    ) -> tuple[int, str, bytes]:
        base, path = _address(call)
        headers = {"Content-Type": content_type} if content_type else {}
        if call.heads:
            headers["Accept"] = _HEADS[call.verb]
        response = self.client.request(
            _METHODS[call.verb],
            version=base,
            url=path,
            params=params,
            data=None if body is None else _written(body),
            headers=headers,
            # pykube would hand the token to wherever a redirect leads.
            allow_redirects=False,
            proxies=self._proxies,
            stream=True,
        )
        until = monotonic() + _DRIPS * self._timeout
        content = bytearray()
        with response:
            # Unlike `iter_content`, `read1` comes back with whatever has arrived.
            while piece := response.raw.read1(1 << 16, decode_content=True):
                content += piece
                if monotonic() > until:
                    raise requests.ReadTimeout
        return response.status_code, str(response.headers.get("Content-Type", "")), bytes(content)

    def _trouble(self, error: Exception) -> str:
        """Say what broke; never with the error's own text where that could quote a header or a URL with userinfo."""
        match error:
            case requests.ConnectTimeout():
                return f"no connection within {min(self._timeout, _CONNECT_TIMEOUT):g} s"
            case requests.Timeout() | urllib3.exceptions.ReadTimeoutError():
                return f"no complete answer within {self._timeout:g} s"
            case requests.exceptions.ProxyError():
                return "the proxy does not let it through"
        chain: list[BaseException] = [error]
        while inner := chain[-1].__cause__ or chain[-1].__context__:
            chain.append(inner)
        said = (getattr(inner, "verify_message", "") or getattr(inner, "strerror", "") for inner in reversed(chain))
        words = str(next(filter(None, said), ""))
        if not words and isinstance(error, requests.exceptions.SSLError):
            # A certificate for another host: the names of both, and nothing that was sent.
            words = str(chain[-1])
        return responses.clean(words) or f"the connection broke ({type(error).__name__})"


def _address(call: Call) -> tuple[str, str]:
    """Give what pykube calls the version, and the path below it.

    An absolute path in place of a version is how it lets one ask for what is no resource; with nothing below it, it
    would put a slash at the end, which is another page.
    """
    if call.path:
        base, _, page = call.path.rpartition("/")
        return base, page
    where = ("namespaces", call.namespace) if call.namespace is not None else ()
    parts = (*where, call.kind.plural, call.name, call.subresource)
    return call.kind.api_version(call.version), "/".join(quote(part, safe="") for part in parts if part)


class _Login(requests.auth.AuthBase):
    """Puts the credentials on each request. As `auth` of the session it also keeps a .netrc from doing so."""

    def __init__(self, access: kubeconfig.Access, environ: Mapping[str, str]) -> None:
        self._access = access
        self._environ = environ
        self._lock = threading.Lock()
        self.user = kubeconfig.plugged(access, environ)
        kubeconfig.authorization(self.user)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if value := kubeconfig.authorization(self.user):
            request.headers["Authorization"] = value
        request.headers.update(kubeconfig.impersonation(self._access.user))
        return request

    def renew(self, used: Mapping[str, Any]) -> bool:
        """Say whether there is another token than the one `used`: some that a plug-in gives last for minutes only."""
        with self._lock:
            if self.user is used:
                self.user = kubeconfig.plugged(self._access, self._environ)
        return self.user.get("token") != used.get("token")


class _Retry(urllib3.Retry):
    """Retries that take no longer than a pass can afford, whatever the server asks for."""

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
            # It had all the time there is; the object is left for the next pass.
            raise error.with_traceback(_stacktrace)
        return super().increment(method, url, response, error, _pool, _stacktrace)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002 - the library's
        if status_code == HTTPStatus.TOO_MANY_REQUESTS and has_retry_after:
            return bool(self.total)
        return super().is_retry(method, status_code, has_retry_after)

    def get_retry_after(self, response: urllib3.BaseHTTPResponse) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, _LONGEST_RETRY_AFTER)


def _proxies(session: requests.Session, access: kubeconfig.Access) -> MutableMapping[str, str]:
    """Give the proxies to the server, and let the session look at the environment no more.

    It would look through all of it at each request, which takes longer than anything else about one.
    """
    proxy = access.cluster.get("proxy-url")
    named = {"http": proxy, "https": proxy} if proxy else {}
    found = session.merge_environment_settings(access.server, named, None, None, None)
    session.verify, session.trust_env = found["verify"], False
    proxies: MutableMapping[str, str] = found["proxies"]
    return proxies


def _client(access: kubeconfig.Access, login: _Login, files: Mapping[str, str], timeout: float) -> Any:
    """Give a pykube client for the access: addresses and certificates are its affair, credentials the login's."""
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
        # The kubeconfig says so; to say it again at each request helps nobody.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    config = pykube.KubeConfig(document)
    retry = _Retry(total=2, connect=1, other=0, backoff_factor=0.2, allowed_methods=["GET"], raise_on_status=False)
    adapter = pykube.http.KubernetesHTTPAdapter(config, max_retries=retry, pool_maxsize=2 * WORKERS)
    client = pykube.HTTPClient(config, timeout=(min(timeout, _CONNECT_TIMEOUT), timeout), http_adapter=adapter)
    client.session.auth = login
    client.session.headers.update({"User-Agent": f"steerer/{__version__}", "Accept": "application/json"})
    return client


def _written(body: object) -> bytes:
    """Write JSON letter by letter as the API server does.

    What a `test` names is compared with what is stored as text, escapes and all: "a && b" spelt otherwise than the
    server spells it is another string, and the race is lost for ever.
    """
    text = json.dumps(body, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", text).encode()
