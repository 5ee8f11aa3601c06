"""Reading a file that may be anything: regular ones only, as much as is asked for, and without waiting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconcile import files


def test_a_file_is_read_as_far_as_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert files.read(file, 3)[0] == b"123"
    data, status = files.read(file, 6)
    assert (data, status.st_size) == (b"12345", 5)


def test_nobody_waits_for_the_other_end_of_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="it is no regular file"):
        files.read(pipe, 1)


@pytest.mark.parametrize(("name", "words"), [("/dev/zero", "it is no regular file"), ("/", "Is a directory")])
def test_a_device_or_a_folder_is_not_read(name: str, words: str) -> None:
    with pytest.raises(OSError, match=words):
        files.read(Path(name), 1)
