"""The address of a metrics server and the secrets in and beside it: what may be shown of them, and what may not.

Duty: parsing, and masking of whatever text a server sends back. It sends nothing.
"""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, quote_plus, unquote, urljoin, urlsplit

import requests

from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

MAX_WORDS = 300

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_URL = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_NO_SECRETS = frozenset({"basic", "bearer"})
_SECRET_ANYWHERE = 4
# How much of a text is looked at for each character that may be shown: runs of spaces shrink to one.
_AHEAD = 16


def parse_url(url: str) -> tuple[str, str]:
    """Split an address into the part that may be shown (and is asked) and `user:password` as it was written.

    No message quotes any of it: in an address that cannot be read, anything may be the password.
    """
    try:
        parts = urlsplit(url)
        shown = _without_userinfo(parts)
        requests.Request("POST", shown).prepare()
    except (ValueError, requests.RequestException):
        raise UsageError("--metrics-server is no http:// or https:// address with a host") from None
    if not _URL.fullmatch(url):
        raise UsageError("--metrics-server has spaces or other characters that a URL cannot have")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise UsageError("--metrics-server has an @ behind its host; write / ? # @ in a password as %2F %3F %23 %40")
    if "?" in url or "#" in url:
        raise UsageError("--metrics-server has something behind its path; leave out the ? or # and what follows")
    return shown, parts.netloc.rpartition("@")[0]


def _without_userinfo(parts: SplitResult) -> str:
    """Give `scheme://host:port/path`, no slash at its end. Raises ValueError for what is no such address."""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def shown(base: str, location: str) -> str:
    """Give an address that a server named, without what may be secret in it."""
    try:
        return one_line(_without_userinfo(urlsplit(urljoin(base, location))), MAX_WORDS // 2)
    except ValueError:
        return "an address that cannot be read"


def existing(ca_file: Path | None) -> str | None:
    """Give the path of a CA file that is there. Raises UsageError for one that is not."""
    if ca_file is None:
        return None
    if not ca_file.is_file():
        raise UsageError(f"the CA file {ca_file} is not there")
    return str(ca_file)


def parse_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Check the headers that a user gave. Raises UsageError, which names a header and never shows its value."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise UsageError("a --metrics-header has no valid name; write NAME: VALUE")
        if not _HEADER_VALUE.fullmatch(value):
            raise UsageError(f"--metrics-header {name}: its value must be one line of ASCII text")
    return dict(headers)


def basic(userinfo: str) -> str:
    """Give the Authorization header of `user:password`, as it stands in a URL."""
    user, _, password = userinfo.partition(":")
    return f"Basic {base64.b64encode(f'{unquote(user)}:{unquote(password)}'.encode()).decode()}"


def userinfo_secrets(userinfo: str) -> set[str]:
    """Give every spelling of user and password that must not be shown."""
    user, _, password = userinfo.partition(":")
    written = {userinfo, user, password}
    return {*written, *map(unquote, written), basic(userinfo).removeprefix("Basic ")} if userinfo else set()


def header_secrets(values: Iterable[str]) -> set[str]:
    """Give the parts of header values that must not be shown: all but the names of schemes."""
    parts = {part for value in values for part in (value, *value.split()) if part.lower() not in _NO_SECRETS}
    return parts.union(*map(_inside, parts))


def _inside(value: str) -> set[str]:
    """Give user and password of what is base64 of the two, as in `Basic c29tZW9uZTpzM2NyZXQ=`."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return set()
    return {f"{user}:{password}", user, password} if colon else set()


def _spellings(secret: str) -> set[str]:
    """Give a secret as it stands in a text, in a URL and in a web page."""
    return {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret)}


def mask(secrets: Iterable[str]) -> Callable[[str], str]:
    """Make what a server said fit for an event or a log: one line, not too long, and no secret in it.

    A secret of three characters or less is masked where it stands alone: elsewhere it would be the middle of words.
    """
    spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    patterns = [
        re.escape(secret) if len(secret) >= _SECRET_ANYWHERE else rf"(?<!\w){re.escape(secret)}(?!\w)"
        for secret in sorted(spellings, key=lambda secret: (-len(secret), secret))
    ]
    if not patterns:
        return one_line
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return lambda text: one_line(pattern.sub("***", text))


def one_line(text: str, most: int = MAX_WORDS) -> str:
    """Make a text one line of printable characters, and not too long; of a huge one only the beginning is looked at."""
    line = "".join(char if char.isprintable() else " " for char in " ".join(text[: _AHEAD * most].split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"
