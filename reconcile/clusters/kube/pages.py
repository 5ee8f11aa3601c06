"""A LIST, page by page."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from reconcile.clusters.kube import responses
from reconcile.clusters.kube.call import Call
from reconcile.clusters.kube.status_errors import ExpiredError
from reconcile.model.errors import UnreachableError
from reconcile.model.fields import mappings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconcile.clusters.kube.connection import Connection
    from reconcile.clusters.kube.served_versions import ServedVersions
    from reconcile.model.kinds import Kind, Manifest, Scope


class Page(Struct):
    """One page: `next_token` is that of the following one ("" = none), `remaining` the objects still to come.

    `is_first`: the list starts, or starts again, with this page; earlier pages are void.
    """

    items: Sequence[Manifest]
    next_token: str
    remaining: int | None
    is_first: bool = False


class PagedLists:
    """Sends LISTs over a connection, in pages of `page_size` objects."""

    def __init__(
        self, connection: Connection, versions: ServedVersions, page_size: int, *, metadata_only: bool = False
    ) -> None:
        self._send = connection.send
        self._versions = versions
        self._page_size = page_size
        self._metadata_only = metadata_only

    def pages(self, kind: Kind, scope: Scope, first_page_size: int | None = None) -> Iterator[Page]:
        """Yields the pages of a LIST. One that expires starts again, the last time as a single page."""
        for limit in (first_page_size or self._page_size, self._page_size, None):
            try:
                yield from self._once(kind, scope, limit)
            except ExpiredError:
                if limit is None:
                    raise
            else:
                return

    def _once(self, kind: Kind, scope: Scope, limit: int | None) -> Iterator[Page]:
        params = {"limit": str(limit)} if limit else {}
        if scope.fields:
            params["fieldSelector"] = ",".join(
                f"{key}={_escaped(value)}" for key, value in sorted(scope.fields.items())
            )
        if scope.labels:
            params["labelSelector"] = ",".join(f"{key}={value}" for key, value in sorted(scope.labels.items()))

        owned: dict[bytes, Any] = {}

        def request(version: str, token: str = "") -> Page:
            call = Call(
                verb="list", kind=kind, version=version, namespace=scope.namespace, metadata_only=self._metadata_only
            )
            content = self._send(call, {**params, **({"continue": token} if token else {})})
            meta = content.get("metadata") or {}
            items = responses.items(call, content)
            _share_owned_fields(items, owned)
            return Page(items, str(meta.get("continue") or ""), meta.get("remainingItemCount"))

        version, page = self._versions.send(kind, request)
        page.is_first = True
        yield page
        while token := page.next_token:
            params |= {"limit": str(self._page_size)} if limit else {}
            page = request(version, token)
            if page.next_token == token:
                raise UnreachableError(f"cannot list {kind.plural}: the server gives the same page again and again")
            yield page


def _share_owned_fields(items: Iterable[Manifest], owned: dict[bytes, Any]) -> None:
    """Keeps one copy of what the entries of `managedFields` own: alike in many objects, and half of each.

    `owned` has those of the pages before, of one LIST: with it they go.
    """
    for item in items:
        metadata = item.get("metadata")
        entries = metadata.get("managedFields") if isinstance(metadata, dict) else None
        for entry in mappings(entries):
            if fields := entry.get("fieldsV1"):
                entry["fieldsV1"] = owned.setdefault(marshal.dumps(fields, 2), fields)  # 2: without references


def _escaped(value: str) -> str:
    r"""Returns a value of a field selector; `\`, `,` and `=` would end it."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
