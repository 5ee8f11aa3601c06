"""What a response of the API server holds: the object, or the error that its status code means.

No message holds a credential: headers and the URL of the request are never quoted.
"""

from __future__ import annotations

import json
import re
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from reconcile.clusters.kube.status_errors import Failure, error_of
from reconcile.model.errors import UnreachableError

if TYPE_CHECKING:
    from reconcile.clusters.kube.call import Call
    from reconcile.model.kinds import Manifest

LONGEST_QUOTE = 600
"""Characters of the server's own message that an error quotes: a schema error can be of any length."""

_SUCCESS = (HTTPStatus.OK, HTTPStatus.CREATED)
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_USERINFO = re.compile(r"//[^/@\s]+@")


class Body(Struct, frozen=True):
    """The body of a response as it came; `is_compressed`, by gzip."""

    content: bytes | bytearray
    is_compressed: bool = False

    def decompressed(self) -> bytes:
        """Returns it as it was before. Raises zlib.error for what is no gzip, or was cut off."""
        # At once: as urllib3 does it, piece by piece, a page is in memory several times.
        return zlib.decompress(self.content, _GZIP_OR_ZLIB) if self.is_compressed else bytes(self.content)


class ApiResponse(Struct, frozen=True):
    """The response to a call: status code, content type, and the body as it came."""

    call: Call
    code: int
    content_type: str
    body: Body

    def read(self) -> Manifest:
        """Returns the object in it. Raises the ClusterError that the response means."""
        body = self._decompressed()
        content = _json(body)
        if self.code not in _SUCCESS:
            status = content if isinstance(content, dict) else {}
            message = clean(str(status.get("message") or "")) or _plain(self.code, self.content_type, body)
            raise error_of(Failure(self.call, self.code, self.content_type, status, message))
        if isinstance(content, dict):
            return content
        raise UnreachableError(
            f"cannot {self.call}: the answer is no JSON object, or was cut off ({len(body)} bytes of "
            f"{self.content_type or 'no type'}): is the server of the kubeconfig a Kubernetes API, and no login page "
            "or proxy?"
        )

    def check(self) -> None:
        """Raises what `read` raises. Where an object is in it this takes an eighth of the time."""
        if self.code not in _SUCCESS or not _is_object(self._decompressed()):
            self.read()

    def _decompressed(self) -> bytes:
        try:
            return self.body.decompressed()
        except zlib.error as error:
            raise UnreachableError(f"cannot {self.call}: the answer is not compressed as it says: {error}") from error


def items(call: Call, content: Manifest) -> list[Manifest]:
    """Returns the objects of a LIST, with the `apiVersion` and `kind` that the items of a LIST lack."""
    found = content.get("items") or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UnreachableError(f"cannot {call}: the answer is no list of objects")
    named = {"apiVersion": call.kind.api_version(call.version), "kind": call.kind.name}
    return [{**named, **item} for item in found]


def clean(text: str) -> str:
    """Returns a foreign text as a message can quote it: on one line, cut, without the userinfo of a URL."""
    line = _USERINFO.sub("//", " ".join(text.split()))
    return line if len(line) <= LONGEST_QUOTE else f"{line[:LONGEST_QUOTE]}…"


def _plain(code: int, content_type: str, body: bytes) -> str:
    """Returns the words of a response that is no `Status`: a plain text as it is, anything else by its type."""
    if content_type.startswith("text/plain"):
        return clean(body.decode(errors="replace")) or f"status {code}"
    return f"status {code} with {content_type or 'no type'}"


class _AnyObject(Struct):
    """A JSON object of whatever fields."""


_any_object = msgspec.json.Decoder(_AnyObject)


def _is_object(body: bytes) -> bool:
    """Returns whether this is surely a JSON object, without making one."""
    try:
        _any_object.decode(body.decode())
    except (ValueError, RecursionError):
        return False
    return True


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
