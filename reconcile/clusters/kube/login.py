"""The headers that say to the API server who sends a request."""

from __future__ import annotations

import base64
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconcile.clusters.kube.access import cause
from reconcile.clusters.kube.credential_plugin import current_user
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconcile.clusters.kube.access import Access

_TOKEN = re.compile(r"[\x21-\x7e]+")


class Login:
    """The credentials of each request."""

    def __init__(self, access: Access, environ: Mapping[str, str]) -> None:
        self._access = access
        self._environ = environ
        self._lock = threading.Lock()
        self.user = current_user(access, environ)
        authorization(self.user)

    def headers(self) -> dict[str, str]:
        """Returns the headers of the user. Raises UsageError for a token that cannot be read."""
        value = authorization(self.user)
        return {**({"Authorization": value} if value else {}), **impersonation(self._access.user)}

    def renew(self, used: Mapping[str, Any]) -> bool:
        """Runs the plug-in again unless another thread has; returns whether the token is another one than `used`.

        The tokens of some plug-ins last for minutes only.
        """
        with self._lock:
            if self.user is used:
                self.user = current_user(self._access, self._environ)
        return self.user.get("token") != used.get("token")


def authorization(user: Mapping[str, Any]) -> str | None:
    """Returns the value of the Authorization header; None for a user without one (certificates, anonymous).

    A token file is read each time, as the kubelet renews it. Raises UsageError if it cannot be.
    """
    token = user.get("token")
    if name := user.get("tokenFile"):
        try:
            token = Path(name).read_text(encoding="ascii").strip() or token
        except (OSError, ValueError) as error:
            if not token:
                raise UsageError(f"the token file {name} cannot be read: {cause(error)}") from error
    if token:
        if not _TOKEN.fullmatch(str(token)):
            raise UsageError("the token of the user holds characters that no HTTP header can carry")
        return f"Bearer {token}"
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()
    return None


def impersonation(user: Mapping[str, Any]) -> dict[str, str]:
    """Returns the headers for the `as` of a kubeconfig: without them steerer would act with the wrong user's rights."""
    groups = user.get("as-groups") or [None]
    headers = {
        "Impersonate-User": user.get("as"),
        "Impersonate-Uid": user.get("as-uid"),
        "Impersonate-Group": groups[0],
    }
    return {name: str(value) for name, value in headers.items() if value}
