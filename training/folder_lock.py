"""One training at a time in one folder: an operating-system lock that ends with its process."""

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


def is_held(state: Path) -> bool:
    """Whether a process trains with the state in the folder `state`; looks without taking hold.

    The lock is tried only where the file names a process that may still run, so that a run that
    begins at this moment is not kept out of its own folder.
    """
    try:
        with (state / FILE).open(encoding="utf-8") as file:
            found = json.loads(file.read(1000))
            if found["host"] == socket.gethostname() and not _runs(found["pid"]):
                return False
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:  # without locks, the process is all there is to go by
        return error.errno in UNSUPPORTED
    except (ValueError, KeyError, TypeError):
        return False
    return False


def _runs(pid: object) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(int(pid) if isinstance(pid, int) and pid > 0 else 2**31 - 1, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


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
