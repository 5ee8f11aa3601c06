"""How to read many objects in few requests: single GETs, the LIST of a namespace, or one LIST of the whole cluster.

Duty: **pure** arithmetic over names; what is asked grows with the objects that are wanted, never with what else the
cluster holds. It sends nothing and sees no object.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconcile.model.kinds import Kind, Ref

PAGE = 500
"""The objects that one answer to a LIST holds at most; also what kubectl asks for."""

FEW = 8
"""Up to so many objects of a kind are read one by one: a LIST could bring a page of strangers for them."""

MANY = 50
"""From so many objects of a kind on, a first page of the whole cluster is a fair bet."""

BET = 4
"""How many objects a first page holds for each that is looked for in it: a namespace of our own has few others."""

FEWEST = 40
"""The least that a first page holds."""


@dataclass(frozen=True, slots=True)
class Get:
    """One object by its name."""

    ref: Ref


@dataclass(frozen=True, slots=True)
class List:
    """The pages of one namespace, or (None) of the whole cluster, in which `refs` are looked for."""

    kind: Kind
    namespace: str | None
    refs: tuple[Ref, ...]


Request = Get | List


def reading(refs: Iterable[Ref], page: int = PAGE) -> tuple[Request, ...]:
    """Choose the requests that bring these objects. A name that no object can have is in none of them."""
    kinds: dict[Kind, set[Ref]] = defaultdict(set)
    for ref in refs:
        if ref.possible:
            kinds[ref.kind].add(ref)
    return tuple(request for kind in sorted(kinds) for request in _of_kind(kind, kinds[kind], page))


def narrower(request: List, missing: Collection[Ref]) -> tuple[Request, ...]:
    """Give the requests for what a LIST did not bring, if it is given up: each looks at less than the LIST did."""
    if request.namespace is None:
        return tuple(_by_namespace(request.kind, missing))
    return tuple(Get(ref) for ref in sorted(missing))


def worth_following(
    request: List, missing: Collection[Ref], remaining: int | None, read: int, page: int = PAGE
) -> bool:
    """Say whether the next page of a LIST costs less than asking for the missing objects in another way.

    `remaining` is what the server says is still to come (None = it does not say), `read` the pages so far.
    """
    pages = read if remaining is None else _pages(remaining, page)
    otherwise = sum(
        _pages(len(other.refs), page) if isinstance(other, List) else 1 for other in narrower(request, missing)
    )
    # At equal cost: in a namespace a GET carries less, in the cluster a LIST of a namespace would begin from its start.
    return pages < otherwise or (pages == otherwise and request.namespace is None)


def first_page(request: List, page: int = PAGE) -> int:
    """Give the objects that the first page may hold: it may be full of strangers, and then the rest is not read."""
    return min(page, max(FEWEST, BET * len(request.refs)))


def _of_kind(kind: Kind, refs: Collection[Ref], page: int) -> Iterable[Request]:
    if len(refs) <= FEW:
        return (Get(ref) for ref in sorted(refs))
    namespaces = {ref.namespace for ref in refs}
    if len(refs) >= MANY and len(namespaces) > 2 * _pages(len(refs), page):
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


def _pages(objects: int, page: int) -> int:
    return -(-objects // page)
