"""A request to the API server, by the words of a Role: verb, resource, namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from reconcile.model.kinds import Kind


class Call(Struct, frozen=True, kw_only=True):
    """One request; `verb` is get, list, create or patch.

    `has_test`: it is a patch with a `test`, which can fail. `metadata_only`: of each object only the metadata is
    needed. `path` stands in place of a resource, such as `/apis/apps.weave.works/v1beta1`: what the server tells of
    itself.
    """

    verb: str
    kind: Kind
    version: str
    namespace: str | None = None
    name: str = ""
    subresource: str = ""
    has_test: bool = True
    metadata_only: bool = False
    path: str = ""

    @property
    def resource(self) -> str:
        """The plural, and the subresource if there is one: `rollouts/status`."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural

    @property
    def action(self) -> str:
        """The request in kubectl's words: `get deployments.apps in namespace test`."""
        if self.path:
            return f"{self.verb} {self.path}"
        group = f".{self.kind.group}" if self.kind.group else ""
        where = f"in namespace {self.namespace}" if self.namespace is not None else "in all namespaces"
        return f"{self.verb} {self.kind.plural}{group}{self.resource[len(self.kind.plural) :]} {where}"

    def __str__(self) -> str:
        return f"{self.action} ({self.name})" if self.name else self.action
