"""One training at a time in one folder: an operating-system lock that dies with its process."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from training.commands import CommandError

FILE = "lock"
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What a file system answers that has no locks."""


class InUseError(CommandError):
    """Another process trains in the folder; the message says which, and where."""


@contextmanager
def owned(state: Path) -> Iterator[None]:
    """Within it, this process is the only one that trains with the state in the folder `state`.

    The system frees the lock when the process ends, however it ends; what the file says is of
    interest only while the lock is held. On a file system without locks nothing is locked.

    Raises:
        InUseError: another process has it.
    """
    state.mkdir(parents=True, exist_ok=True)
    with (state / FILE).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise InUseError(
                    f"{state.parent} is being trained in by {_holder(file)}. Wait for its end, "
                    "stop it, or choose another --out."
                ) from None
        _write(
            file,
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": time.strftime("%Y-%m-%d %H:%M:%S"),
            },
        )
        try:
            yield
        finally:
            _write(file, None)


def _write(file: IO[str], content: dict[str, object] | None) -> None:
    file.seek(0)
    file.truncate()
    file.write("" if content is None else json.dumps(content))
    file.flush()


def _holder(file: IO[str]) -> str:
    """Who holds the lock, as far as the file tells."""
    try:
        file.seek(0)
        found = json.loads(file.read())
        return f"process {found['pid']} on {found['host']} since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
