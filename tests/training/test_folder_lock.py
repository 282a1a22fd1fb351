"""Two trainings never share a folder; a dead one never keeps it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys

import pytest

from tests.training import training_runs
from training import folder_lock

HOLDS = """
import sys, time
from pathlib import Path
from training.folder_lock import owned
with owned(Path(sys.argv[1])):
    print("holding", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that trains in `tmp_path`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path / "training")],
        cwd=training_runs.ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_refused_while_the_first_lives(holder, tmp_path):
    state = tmp_path / "training"
    for _ in range(2):
        with pytest.raises(folder_lock.InUseError) as error, folder_lock.owned(state):
            pass
        said = str(error.value)
        assert f"process {holder.pid} on {socket.gethostname()}" in said
        assert str(tmp_path) in said and "--out" in said
    holder.kill()
    holder.wait()
    assert json.loads((state / folder_lock.FILE).read_text())["pid"] == holder.pid  # stale by now
    with folder_lock.owned(state):
        assert json.loads((state / folder_lock.FILE).read_text())["pid"] == os.getpid()
    with folder_lock.owned(state):
        pass
    assert (state / folder_lock.FILE).read_text() == ""


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', "\x00" * 10, '"x"'])
def test_what_the_file_says_never_stands_in_the_way(tmp_path, content):
    path = tmp_path / folder_lock.FILE
    path.write_text(content)
    with folder_lock.owned(tmp_path):
        path.write_text(content)  # another's scribbling
        with (
            pytest.raises(folder_lock.InUseError, match="another process"),
            folder_lock.owned(tmp_path),
        ):
            pass


def test_a_file_system_without_locks_has_none(tmp_path, monkeypatch):
    def flock(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with folder_lock.owned(tmp_path), folder_lock.owned(tmp_path):
        pass
