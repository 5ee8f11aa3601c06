"""The exception tree: every error that steerer raises on purpose, each with a message for people.

Duty: names for what can go wrong at the edges. Nothing here decides what follows from an error.
"""

from __future__ import annotations


class SteererError(Exception):
    """The root: `str()` of it is a sentence that says what was wrong, where, and what to do."""


class UsageError(SteererError):
    """An option, a file or a folder that the user named cannot be used as it is (exit code 2)."""


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
    """No usable answer: connection, time out, 429, 5xx. The same call may go through later."""


class ForbiddenError(ClusterError):
    """401 or 403: the credentials or the rights do not suffice."""


class MissingError(ClusterError):
    """404: the object, or the whole kind, is not there."""


class LostRaceError(ClusterError):
    """409, or a failed `test` of a JSON patch: somebody was faster. Normal; the next pass looks again."""


class PendingError(ClusterError):
    """The object is not yet what it was asked to be elsewhere: nothing is wrong, and a later pass finds it done."""


class RefusedError(ClusterError):
    """The server looked at the write and refused it: schema, admission, a malformed patch."""
