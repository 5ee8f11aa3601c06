"""What an answer of the Kubernetes API means: the object that it carries, or the error in words for people.

Duty: **pure** reading of status codes and bodies, and the one place that maps them to `errors`. It sends nothing. No
message holds a credential: neither headers nor the URL that was asked are ever quoted.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from reconcile.model.errors import ForbiddenError, LostRaceError, MissingError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Kind, Manifest

MESSAGE = 600
"""The characters of a server's own words that a message quotes: a schema can complain at any length."""

_DENIED = re.compile(r'User "(?P<user>[^"]*)" cannot (?:\w+) (?:resource|path) ')
_FAILED_PATCH = "the server rejected our request due to an error in our request"
_USERINFO = re.compile(r"//[^/@\s]+@")


class UnservedError(MissingError):
    """The API has no such kind in this version: 404 without an object."""


class ExpiredError(UnreachableError):
    """410: the pages of a LIST took too long, and their rest is gone."""


class CredentialsError(ForbiddenError):
    """401: nobody asks this server for anything with these credentials."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request as a Role would name it: `verb` is get, list, create or patch.

    `tested` is whether it is a patch with a `test`, which can fail; `heads` whether of each object the metadata is
    enough. `path` is asked instead of any resource, such as `/apis/apps.weave.works/v1beta1`: what the server says of
    itself.
    """

    verb: str
    kind: Kind
    version: str
    namespace: str | None = None
    name: str = ""
    subresource: str = ""
    tested: bool = True
    heads: bool = False
    path: str = ""

    @property
    def resource(self) -> str:
        """The plural, and the subresource if there is one: `rollouts/status`."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    @property
    def what(self) -> str:
        """`get deployments.apps in namespace test`: how kubectl would speak of it."""
        if self.path:
            return f"{self.verb} {self.path}"
        group = f".{self.kind.group}" if self.kind.group else ""
        where = f"in namespace {self.namespace}" if self.namespace is not None else "in all namespaces"
        return f"{self.verb} {self.kind.plural}{group}{self.resource[len(self.kind.plural) :]} {where}"

    def __str__(self) -> str:
        return f"{self.what} ({self.name})" if self.name else self.what


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer that is no success: `said` is its `Status`, if it is one, `words` what to quote of it."""

    call: Call
    status: int
    content_type: str
    said: Manifest
    words: str

    @property
    def details(self) -> Manifest:
        details = self.said.get("details")
        return details if isinstance(details, dict) else {}


def read(call: Call, status: int, content_type: str, body: bytes) -> Manifest:
    """Give the object that a server answered with. Raises the ClusterError that the answer amounts to."""
    said = _json(body)
    if status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        said = said if isinstance(said, dict) else {}
        words = clean(str(said.get("message") or "")) or _plain(status, content_type, body)
        raise _error(_Answer(call, status, content_type, said, words))
    if isinstance(said, dict):
        return said
    raise UnreachableError(
        f"cannot {call}: the answer is no JSON object, or was cut off ({len(body)} bytes of "
        f"{content_type or 'no type'}): is the server of the kubeconfig a Kubernetes API, and no login page or proxy?"
    )


def items(call: Call, answer: Manifest) -> list[Manifest]:
    """Give the objects of a LIST, each with the `apiVersion` and `kind` that the items of a LIST lack."""
    found = answer.get("items") or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise UnreachableError(f"cannot {call}: the answer is no list of objects")
    named = {"apiVersion": call.kind.api_version(call.version), "kind": call.kind.name}
    return [{**named, **item} for item in found]


def clean(words: str) -> str:
    """Give foreign words for a message: on one line, of bounded length, without the userinfo of a URL."""
    line = _USERINFO.sub("//", " ".join(words.split()))
    return line if len(line) <= MESSAGE else f"{line[:MESSAGE]}…"


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _plain(status: int, content_type: str, body: bytes) -> str:
    """Give words for an answer that is no `Status`: a short plain text as it is, anything else by its type."""
    if content_type.startswith("text/plain"):
        return clean(body.decode(errors="replace")) or f"status {status}"
    return f"status {status} with {content_type or 'no type'}"


def _error(answer: _Answer) -> ClusterError:
    if "denied the request" in answer.words and answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        # An admission webhook chooses its status code freely: 403 is no lack of rights, 409 no lost race.
        return _refused(answer)
    if meaning := _MEANINGS.get(answer.status):
        return meaning(answer)
    if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refused(answer)
    return UnreachableError(f"cannot {answer.call}: the server answered {answer.status}: {answer.words}")


def _refused(answer: _Answer) -> ClusterError:
    return RefusedError(f"the server refused it: {answer.words}")


def _unauthorized(answer: _Answer) -> ClusterError:
    return CredentialsError(
        f"unauthorized: cannot {answer.call}: the server does not accept the credentials (401): they are missing, "
        "wrong or expired; log in again, or give another --kubeconfig or --context"
    )


def _forbidden(answer: _Answer) -> ClusterError:
    call, denied = answer.call, _DENIED.search(answer.words)
    if denied is None and call.verb in ("create", "patch"):
        # Not the authorizer speaks, but an admission policy, a quota, a namespace that is going away.
        return _refused(answer)
    user = denied["user"] if denied else "the user of steerer"
    rule = f'grant verbs ["{call.verb}"] on resources ["{call.resource}"] of apiGroups ["{call.kind.group}"] to {user}'
    return ForbiddenError(f"forbidden: cannot {call.what}: {rule}" + ("" if denied else f" ({answer.words})"))


def _not_found(answer: _Answer) -> ClusterError:
    call = answer.call
    if answer.details.get("name"):
        return MissingError(f"not found: cannot {call}: {answer.words}")
    if answer.content_type.startswith("text/html"):
        return UnreachableError(
            f"cannot {call}: the server answered 404 with a web page: is the server of the kubeconfig a Kubernetes API?"
        )
    version = call.kind.api_version(call.version)
    return UnservedError(f"not found: cannot {call}: the API has no {call.kind.name} in {version}")


def _conflict(answer: _Answer) -> ClusterError:
    return LostRaceError(f"lost race: cannot {answer.call}: {answer.words}")


def _gone(answer: _Answer) -> ClusterError:
    return ExpiredError(f"cannot {answer.call}: the list has expired while it was read: {answer.words}")


def _unprocessable(answer: _Answer) -> ClusterError:
    """Tell a failed `test` from a refusal: both are 422 `Invalid`, but a refusal names the object or its causes.

    A patch that does not fit the object is told in the words of a failed `test`, so it takes one without any to know.
    """
    details, failed = answer.details, answer.words.startswith(_FAILED_PATCH)
    if answer.call.tested and failed and not details.get("name") and not details.get("causes"):
        return LostRaceError(f"lost race: cannot {answer.call}: the object is no longer what it was ({answer.words})")
    return _refused(answer)


def _busy(answer: _Answer) -> ClusterError:
    return UnreachableError(f"cannot {answer.call}: the server has too much to do (429): {answer.words}")


_MEANINGS: Mapping[int, Callable[[_Answer], ClusterError]] = {
    HTTPStatus.UNAUTHORIZED: _unauthorized,
    HTTPStatus.FORBIDDEN: _forbidden,
    HTTPStatus.NOT_FOUND: _not_found,
    HTTPStatus.CONFLICT: _conflict,
    HTTPStatus.GONE: _gone,
    HTTPStatus.UNPROCESSABLE_ENTITY: _unprocessable,
    HTTPStatus.TOO_MANY_REQUESTS: _busy,
}
