"""A heap in large pages: only where it can be, and the program that starts anew is the same one."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.runtime.host_memory import HUGE, TUNABLES, with_large_pages

LEFT_TO_PROGRAMS = "always [madvise] never"
GLIBC = ("glibc", "2.36")
PROGRAM = """
import os, sys
from zoo.runtime.host_memory import large_pages
large_pages()
print(os.getpid(), os.environ.get("GLIBC_TUNABLES", ""), sys.argv[1:], sys.stdin.read())
sys.exit(3)
"""


@pytest.mark.parametrize(
    ("tunables", "choices", "library", "wanted"),
    [
        ("", LEFT_TO_PROGRAMS, GLIBC, f"{HUGE}=1"),
        ("", LEFT_TO_PROGRAMS, ("glibc", "2.35"), f"{HUGE}=1"),
        ("glibc.malloc.perturb=7", LEFT_TO_PROGRAMS, GLIBC, f"glibc.malloc.perturb=7:{HUGE}=1"),
        (f"{HUGE}=0", LEFT_TO_PROGRAMS, GLIBC, ""),
        (f"{HUGE}=1", LEFT_TO_PROGRAMS, GLIBC, ""),
        ("", "[always] madvise never", GLIBC, ""),
        ("", "always madvise [never]", GLIBC, ""),
        ("", LEFT_TO_PROGRAMS, ("glibc", "2.9"), ""),
        ("", LEFT_TO_PROGRAMS, ("", ""), ""),
    ],
)
def test_large_pages_are_asked_for_where_that_changes_something(tunables, choices, library, wanted):
    assert with_large_pages(tunables, choices, library) == wanted


def test_the_program_goes_on_with_its_arguments_input_and_exit_code(tmp_path):
    choices = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    linux = choices.read_text() if choices.exists() else ""
    file = tmp_path / "a program.py"
    file.write_text(PROGRAM)
    given = {name: value for name, value in os.environ.items() if name != TUNABLES}
    started = subprocess.Popen(
        [sys.executable, str(file), "--out", "a folder"],
        env={**given, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said, _ = started.communicate("what it reads")
    wanted = with_large_pages("", linux, platform.libc_ver())
    assert said == f"{started.pid} {wanted} ['--out', 'a folder'] what it reads\n"
    assert started.returncode == 3
