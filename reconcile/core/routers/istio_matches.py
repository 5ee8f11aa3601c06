"""Which http route of a VirtualService takes the requests of a later one: Istio follows the first that matches.

It tells what is plain from the fields. Where two matches cannot be compared, such as two regular expressions, neither
is said to take what the other matches.
"""

from __future__ import annotations

from typing import Any

_TEXTS = frozenset({"uri", "scheme", "method", "authority"})
_MAPS_OF_TEXTS = frozenset({"headers", "queryParams"})
# Names, and what loosens another field.
_NO_CONDITION = frozenset({"name", "statPrefix", "ignoreUriCase"})
_ANYTHING: tuple[Any, ...] = ({"prefix": "/"}, {"regex": ".*"})


def takes_all_of(route: Any, later: Any) -> bool:
    """Returns whether a route matches every request that a later one matches."""
    own, others = _alternatives(route), _alternatives(later)
    return bool(others) and all(any(_is_weaker(weak, strong) for weak in own) for strong in others)


def _alternatives(route: Any) -> list[dict[str, Any]]:
    """Returns the matches of a route, one of which a request needs; none where they cannot be read."""
    match: Any = route.get("match") if isinstance(route, dict) else "nothing"
    if not match:
        return [{}]
    entries = match if isinstance(match, list) else []
    return entries if all(isinstance(entry, dict) for entry in entries) else []


def _is_weaker(weak: dict[str, Any], strong: dict[str, Any]) -> bool:
    """Returns whether one match asks for nothing that the other does not ask for."""
    if weak.get("uri") and strong.get("ignoreUriCase") and not weak.get("ignoreUriCase"):
        return False
    conditions = {key: value for key, value in weak.items() if value and key not in _NO_CONDITION}
    return all(_implies(key, strong.get(key), value) for key, value in conditions.items())


def _implies(key: str, strong: Any, weak: Any) -> bool:
    """Returns whether the condition `strong` on a field holds only where `weak` does."""
    if key in _TEXTS:
        return (key == "uri" and weak in _ANYTHING) or _text_implies(strong, weak)
    if key in _MAPS_OF_TEXTS and isinstance(weak, dict) and isinstance(strong, dict):
        return all(name in strong and _text_implies(strong[name], text) for name, text in weak.items())
    if key == "gateways" and isinstance(weak, list) and isinstance(strong, list):
        return bool(strong) and all(item in weak for item in strong)
    return bool(strong == weak)


def _text_implies(strong: Any, weak: Any) -> bool:
    if strong == weak or not isinstance(strong, dict) or not isinstance(weak, dict):
        return bool(strong == weak)
    if not weak or weak == {"regex": ".*"}:  # an empty one asks only that it is there
        return True
    prefix, text = weak.get("prefix"), strong.get("exact", strong.get("prefix"))
    return isinstance(prefix, str) and isinstance(text, str) and text.startswith(prefix)
