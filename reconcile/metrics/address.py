"""The address of a metrics server: parses it, and says which part of it may be shown."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, urljoin, urlsplit

import requests
from msgspec import Struct

from reconcile.metrics.credentials import MAX_TEXT, one_line
from reconcile.model.errors import UsageError

_URL = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
_OWN_ARGUMENTS = frozenset({"query", "time", "timeout"})


class Server(Struct, frozen=True, kw_only=True):
    """A metrics server. Only its `address` may be shown.

    `userinfo` is `user:password` as it is written, `arguments` the query string that each request has.
    """

    address: str
    userinfo: str = ""
    arguments: str = ""

    def __repr__(self) -> str:
        return f"Server({self.address})"

    @property
    def query_url(self) -> str:
        """The URL of an instant query.

        The arguments stay in the URL: the proxy of OpenShift looks for the namespace there, and not in the form.
        """
        return self._url("query")

    @property
    def range_url(self) -> str:
        """The URL of a query over a time, likewise."""
        return self._url("query_range")

    def _url(self, endpoint: str) -> str:
        return f"{self.address}/api/v1/{endpoint}" + (f"?{self.arguments}" if self.arguments else "")


def parse_url(url: str) -> Server:
    """Returns the server of an address.

    Raises UsageError. The message quotes nothing: in an invalid address, any part may be the password.
    """
    try:
        parts = urlsplit(url)
        address = _without_userinfo(parts)
        requests.Request("POST", address).prepare()
    except (ValueError, requests.RequestException):
        raise UsageError("--metrics-server is no http:// or https:// address with a host") from None
    if not _URL.fullmatch(url):
        raise UsageError("--metrics-server has spaces or other characters that a URL cannot have")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise UsageError("--metrics-server has an @ behind its host; write / ? # @ in a password as %2F %3F %23 %40")
    if "#" in url:
        raise UsageError("--metrics-server has something behind its path; leave out the # and what follows")
    _check_arguments(parts.query)
    return Server(address=address, userinfo=parts.netloc.rpartition("@")[0], arguments=parts.query)


def _check_arguments(arguments: str) -> None:
    """Raises UsageError for a query string that is none, or that names what each query sets itself."""
    try:
        names = [name for name, _ in parse_qsl(arguments, keep_blank_values=True, strict_parsing=bool(arguments))]
    except ValueError:
        raise UsageError("--metrics-server has a ? behind its path; write what follows as name=value&...") from None
    for name in _OWN_ARGUMENTS.intersection(names):
        raise UsageError(f"--metrics-server has the argument {name}, which each query sets itself; leave it out")


def _without_userinfo(parts: SplitResult) -> str:
    """Returns `scheme://host:port/path` without a slash at the end. Raises ValueError for another kind of address."""
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def redirect_target(base: str, location: str) -> str:
    """Returns the address in a `Location` header, without the parts that may be secret."""
    try:
        return one_line(_without_userinfo(urlsplit(urljoin(base, location))), MAX_TEXT // 2)
    except ValueError:
        return "an address that cannot be read"
