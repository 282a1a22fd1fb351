"""What every command does when something goes wrong: one sentence, exit code 2, no traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

WRONG, STOPPED = 2, 130
"""Exit codes: what a person can put right, and Ctrl-C (128 + SIGINT, as shells have it)."""


class CommandError(RuntimeError):
    """A fault that the user can put right; the message says how."""


EXPECTED = (CommandError, ValueError, OSError, FloatingPointError, MemoryError, ImportError)
"""What a sentence is enough for; any other error is a fault of the program, with its traceback."""

MEMORY = (
    "There is not enough memory for this. Smaller batches (--batch-tokens), fewer --beams or a "
    "smaller model need less."
)
DISK = "There is no space left on the disk{place}. Free some, and give the same command again."


@contextmanager
def plainly() -> Iterator[None]:
    """Within it, errors are told in one sentence on standard error; also a decorator of commands.

    Exit codes: 2 where the user can do something about it, 130 after Ctrl-C. Errors that are not
    the user's keep their traceback.
    """
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("Stopped.", err=True)
        raise typer.Exit(STOPPED) from None
    except Exception as error:
        said = sentence(error)
        if said is None:
            raise
        typer.secho(f"error: {said}", fg="red", err=True)
        raise typer.Exit(WRONG) from None


def sentence(error: BaseException) -> str | None:
    """What to say about `error`, on one line; None where it is a fault of the program."""
    if isinstance(error, OSError):
        # A pipe that is closed (`... | head`) is no mistake: typer ends in silence.
        return None if isinstance(error, BrokenPipeError) else _line(_of_the_system(error))
    kinds = {kind.__name__ for kind in type(error).__mro__}
    # By name: a framework that has not been imported has raised nothing.
    if "ResourceExhaustedError" in kinds or str(error).startswith("RESOURCE_EXHAUSTED"):
        full = "No space left" in str(error)
        return DISK.format(place="") if full else MEMORY
    if "PermissionDeniedError" in kinds:
        return _line(f"{getattr(error, 'message', error)} (permission denied)")
    if isinstance(error, MemoryError):
        return MEMORY
    if isinstance(error, ImportError):
        return _line(f"{error}. Install what is missing into the environment of {sys.executable}")
    return _line(str(error) or type(error).__name__) if isinstance(error, EXPECTED) else None


def _of_the_system(error: OSError) -> str:
    name = error.filename
    place = repr(str(name)) if name is not None else "a file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK.format(place="" if name is None else f" of {place}")
    said = {
        errno.EACCES: f"{place} may not be read or written: permission denied",
        errno.EPERM: f"{place} may not be read or written: permission denied",
        errno.EROFS: f"{place} may not be written: the file system is read-only",
        errno.EISDIR: f"{place} is a folder, and a file is wanted",
        errno.ENOTDIR: f"{place} has a file on its way, where a folder is wanted",
        errno.EEXIST: f"{place} is a file, and a folder is wanted",
        errno.ENOENT: f"there is no such file or folder: {place}",
    }.get(error.errno or 0)
    # Errors of the program's own making and of the network have their message alone.
    return f"{said}. Give another path" if said and name is not None else str(error)


def _line(text: str) -> str:
    return " ".join(text.split())
