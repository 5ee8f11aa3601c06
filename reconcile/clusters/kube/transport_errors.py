"""What breaks between a request and its response, and the words for it. The words hold no header and no userinfo."""

from __future__ import annotations

import pykube.exceptions
import urllib3.exceptions

from reconcile.clusters.kube.responses import clean

# What the two libraries and the operating system raise where there is no response.
TRANSPORT_ERRORS = (
    urllib3.exceptions.HTTPError,
    pykube.exceptions.PyKubeError,
    OSError,
)


def describe(error: Exception, timeouts: tuple[float, float]) -> str:
    """Returns what broke; `timeouts` are those of a connection and of a read, in seconds."""
    connect, read = timeouts
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason is not None:
        error = error.reason
    match error:
        case urllib3.exceptions.NewConnectionError():  # it counts as a timeout of the connection, and is none
            pass
        case urllib3.exceptions.ConnectTimeoutError():
            return f"no connection within {connect:g} s"
        case urllib3.exceptions.TimeoutError():
            return f"no complete answer within {read:g} s"
        case urllib3.exceptions.ProxyError():
            return "the proxy does not let it through"
    return clean(_innermost_reason(error)) or f"the connection broke ({type(error).__name__})"


def _innermost_reason(error: Exception) -> str:
    """Returns the words of the TLS library or the operating system: an error's own text may quote headers or a URL."""
    chain: list[BaseException] = [error]
    while inner := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(inner)
    reasons = (getattr(inner, "verify_message", "") or getattr(inner, "strerror", "") for inner in reversed(chain))
    reason = str(next(filter(None, reasons), ""))
    if not reason and isinstance(error, urllib3.exceptions.SSLError):
        # A certificate for another host: the names of both, and nothing that was sent.
        return str(chain[-1])
    return reason
