"""How much memory this process has, and how it keeps to what it needs. Standard library only."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import sys
from pathlib import Path

TUNABLES, HUGE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"


def one_heap() -> None:
    """Let all threads allocate from one heap, where the C library is glibc.

    By default each thread has its own, and a training step's large tensors, which come and go on
    whatever thread is free, leave holes in all of them: more memory for the same speed.
    """
    if platform.libc_ver()[0] == "glibc":
        arena_max = -8  # M_ARENA_MAX of malloc.h
        ctypes.CDLL("libc.so.6").mallopt(arena_max, 1)


def large_pages() -> None:
    """Start this program anew with a heap in pages of 2 MB, where Linux leaves that to programs.

    A step of training asks for, fills and returns hundreds of MB: page by page of 4 kB the system
    takes a tenth of the time. The C library reads this setting when a program starts, and only
    then; so call it first, from the `__main__` of a command. Returns where there is nothing to
    change.
    """
    try:
        choices = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return
    given = os.environ.get(TUNABLES, "")
    if wanted := with_large_pages(given, choices, platform.libc_ver()):
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, sys.orig_argv, {**os.environ, TUNABLES: wanted})


def with_large_pages(tunables: str, choices: str, library: tuple[str, str]) -> str:
    """The C library's settings with large pages in the heap; "" where nothing is to be changed.

    Args:
        tunables: the settings so far, as in the variable GLIBC_TUNABLES.
        choices: what Linux says of large pages, as "always [madvise] never".
        library: the C library's name and version, of `platform.libc_ver`.

    Example:
        >>> with_large_pages("", "always [madvise] never", ("glibc", "2.36"))
        'glibc.malloc.hugetlb=1'
    """
    name, version = library
    known = name == "glibc" and [int(part) for part in version.split(".")[:2]] >= [2, 35]
    if not known or "[madvise]" not in choices or HUGE in tunables:
        return ""
    return ":".join(filter(None, (tunables, f"{HUGE}=1")))


def give_back() -> None:
    """Return to the system the memory that is free but kept, where the C library is glibc.

    Tracing a step, and compiling an answer, take some 100 MB each for moments.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def told_by_linux(path: str, name: str) -> float | None:
    """MB that the line `name` of a file under /proc states; None where there is none."""
    try:
        lines = Path(path).read_text().splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith(f"{name}:")]
        return int(kilobytes) / 1e3 * 1.024
    except (OSError, ValueError):
        return None


def peak_memory() -> float:
    """The most memory this process has had in its life, in MB."""
    told = told_by_linux("/proc/self/status", "VmHWM")
    if told is not None:
        return told
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3 * 1.024
