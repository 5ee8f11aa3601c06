"""Folders of metric files, and queries that are rendered from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from reconcile.metrics.templates import load
from reconcile.model.kinds import ROLLOUT, Ref
from reconcile.model.measurement import Question

if TYPE_CHECKING:
    from pathlib import Path

BUILTIN = load()


SUCCESS = "istio_requests_total"


def question(metric: str = "m", workload: str = "podinfo-canary", interval: str = "1m") -> Question:
    return Question(
        rollout=Ref(ROLLOUT, "test", "podinfo"), metric=metric, workload=workload, interval=interval, weight=10
    )


def file(folder: Path, at: str = "m.yaml", **fields: str) -> Path:
    """Writes a metric file. A field is YAML text; an empty one is left out."""
    given_fields = {"name": "m", "title": "requests", "unit": "percent", "threshold": "minimum", "query": "up"} | fields
    path = folder / at
    path.write_text("".join(f"{key}: {value}\n" for key, value in given_fields.items() if value))
    return path


def rendered(folder: Path, query: str, workload: str = "podinfo-canary", namespace: str = "test") -> str:
    file(folder, query="|\n" + "".join(f"  {line}\n" for line in query.splitlines()))
    return load(folder).render(question(workload=workload), namespace)


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40) | st.text(
    r""""'`\.+*?()|[]{}^$#=~,ab""" + "\n\t ", min_size=1, max_size=20
)


def grouped(folder: Path, text: str, *workloads: str) -> str | None:
    file(folder, grouped="|\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    return load(folder).render_batch(question(), "test", workloads)
