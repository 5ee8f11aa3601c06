"""Error messages on stderr."""

from __future__ import annotations

import click

from reconcile.model.text import printable


def print_error(message: str) -> None:
    """Prints why something did not end well. The message may contain text of others, and several lines."""
    click.echo("\n".join(map(printable, message.split("\n"))), err=True)
