"""The API server and the user of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

# The files that a kubeconfig names; each may also be there as `…-data`, in base64.
CERTIFICATES = ("certificate-authority", "client-certificate", "client-key")


class Access(Struct, frozen=True, kw_only=True):
    """One cluster, one user, and the default namespace (None in a pod: then all namespaces are in scope).

    `cluster` and `user` are the parts of the kubeconfig, with absolute paths; `source` names the files.
    """

    source: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any] = field(default_factory=dict)
    namespace: str | None = None

    def __repr__(self) -> str:
        return f"Access({self.source}, {self.server})"  # never the credentials of the user

    @property
    def server(self) -> str:
        """The URL of the API, without userinfo and without a slash at its end."""
        url = urlsplit(str(self.cluster["server"]))
        return url._replace(netloc=url.netloc.rpartition("@")[2]).geturl().rstrip("/")


def cause(error: Exception) -> str:
    """Returns the operating system's words for an error, or its type: its own text may quote a credential."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
