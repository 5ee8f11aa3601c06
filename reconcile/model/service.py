"""A Service: its ports, as Istio takes them, and the pods that it leads to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from reconcile.model.fields import Fields
from reconcile.model.kinds import SERVICE, Manifest, Ref
from reconcile.model.objects import MANY, raise_problems, ref_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Istio takes the protocol from `appProtocol`, else from the name of the port: the protocol, also before a dash.
_BY_NAME = r"(http|https|http2|grpc|grpc-web)(-.*)?"
_BY_APP_PROTOCOL = rf"{_BY_NAME}|(kubernetes\.io|k8s\.io)/(h2c|ws|wss)"


class ServicePort(Struct, frozen=True, kw_only=True):
    """One port. `name` and `app_protocol` are "" where there is none; `target` is the number or the name in the pod."""

    name: str
    number: int
    target: int | str
    app_protocol: str = ""

    @property
    def is_http(self) -> bool:
        """Whether Istio takes it for HTTP, gRPC included. `appProtocol` goes before the name."""
        if self.app_protocol:
            return re.fullmatch(_BY_APP_PROTOCOL, self.app_protocol, re.IGNORECASE) is not None
        return re.fullmatch(_BY_NAME, self.name) is not None

    @property
    def is_grpc(self) -> bool:
        """Whether Istio takes it for gRPC."""
        return (self.app_protocol.lower() or self.name).startswith("grpc") and self.is_http

    def __str__(self) -> str:
        """The port as messages name it."""
        name = self.name or "one without a name"
        return f"{name} (appProtocol {self.app_protocol})" if self.app_protocol else name


class Service(Struct, frozen=True, kw_only=True):
    """One Service."""

    ref: Ref
    external: bool
    headless: bool
    ports: tuple[ServicePort, ...]
    selector: dict[str, Any]
    labels: dict[str, Any] = field(default_factory=dict)

    def selects(self, labels: Mapping[str, Any]) -> bool:
        """Returns whether its selector matches these labels. A Service without a selector has no pods."""
        return bool(self.selector) and all(labels.get(key) == value for key, value in self.selector.items())

    def used_by(self, number: int | None, *, needs_http: bool = True) -> ServicePort | None:
        """Returns the port that a route uses by its number. A route without one uses the first (that is HTTP)."""
        any_number = [port for port in self.ports if number is None and (port.is_http or not needs_http)]
        ports = any_number or [port for port in self.ports if port.number == number]
        return ports[0] if ports else None


def service(manifest: Manifest) -> Service:
    """Returns the Service. Raises InvalidObjectError."""
    root = Fields(value=manifest)
    metadata, spec = root.child("metadata"), root.child("spec", required=False)
    labels = metadata.value.get("labels")
    view = Service(
        ref=ref_of(SERVICE, metadata),
        external=spec.value.get("type") == "ExternalName",
        headless=spec.value.get("clusterIP") == "None",
        ports=tuple(_port(port) for port in spec.children("ports", MANY)),
        selector=spec.child("selector", required=False).value,
        labels=labels if isinstance(labels, dict) else {},
    )
    raise_problems(root)
    return view


def _port(port: Fields) -> ServicePort:
    number, target = port.integer("port", 1, 65535, 0), port.value.get("targetPort")
    return ServicePort(
        name=str(port.value.get("name") or ""),
        number=number,
        target=target if isinstance(target, int | str) and target != "" and not isinstance(target, bool) else number,
        app_protocol=str(port.value.get("appProtocol") or ""),
    )
