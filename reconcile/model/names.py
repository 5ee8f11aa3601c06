"""Names of objects and hosts, as the API server and Istio take them."""

from __future__ import annotations

import re

# RFC 1123, as the API server checks the names of objects.
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
DNS_NAME = re.compile(rf"{DNS_LABEL.pattern}(\.{DNS_LABEL.pattern})*")
DNS_NAME_LENGTH = 253


def is_object_name(value: object) -> bool:
    """Returns whether objects of some kind could have this name. The API server takes it as one part of a path."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= DNS_NAME_LENGTH
        and value not in {".", ".."}
        and not set(value) & {"/", "%"}
        and value.isprintable()
    )


def short_host(host: str, namespace: str) -> str | None:
    """Returns the name of the Service that a host leads to; None for a host of another namespace or of no Service.

    Inside a namespace, Istio resolves these spellings alike: `name`, `name.namespace`, `name.namespace.svc` and
    `name.namespace.svc.DOMAIN`, whatever the cluster's domain is.
    """
    name, _, rest = host.partition(".")
    own = rest in {"", namespace, f"{namespace}.svc"} or rest.startswith(f"{namespace}.svc.")
    return name if name and own and not host.endswith(".") else None
