"""Which requests read many objects: single GETs, the LIST of a namespace, or one LIST of the whole cluster.

The number of requests grows with the objects that are wanted, never with what else the cluster holds. Arithmetic over
names: nothing is sent here, and no object is seen.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconcile.model.kinds import Kind, Ref

PAGE_SIZE = 500
"""The most objects in one response to a LIST; also what kubectl asks for."""

LARGEST_PAGE = 2000
"""A page of so many Rollouts or Deployments has some megabytes."""

MOST_GETS = 8
"""Up to so many objects of a kind are read one by one: a LIST could bring a page of others for them."""

FEWEST_FOR_CLUSTER = 50
"""From so many objects of a kind on, a LIST of the whole cluster may cost the fewest requests."""

FIRST_PAGE_FACTOR = 4
"""How many objects a first page holds for each that is wanted: most namespaces with Rollouts hold few others."""

SMALLEST_FIRST_PAGE = 40


class Get(Struct, frozen=True):
    """One object by its name."""

    ref: Ref


class List(Struct, frozen=True):
    """The pages of one namespace, or (None) of the whole cluster, in which `refs` are looked for."""

    kind: Kind
    namespace: str | None
    refs: tuple[Ref, ...]


Request = Get | List


def plan_requests(refs: Iterable[Ref], page_size: int = PAGE_SIZE) -> tuple[Request, ...]:
    """Returns the requests that read these objects, without those whose name no object can have."""
    kinds: dict[Kind, set[Ref]] = defaultdict(set)
    for ref in refs:
        if ref.valid:
            kinds[ref.kind].add(ref)
    return tuple(request for kind in sorted(kinds) for request in _of_kind(kind, kinds[kind], page_size))


def fallback(request: List, missing: Collection[Ref]) -> tuple[Request, ...]:
    """Returns the requests for the objects that a LIST has not brought; each reads fewer objects than the LIST."""
    if request.namespace is None:
        return tuple(_by_namespace(request.kind, missing))
    return tuple(Get(ref) for ref in sorted(missing))


def next_page_is_cheaper(
    request: List, missing: Collection[Ref], remaining: int | None, pages_read: int, page_size: int = PAGE_SIZE
) -> bool:
    """Returns whether the rest of a LIST costs fewer requests than its fallback.

    `remaining` is the server's count of the objects to come (None = it has sent none).
    """
    pages = pages_read if remaining is None else _pages(remaining, page_size)
    otherwise = sum(
        _pages(len(other.refs), page_size) if isinstance(other, List) else 1 for other in fallback(request, missing)
    )
    # At equal cost: a GET carries less than a page of a namespace; LISTs of namespaces start from their first page.
    return pages < otherwise or (pages == otherwise and request.namespace is None)


def first_page_size(request: List, page_size: int = PAGE_SIZE) -> int:
    """Returns the size of the first page: small, because it may hold none of the wanted objects.

    Where pages are larger, because several processes read the same, it is larger as well.
    """
    scale = max(page_size // PAGE_SIZE, 1)
    return min(page_size, scale * max(SMALLEST_FIRST_PAGE, FIRST_PAGE_FACTOR * len(request.refs)))


def _of_kind(kind: Kind, refs: Collection[Ref], page_size: int) -> Iterable[Request]:
    if len(refs) <= MOST_GETS:
        return (Get(ref) for ref in sorted(refs))
    namespaces = {ref.namespace for ref in refs}
    if len(refs) >= FEWEST_FOR_CLUSTER and len(namespaces) > 2 * _pages(len(refs), page_size):
        return (List(kind, None, tuple(sorted(refs))),)
    return _by_namespace(kind, refs)


def _by_namespace(kind: Kind, refs: Collection[Ref]) -> Iterable[Request]:
    namespaces: dict[str, list[Ref]] = defaultdict(list)
    for ref in sorted(refs):
        namespaces[ref.namespace].append(ref)
    for namespace, wanted in namespaces.items():
        if len(wanted) == 1:
            yield Get(wanted[0])
        else:
            yield List(kind, namespace, tuple(wanted))


def _pages(objects: int, page_size: int) -> int:
    return -(-objects // page_size)
