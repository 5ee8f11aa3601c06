"""The exceptions that steerer raises on purpose, each with a message for people.

The two of a walk through the gates are in `core/stops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.model.kinds import Ref


class SteererError(Exception):
    """The root. Its text says what is wrong, where, and what to do."""


class UsageError(SteererError):
    """An option, a file or a folder that the user named cannot be used (exit code 2)."""


class InvalidObjectError(SteererError):
    """An object has fields that cannot be used; each of `problems` is `field.path: what is wrong`."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class TemplateError(SteererError):
    """A metric template cannot be read or rendered."""


class ClusterError(SteererError):
    """The cluster (API server or folder) did not do what was asked."""


class UnreachableError(ClusterError):
    """No usable response: connection, timeout, 429, 5xx. A later retry may succeed."""


class ForbiddenError(ClusterError):
    """401 or 403: the credentials or the rights do not suffice."""


class MissingError(ClusterError):
    """404: the object, or the whole kind, does not exist."""


class ElsewhereError(ClusterError):
    """The object does not exist. Another one does that may be meant: its text says which, and what is wrong with it."""


class LostRaceError(ClusterError):
    """A conflict (409), or a failed `test` of a JSON patch: another write came first. The next pass reads again."""


class PendingError(ClusterError):
    """The object does not yet have what its manifest in Git states. A later pass finds it done, unless it never comes.

    `target` is the object, where that shows only as it is to be written.
    """

    def __init__(self, text: str, target: Ref | None = None) -> None:
        super().__init__(text)
        self.target = target


class RefusedError(ClusterError):
    """The write is refused: schema, admission, a malformed patch; `target`: by steerer itself, for this object."""

    def __init__(self, text: str, target: Ref | None = None) -> None:
        super().__init__(text)
        self.target = target
