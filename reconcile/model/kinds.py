"""The kinds of Kubernetes objects that a pass knows, and references to single objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field

from reconcile.model.names import is_object_name

if TYPE_CHECKING:
    from collections.abc import Mapping

# A Kubernetes object as the API or a file has it. It is never changed in place.
Manifest = dict[str, Any]


class Kind(Struct, frozen=True, kw_only=True, order=True):
    """A kind of object. `versions` are in order of preference."""

    name: str
    plural: str
    group: str
    versions: tuple[str, ...]

    def api_version(self, version: str) -> str:
        """Returns `group/version`, or the version alone for the core group."""
        return f"{self.group}/{version}" if self.group else version

    def matches(self, manifest: Mapping[str, Any]) -> bool:
        """Returns whether a manifest is of this kind, in any version."""
        group, _, _ = str(manifest.get("apiVersion", "")).rpartition("/")
        return manifest.get("kind") == self.name and group == self.group


ROLLOUT = Kind(name="Rollout", plural="rollouts", group="apps.weave.works", versions=("v1beta1",))
DEPLOYMENT = Kind(name="Deployment", plural="deployments", group="apps", versions=("v1",))
SERVICE = Kind(name="Service", plural="services", group="", versions=("v1",))
EVENT = Kind(name="Event", plural="events", group="", versions=("v1",))
AUTOSCALER = Kind(
    name="HorizontalPodAutoscaler", plural="horizontalpodautoscalers", group="autoscaling", versions=("v2", "v1")
)
VIRTUAL_SERVICE = Kind(
    name="VirtualService",
    plural="virtualservices",
    group="networking.istio.io",
    versions=("v1", "v1beta1", "v1alpha3"),
)
HTTP_ROUTE = Kind(name="HTTPRoute", plural="httproutes", group="gateway.networking.k8s.io", versions=("v1", "v1beta1"))
GRPC_ROUTE = Kind(name="GRPCRoute", plural="grpcroutes", group="gateway.networking.k8s.io", versions=("v1",))
ROUTE_KINDS = {kind.name: kind for kind in (VIRTUAL_SERVICE, HTTP_ROUTE, GRPC_ROUTE)}
"""The kinds of objects whose weights a pass may move."""

DESTINATION_RULE = Kind(
    name="DestinationRule",
    plural="destinationrules",
    group="networking.istio.io",
    versions=("v1", "v1beta1", "v1alpha3"),
)
# KEDA's: it makes an autoscaler of each, and scales to 0 itself.
SCALED_OBJECT = Kind(name="ScaledObject", plural="scaledobjects", group="keda.sh", versions=("v1alpha1",))
KINDS = {
    kind.name: kind
    for kind in (ROLLOUT, DEPLOYMENT, SERVICE, EVENT, AUTOSCALER, *ROUTE_KINDS.values(), DESTINATION_RULE)
}
"""The kinds that a pass reads from manifests as well as from an API server."""

# Controllers make these alone: there is no manifest of one.
ENDPOINT_SLICE = Kind(name="EndpointSlice", plural="endpointslices", group="discovery.k8s.io", versions=("v1",))


class Ref(Struct, frozen=True, order=True):
    """A reference to one object. Its text is for people: `Deployment podinfo.test`."""

    kind: Kind
    namespace: str
    name: str

    def __hash__(self) -> int:
        # A pass looks thousands of times by reference: the plural of a kind tells as much as all of its fields.
        return hash((self.kind.plural, self.namespace, self.name))

    def __str__(self) -> str:
        return f"{self.kind.name} {self.full_name}"

    @property
    def full_name(self) -> str:
        """`name.namespace`, as in every message."""
        return f"{self.name}.{self.namespace}"

    @property
    def valid(self) -> bool:
        """Whether an object can have this name. In a URL an invalid one would mean something else."""
        return is_object_name(self.namespace) and is_object_name(self.name)


class Version(NamedTuple):
    """One spec of one object: its generation rises with each change of the spec, and with nothing else."""

    uid: str
    generation: int


def version_of(manifest: Mapping[str, Any]) -> Version | None:
    """Returns the version of an object, from its metadata; None where it has none, such as in a file."""
    metadata = manifest.get("metadata") or {}
    uid, generation = metadata.get("uid"), metadata.get("generation")
    return Version(uid, generation) if isinstance(uid, str) and isinstance(generation, int) else None


class Scope(Struct, frozen=True, kw_only=True):
    """The scope of a LIST: one namespace or (None) all. All selectors, `fields` and `labels`, must match."""

    namespace: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
