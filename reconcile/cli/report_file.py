"""The file of `--report`: what passes of this process did, as a page or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from reconcile.cli.command import option
from reconcile.cli.option_types import PATH
from reconcile.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.lookback.history import History

FORMS = (".html", ".svg")
ReportFile = Annotated[
    Path | None,
    option("--report", type=PATH, metavar="FILE", help="Write what happened into this file: a page .html, or .svg."),
]


def check_name(file: Path | None) -> None:
    """Raises UsageError for a file whose name says no form, or that has no folder."""
    if file is None:
        return
    if file.suffix not in FORMS:
        raise UsageError(f"--report {file}: the name has to end in .html or .svg, which says what is written")
    if not file.parent.is_dir():
        raise UsageError(f"--report {file}: there is no folder {file.parent}")


def write(file: Path, histories: Sequence[History]) -> None:
    """Writes the histories. Raises UsageError for a file that cannot be written."""
    from reconcile.lookback import page  # noqa: PLC0415 - loading Jinja2 takes as long as half of a pass

    text = page.html(histories) if file.suffix == ".html" else page.svg(histories)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--report {file} cannot be written: {error.strerror}") from error
