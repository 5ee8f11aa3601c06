"""The notices of the commands that write: where they go, and what is told of a pass."""

# Without `from __future__ import annotations`, as in `options`.

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

from reconcile.cli.command import Options, option
from reconcile.cli.option_types import PATH
from reconcile.model.errors import UsageError
from reconcile.model.plan import Record

LOG = logging.getLogger("steerer.notices")
Tell = Callable[[Iterable[Record]], None]
"""Tells of the transitions in what a pass stored."""


class NotifyOptions(Options, frozen=True, kw_only=True):
    """Where the transitions of a release are told."""

    notify_url: Annotated[
        str | None,
        option("--notify-url", metavar="URL", help="Webhook that gets a JSON POST for each transition of a release."),
    ] = None
    notify_url_file: Annotated[
        Path | None,
        option("--notify-url-file", type=PATH, help="File with that URL, which may be a secret; read in each pass."),
    ] = None


def tell_nobody(_records: Iterable[Record]) -> None:
    """Tells of nothing."""


def tell_of(options: NotifyOptions) -> Tell:
    """Returns what tells of a pass. Raises UsageError for an address that is none."""
    if options.notify_url and options.notify_url_file is not None:
        raise UsageError("--notify-url and --notify-url-file exclude each other")
    if not options.notify_url and options.notify_url_file is None:
        return tell_nobody
    from reconcile.notices import receiver  # noqa: PLC0415 - most passes have nobody to tell

    file = options.notify_url_file
    known = receiver.parse_url(options.notify_url, "--notify-url") if options.notify_url else None

    def tell(records: Iterable[Record]) -> None:
        notices = [_notices(record) for record in records]
        if not any(notices):
            return
        try:
            target = receiver.read_file(file) if file is not None else known
        except UsageError as error:  # a Secret may be gone for a while: the release goes on
            LOG.warning("%d notices were not sent: %s", sum(map(len, notices)), error)
            return
        if target is not None:
            receiver.send(target, [*filter(None, notices)])

    return tell


def _notices(record: Record) -> list[dict[str, object]]:
    """Returns the notices of one Rollout, in the order of its Events."""
    import socket  # noqa: PLC0415 - as above

    from reconcile.notices.flux_event import flux_event  # noqa: PLC0415 - as above

    instance = socket.gethostname()
    return [flux_event(record.plan, event, at, instance) for event, at in record.told if event.transition]
