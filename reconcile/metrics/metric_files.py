"""Reads the metric files of a folder and checks their fields. Their queries are checked in `template_language`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import Struct

from reconcile import files
from reconcile.metrics import MAX_QUERY
from reconcile.model.errors import TemplateError, UsageError
from reconcile.model.measurement import Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_FILE = 64 * 1024
MAX_LENGTH = 128
REQUIRED = ("name", "title", "unit", "query")
TEMPLATES = ("query", "grouped", "requests", "failures", "edges")
OPTIONAL = ("threshold", "needs", "grouped", "requests", "failures", "edges")
BOUNDS = ("minimum", "maximum")

# libyaml, where PyYAML was built with it: many times as fast. It has no bound for nesting: for what is shipped alone.
_SHIPPED_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING_TAG = "tag:yaml.org,2002:str"


class MetricFile(Struct, frozen=True, kw_only=True):
    """One metric file. `query` and `grouped` are templates; `grouped` is for several workloads, "" = it has none.

    `requests` and `failures` are those of the counts, "" = it has none; one that names `workloads` is for several, too.
    """

    path: Path
    metric: Metric
    query: str
    grouped: str = ""
    requests: str = ""
    failures: str = ""


class MetricFiles(Mapping[str, MetricFile]):
    """Metric files by the name of their metric: a user's, and those of this program that they do not replace.

    A file of this program has the name of its metric, and is read when that is asked for: most passes need two of them.
    """

    def __init__(self, shipped: Iterable[Path], own: Mapping[str, MetricFile]) -> None:
        self._paths = {path.stem: path for folder in shipped for path in _metric_paths(folder)}
        self._files = dict(own)

    def __getitem__(self, name: str) -> MetricFile:
        if name not in self._files:
            self._files[name] = _read_file(self._paths[name], _SHIPPED_LOADER)
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._paths, *self._files}))

    def __len__(self) -> int:
        return len({*self._paths, *self._files})


def read_folder(folder: Path) -> dict[str, MetricFile]:
    """Reads `*.yaml` and `*.yml` of a folder, in the order of their names. Hidden entries are those of a ConfigMap.

    Raises UsageError for a folder that cannot be read, TemplateError for a file that is no metric.
    """
    files: dict[str, MetricFile] = {}
    for path in _metric_paths(folder):
        file = _read_file(path, yaml.SafeLoader)
        other = files.setdefault(file.metric.name, file)
        if other is not file:
            raise TemplateError(
                f"{path}: name: {file.metric.name} is the name in {other.path.name} already; rename one of the two"
            )
    return files


def _metric_paths(folder: Path) -> Sequence[Path]:
    try:
        return sorted(path for path in folder.iterdir() if _has_metric_name(path) and not path.is_dir())
    except OSError as error:
        raise UsageError(f"templates folder {folder} cannot be read: {error.strerror}") from error


def _has_metric_name(path: Path) -> bool:
    return path.suffix in {".yaml", ".yml"} and not path.name.startswith(".")


def _read_file(path: Path, loader: Any) -> MetricFile:
    try:
        fields = _parse(_read_text(path), loader)
        _check_fields(fields)
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from error
    metric = Metric(
        name=fields["name"],
        title=fields["title"],
        unit=fields["unit"],
        bound=fields.get("threshold", ""),
        query=fields["query"],
        requests="requests" in fields,
        failures="failures" in fields,
        needs=fields.get("needs", ""),
        edges=fields.get("edges", ""),
    )
    templates = {key: fields[key] for key in TEMPLATES if key in fields and key != "edges"}
    return MetricFile(path=path, metric=metric, **templates)


def _read_text(path: Path) -> str:
    try:
        if not path.is_file():
            raise TemplateError("is no regular file, or a link to nothing")
        content, _ = files.read(path, MAX_FILE + 1)
    except OSError as error:
        raise TemplateError(f"cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE:
        raise TemplateError(f"is larger than {MAX_FILE // 1024} KiB; a metric is one short query")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise TemplateError(f"is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def _parse(text: str, loader: Any) -> dict[str, str]:
    """Returns the fields, from the node tree of YAML: no value is constructed, so no alias is expanded."""
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        raise TemplateError(f"is not YAML: {_yaml_problem(error)}") from error
    except RecursionError as error:
        raise TemplateError("is nested too deeply to be a metric") from error
    if not isinstance(root, yaml.MappingNode):
        raise TemplateError(f"must be a mapping with {', '.join(REQUIRED)}")
    fields: dict[str, str] = {}
    for key, value in root.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name not in (*REQUIRED, *OPTIONAL):
            raise TemplateError(f"{name:.40}: is not a field; there are {', '.join((*REQUIRED, *OPTIONAL))}")
        if name in fields:
            raise TemplateError(f"{name}: is there twice; delete one")
        if not isinstance(value, yaml.ScalarNode) or value.tag != _STRING_TAG:
            raise TemplateError(f"{name}: must be text; put it in quotes")
        fields[name] = value.value
    return fields


def _check_fields(fields: Mapping[str, str]) -> None:
    for key in (*REQUIRED, *(key for key in OPTIONAL if key in fields)):
        if not fields.get(key, "").strip():
            raise TemplateError(f"{key}: is missing or empty; every metric has {', '.join(REQUIRED)}")
    for key in ("name", "title", "unit", "needs"):
        value = fields.get(key, "")
        if len(value) > MAX_LENGTH or value != value.strip() or not value.isprintable():
            raise TemplateError(f"{key}: must be one line of at most {MAX_LENGTH} characters, no space around it")
    if " " in fields["name"]:
        raise TemplateError("name: must be one word, as a Rollout writes it")
    if "threshold" in fields and fields["threshold"] not in BOUNDS:
        raise TemplateError(f"threshold: must be {' or '.join(BOUNDS)}, and is {fields['threshold']!r:.40}")
    for key in TEMPLATES:
        if len(fields.get(key, "")) > MAX_QUERY:
            raise TemplateError(f"{key}: is longer than {MAX_QUERY} characters")


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem or error.context}"
    return str(error).splitlines()[0]
