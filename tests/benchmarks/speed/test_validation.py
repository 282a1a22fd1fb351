"""The memory of a run and of the processes it starts is counted."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.speed import validation

WAITS = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")
def test_the_processes_of_a_process_are_found_with_their_memory():
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE) as process:
        found: list[int] = []
        while len(found) < 2:
            found = validation.family(process.pid)
        assert found[0] == process.pid and set(found) < set(validation.family(os.getpid()))
        assert all(validation.proportional(one) > 0.1 for one in found)
        process.communicate(b"\n")
    assert validation.proportional(process.pid) == 0
