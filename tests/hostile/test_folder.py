"""Hostile folders of manifests: a message names the file and what is wrong with it, and nothing is written.

Each piece is put into an example that a pass would release. Most are read as a pass reads them. One of each kind, and
all that could be expensive, go through the whole program with little memory and little time.
"""

from __future__ import annotations

import gzip
import os
import re
import resource
import socket
import stat
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from reconcile.clusters.folder.cluster import FolderCluster
from reconcile.model.errors import UsageError
from reconcile.model.kinds import DEPLOYMENT, KINDS, Scope
from tests.hostile.tally import End, ended
from tests.support.program import confined, contents, example, steerer
from tests.support.share import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WHOSE = "A folder of manifests"
MIB = 1024 * 1024
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return example(tmp_path / "in")


def named(name: object, namespace: object = None) -> str:
    metadata = f"{{name: {name}}}" if namespace is None else f"{{name: {name}, namespace: {namespace}}}"
    return f"apiVersion: v1\nkind: Service\nmetadata: {metadata}\n"


def laughs(width: int, depth: int) -> str:
    """Returns aliases of aliases: each has the previous one `width` times."""
    rows = [f"a0: &a0 [{', '.join('x' * width)}]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(rows) + "\n"


def merges(depth: int) -> str:
    """Returns the same with merge keys: each mapping is as small as the previous one."""
    rows = ["a0: &a0 {x: 1}"]
    rows += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], x: 1}}" for n in range(1, depth)]
    return "\n".join(rows) + "\n"


# What makes the content of `workloads/x.yaml`, and the message about it.
COSTLY: dict[str, tuple[Callable[[], str], str]] = {
    "aliases of aliases": (
        lambda: SERVICE + laughs(10, 30),
        r"x\.yaml:\d+:\d+: it has more than 500000 values, aliases in",
    ),
    "merge keys of merge keys": (lambda: SERVICE + merges(30), "it has more than 500000 values, aliases included"),
    "aliases of a long text": (
        lambda: SERVICE + f"a: &a {'x' * MIB}\nb: [{'*a, ' * 100_000}]\n",
        "it has more than 8388608 characters, aliases included",
    ),
    "an alias of itself": (lambda: SERVICE + "a: &a [*a]\n", "contains itself"),
    "8 MiB of anchors": (
        lambda: SERVICE + f"a: [{', '.join(f'&a{n} 1' for n in range(600_000))}]\n",
        "more than 500000 val",
    ),
    "millions of items": (lambda: SERVICE + "a: [" + "a," * (4 * MIB - 100) + "]\n", "it has more than 500000 values"),
    "millions of lists": (lambda: "[" + "[]," * (2 * MIB) + "]", "it has more than 500000 values"),
    "millions of items that are no object": (lambda: "- a\n" * (2 * MIB), "it has more than 500000 values"),
    "millions of keys": (
        lambda: SERVICE + "".join(f"k{n}: 1\n" for n in range(700_000)),
        "it has more than 500000 values",
    ),
    "millions of documents": (lambda: "---\n" * (2 * MIB), r"x\.yaml has more than 50000 documents"),
    "millions of ends of documents": (lambda: "...\n" * (2 * MIB), "has more than 50000 documents"),
    "millions of directives": (lambda: "%a\n" * (2 * MIB), "unknown directive"),
    "directives again and again": (lambda: "%a\n%b\n---\n" * (MIB // 2), "has more than 50000 documents"),
    "a million brackets": (lambda: "[" * MIB, "it is nested deeper than 100 levels"),
    "a million dashes": (lambda: "- " * MIB + "x", "it is nested deeper than 100 levels"),
    "a quote that is never closed": (lambda: '"' + "a " * (4 * MIB - 10), "found unexpected end of stream"),
    "8 MiB of question marks": (
        lambda: SERVICE + "a: {" + "? " * (4 * MIB - 100),
        "did not find expected node content",
    ),
    "8 MiB of colons": (lambda: "a: " * (2 * MIB), "mapping values are not allowed"),
    "8 MiB of tabs": (lambda: "\t" * (8 * MIB), "found character that cannot start any token"),
    "more than 8 MiB": (lambda: "#" * (8 * MIB + 1), r"x\.yaml is larger than 8 MiB"),
}
BROKEN: dict[str, tuple[bytes | str, str]] = {
    "no end": (SERVICE + "spec: {a: [1\n", r"x\.yaml:5:1: .*expected"),
    "a tab": (SERVICE + "spec:\n\ttype: x\n", r"x\.yaml:5:1: found character"),
    "a key twice": (SERVICE + "kind: Deployment\n", r'x\.yaml:4:1: the key "kind" is there twice'),
    "a key twice, once in quotes": (SERVICE + "'spec': 1\nspec: 2\n", 'the key "spec" is there twice'),
    "a key twice that a terminal would obey": (SERVICE + '"\\e[2J": 1\n"\\e[2J": 2\n', "is there twice"),
    "no key": (SERVICE + "[a]: 1\n", "a key has to be a string"),
    "an alias of nothing": (SERVICE + "spec: *nothing\n", "undefined alias"),
    "a merge of no mapping": (SERVICE + "spec: {<<: [1]}\n", "only mappings can be merged"),
    "YAML 3": ("%YAML 3.0\n---\n" + SERVICE, "incompatible YAML document"),
    "a tag that nobody declared": ("%TAG ! tag:example.com,2000:\n---\n" + SERVICE + "a: !e!x 1\n", "undefined tag"),
    "UTF-16": (SERVICE.encode("utf-16"), "it is not UTF-8"),
    "UTF-32": (SERVICE.encode("utf-32"), "it is not UTF-8"),
    "Latin-1": (SERVICE.encode() + b"# caf\xe9\n", r"x\.yaml:4: it is not UTF-8"),
    "half a character": (SERVICE.encode() + b"# \xe2\x82", "it is not UTF-8"),
    "a surrogate": (SERVICE.encode() + b"# \xed\xa0\x80\n", "it is not UTF-8"),
    "bytes of zero": (b"\0" * 4096, r"x\.yaml:1:1: it is no text"),
    "a program": (b"\x7fELF\x02\x01\x01\0", "it is no text"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is not UTF-8"),
    "an archive": (gzip.compress(SERVICE.encode()), "it is not UTF-8"),
    "a terminal's orders": (SERVICE + "a: \x1b[31m\n", r"it is no text: it has the character U\+001B"),
}
TAGS = {
    text: (SERVICE + f"spec: {text}\n", r"x\.yaml:4:\d+: the tag .* is not understood here")
    for text in (
        "!!python/object/apply:os.system [id]",
        "!!python/object:os.PathLike {a: 1}",
        "!!python/object/new:subprocess.Popen [[id]]",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!!python/tuple [1, 2]",
        "{a: !!python/object/apply:os.system [id]}",
        "!Ref x",
        "!Sub [a, b]",
        "!GetAtt {a: b}",
        "!!binary aGVsbG8=",
        "!!set {a, b}",
        "!!omap [a: 1]",
        "!!timestamp 2024-05-01",
        "!!int x",
        "!!bool maybe",
        "!<!x> a",
    )
}
NAMES: dict[str, tuple[str, str]] = {
    f"name {name}": (named(name), words)
    for name, words in {
        "../../etc/passwd": "no object has a metadata.name like",
        "/etc/passwd": "no object has a metadata.name like",
        "..": 'no object has a metadata.name like ".."',
        ".": "no object has a metadata.name like",
        "a/b": "no object has a metadata.name like",
        "a%2f..%2fb": "no object has a metadata.name like",
        '"a\\nb"': "no object has a metadata.name like",
        '"\\e[2J"': "no object has a metadata.name like",
        '"\\u202e"': "no object has a metadata.name like",
        "x" * 254: "no object has a metadata.name like",
        "5": "a Service without a metadata.name that is a string",
        "true": "a Service without a metadata.name that is a string",
        "{}": "a Service without a metadata.name that is a string",
        "~": "a Service without a metadata.name that is a string",
        "''": "a Service without a metadata.name that is a string",
    }.items()
} | {
    f"namespace {namespace}": (named("x", namespace), "no object has a metadata.namespace like")
    for namespace in ("../kube-system", "/", "..", ".", "a/b", "0", "5", "false", "[]", "{a: b}", '"\\e"')
}
TWICE: dict[str, tuple[str, str]] = {
    "in one file": (named("x") + "---\n" + named("x"), r"Service x\.default: it is in .*x\.yaml and in .*x\.yaml"),
    "in one List": (
        "apiVersion: v1\nkind: List\nitems:\n" + 2 * "- {apiVersion: v1, kind: Service, metadata: {name: x}}\n",
        "which one is meant",
    ),
    "with and without the namespace": (named("x") + "---\n" + named("x", "default"), "which one is meant"),
    "with an empty namespace": (named("x") + "---\n" + named("x", "''"), "which one is meant"),
    "in another file": (named("podinfo", "test"), r"podinfo\.test: it is in .*service\.yaml and in .*x\.yaml"),
    "in two versions": (
        "apiVersion: networking.istio.io/v1alpha3\nkind: VirtualService\nmetadata: {name: podinfo, namespace: test}\n",
        "which one is meant",
    ),
}


def refused(folder: Path, words: str) -> None:
    """Reads the folder as a pass does."""
    cluster = FolderCluster(folder)
    for _ in range(2):  # the second look sees it as well
        with pytest.raises(UsageError) as caught:
            cluster.list(DEPLOYMENT, Scope())
        assert re.search(words, str(caught.value))
        assert str(folder) in str(caught.value)
    ended(End.REFUSED)


def left_out(folder: Path, words: str) -> bool:
    """Returns whether a pass leaves the file out, with a message that names it and what is wrong with it."""
    try:
        told = "\n".join(": ".join(fault) for fault in FolderCluster(folder).faults())
    except UsageError:
        return False
    assert re.search(words, told)
    assert "x.yaml" in told
    return True


def refused_with(folder: Path, text: str | bytes, words: str) -> None:
    """Reads the folder with this file in it, as a pass does: without the file, or not at all."""
    put(folder, text)
    if left_out(folder, words):
        ended(End.REFUSED)
    else:
        refused(folder, words)


def refused_by_the_program(folder: Path, words: str, command: str = "run") -> None:
    """Runs the program over it. It uses the other files, or writes nothing at all."""
    run_over(folder, words, command, alone=left_out(folder, words))


def run_over(folder: Path, words: str, command: str, *, alone: bool, limit: Callable[[], object] | None = None) -> None:
    """Runs the program over it, which leaves out the one file, or else refuses the folder."""
    before = contents(folder)
    done = confined(limit, command, "-f", folder) if limit else steerer(command, "-f", folder)
    if alone:
        assert (done.returncode, "podinfo" in done.stdout) == (0, True), done.stderr
        before = {path: content for path, content in before.items() if "x.yaml" in str(path)}
        assert before.items() <= contents(folder).items()
    else:
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert re.match(f"steerer: .*{words}", done.stderr, re.DOTALL)
        assert contents(folder) == before
    assert all(line.isprintable() for line in done.stderr.splitlines())
    assert "Traceback" not in done.stderr
    ended(End.REFUSED)


def write(path: Path, text: bytes | str) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def put(folder: Path, text: bytes | str) -> None:
    write(folder / "workloads" / "x.yaml", text)


def modest() -> None:
    """Limits the memory to that of a pod of the chart, plus the address space of libraries."""
    resource.setrlimit(resource.RLIMIT_AS, (700 * MIB, 700 * MIB))


@pytest.mark.hostile(WHOSE, "files that would cost much: aliases that explode, millions of values, huge files")
@pytest.mark.parametrize("name", share([*COSTLY], "costly", 3))
def test_what_would_cost_much_is_refused_at_little_cost(folder: Path, name: str) -> None:
    text, words = COSTLY[name]
    put(folder, text())
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    # What is too much refuses the folder; what is no YAML is left out.
    run_over(folder, words, "run", alone="more than" not in words and "larger than" not in words, limit=modest)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 20


@pytest.mark.hostile(WHOSE, "files that are broken, binary or in another encoding")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_place(folder: Path, name: str) -> None:
    refused_with(folder, *BROKEN[name])


@pytest.mark.hostile(WHOSE, "tags, those of Python's objects included")
@pytest.mark.parametrize("name", TAGS)
def test_no_tag_makes_anything_of_a_value(folder: Path, name: str) -> None:
    refused_with(folder, *TAGS[name])


@pytest.mark.hostile(WHOSE, "names and namespaces that lead elsewhere, or are none")
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_leads_elsewhere_is_none(folder: Path, name: str) -> None:
    refused_with(folder, *NAMES[name])


@pytest.mark.hostile(WHOSE, "an object that is there twice")
@pytest.mark.parametrize("name", TWICE)
def test_an_object_that_is_there_twice_is_refused_with_both_places(folder: Path, name: str) -> None:
    refused_with(folder, *TWICE[name])


END_TO_END = {
    "a key twice that a terminal would obey": ("files that are broken, binary or in another encoding", BROKEN),
    "UTF-16": ("files that are broken, binary or in another encoding", BROKEN),
    "!!python/object/apply:os.system [id]": ("tags, those of Python's objects included", TAGS),
    "name ../../etc/passwd": ("names and namespaces that lead elsewhere, or are none", NAMES),
    'namespace "\\e"': ("names and namespaces that lead elsewhere, or are none", NAMES),
    "in another file": ("an object that is there twice", TWICE),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.hostile(WHOSE, kind)) for name, (kind, _) in END_TO_END.items()]
)
def test_the_program_says_so_and_writes_nothing(folder: Path, name: str) -> None:
    table: Any = END_TO_END[name][1]
    text, words = table[name]
    put(folder, text)
    refused_by_the_program(folder, words)


@pytest.mark.parametrize("command", ["plan", "lint", "status"])
def test_every_command_says_so(folder: Path, command: str) -> None:
    text, words = BROKEN["a key twice that a terminal would obey"]
    put(folder, text)
    refused_by_the_program(folder, words, command)


# Entries of the folder that are not files.


def outside(folder: Path) -> Path:
    place = folder.parent / "outside"
    place.mkdir(exist_ok=True)
    (place / "x.yaml").write_text(SERVICE)
    return place


def link(name: str, target: str, folder: Path) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target.format(outside=outside(folder), folder=folder))


def in_circles(folder: Path) -> None:
    (folder / "x.yaml").symlink_to("y.yaml")
    (folder / "y.yaml").symlink_to("x.yaml")


def listening(folder: Path) -> None:
    at = os.getcwd()  # noqa: PTH109 - the name of a socket may have 107 bytes
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("x.yaml")
    finally:
        os.chdir(at)


def device(kind: int, folder: Path) -> None:
    if os.geteuid():
        pytest.skip("only root makes devices")
    os.mknod(folder / "x.yaml", kind | 0o600, os.makedev(1, 5 if kind == stat.S_IFCHR else 0))


def deep(levels: int, folder: Path) -> None:
    at = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("a", dir_fd=at)
        within = os.open("a", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = within
    os.close(at)


def twin(folder: Path) -> None:
    os.link(folder / "workloads" / "service.yaml", folder / "workloads" / "twin.yaml")


OUT = "leads out of .*: nothing is read or written there"
ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to a file outside": (partial(link, "x.yaml", "{outside}/x.yaml"), OUT),
    "a link to a folder outside": (partial(link, "more", "{outside}"), OUT),
    "a link to a folder outside, with a file's name": (partial(link, "x.yaml", "{outside}"), OUT),
    "a link up": (partial(link, "up", ".."), OUT),
    "a link to a link outside": (partial(link, "x.yaml", "../in/../outside/x.yaml"), OUT),
    "a link to the passwords": (partial(link, "x.yaml", "/etc/passwd"), OUT),
    "a link to the environment": (partial(link, "x.yaml", "/proc/self/environ"), OUT),
    "a link to endless zeros": (partial(link, "x.yaml", "/dev/zero"), OUT),
    "a link to nothing outside": (partial(link, "x.yaml", "{outside}/none.yaml"), OUT),
    "a link to nothing": (partial(link, "x.yaml", "none"), "cannot be read: No such file"),
    "a link to itself": (partial(link, "x.yaml", "x.yaml"), "cannot be read: Too many levels of symbolic links"),
    "links in circles": (in_circles, "cannot be read: Too many levels of symbolic links"),
    "the Events' file is a link out": (partial(link, "events.yaml", "{outside}/x.yaml"), OUT),
    "the Events' file is a link to nothing outside": (partial(link, "events.yaml", "{outside}/none.yaml"), OUT),
    "the Events' file is a pipe": (lambda folder: os.mkfifo(folder / "events.yaml"), "is no regular file"),
    "a pipe": (lambda folder: os.mkfifo(folder / "x.yaml"), r"x\.yaml is no regular file"),
    "a socket": (listening, "is no regular file"),
    "a device": (partial(device, stat.S_IFCHR), "is no regular file"),
    "a disk": (partial(device, stat.S_IFBLK), "is no regular file"),
    "folders in folders": (partial(deep, 101), "is nested deeper than 100 folders"),
    "folders without end": (partial(deep, 3000), "is nested deeper than 100 folders"),
}
FINE: dict[str, Callable[[Path], None]] = {
    "a folder with a file's name": lambda folder: (folder / "x.yaml").mkdir(),
    "a link in circles that is no manifest": partial(link, "README", "README"),
    "a link to a pipe that is no manifest": partial(link, "README", "/dev/zero"),
    "a link to its own folder": partial(link, "again", "."),
    "a second name of a file by a link": partial(link, "again.yaml", "workloads/service.yaml"),
    "a pipe that is no manifest": lambda folder: os.mkfifo(folder / "pipe"),
    "what another editor left": lambda folder: write(folder / ".x.yaml", "{"),
    "a folder of Git's": lambda folder: (folder / ".git").mkdir(),
    "an empty file": lambda folder: put(folder, ""),
    "a byte order mark": lambda folder: put(folder, "\ufeff" + SERVICE),
    "a name that is not UTF-8": lambda folder: write(folder / os.fsdecode(b"\xff.yaml"), SERVICE),
}


@pytest.fixture
def shallow(tmp_path: Path) -> Iterator[None]:
    """Removes a tree that is too deep for the recursive cleaning of pytest."""
    yield
    stack = tmp_path / "in"
    while (stack / "a").is_dir():  # moved up one by one
        within = stack / "a" / "a"
        if within.is_dir():
            within.rename(stack / "b")
            (stack / "a").rmdir()
            (stack / "b").rename(stack / "a")
        else:
            (stack / "a").rmdir()


@pytest.mark.usefixtures("shallow")
@pytest.mark.hostile(WHOSE, "links out and in circles, pipes, sockets, devices, folders without end")
@pytest.mark.parametrize("name", ODD)
def test_what_is_no_file_of_the_folder_is_refused_and_not_waited_for(folder: Path, name: str) -> None:
    make, words = ODD[name]
    make(folder)
    kept = {path.name: path.read_bytes() for path in outside(folder).iterdir()}
    refused(folder, words)
    if name in {
        "a link to a file outside",
        "a pipe",
        "folders in folders",
        "the Events' file is a link to nothing outside",
    }:
        refused_by_the_program(folder, words)
    assert {path.name: path.read_bytes() for path in outside(folder).iterdir()} == kept


@pytest.mark.hostile(WHOSE, "odd things that are no manifests")
@pytest.mark.parametrize("name", FINE)
def test_what_is_no_manifest_keeps_nothing_from_being_released(folder: Path, name: str) -> None:
    FINE[name](folder)
    assert sum(len(FolderCluster(folder).list(kind, Scope())) for kind in KINDS.values()) >= 7
    done = steerer("run", "-f", folder)
    assert (done.returncode, "started" in done.stdout) == (0, True)
    ended(End.SAFE)
