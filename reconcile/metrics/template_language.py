"""The template language of a query: its elements, its filters, its environment. `escaping` writes the names.

The language is a part of Jinja2: the variables `namespace`, `workload` (`workloads` in the query for several) and
`interval`, the filters `regex`, `literal`, `replace` and `default`, tests, `if`, and `for` over a literal list (not
within another `for`). There are no calls, arithmetic, assignments, macros or includes. Without them, and with bounds
for the length of a file and of each text, the work of rendering is bounded. The sandbox alone does not bound it: it
allows `"x" * 10 ** 9`. The bounds keep an author's mistake from blocking a pass. They are no defence against a
malicious author, who can write any query anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2
import jinja2.sandbox
from jinja2 import nodes

from reconcile.metrics import MAX_QUERY, escaping
from reconcile.model.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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

_FILTERS = ("regex", "literal", "replace", "default")
_FILTERS_HINT = f"there are {', '.join(_FILTERS)}"
_SYNTAX_HINT = (
    "a query is a Jinja2 template, such as {{ workload }} or {{ workload | literal }}; Go's {{ .name }}, printf and $ "
    "do not exist"
)


def environment() -> jinja2.sandbox.ImmutableSandboxedEnvironment:
    """Returns the Jinja2 environment of queries: it has the filters of the language and nothing else."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, autoescape=False, finalize=_printed, loader=None, cache_size=0
    )
    environment.globals = {}
    default = environment.filters["default"]
    environment.filters = {
        "regex": escaping.regex,
        "literal": escaping.literal,
        "replace": escaping.replace,
        "default": default,
    }
    return environment


def _printed(value: object) -> object:
    """Returns text and numbers unchanged. Raises TemplateError for anything else, such as a list or a method."""
    if isinstance(value, (str, int, float, jinja2.Undefined)) and not isinstance(value, bool):
        return value
    raise TemplateError(f"a {type(value).__name__} cannot be written into a query")


def check(tree: nodes.Template) -> None:
    """Raises TemplateError for an element that is not part of the language."""
    for node in _descendants(tree):
        if type(node) not in _LANGUAGE:
            raise TemplateError(f"line {node.lineno}: {type(node).__name__} is not part of the template language here")
        if isinstance(node, nodes.For) and (node.recursive or node.find(nodes.For)):
            raise TemplateError(f"line {node.lineno}: a for within a for, or a recursive one, is not allowed")


def _descendants(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        yield child
        yield from _descendants(child)


def join(pieces: Iterable[str]) -> str:
    """Joins the pieces of a rendered query. Raises TemplateError as soon as it is too long."""
    query: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_QUERY:
            raise TemplateError(f"renders to more than {MAX_QUERY} characters")
        query.append(piece)
    text = "".join(query)
    if not escaping.is_encodable(text):
        raise TemplateError("renders to text that is none: half of a surrogate pair")
    return text


def problem(error: Exception, variables: Iterable[str]) -> str:
    """Returns what is wrong with a template that has these variables, from an exception of Jinja2."""
    if isinstance(error, jinja2.TemplateAssertionError):
        return f"line {error.lineno}: {str(error.message).rstrip('.')}; {_FILTERS_HINT}"
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}; {_SYNTAX_HINT}"
    if isinstance(error, jinja2.UndefinedError) and str(error.message).endswith(" is undefined"):
        return f"{error.message}; there are {', '.join(sorted(variables))}"
    if isinstance(error, jinja2.UndefinedError) and "Args object" in str(error.message):
        return f"args has no {str(error.message).rpartition('attribute ')[2]}: it is one of the metric in the Rollout"
    if isinstance(error, jinja2.TemplateError):
        return str(error.message)
    return f"cannot be rendered ({type(error).__name__})"
