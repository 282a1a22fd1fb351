"""Compiled programs on disk: kept, read again, and made anew when they are damaged."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from zoo.runtime import program_cache

ROOT = Path(__file__).resolve().parents[3]
ANSWER = (
    "import sys, zoo; print(zoo.load(sys.argv[1]).predict('a b', attention=False)[0].log_probs)"
)


def answer(model: Path, kept: Path) -> str:
    """What a fresh process that keeps its programs in `kept` answers."""
    done = subprocess.run(
        [sys.executable, "-c", ANSWER, str(model)],
        cwd=ROOT,
        env={**os.environ, program_cache.VARIABLE: str(kept)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX skips damaged ones itself")
def test_a_kept_program_is_used_and_a_damaged_one_is_made_anew(character_folder, tmp_path):
    kept = tmp_path / "kept"
    first = answer(character_folder, kept)
    files = list(kept.glob("*/*"))
    assert files
    for path in files:
        os.truncate(path, 100)
    assert answer(character_folder, kept) == first
    # Whole again: the damaged ones were read, and thrown away.
    assert min(path.stat().st_size for path in kept.glob("*/*")) > 100


def test_off_and_unwritable_keep_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(program_cache.VARIABLE, "off")
    assert program_cache.folder("tensorflow", "1") is None
    (tmp_path / "file").touch()
    monkeypatch.setenv(program_cache.VARIABLE, str(tmp_path / "file"))
    assert program_cache.folder("tensorflow", "1") is None
    assert not program_cache.forget(None)


def test_a_folder_for_each_version_and_flags_that_others_cannot_read(tmp_path, monkeypatch):
    monkeypatch.setenv(program_cache.VARIABLE, str(tmp_path / "kept"))
    places = [
        program_cache.folder("jax", "1"),
        program_cache.folder("jax", "2"),
        program_cache.folder("tensorflow", "1"),
    ]
    monkeypatch.setenv("XLA_FLAGS", "--another")
    places.append(program_cache.folder("jax", "1"))
    assert len(set(places)) == 4
    assert all(stat.S_IMODE(place.stat().st_mode) == 0o700 for place in places)


def test_without_a_name_it_lies_in_the_cache_of_the_user(tmp_path, monkeypatch):
    monkeypatch.delenv(program_cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert program_cache.folder("jax", "1").parent == tmp_path / "attention-zoo"


def test_the_programs_used_longest_ago_go_first(tmp_path, monkeypatch):
    monkeypatch.setenv(program_cache.VARIABLE, str(tmp_path))
    monkeypatch.setattr(program_cache, "LARGEST", 250)
    place = program_cache.folder("jax", "1")
    for age, name in enumerate(("new", "older", "oldest")):
        (place / name).write_bytes(bytes(100))
        os.utime(place / name, (1e9 - age, 1e9 - age))
    program_cache.folder("jax", "1")
    assert {path.name for path in place.iterdir()} == {"new", "older"}
    assert program_cache.forget(place) and not list(place.iterdir())
