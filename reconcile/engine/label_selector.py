"""Label selectors as kubectl writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REQUIREMENT = (
    r"\s*(?:(?P<not>!)\s*)?(?P<key>[A-Za-z0-9][\w./-]*)"
    r"(?:\s*(?P<op>==?|!=)\s*(?P<value>[\w.-]*)|\s+(?P<set>in|notin)\s*\((?P<values>[\w.,\s-]*)\))?\s*"
)
_COMMA_OUTSIDE_OF_BRACKETS = r",(?![^(]*\))"


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Returns whether labels match a selector like `a=b,c!=d,e in (f,g),!h`.

    Raises UsageError for an invalid selector.
    """
    if not selector.strip():
        return True
    return all(_is_met(requirement, labels) for requirement in re.split(_COMMA_OUTSIDE_OF_BRACKETS, selector))


def _is_met(requirement: str, labels: Mapping[str, str]) -> bool:
    match = re.fullmatch(_REQUIREMENT, requirement)
    if match is None or (match["not"] and (match["op"] or match["set"])):
        raise UsageError(
            f'"{requirement.strip()}" is no label selector: write key=value, key!=value, key in (a,b), !key'
        )
    value = labels.get(match["key"])
    if match["set"]:
        inside = value in {item.strip() for item in match["values"].split(",")}
        return inside if match["set"] == "in" else not inside
    if match["op"]:
        return value != match["value"] if match["op"] == "!=" else value == match["value"]
    return (value is None) is bool(match["not"])
