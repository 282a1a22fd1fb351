"""Small runs of `python -m training.train`, as a user starts them."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

from training import checkpoint

ROOT = Path(__file__).resolve().parents[2]
STEPS = 600
OPTIONS = {
    "--model": "simple-rnn",
    "--preset": "nano",
    "--steps": STEPS,
    "--batch-tokens": 100,
    "--warmup": 20,
    "--validate-every": 250,
    "--checkpoint-every": 10,
    "--patience": 0,
    "--threads": 1,
    "--precision": "float32",
    "--subword-regularization": 0.5,
    "--seed": 4,
}


def corpus(path: Path) -> Path:
    """160 made-up pairs in a TSV file."""
    words = {
        "who": ("Tom", "she", "my sister", "the man", "nobody"),
        "does": ("sees", "buys", "wants", "has"),
        "what": ("the red car", "a book", "this house", "two dogs"),
        "end": (".", " now."),
    }
    sources = [f"{a} {b} {c}{d}" for a, b, c, d in itertools.product(*words.values())]
    lines = [f"{source}\t{' '.join(reversed(source.split()))}\n" for source in sources]
    path.write_text("".join(lines), encoding="utf-8")
    return path


TRAIN = ("-m", "training.train")


def start(out: Path, program: tuple[str, ...] = TRAIN, **options: object) -> subprocess.Popen:
    """The process of a run that leaves its model in `out`: `python` with `program`."""
    given = {**OPTIONS, "--task": f"tsv:{out.parent / 'pairs.tsv'}", "--out": out, **options}
    words = [str(word) for pair in given.items() for word in pair]
    return subprocess.Popen(
        [sys.executable, *program, *words],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


LONGEST = 900  # seconds: beyond what a run takes on a machine that is busy with others


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Its exit status and all that it printed; a run that hangs fails the test."""
    try:
        said, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, said


def wait_for(process: subprocess.Popen, out: Path, step: int) -> None:
    """Until the run has saved itself at `step` or later."""
    while process.poll() is None:
        progress = checkpoint.read_progress(out / "training")
        if progress and progress.step >= step:
            return
        time.sleep(0.005)
    raise AssertionError(f"The run ended before step {step}: {process.communicate()[0]}")


def importable(script: str) -> str:
    """A script for `python -c` in another folder that can import the project."""
    return f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"
