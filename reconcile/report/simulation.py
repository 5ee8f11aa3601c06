"""The report of a simulation: its Events as `kubectl describe` prints them, and the objects at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.core import routers
from reconcile.model.fields import mappings
from reconcile.model.kinds import DEPLOYMENT, EVENT, ROLLOUT, SERVICE
from reconcile.model.text import printable
from reconcile.report import lenient
from reconcile.report.events import events_table
from reconcile.report.plain_data import dump
from reconcile.report.record import to_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconcile.model.kinds import Manifest
    from reconcile.model.plan import Record


def render(objects: Sequence[Manifest], passes: Sequence[Sequence[Record]], form: str) -> str:
    """Returns the report as text, json or yaml. `objects` are all objects at the end, Events included."""
    events = [item for item in objects if EVENT.matches(item)]
    others = [item for item in objects if not EVENT.matches(item)]
    if form != "text":
        played = [[to_dict(record) for record in records] for records in passes]
        return dump({"passes": played, "objects": others, "events": events}, form)
    end = passes[-1][0].at if passes and passes[-1] else None
    lines = [f"{len(passes)} passes"]
    if end is not None:
        lines += ["", "Events:", *_indented(events_table(events, end))]
    lines += ["", "Objects in the end:", *_columns([row for item in others for row in _rows(item)])]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _indented(table: str) -> Iterator[str]:
    return (f"  {line}" for line in table.splitlines())


def _rows(item: Manifest) -> Iterator[tuple[str, str]]:
    """Yields name and state of an object, but of none that a pass does not write."""
    metadata, spec, status = (lenient.mapping(item.get(key)) for key in ("metadata", "spec", "status"))
    name = f"{item.get('kind')} {metadata.get('name')}.{metadata.get('namespace', 'default')}"
    if DEPLOYMENT.matches(item):
        yield name, f"{spec.get('replicas', 1)} replicas of {', '.join(_images(spec))}"
    elif routes := routers.routes_of(item):
        for route in routes:
            if len(route.ends) > 1:
                path = route.path.removeprefix("spec.")
                yield f"{name} {path}", ", ".join(f"{end.name} {end.weight}" for end in route.ends)
    elif ROLLOUT.matches(item):
        yield name, f"{status.get('phase', '')}, weight {status.get('canaryWeight', 0)}, {_promoted(status)}"
    elif not SERVICE.matches(item):
        return


def _images(spec: dict[str, Any]) -> list[str]:
    pod = lenient.mapping(lenient.mapping(spec.get("template")).get("spec"))
    return [lenient.text(container.get("image")) for container in mappings(pod.get("containers"))]


def _promoted(status: dict[str, Any]) -> str:
    revision = status.get("promotedRevision")
    return f"promoted {revision}" if revision else "nothing promoted"


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"  {printable(name):{width}}  {printable(text)}" for name, text in rows]
