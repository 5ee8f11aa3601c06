"""Which queries are sent for which questions: Rollouts that ask the same of one namespace are asked for together.

Duty: groups, their bounds and their order. A group asks what its members ask and nothing else, and what it cannot
tell is asked of each of them alone. It renders no query and sends none. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconcile.model.measurement import Question

MOST_MEMBERS = 50
"""Workloads in one query: their answers are a few KiB, and 1,000 Rollouts of one namespace are 20 queries a metric."""
MOST_NAMES = 4096
"""Characters of all names in one query, where they stand two or three times."""

Members = dict[str, str]
"""The workloads of one query, each with the query that asks for it alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """One query to send. `members` are the workloads of a group, each with its own single query; none = a single one.

    `order` is the place of the first question behind it, `round` 1 for what is asked again one by one.
    """

    text: str
    metric: str
    order: int
    members: Mapping[str, str] = field(default_factory=dict)
    round: int = 0

    @property
    def singles(self) -> tuple[str, ...]:
        """The single queries that are answered by this one."""
        return tuple(self.members.values()) or (self.text,)

    def apart(self) -> Iterator[Query]:
        """Give what asks for each member alone, once everything else was asked."""
        for place, text in enumerate(self.members.values()):
            yield Query(text=text, metric=self.metric, order=self.order + place, round=1)


def queries(
    singles: Mapping[Question, str], together: Callable[[Question, Sequence[str]], str | None]
) -> tuple[Query, ...]:
    """Give what to send for questions, whose own queries are `singles`, in the order of the questions.

    All that one Rollout asks is so near each other: where the time ends early, some have all of their answers, and not
    everybody half of them. `together` renders a question for several workloads, or gives None where its metric
    has no such query. Equal queries are sent once, and one workload alone is asked for by its own query.
    """
    places: dict[str, int] = {}
    for text in singles.values():
        places.setdefault(text, len(places))
    sent: dict[tuple[str, ...], Query] = {}
    for first, members in _groups(singles):
        shared = together(first, tuple(members)) if len(set(members.values())) > 1 else None
        parts: dict[str, Members] = {single: {} for single in members.values()} if shared is None else {shared: members}
        for text, inside in parts.items():
            order = min(places[single] for single in inside.values() or (text,))
            query = Query(text=text, metric=first.metric, order=order, members=inside)
            sent.setdefault((text, *query.singles), query)
    return tuple(sorted(sent.values(), key=lambda query: query.order))


def _groups(singles: Mapping[Question, str]) -> Iterator[tuple[Question, Members]]:
    """Give the first question of each group and its members, which share metric, interval and namespace."""
    alike: dict[tuple[str, str, str], dict[str, Question]] = {}
    for question in singles:
        key = (question.metric, question.interval, question.rollout.namespace)
        alike.setdefault(key, {}).setdefault(question.workload, question)
    for found in alike.values():
        for part in _cut(found):
            yield found[part[0]], {workload: singles[found[workload]] for workload in part}


def _cut(workloads: Iterable[str]) -> Iterator[list[str]]:
    part: list[str] = []
    length = 0
    for workload in workloads:
        if part and (len(part) == MOST_MEMBERS or length + len(workload) > MOST_NAMES):
            yield part
            part, length = [], 0
        part.append(workload)
        length += len(workload)
    yield part
