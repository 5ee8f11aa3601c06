"""Where a pass writes and reads: found in stories that were told undisturbed, and counted by nobody's hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.components.gateway import Request
    from tests.faults.telling import Told


@dataclass(frozen=True, kw_only=True)
class Point:
    """One request of a story: the number of its pass, what that did, and what is asked, such as `PATCH events`.

    `nth` is its number among all writes of the story; -1 for a read, where all that are alike in the pass are meant.
    """

    story: str
    number: int
    move: str
    nth: int
    what: str
    listed: bool = False

    def is_read_by(self, request: Request) -> bool:
        """Say whether a request is this read."""
        return (str(request), request.name == "") == (self.what, self.listed)

    def __str__(self) -> str:
        return f"{self.story}, {self.move} (pass {self.number}): {self.what}"


def writes(told: Mapping[str, Told]) -> list[Point]:
    """Give each write of each move in each phase once: the first of its kind, in the order of the stories."""
    found: dict[tuple[str, str, int, str], Point] = {}
    for story, one in told.items():
        nth = 0
        for number, made in enumerate(one.passes):
            for place, request in enumerate(made.writes):
                point = Point(story=story, number=number, move=made.move, nth=nth, what=str(request))
                found.setdefault((made.phase, made.move, place, point.what), point)
                nth += 1
    return [*found.values()]


def reads(told: Mapping[str, Told]) -> list[Point]:
    """Give each kind of read of each move once; of two moves that read alike, the first."""
    found: dict[object, Point] = {}
    for story, one in told.items():
        for number, made in enumerate(one.passes):
            for point in _reads(story, number, made.move, made.requests):
                found.setdefault((point.what, point.listed), point)
    return [*found.values()]


def _reads(story: str, number: int, move: str, requests: tuple[Request, ...]) -> Iterator[Point]:
    for request in requests:
        if not request.writes:
            listed = request.name == ""
            yield Point(story=story, number=number, move=move, nth=-1, what=str(request), listed=listed)
