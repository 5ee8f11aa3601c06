"""Names and durations as a query has them: checked and escaped.

`namespace` and `workload` are escaped for a regular expression in quotes, so the plain `=~"{{ workload }}"` is right.
`| literal` is for `="..."`. Every character but letters, digits and `_ . -` is written as an escape, quotes of all
three kinds included: no value ends the string around it. Strings in backticks have no escapes, so a name with a dot
finds nothing there: use double or single quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from reconcile.model.durations import seconds
from reconcile.model.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_TEXT = 1024


class _Name(str):
    """A name, escaped for a regular expression in quotes. `_plain` is the name as it was.

    The sandbox hides `_plain` from templates, as every attribute that begins with an underscore.
    """

    __slots__ = ("_plain",)
    _plain: str

    def __new__(cls, plain: str) -> Self:
        name = super().__new__(cls, _escaped(re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", plain)))
        name._plain = plain
        return name


class Names(str):
    """The names of several workloads, as one regular expression in quotes that matches exactly these.

    It is a group in brackets, so that text beside it does not become part of the first or the last name.
    """

    __slots__ = ()

    def __new__(cls, names: Iterable[str]) -> Self:
        """Joins plain names. Raises TemplateError for an invalid one."""
        return super().__new__(cls, f"(?:{'|'.join(check_name('workloads', one) for one in names)})")


class Args:
    """The `args` of a Rollout's metric in a template, as `args.name`: each is escaped as a name is."""

    __slots__ = ("_values",)

    def __init__(self, args: Iterable[tuple[str, str]]) -> None:
        self._values = {name: check_name(f"args.{name}", value) for name, value in args}

    def __getitem__(self, name: str) -> str:
        """Returns one of them. Jinja2 looks here for `args.name`, as the sandbox hides all else."""
        return self._values[name]


def check_name(variable: str, value: str) -> _Name:
    """Returns a valid name, escaped. Raises TemplateError for an invalid one: a folder may contain anything.

    An empty name would match all series without the label.
    """
    if not value or len(value) > MAX_TEXT or not is_encodable(value):
        raise TemplateError(f"{variable}: must be 1 to {MAX_TEXT} characters of text to be put into a query")
    return _Name(value)


def is_encodable(value: str) -> bool:
    """Returns whether a text can be encoded as UTF-8: it has no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_interval(value: str) -> str:
    """Returns a PromQL duration. Raises TemplateError for anything else: it is written outside of quotes."""
    if not seconds(value):
        raise TemplateError(f"interval: {value!r:.40} is no PromQL duration such as 30s, 1m or 1h")
    return value


def _escaped(text: str) -> str:
    """Returns a text escaped for the inside of a PromQL string, with any of the three quotes around it."""
    return re.sub(r"[^A-Za-z0-9_.-]", _escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char == "\\":
        return r"\\"
    if char.isprintable() and not char.isascii():
        return char
    return rf"\x{ord(char):02x}" if char.isascii() else rf"\U{ord(char):08x}"


def _plain(value: object) -> str:
    """Returns a value of a template as text without escapes."""
    if isinstance(value, Names):
        raise TemplateError('workloads are several names: write =~"{{ workloads }}" and nothing else')
    text = value._plain if isinstance(value, _Name) else str(value)  # noqa: SLF001 of this module
    if len(text) > MAX_TEXT:
        raise TemplateError(f"a text of more than {MAX_TEXT} characters in a filter")
    return text


def regex(value: object) -> str:
    """The filter `regex`: escapes a text for a regular expression in quotes."""
    return value if isinstance(value, Names) else _Name(_plain(value))


def literal(value: object) -> str:
    """The filter `literal`: escapes a text for a string in quotes."""
    return _escaped(_plain(value))


def replace(value: object, old: object, new: object) -> str:
    """The filter `replace`: replaces in the plain name and escapes the result; a text of the author stays unescaped."""
    text = _plain(value).replace(_plain(old), _plain(new))
    return check_name("replace", text) if isinstance(value, _Name) else _plain(text)
