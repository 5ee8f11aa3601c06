"""Finds out whether a server says of its own answer that a part of the data is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WARNINGS = (
    "No StoreAPIs matched",
    "fetch series for",
    "receive series from",
    "failed to receive any data",
    "rpc error:",
    "partial response",
    "partial data",
    "partial result",
    "remote_read:",
)
"""Texts in the warnings of a server that did not reach all of its stores: Thanos, Cortex, Prometheus's remote read."""

_TEXTS = tuple(text.lower() for text in WARNINGS)


def reason(envelope: Mapping[str, object]) -> str:
    """Returns by which words a response calls itself partial; "" if it does not.

    VictoriaMetrics has a member `isPartial`. Others have `warnings`; those about the query itself do not count.
    """
    if envelope.get("isPartial") not in (None, False):
        return "isPartial"
    warnings = envelope.get("warnings")
    texts = (text for text in warnings if isinstance(text, str)) if isinstance(warnings, list) else ()
    return next((text for text in texts if any(known in text.lower() for known in _TEXTS)), "")
