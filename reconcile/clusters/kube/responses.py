"""What a response of the API server holds: the object, or the error that its status code means.

No message holds a credential: headers and the URL of the request are never quoted.
"""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from reconcile.clusters.kube.status_errors import Failure, error_of
from reconcile.model.errors import UnreachableError

if TYPE_CHECKING:
    from reconcile.clusters.kube.call import Call
    from reconcile.model.kinds import Manifest

LONGEST_QUOTE = 600
"""Characters of the server's own message that an error quotes: a schema error can be of any length."""

_USERINFO = re.compile(r"//[^/@\s]+@")


def read(call: Call, code: int, content_type: str, body: bytes) -> Manifest:
    """Returns the object in a response. Raises the ClusterError that the response means."""
    content = _json(body)
    if code not in (HTTPStatus.OK, HTTPStatus.CREATED):
        status = content if isinstance(content, dict) else {}
        message = clean(str(status.get("message") or "")) or _plain(code, content_type, body)
        raise error_of(Failure(call, code, content_type, status, message))
    if isinstance(content, dict):
        return content
    raise UnreachableError(
        f"cannot {call}: the answer is no JSON object, or was cut off ({len(body)} bytes of "
        f"{content_type or 'no type'}): is the server of the kubeconfig a Kubernetes API, and no login page or proxy?"
    )


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


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _plain(code: int, content_type: str, body: bytes) -> str:
    """Returns the words of a response that is no `Status`: a plain text as it is, anything else by its type."""
    if content_type.startswith("text/plain"):
        return clean(body.decode(errors="replace")) or f"status {code}"
    return f"status {code} with {content_type or 'no type'}"
