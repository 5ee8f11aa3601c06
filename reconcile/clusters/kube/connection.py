"""One request at a time to an API server, and its response; within a timeout.

What a request is about, and what the response means, must not be known here.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from reconcile.clusters.kube.certificates import certificate_files
from reconcile.clusters.kube.client import CONNECT_TIMEOUT, Client
from reconcile.clusters.kube.go_json import encode
from reconcile.clusters.kube.login import Login
from reconcile.clusters.kube.responses import ApiResponse, Body
from reconcile.clusters.kube.status_errors import CredentialsError
from reconcile.clusters.kube.transport_errors import TRANSPORT_ERRORS, describe
from reconcile.model.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from reconcile.clusters.kube.access import Access
    from reconcile.clusters.kube.call import Call
    from reconcile.model.kinds import Manifest

TIMEOUT = 10.0
WORKERS = 16

# A server that does not know partial object metadata sends whole objects.
_METADATA_ONLY = {
    verb: f"application/json;as={kind};g=meta.k8s.io;v=v1,application/json"
    for verb, kind in (("get", "PartialObjectMetadata"), ("list", "PartialObjectMetadataList"))
}
_METHODS = {"get": "GET", "list": "GET", "create": "POST", "patch": "PATCH"}


class Connection:
    """Sends requests to one API server as one user, for up to WORKERS threads at a time. A context manager.

    A read is tried again once or twice where the connection broke, or where the server sent Retry-After (429, 503). A
    write is tried again only after a 429 with Retry-After: the server has not processed it. Whether a broken write was
    stored is for the next pass to read.
    """

    def __init__(self, access: Access, timeout: float, environ: Mapping[str, str]) -> None:
        self.server = access.server
        self._timeouts = (min(timeout, CONNECT_TIMEOUT), timeout)
        self._login = Login(access, environ)
        # Only one thread at a time can decode. With a thread for it, no other one keeps memory of the size of a page.
        self._decoder = ThreadPoolExecutor(1, thread_name_prefix="decoder")
        with ExitStack() as stack:
            stack.callback(self._decoder.shutdown, wait=False, cancel_futures=True)
            files = certificate_files(self._login.user, access.cluster, stack)
            self.client = Client(access, self._login, files, self._timeouts, connections=2 * WORKERS)
            stack.callback(self.client.close)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(
        self, call: Call, params: Mapping[str, str] | None = None, body: object = None, content_type: str = ""
    ) -> Manifest:
        """Sends one request; returns the object of the response. Raises the ClusterError that the response means."""
        response = self._exchange(call, params, body, content_type)
        return self._decoder.submit(response.read).result() if call.verb == "list" else response.read()

    def write(self, call: Call, params: Mapping[str, str], body: object, content_type: str) -> Callable[[], Manifest]:
        """Sends one write; returns what reads the object of the response. Raises the ClusterError that this means.

        Few read it: what is stored is what was sent.
        """
        response = self._exchange(call, params, body, content_type)
        response.check()
        return response.read

    def _exchange(self, call: Call, params: Mapping[str, str] | None, body: object, content_type: str) -> ApiResponse:
        """Returns the response, with new credentials where the old ones have expired. Raises ClusterError."""
        user = self._login.user
        try:
            response = self._once(call, params, body, content_type)
            if response.code == HTTPStatus.UNAUTHORIZED and self._login.renew(user):
                # The server has not processed it, so a write may be sent again as well.
                response = self._once(call, params, body, content_type)
        except UsageError as error:
            raise CredentialsError(f"cannot {call}: {error}") from error
        except TRANSPORT_ERRORS as error:
            broken = describe(error, self._timeouts)
            raise UnreachableError(f"cannot {call}: no answer from {self.server}: {broken}") from error
        return response

    def _once(self, call: Call, params: Mapping[str, str] | None, body: object, content_type: str) -> ApiResponse:
        headers = {"Content-Type": content_type} if content_type else {}
        if call.metadata_only:
            headers["Accept"] = _METADATA_ONLY[call.verb]
        response = self.client.send(
            _METHODS[call.verb],
            _address(call),
            body=None if body is None else encode(body),
            headers=headers,
            query=f"?{urlencode(params)}" if params else "",
        )
        encoding = response.headers.get("Content-Encoding", "identity")
        received = Body(response.content, is_compressed=encoding != "identity")
        return ApiResponse(call, response.status, response.headers.get("Content-Type", ""), received)


def _address(call: Call) -> tuple[str, str]:
    """Returns what pykube calls the version, and the path below it.

    pykube takes an absolute path in place of a version, for what is no resource. With nothing below it pykube adds a
    slash, which makes it another page, so the last part of the path stands below.
    """
    if call.path:
        base, _, page = call.path.rpartition("/")
        return base, page
    where = ("namespaces", call.namespace) if call.namespace is not None else ()
    parts = (*where, call.kind.plural, call.name, call.subresource)
    return call.kind.api_version(call.version), "/".join(map(_quoted, filter(None, parts)))


@lru_cache(maxsize=10_000)
def _quoted(part: str) -> str:
    """Returns a part of a path, escaped. A pass has few of them, and asks for each several times."""
    return quote(part, safe="")
