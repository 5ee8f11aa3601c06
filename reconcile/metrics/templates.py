"""Metric templates: files that each hold the PromQL of one metric, read, checked and rendered.

Duty: from a folder to a query text. No network, and no opinion about what a value means.

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
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import jinja2
import jinja2.sandbox
import yaml
from jinja2 import nodes

from reconcile.durations import seconds
from reconcile.errors import TemplateError, UsageError
from reconcile.plan import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconcile.plan import Question

MAX_FILE = 64 * 1024
MAX_QUERY = 16 * 1024
MAX_TEXT = 1024
KEYS = ("name", "title", "unit", "threshold", "query")
OPTIONAL = ("grouped",)
BOUNDS = ("minimum", "maximum")

_PACKAGE = Path(__file__).resolve().parents[1]
_STRING_TAG = "tag:yaml.org,2002:str"
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


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricFile:
    """One file as it was read: what the core knows of the metric, the query not yet rendered, and where it is from.

    `grouped` is the query for several workloads at once; "" = it has none.
    """

    path: Path
    metric: Metric
    query: str
    grouped: str = ""


class TemplateSet:
    """The metrics there are, by name. A query is compiled when it is first rendered, so a bad one harms no other."""

    def __init__(self, files: Iterable[MetricFile]) -> None:
        self._files = {file.metric.name: file for file in files}
        self._compiled: dict[tuple[str, str], jinja2.Template] = {}
        self._sound: set[str] = set()
        self._environment = _environment()

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """What the core needs to know, by the name that a Rollout writes."""
        return MappingProxyType({name: self._files[name].metric for name in sorted(self._files)})

    def render(self, question: Question, namespace: str) -> str:
        """Give the PromQL for a question. Raises TemplateError that names the file and what is wrong in it.

        A file whose other query can never be rendered is refused as well, whether that one is used or not.
        """
        file = self._file(question)
        values = _values(question, namespace)
        query = self._rendered(file, "query", values | {"workload": _name("workload", question.workload)})
        if not query:
            raise TemplateError(f"{file.path}: query: renders to nothing for {question.workload}.{namespace}")
        if file.grouped and file.metric.name not in self._sound:
            self._rendered(file, "grouped", values | {"workloads": _Names([question.workload])})
            self._sound.add(file.metric.name)
        return query

    def render_grouped(self, question: Question, namespace: str, workloads: Sequence[str]) -> str | None:
        """Give the PromQL that asks a question for several workloads, or None if there is none. Raises as above."""
        file = self._file(question)
        if not file.grouped:
            return None
        values = _values(question, namespace) | {"workloads": _Names(workloads)}
        return self._rendered(file, "grouped", values) or None

    def _file(self, question: Question) -> MetricFile:
        file = self._files.get(question.metric)
        if file is None:
            raise TemplateError(f"metric {question.metric!r} is not known; there are: {', '.join(self.metrics)}")
        return file

    def _rendered(self, file: MetricFile, field: str, values: Mapping[str, str]) -> str:
        where = f"{file.path}: {field}"
        try:
            return _written(self._template(file, field).generate(values)).strip()
        except TemplateError as error:
            raise TemplateError(f"{where}: {error}") from error
        except Exception as error:  # whatever a template does when it runs is the template's fault
            raise TemplateError(f"{where}: {_words(error)}") from error

    def _template(self, file: MetricFile, field: str) -> jinja2.Template:
        """Compile a query on first use, once it is known to keep to the language (folding constants runs code)."""
        key = file.metric.name, field
        if key not in self._compiled:
            tree = self._environment.parse(getattr(file, field))
            _check_language(tree)
            self._compiled[key] = self._environment.from_string(tree)
        return self._compiled[key]


def _values(question: Question, namespace: str) -> dict[str, str]:
    """Give the variables that both queries of a file have."""
    return {"namespace": _name("namespace", namespace), "interval": _interval(question.interval)}


def load(extra: Path | None = None) -> TemplateSet:
    """Read the built-in metrics and those of a folder, which replace built-in ones of the same name.

    Raises UsageError for a folder that cannot be read, TemplateError for a file in it.
    """
    files = _read_folder(_builtin_folder())
    if extra is not None:
        files |= _read_folder(extra)
    return TemplateSet(files.values())


def _builtin_folder() -> Path:
    """Find the built-in files: in the package once installed from a wheel, else at the top of the checkout."""
    installed = _PACKAGE / "builtin_templates"
    return installed if installed.is_dir() else _PACKAGE.parent / "templates"


def _read_folder(folder: Path) -> dict[str, MetricFile]:
    """Read `*.yaml` and `*.yml` of a folder, in the order of their names; hidden entries are a ConfigMap's own."""
    try:
        paths = sorted(path for path in folder.iterdir() if _is_named_as_metric(path) and not path.is_dir())
    except OSError as error:
        raise UsageError(f"templates folder {folder} cannot be read: {error.strerror}") from error
    files: dict[str, MetricFile] = {}
    for path in paths:
        file = _read_file(path)
        other = files.setdefault(file.metric.name, file)
        if other is not file:
            raise TemplateError(
                f"{path}: name: {file.metric.name} is the name in {other.path.name} already; rename one of the two"
            )
    return files


def _is_named_as_metric(path: Path) -> bool:
    return path.suffix in {".yaml", ".yml"} and not path.name.startswith(".")


def _read_file(path: Path) -> MetricFile:
    try:
        fields = _fields(_text(path))
        _check_fields(fields)
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from error
    metric = Metric(name=fields["name"], title=fields["title"], unit=fields["unit"], bound=fields["threshold"])
    return MetricFile(path=path, metric=metric, query=fields["query"], grouped=fields.get("grouped", ""))


def _text(path: Path) -> str:
    """Read a file that may be anything: too big, no text, or no file at all (opening a pipe would wait for ever)."""
    try:
        if not path.is_file():
            raise TemplateError("is no regular file, or a link to nothing")
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise TemplateError(f"cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE:
        raise TemplateError(f"is larger than {MAX_FILE // 1024} KiB; a metric is one short query")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TemplateError(f"is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _fields(text: str) -> dict[str, str]:
    """Take the fields from the node tree: nothing is constructed, so no alias is ever unfolded."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise TemplateError(f"is not YAML: {_yaml_words(error)}") from error
    except RecursionError as error:
        raise TemplateError("is nested too deeply to be a metric") from error
    if not isinstance(root, yaml.MappingNode):
        raise TemplateError(f"must be a mapping with {', '.join(KEYS)}")
    fields: dict[str, str] = {}
    for key, value in root.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name not in (*KEYS, *OPTIONAL):
            raise TemplateError(f"{name:.40}: is not a field; there are {', '.join((*KEYS, *OPTIONAL))}")
        if name in fields:
            raise TemplateError(f"{name}: is there twice; delete one")
        if not isinstance(value, yaml.ScalarNode) or value.tag != _STRING_TAG:
            raise TemplateError(f"{name}: must be text; put it in quotes")
        fields[name] = value.value
    return fields


def _check_fields(fields: Mapping[str, str]) -> None:
    for key in (*KEYS, *(fields.keys() & OPTIONAL)):
        if not fields.get(key, "").strip():
            raise TemplateError(f"{key}: is missing or empty; every metric has {', '.join(KEYS)}")
    for key in ("name", "title", "unit"):
        value = fields[key]
        if len(value) > MAX_TEXT // 8 or value != value.strip() or not value.isprintable():
            raise TemplateError(f"{key}: must be one line of at most {MAX_TEXT // 8} characters, no space around it")
    if " " in fields["name"]:
        raise TemplateError("name: must be one word, as a Rollout writes it")
    if fields["threshold"] not in BOUNDS:
        raise TemplateError(f"threshold: must be {' or '.join(BOUNDS)}, and is {fields['threshold']!r:.40}")
    for key in ("query", *OPTIONAL):
        if len(fields.get(key, "")) > MAX_QUERY:
            raise TemplateError(f"{key}: is longer than {MAX_QUERY} characters")


def _yaml_words(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return str(error).splitlines()[0]


class _Name(str):
    """A name of the Rollout, as the text for a regular expression in quotes; it remembers what it was.

    The sandbox keeps a template from `_raw`, as from any attribute that begins with an underscore.
    """

    __slots__ = ("_raw",)
    _raw: str

    def __new__(cls, raw: str) -> Self:
        name = super().__new__(cls, _quoted(re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", raw)))
        name._raw = raw
        return name


class _Names(str):
    """The names of several workloads, as one regular expression in quotes that matches each of them and nothing else.

    The brackets keep what an author writes beside it from belonging to the first or the last name alone.
    """

    __slots__ = ()

    def __new__(cls, raw: Iterable[str]) -> Self:
        return super().__new__(cls, f"(?:{'|'.join(_name('workloads', name) for name in raw)})")


def _name(variable: str, value: str) -> _Name:
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


def _interval(value: str) -> str:
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
    if isinstance(value, _Names):
        raise TemplateError('workloads are several names: write =~"{{ workloads }}" and nothing else')
    text = value._raw if isinstance(value, _Name) else str(value)  # noqa: SLF001 ours
    if len(text) > MAX_TEXT:
        raise TemplateError(f"a text of more than {MAX_TEXT} characters in a filter")
    return text


def _regex(value: object) -> str:
    return value if isinstance(value, _Names) else _Name(_raw(value))


def _literal(value: object) -> str:
    return _quoted(_raw(value))


def _replace(value: object, old: object, new: object) -> str:
    """Replace within the name itself, before it is escaped; text that an author wrote stays as it was written."""
    text = _raw(value).replace(_raw(old), _raw(new))
    return _name("replace", text) if isinstance(value, _Name) else _raw(text)


def _environment() -> jinja2.sandbox.ImmutableSandboxedEnvironment:
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


def _check_language(tree: nodes.Template) -> None:
    for node in _descendants(tree):
        if type(node) not in _LANGUAGE:
            raise TemplateError(f"line {node.lineno}: {type(node).__name__} is not part of the template language here")
        if isinstance(node, nodes.For) and (node.recursive or node.find(nodes.For)):
            raise TemplateError(f"line {node.lineno}: a for within a for, or a recursive one, is not allowed")


def _descendants(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        yield child
        yield from _descendants(child)


def _written(pieces: Iterable[str]) -> str:
    """Put the rendered text together, and stop once it is longer than a query can be."""
    query: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_QUERY:
            raise TemplateError(f"renders to more than {MAX_QUERY} characters")
        query.append(piece)
    return "".join(query)


def _words(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"line {error.lineno}: {error.message}"
    if isinstance(error, jinja2.TemplateError):
        return str(error.message)
    return f"cannot be rendered ({type(error).__name__})"
