"""The credentials of a metrics server: parses them, and masks them in texts that are shown.

A server may send back what it was sent, so every text of it is masked. Nothing here is sent.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

MAX_TEXT = 300

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_SCHEMES = frozenset({"basic", "bearer"})
# Their values are no secrets, and are ordinary words: masked, they would make holes in the texts of the server.
_PLAIN_ARGUMENTS = frozenset(
    {"namespace", "tenant", "dedup", "partial_response", "deny_partial_response", "max_source_resolution", "nocache"}
)
# A shorter secret is masked as a whole word only: elsewhere it would be the middle of other words.
_MIN_LENGTH_ANYWHERE = 4
# How many characters of a text are read for each one that is shown: runs of spaces shrink to one.
_LOOKAHEAD = 16


def argument_secrets(arguments: str) -> set[str]:
    """Returns the values of a query string, as written and as meant, but those of well-known names without secrets."""
    written = (argument.partition("=") for argument in arguments.split("&"))
    values = {value for name, _, value in written if unquote(name) not in _PLAIN_ARGUMENTS}
    return {*values, *map(unquote_plus, values)}


def ca_path(ca_file: Path | None) -> str | None:
    """Returns the path of a CA file. Raises UsageError if there is no such file."""
    if ca_file is None:
        return None
    if not ca_file.is_file():
        raise UsageError(f"the CA file {ca_file} is not there")
    return str(ca_file)


def parse_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns the headers of the options. Raises UsageError, which names a header and never shows its value."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise UsageError("a --metrics-header has no valid name; write NAME: VALUE")
        if not _HEADER_VALUE.fullmatch(value):
            raise UsageError(f"--metrics-header {name}: its value must be one line of ASCII text")
    return dict(headers)


def basic_authorization(userinfo: str) -> str:
    """Returns the Authorization header for `user:password` as it is written in a URL."""
    user, _, password = userinfo.partition(":")
    return f"Basic {base64.b64encode(f'{unquote(user)}:{unquote(password)}'.encode()).decode()}"


def userinfo_secrets(userinfo: str) -> set[str]:
    """Returns every spelling of user and password."""
    user, _, password = userinfo.partition(":")
    written = {userinfo, user, password}
    return (
        {*written, *map(unquote, written), basic_authorization(userinfo).removeprefix("Basic ")} if userinfo else set()
    )


def header_secrets(values: Iterable[str]) -> set[str]:
    """Returns the secret parts of header values: all but the names of schemes."""
    parts = {part for value in values for part in (value, *value.split()) if part.lower() not in _SCHEMES}
    return parts.union(*map(_basic_credentials, parts))


def _basic_credentials(value: str) -> set[str]:
    """Returns user and password if the value is base64 of the two, as in `Basic c29tZW9uZTpzM2NyZXQ=`."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return set()
    return {f"{user}:{password}", user, password} if colon else set()


def _spellings(secret: str) -> set[str]:
    """Returns a secret as it is written in a text, in a URL and in a web page."""
    import html  # noqa: PLC0415 - all entities of HTML, for a pass that sends a secret

    return {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)}


def masking(secrets: Iterable[str]) -> Callable[[str], str]:
    """Returns a function that makes a text of a server fit for an Event or a log: one short line without secrets."""
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    patterns = [
        re.escape(secret) if len(secret) >= _MIN_LENGTH_ANYWHERE else rf"(?<!\w){re.escape(secret)}(?!\w)"
        for secret in sorted(spellings, key=lambda secret: (-len(secret), secret))
    ]
    if not patterns:
        return one_line
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return lambda text: one_line(pattern.sub("***", text))


def one_line(text: str, most: int = MAX_TEXT) -> str:
    """Returns a text as one line of at most `most` printable characters. Of a huge text only the beginning is read."""
    line = "".join(char if char.isprintable() else " " for char in " ".join(text[: _LOOKAHEAD * most].split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"
