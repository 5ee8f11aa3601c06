"""Which ClusterError a status code of the API server means. This is the only place that maps them."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from msgspec import Struct

from reconcile.model.errors import ForbiddenError, LostRaceError, MissingError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconcile.clusters.kube.call import Call
    from reconcile.model.errors import ClusterError
    from reconcile.model.kinds import Manifest

_DENIED = r'User "(?P<user>[^"]*)" cannot (?:\w+) (?:resource|path) '
_FAILED_PATCH = "the server rejected our request due to an error in our request"


class UnservedError(MissingError):
    """The API has no such kind in this version: 404 without an object."""


class ExpiredError(UnreachableError):
    """410: the pages of a LIST took too long, and the rest of them is gone."""


class CredentialsError(ForbiddenError):
    """401: no request with these credentials is accepted."""


class Failure(Struct, frozen=True):
    """A response that is no success: `status` is its body if that is a `Status`, `message` what to quote of it."""

    call: Call
    code: int
    content_type: str
    status: Manifest
    message: str

    @property
    def details(self) -> Manifest:
        """The `details` of the Status; empty where it has none."""
        details = self.status.get("details")
        return details if isinstance(details, dict) else {}


def error_of(failure: Failure) -> ClusterError:
    """Returns the error that a response means."""
    if "denied the request" in failure.message and failure.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        # An admission webhook chooses its status code: here 403 is no missing right, and 409 no lost race.
        return _refused(failure)
    if meaning := _MEANINGS.get(failure.code):
        return meaning(failure)
    if HTTPStatus.BAD_REQUEST <= failure.code < HTTPStatus.INTERNAL_SERVER_ERROR:
        return _refused(failure)
    return UnreachableError(f"cannot {failure.call}: the server answered {failure.code}: {failure.message}")


def _refused(failure: Failure) -> ClusterError:
    return RefusedError(f"the server refused it: {failure.message}")


def _unauthorized(failure: Failure) -> ClusterError:
    return CredentialsError(
        f"unauthorized: cannot {failure.call}: the server does not accept the credentials (401): they are missing, "
        "wrong or expired; log in again, or give another --kubeconfig or --context"
    )


def _forbidden(failure: Failure) -> ClusterError:
    call, denied = failure.call, re.search(_DENIED, failure.message)
    if denied is None and call.verb in ("create", "patch"):
        # Not from the authorizer: an admission policy, a quota, a namespace that is being deleted.
        return _refused(failure)
    user = denied["user"] if denied else "the user of steerer"
    rule = f'grant verbs ["{call.verb}"] on resources ["{call.resource}"] of apiGroups ["{call.kind.group}"] to {user}'
    return ForbiddenError(f"forbidden: cannot {call.action}: {rule}" + ("" if denied else f" ({failure.message})"))


def _not_found(failure: Failure) -> ClusterError:
    call = failure.call
    if failure.details.get("name"):
        return MissingError(f"not found: cannot {call}: {failure.message}")
    if failure.content_type.startswith("text/html"):
        return UnreachableError(
            f"cannot {call}: the server answered 404 with a web page: is the server of the kubeconfig a Kubernetes API?"
        )
    version = call.kind.api_version(call.version)
    return UnservedError(f"not found: cannot {call}: the API has no {call.kind.name} in {version}")


def _conflict(failure: Failure) -> ClusterError:
    return LostRaceError(f"lost race: cannot {failure.call}: {failure.message}")


def _gone(failure: Failure) -> ClusterError:
    return ExpiredError(f"cannot {failure.call}: the list has expired while it was read: {failure.message}")


def _unprocessable(failure: Failure) -> ClusterError:
    """Tells a failed `test` from a refusal: both are 422 `Invalid`, but a refusal names the object or its causes.

    The server has the same message for a patch that does not fit the object. Only in a patch without a `test` it is
    surely a refusal.
    """
    details, failed = failure.details, failure.message.startswith(_FAILED_PATCH)
    if failure.call.has_test and failed and not details.get("name") and not details.get("causes"):
        return LostRaceError(
            f"lost race: cannot {failure.call}: the object is no longer what it was ({failure.message})"
        )
    return _refused(failure)


def _busy(failure: Failure) -> ClusterError:
    return UnreachableError(f"cannot {failure.call}: the server has too much to do (429): {failure.message}")


_MEANINGS: Mapping[int, Callable[[Failure], ClusterError]] = {
    HTTPStatus.UNAUTHORIZED: _unauthorized,
    HTTPStatus.FORBIDDEN: _forbidden,
    HTTPStatus.NOT_FOUND: _not_found,
    HTTPStatus.CONFLICT: _conflict,
    HTTPStatus.GONE: _gone,
    HTTPStatus.UNPROCESSABLE_ENTITY: _unprocessable,
    HTTPStatus.TOO_MANY_REQUESTS: _busy,
}
