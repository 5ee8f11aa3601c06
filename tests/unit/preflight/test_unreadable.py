"""Objects that cannot be used."""

from __future__ import annotations

from reconcile.model.errors import ForbiddenError
from reconcile.preflight.checks import FOLDER
from tests.support.fakes import MemoryCluster
from tests.support.world import PS, standard
from tests.unit.preflight.examining import PRIMARY_SERVICE, examined, findings_of


def test_an_object_that_may_not_be_read_is_told_without_advice_to_create_it() -> None:
    cluster = MemoryCluster(standard())
    cluster.refuse[PS] = ForbiddenError("forbidden: grant it")
    ((check, finding),) = findings_of(examined(cluster, FOLDER))
    assert (check, finding.message, finding.advice) == (
        "services",
        f"{PRIMARY_SERVICE} cannot be read: forbidden: grant it",
        "",
    )
