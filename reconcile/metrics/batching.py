"""The queries for a set of questions: Rollouts that ask the same in one namespace share a batch.

A batch is one query for several workloads, from the `grouped` field of a metric file. The query for one workload alone
is its single query. This module neither renders nor sends queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconcile.model.kinds import ROLLOUT, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconcile.model.measurement import Question

_ANY = Ref(ROLLOUT, "", "")

MAX_WORKLOADS = 50
"""Workloads in a batch: the response is a few KiB, and 1,000 Rollouts of one namespace are 20 queries a metric."""
MAX_NAMES = 4096
"""Characters of all names in a batch. The query has them two or three times."""


class Query(Struct, frozen=True, kw_only=True):
    """One query to send. `batch` maps its workloads to their single queries; empty = this is a single query.

    `position` is the place of the first question that it answers. All queries of `round` 0 are sent before the first
    one of round 1, in which failed batches are sent again as single queries.
    """

    text: str
    metric: str
    position: int
    batch: Mapping[str, str] = field(default_factory=dict)
    round: int = 0

    @property
    def single_queries(self) -> tuple[str, ...]:
        """The single queries that this one answers."""
        return tuple(self.batch.values()) or (self.text,)

    def split(self) -> Iterator[Query]:
        """Yields the single queries of a batch, for the next round."""
        for place, text in enumerate(self.batch.values()):
            yield Query(text=text, metric=self.metric, position=self.position + place, round=1)


def queries(
    single_queries: Mapping[Question, str], render_batch: Callable[[Question, Sequence[str]], str | None]
) -> tuple[Query, ...]:
    """Returns the queries to send, in the order of the questions. `single_queries` has the query of each question.

    The queries of one Rollout are near each other: where the time ends early, some Rollouts have all their answers
    instead of all Rollouts some. `render_batch` returns the query of a question for several workloads, or None if the
    metric has none. Equal queries are sent once, and a workload that is alone has its single query.
    """
    positions: dict[str, int] = {}
    for text in single_queries.values():
        positions.setdefault(text, len(positions))
    found: dict[tuple[str, ...], Query] = {}
    for question, workloads in _groups(single_queries):
        for text, batch in _texts(question, workloads, render_batch):
            position = min(positions[single] for single in batch.values() or (text,))
            query = Query(text=text, metric=question.metric, position=position, batch=batch)
            found.setdefault((text, *query.single_queries), query)
    return tuple(sorted(found.values(), key=lambda query: query.position))


def _texts(
    question: Question, workloads: dict[str, str], render_batch: Callable[[Question, Sequence[str]], str | None]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the queries of a group, each with its batch: one query for all workloads, or single queries."""
    single_queries = dict.fromkeys(workloads.values())
    text = render_batch(question, tuple(workloads)) if len(single_queries) > 1 else None
    if text is None:
        yield from ((single, {}) for single in single_queries)
    else:
        yield text, workloads


def _groups(single_queries: Mapping[Question, str]) -> Iterator[tuple[Question, dict[str, str]]]:
    """Yields groups that ask the same in one namespace: the first question, and the single query of each workload."""
    groups: dict[tuple[object, ...], dict[str, Question]] = {}
    for question in single_queries:
        asked = replace(question, rollout=_ANY, workload="", weight=0, roles=None)
        key = (question.rollout.namespace, asked)
        groups.setdefault(key, {}).setdefault(question.workload, question)
    for questions in groups.values():
        for workloads in _chunks(questions):
            yield questions[workloads[0]], {workload: single_queries[questions[workload]] for workload in workloads}


def _chunks(workloads: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for workload in workloads:
        if chunk and (len(chunk) == MAX_WORKLOADS or length + len(workload) > MAX_NAMES):
            yield chunk
            chunk, length = [], 0
        chunk.append(workload)
        length += len(workload)
    yield chunk
