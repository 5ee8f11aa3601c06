"""What the promotion is told to leave as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.model.template_pointer import leads_somewhere
from reconcile.preflight.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.preflight.findings import Subject


def keep(subject: Subject) -> Iterator[Finding]:
    """Yields each pointer of `promotion.keep` that leads nowhere."""
    rollout, objects = subject.case.rollout, subject.case.objects
    for index, pointer in enumerate(subject.case.spec.promotion.keep):
        if not any(leads_somewhere(item.template, pointer) for item in (objects.primary, objects.canary)):
            yield Finding(
                level=Level.WARNING,
                object=str(rollout.ref),
                path=f"spec.canaryAnalysis.promotion.keep[{index}]",
                message=f"neither {objects.primary.full_name} nor {objects.canary.full_name} has {pointer}",
                advice="correct it, or take it out",
            )


def summary(subject: Subject) -> str:
    """Returns what is kept."""
    return ", ".join(subject.case.spec.promotion.keep) or "nothing but what reaches the primary"
