"""The API server's record of requests: what is put on it, and how a line of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

# The components' own requests are left out: they would be most of the log, and are not what a test asks about.
COMPONENTS = ("system:test:controllers", "system:test:scheduler", "system:test:kwok")
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "users": [*COMPONENTS, "system:apiserver"]},
        {"level": "Metadata", "verbs": ["get", "list", "watch"]},
        {
            # What is a pass's to write, as each write leaves it behind: the laws are held against that.
            "level": "RequestResponse",
            "omitManagedFields": True,
            "resources": [
                {"group": "apps", "resources": ["deployments"]},
                {"group": "networking.istio.io", "resources": ["virtualservices"]},
                {"group": "apps.weave.works", "resources": ["rollouts", "rollouts/status"]},
            ],
        },
        {"level": "Request"},
    ],
}


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """One request, as the API server put it on record. `resource` is "" for a path that is none, like /version.

    `group` is "" for the core group, `code` the HTTP status. `body` is what a write sent, parsed, and None for get,
    list and watch.
    """

    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    code: int
    uri: str
    body: Any
    after: Any
    annotations: dict[str, str]

    @classmethod
    def parse(cls, event: dict[str, Any]) -> Self:
        """Read an event of audit.k8s.io/v1."""
        target = event.get("objectRef", {})
        return cls(
            verb=event["verb"],
            group=target.get("apiGroup", ""),
            resource=target.get("resource", ""),
            subresource=target.get("subresource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            user=event.get("user", {}).get("username", ""),
            user_agent=event.get("userAgent", ""),
            code=event.get("responseStatus", {}).get("code", 0),
            uri=event["requestURI"],
            body=event.get("requestObject"),
            after=event.get("responseObject"),
            annotations=event.get("annotations", {}),
        )
