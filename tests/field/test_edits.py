"""What a commit would hold: the lines of the values that changed, whatever the layout of the manifests."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconcile.cli import steerer

CASE = Path(__file__).parent / "cases" / "indentation"
IMAGE = ["-          image: registry.example/shop:1.0.0", "+          image: registry.example/shop:1.1.0"]
PORTS = "          ports:\n            - name: http\n              containerPort: 8080\n"
SCRIPT = """\
          env:
            - name: START
              value: |
                set -e

                exec /app
"""
VARIABLES = """\
          env:
            - name: A
              value: &v one
            - name: B
              value: *v
"""
ROUTE = """\
  http:
  - match:
    - headers:
        x-tenant:
          exact: acme
    route:
    - destination:
        host: shop
  - route:
    - destination:
        host: shop
      weight: 100
    - destination:
        host: shop-canary
      weight: 0
"""


def run(*arguments: str | Path) -> None:
    done = CliRunner().invoke(steerer, [str(item) for item in arguments])
    assert done.exit_code == 0, done.output


def changes(before: Path, after: Path) -> list[str]:
    old, new = (path.read_bytes().decode().split("\n") for path in (before, after))
    lines = list(difflib.unified_diff(old, new, n=0, lineterm=""))
    return [line for line in lines[2:] if not line.startswith("@@")]


def edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


WIDE = """\
  http:
   -  route:
       - destination: {host: shop}
         weight:  100  # P
       -    weight:   0
            destination:
                    host: shop-canary
"""
BRACES = """\
  http: [{route: [
    {destination: {host: shop}, weight: 100},
    {destination: {host: shop-canary}, weight: 0},
  ]}]
"""
STEP = ["-      weight: 100", "+      weight: 75", "-      weight: 0", "+      weight: 25"]
# A layout of the route -> what its first step changes in it.
ROUTES = {
    "hosts indented, http not": (ROUTE, STEP),
    "no newline at the end": (ROUTE.rstrip("\n"), STEP),
    "wide": (
        WIDE,
        [
            "-         weight:  100  # P",
            "-       -    weight:   0",
            "+         weight:  75   # P",
            "+       -    weight:   25",
        ],
    ),
    "braces": (
        BRACES,
        [
            "-    {destination: {host: shop}, weight: 100},",
            "-    {destination: {host: shop-canary}, weight: 0},",
            "+    {destination: {host: shop}, weight: 75},",
            "+    {destination: {host: shop-canary}, weight: 25},",
        ],
    ),
}


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_step_changes_two_lines(tmp_path: Path, name: str, newline: str) -> None:
    route, expected = ROUTES[name]
    before = shutil.copytree(CASE / "in", tmp_path / "before")
    edit(before, "vs.yaml", ROUTE, route)
    text = (before / "vs.yaml").read_text().replace("\n", newline)
    (before / "vs.yaml").write_bytes(text.encode())
    after = shutil.copytree(before, tmp_path / "after")
    run("run", "-f", after)
    found = changes(before / "vs.yaml", after / "vs.yaml")
    assert [line.removesuffix("\r") for line in found] == expected
    written = (after / "vs.yaml").read_bytes().decode()
    assert written.count("\n") == written.count(newline) == text.count(newline)
    for file in ("primary.yaml", "canary.yaml", "services.yaml"):
        assert (before / file).read_bytes() == (after / file).read_bytes()


# What stands below the image of both Deployments, as people write it.
LAYOUTS = {
    "as in the example": PORTS,
    "lists in two ways": PORTS + "          args:\n          - a\n          - b\n",
    "brackets": PORTS + '          args: [ "a", "b" ]\n',
    "brackets over two lines": PORTS + "          args: [a,\n                 b]\n",
    "two spaces behind a colon": PORTS + "          workingDir:  /srv\n",
    "spaces at the end of a line": PORTS + "          workingDir: /srv   \n",
    "braces on a line of their own": PORTS + "          securityContext:\n            {}\n",
    "a plain text over two lines": PORTS + "          workingDir: one\n            two\n",
    "a folded text": PORTS + "          args:\n            - >-\n              one\n              two\n",
    "tabs in a comment": PORTS + "          workingDir: /srv\t#\ta\ttab\n",
    "an anchor": PORTS + "          workingDir: &dir /srv\n          args: [*dir]\n",
}


def promoted(tmp_path: Path, layout: str, more: str = "") -> list[str]:
    """Returns the changes of the primary's manifest by a release that was promoted."""
    before = shutil.copytree(CASE / "in", tmp_path / "before")
    edit(before, "primary.yaml", PORTS, layout)
    edit(before, "canary.yaml", PORTS, layout + more)
    run("simulate", "-f", before, "--scenario", CASE / "scenario.yaml", "--out", tmp_path / "after")
    return changes(before / "primary.yaml", tmp_path / "after" / "primary.yaml")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_promoted_image_changes_one_line(tmp_path: Path, name: str) -> None:
    assert promoted(tmp_path, LAYOUTS[name]) == IMAGE


def test_a_promoted_script_is_a_block_as_in_the_canary(tmp_path: Path) -> None:
    assert promoted(tmp_path, PORTS, SCRIPT) == IMAGE + [f"+{line}" for line in SCRIPT.splitlines()]


def test_a_promoted_value_of_an_alias_is_written_there(tmp_path: Path) -> None:
    before = shutil.copytree(CASE / "in", tmp_path / "before")
    edit(before, "primary.yaml", PORTS, PORTS + VARIABLES)
    edit(before, "canary.yaml", PORTS, PORTS + VARIABLES.replace("*v", "two"))
    run("simulate", "-f", before, "--scenario", CASE / "scenario.yaml", "--out", tmp_path / "after")
    found = changes(before / "primary.yaml", tmp_path / "after" / "primary.yaml")
    assert found == [*IMAGE, "-              value: *v", "+              value: two"]
