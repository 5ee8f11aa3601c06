"""The file of a saved plan: `steerer plan --out` writes it, `steerer apply` reads it.

`reconcile.engine.saved_plan` defines what is in it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconcile import __version__, files
from reconcile.cli import adapters
from reconcile.engine import saved_plan
from reconcile.model.errors import UsageError
from reconcile.report import plain_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconcile.model.plan import Record
    from reconcile.model.ports import Cluster

# No plan is as large: a file that is named by mistake is not read whole.
MOST_BYTES = 64 * 1024 * 1024


def read(path: Path) -> str:
    """Returns the text of a file. Raises UsageError where it cannot be a plan."""
    try:
        data, _ = files.read(path, MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MiB: no plan is")
        return data.decode()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no plan that steerer saved") from error


def write(path: Path, records: Sequence[Record], cluster: Cluster) -> None:
    """Replaces a file by the plan of these records, atomically and readable for its owner only. Raises UsageError."""
    content = _content(records, cluster)
    temporary = ""
    try:
        if path.exists() and not path.is_file():  # replacing it would remove a device or a pipe
            raise UsageError(f"{path} cannot be written: it is no regular file")
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(temporary).unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _content(records: Sequence[Record], cluster: Cluster) -> str:
    source = str(getattr(cluster, "server", "") or getattr(cluster, "folder", ""))
    time = records[0].at if records else adapters.now()
    return plain_data.dump(saved_plan.to_document(records, version=__version__, source=source, time=time), "json")
