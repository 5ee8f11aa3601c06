"""The template language of a query: what it has, and how names are written into it.

Duty: from the text of a template and values to the text of a query. It knows no file and no metric.

A query is Jinja2, cut down to what a query needs: the variables `namespace`, `workload` (`workloads` in the query for
several) and `interval`, the filters `regex`, `literal`, `replace` and `default`, tests, `if`, and `for` over a list
that is written out (not within another `for`). No calls, arithmetic, assignments, macros or includes: with them gone,
and the length of a file and of each text bounded, the work of rendering is bounded as well, which the sandbox alone
would not do (`"x" * 10 ** 9` is fine with it). It keeps an author's slip from hanging a pass; it is no defence against
an author who means harm, for whoever writes the files writes the queries.

`namespace` and `workload` stand for a regular expression within quotes unless told otherwise, so that the plain
`=~"{{ workload }}"` is right. `| literal` is for `="..."`. All that is not a letter, a digit or one of `_ . -` is
written as an escape, quotes of all three kinds included: no value ends the string it stands in. Backtick strings know
no escapes, so a name with a dot finds nothing there: use double or single quotes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

import jinja2
import jinja2.sandbox
from jinja2 import nodes

from reconcile.metrics import MAX_QUERY
from reconcile.model.durations import seconds
from reconcile.model.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_TEXT = 1024

_LANGUAGE = frozenset(
    {
        nodes.Template,
        nodes.Output,
        nodes.TemplateData,
        nodes.Name,
        nodes.Const,
        nodes.List,
        nodes.Tuple,
        nodes.Getattr,
        nodes.Filter,
        nodes.Test,
        nodes.Compare,
        nodes.Operand,
        nodes.And,
        nodes.Or,
        nodes.Not,
        nodes.Concat,
        nodes.CondExpr,
        nodes.If,
        nodes.For,
    }
)


class _Name(str):
    """A name of the Rollout, as the text for a regular expression in quotes; it remembers what it was.

    The sandbox keeps a template from `_raw`, as from any attribute that begins with an underscore.
    """

    __slots__ = ("_raw",)
    _raw: str

    def __new__(cls, raw: str) -> Self:
        made = super().__new__(cls, _quoted(re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", raw)))
        made._raw = raw
        return made


class Names(str):
    """The names of several workloads, as one regular expression in quotes that matches each of them and nothing else.

    The brackets keep what an author writes beside it from belonging to the first or the last name alone.
    """

    __slots__ = ()

    def __new__(cls, raw: Iterable[str]) -> Self:
        """Put the names as they are together. Raises TemplateError for one that no object has."""
        return super().__new__(cls, f"(?:{'|'.join(name('workloads', one) for one in raw)})")


def name(variable: str, value: str) -> _Name:
    """Refuse what no object is called but a folder can hold; an empty matcher would find all that lacks the label."""
    if not value or len(value) > MAX_TEXT or not _encodable(value):
        raise TemplateError(f"{variable}: must be 1 to {MAX_TEXT} characters of text to be put into a query")
    return _Name(value)


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def interval(value: str) -> str:
    """Let through nothing but a PromQL duration: it stands outside of quotes. The Rollout was checked long before."""
    if not seconds(value):
        raise TemplateError(f"interval: {value!r:.40} is no PromQL duration such as 30s, 1m or 1h")
    return value


def _quoted(text: str) -> str:
    """Write text for the inside of a PromQL string, whichever quote surrounds it."""
    return re.sub(r"[^A-Za-z0-9_.-]", _escape, text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char == "\\":
        return r"\\"
    if char.isprintable() and not char.isascii():
        return char
    return rf"\x{ord(char):02x}" if char.isascii() else rf"\U{ord(char):08x}"


def _raw(value: object) -> str:
    if isinstance(value, Names):
        raise TemplateError('workloads are several names: write =~"{{ workloads }}" and nothing else')
    text = value._raw if isinstance(value, _Name) else str(value)  # noqa: SLF001 ours
    if len(text) > MAX_TEXT:
        raise TemplateError(f"a text of more than {MAX_TEXT} characters in a filter")
    return text


def _regex(value: object) -> str:
    return value if isinstance(value, Names) else _Name(_raw(value))


def _literal(value: object) -> str:
    return _quoted(_raw(value))


def _replace(value: object, old: object, new: object) -> str:
    """Replace within the name itself, before it is escaped; text that an author wrote stays as it was written."""
    text = _raw(value).replace(_raw(old), _raw(new))
    return name("replace", text) if isinstance(value, _Name) else _raw(text)


def environment() -> jinja2.sandbox.ImmutableSandboxedEnvironment:
    """Give what compiles and renders queries, with the filters there are and nothing else of Jinja2's."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, finalize=_printed, loader=None, cache_size=0
    )
    environment.globals = {}
    default = environment.filters["default"]
    environment.filters = {"regex": _regex, "literal": _literal, "replace": _replace, "default": default}
    return environment


def _printed(value: object) -> object:
    """Let text and numbers through to the query; a list or a method printed there is a slip."""
    if isinstance(value, (str, int, float, jinja2.Undefined)) and not isinstance(value, bool):
        return value
    raise TemplateError(f"a {type(value).__name__} cannot be written into a query")


def check(tree: nodes.Template) -> None:
    """Raise TemplateError for what is not part of the language."""
    for node in _descendants(tree):
        if type(node) not in _LANGUAGE:
            raise TemplateError(f"line {node.lineno}: {type(node).__name__} is not part of the template language here")
        if isinstance(node, nodes.For) and (node.recursive or node.find(nodes.For)):
            raise TemplateError(f"line {node.lineno}: a for within a for, or a recursive one, is not allowed")


def _descendants(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        yield child
        yield from _descendants(child)


def written(pieces: Iterable[str]) -> str:
    """Put the rendered text together, and stop once it is longer than a query can be."""
    query: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_QUERY:
            raise TemplateError(f"renders to more than {MAX_QUERY} characters")
        query.append(piece)
    text = "".join(query)
    if not _encodable(text):
        raise TemplateError("renders to text that is none: half of a surrogate pair")
    return text


def words(error: Exception) -> str:
    """Say what is wrong with a template, from what Jinja2 raises."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    if isinstance(error, jinja2.TemplateError):
        return str(error.message)
    return f"cannot be rendered ({type(error).__name__})"
