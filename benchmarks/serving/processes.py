"""The processes that descend from another, as Linux tells them."""

from __future__ import annotations

import contextlib
from pathlib import Path


def below(pid: int) -> dict[int, str]:
    """The processes that descend from `pid`, with their command lines."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if stat[0] != "Z":
                parents[int(folder.name)] = int(stat[1])
                raw = (folder / "cmdline").read_bytes()
                commands[int(folder.name)] = raw.replace(b"\0", b" ").decode(errors="replace")
    found: set[int] = set()
    while more := {p for p, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return {one: commands[one] for one in found}


def replicas(pid: int) -> list[int]:
    """The replicas of Ray Serve that descend from `pid`."""
    return [one for one, command in below(pid).items() if command.startswith("ray::ServeReplica")]


def megabytes(pid: int) -> float:
    """The memory that a process holds (RSS); 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0.0
    return int(fields[1]) * 4096 / 1e6
