"""The world as a value: what a pass can read, the passes in progress, and a memory for the laws.

What is left out, and why no behaviour is lost:

- *Times* are ranks. A pass compares a time with its own (has the interval passed, or a deadline?) and two times with
  each other (who wrote first?). So only their order is kept, and which of them the interval has passed since: ranks up
  to `World.old`; and a long time, which is more than any deadline, hold or drain: ranks up to `World.long`.
  Times of conditions and measurements are not kept at all: no decision depends on them.
- *Counted checks* are kept up to one more than any limit of the model, all checks not at all: only a limit asks.
- *Generations and resource versions* are only ever compared: with what is on record, or with what a pass has read.
  So what is kept is whether they are still equal: `Status.generation`, `Status.seen`, `Flight.moved`.
- *Pod templates* are a handful, named by their place in `manifests.TEMPLATES`.
- *Events* are no part of the state: nothing reads them. When they are written is checked as it happens.
- Everything else that a pass reads (Services, ports, labels, hosts) stays as it is; `tests/random_worlds` varies it.

Simplifications: a pass reads at one instant; an edit and a pass that begins after it are never in the same second;
clocks agree; nothing delays a pass between reading the clock and sending its request.

Equal worlds are one state: `tidy` brings ranks into their canonical form.
"""

from __future__ import annotations

from typing import NamedTuple

NOBODY = 0
"""The rank of a time that is not there."""
PRESENT = -1
"""In the clock of a pass that has not written yet: the time at which it will."""
DISTANT = -2
"""In an attempt, whose times are only held against one span each: it has passed."""
RECENT = -3
"""In an attempt: the span has not passed."""
ROUTES = ("V", "H")
"""The letters of the objects that split the traffic."""
UNMANAGED = -1
"""In `World.routes`: an http route that is none of the program's business. In `World.http`: there is no such object."""


class Primary(NamedTuple):
    """The primary Deployment. `health` is one of HEALTH; `by` is when a GitOps tool wrote the template last, or 0."""

    template: int = 0
    health: str = "ok"
    by: int = NOBODY


class Canary(NamedTuple):
    """The canary Deployment; `size` is `spec.replicas`."""

    template: int = 1
    size: int = 2
    health: str = "ok"


class HttpRoute(NamedTuple):
    """The HTTPRoute that the Rollout names beside the VirtualService: the canary's weight in its one rule.

    `by` is when a GitOps tool wrote it last, or 0. Its controller takes up at once whatever is stored.
    """

    weight: int = UNMANAGED
    by: int = NOBODY


class Attempt(NamedTuple):
    """What the status says of the attempt at a revision.

    `checked` is RECENT until the interval has passed, `started` and `held` until a long time has.
    """

    revision: str
    number: int
    token: str
    failed: int
    consecutive: int
    failure: str
    started: int
    checked: int
    held: int


class Status(NamedTuple):
    """The status of the Rollout.

    `generation` is the canary's on record: "same" as the present one, "older", or "" for none. `seen` says the same of
    `observedGeneration`. `notes` stands for the conditions and measurements, see `manifests.Notes`.
    """

    phase: str
    revision: str
    generation: str
    promoted: str
    weight: int | None
    replicas: int | None
    advanced: int
    entered: int
    seen: str
    notes: int
    proven: int | None = None
    primary: str = ""
    attempt: Attempt | None = None


class Memory(NamedTuple):
    """What the laws remember. No pass can read it.

    `rose`: a pass raised a weight since the interval passed last. `approved`: the template that passed at the maximum
    and was not copied yet, or -1. `done`: a pass stored `Succeeded`, and the canary's template is still the same.
    `reached`: the most that the canary was given since it has its template. `begun`: the template that was given its
    first traffic by a pass, or by hand, or -1. `started`: the primary's template when the canary's present one was
    taken up, or -1. `recent`: a pass moved a weight since a long time passed last; `fell`: and took some away after the
    copy since the interval passed last. `counted`: a check of this attempt was counted since the interval passed last.
    `fails`: so many of its counted checks failed. `failed`: the template whose attempt a pass ended, or -1. `again`: a
    person asks for another attempt, and no pass has begun it.
    """

    rose: bool = False
    approved: int = -1
    done: bool = False
    reached: int = 0
    begun: int = -1
    started: int = -1
    recent: bool = False
    fell: bool = False
    counted: bool = False
    fails: int = 0
    failed: int = -1
    again: bool = False


class Evidence(NamedTuple):
    """What a pass in progress has read, as far as the laws need it.

    `same`: the revision on record is the canary's. `measured`: every metric was asked and passed. `answer`: what the
    metrics said, if they were asked. `serves`: the primary has an available replica. `orders`: what people ask of the
    canary's revision. `late`: a deadline is over. `fails`: so many checks of the attempt had failed.
    """

    routes: tuple[int, ...]
    primary: int
    primary_well: bool
    canary: int
    size: int
    canary_well: bool
    spec: str
    phase: str
    weight: int
    proven: int
    same: bool
    measured: bool
    elsewhere: int
    answer: str = ""
    serves: bool = True
    orders: frozenset[str] = frozenset()
    late: bool = False
    fails: int = 0
    http: int = UNMANAGED

    @property
    def weights(self) -> tuple[int, ...]:
        """The canary's weights in the managed routes of all objects."""
        return tuple(weight for weight in (*self.routes, self.http) if weight != UNMANAGED)


class Flight(NamedTuple):
    """A pass in progress: its plan (an index into `program`), and the outcomes of its writes so far, a letter each.

    `moved`: what happened since it read. Letters R, V, H, P, C: that object was written; `S`: others wrote the status
    since it last read or wrote it, `M`: with a move; `spec`: the Rollout's spec was edited; `E`: the
    environment wrote anything; `late`: the interval has passed since its first write. `disturbed` are those of V, H, P
    and C that the environment wrote. `clock` are the ranks of the times that the plan stores.
    """

    plan: int
    answers: str
    evidence: Evidence
    moved: frozenset[str] = frozenset()
    disturbed: frozenset[str] = frozenset()
    clock: tuple[int, ...] = ()


ANY = -1
"""In `Asked.template`: whatever the canary has."""


class Asked(NamedTuple):
    """An annotation of a person, or (`suspend`) a field of the spec."""

    action: str
    template: int = ANY
    argument: str = ""


class World(NamedTuple):
    """A state. `routes` are the canary's weights, route by route; `routed` is when a GitOps tool wrote them last.

    `elsewhere` is the weight that the VirtualService of a second Rollout gives the same canary; -1 = there is none.
    `cast` names who acts, of `environment.CASTS`. `asked` is what people ask for: an action, the template that it is
    about (ANY = all), and what follows the revision.
    """

    primary: Primary
    canary: Canary
    scaler: str
    routes: tuple[int, ...]
    routed: int
    spec: str
    status: Status | None
    old: int
    elsewhere: int
    long: int
    cast: str
    asked: tuple[Asked, ...]
    http: HttpRoute
    memory: Memory
    flights: tuple[Flight, ...]

    @property
    def weights(self) -> tuple[int, ...]:
        """The canary's weights in the managed routes."""
        return tuple(weight for weight in (*self.routes, self.http.weight) if weight != UNMANAGED)

    @property
    def traffic(self) -> bool:
        """Whether any managed route leads to the canary."""
        return any(weight > 0 for weight in self.weights)

    @property
    def lowest(self) -> int:
        """The canary's lowest weight in the managed routes."""
        return min(self.weights)

    @property
    def past(self) -> tuple[int, int]:
        """The ranks up to which the interval, and a long time, have passed."""
        return self.old, self.long

    def orders(self, template: int) -> frozenset[str]:
        """Returns what is asked for of a template."""
        return frozenset(
            f"{one.action}/{one.argument}" if one.argument else one.action
            for one in self.asked
            if one.template in {ANY, template}
        )

    @property
    def latest(self) -> int:
        """The highest rank in use."""
        return max(_ranks(self), default=0)


def _ranks(world: World) -> set[int]:
    ranks = {world.primary.by, world.routed, world.http.by}
    if world.status is not None:
        ranks |= {world.status.advanced, world.status.entered}
    for flight in world.flights:
        ranks.update(flight.clock)
    return ranks


def tidy(world: World) -> World:
    """Returns the canonical world: ranks without gaps, from 1; no pass before another that is less."""
    ranks = _ranks(world)
    ranks -= {NOBODY, PRESENT}
    ordered = sorted(ranks)
    old = sum(rank <= world.old for rank in ordered)
    long = sum(rank <= world.long for rank in ordered)
    flights = world.flights
    if ordered == list(range(1, len(ordered) + 1)):
        if len(flights) > 1:
            flights = tuple(sorted(flights, key=_order))
        if (old, long) == world.past and flights == world.flights:
            return world
        return world._replace(old=old, long=long, flights=flights)
    new = {rank: place for place, rank in enumerate(ordered, start=1)} | {NOBODY: NOBODY, PRESENT: PRESENT}
    status = world.status
    if status is not None:
        status = status._replace(advanced=new[status.advanced], entered=new[status.entered])
    flights = tuple(sorted((one._replace(clock=tuple(new[rank] for rank in one.clock)) for one in flights), key=_order))
    primary = world.primary
    return world._replace(
        primary=primary._replace(by=new[primary.by]),
        routed=new[world.routed],
        http=world.http._replace(by=new[world.http.by]),
        status=status,
        old=old,
        long=long,
        flights=flights,
    )


def _order(flight: Flight) -> tuple[object, ...]:
    return (flight.plan, flight.answers, flight.evidence, sorted(flight.moved), sorted(flight.disturbed), flight.clock)


def written(world: World, *letters: str, env: bool, by: int | None = None) -> World:
    """Records for the passes in progress that objects were written; `by` is the pass that wrote, if one did."""
    if not world.flights:
        return world
    flights = []
    for index, flight in enumerate(world.flights):
        moved = {*letters, "E"} if env else set(letters)
        disturbed = frozenset(letters) & {*ROUTES, "P", "C"} if env else frozenset()
        if index == by:
            moved -= {"S", "M"}
        flights.append(flight._replace(moved=flight.moved.union(moved), disturbed=flight.disturbed.union(disturbed)))
    return world._replace(flights=tuple(flights))
