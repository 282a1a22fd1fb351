"""How much memory this process has, and how it keeps to what it needs. Standard library only."""

from __future__ import annotations

import ctypes
import platform
import resource
import sys
from pathlib import Path


def one_heap() -> None:
    """Let all threads allocate from one heap, where the C library is glibc.

    By default each thread has its own, and a training step's large tensors, which come and go on
    whatever thread is free, leave holes in all of them: more memory for the same speed.
    """
    if platform.libc_ver()[0] == "glibc":
        arena_max = -8  # M_ARENA_MAX of malloc.h
        ctypes.CDLL("libc.so.6").mallopt(arena_max, 1)


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
