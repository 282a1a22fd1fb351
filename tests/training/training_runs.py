"""Small runs of the commands of `training`, as a user starts them, each in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

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
    "--validate-with": "keras",  # LiteRT graphs are made in processes that take seconds
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


def environment() -> dict[str, str]:
    """This process's variables without the backend, which commands would name in a card."""
    return {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}


ON_JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
"""Variables of a process on JAX, on the processor."""

TRAIN = ("-m", "training.train")


def words(out: Path, **options: object) -> list[str]:
    """The arguments of a run on the `pairs.tsv` beside `out`, where it leaves its model."""
    given = {**OPTIONS, "--task": f"tsv:{out.parent / 'pairs.tsv'}", "--out": out, **options}
    return [str(word) for pair in given.items() for word in pair]


def start(out: Path, program: tuple[str, ...] = TRAIN, **options: object) -> subprocess.Popen:
    """The process of a run that leaves its model in `out`: `python` with `program`."""
    return subprocess.Popen(
        [sys.executable, *program, *words(out, **options)],
        cwd=ROOT,
        env=environment(),
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


def python(
    script: str,
    *words: str,
    folder: Path = ROOT,
    given: str | None = None,
    env: dict[str, str] | None = None,
) -> str:
    """What a script prints that ends well, in a process of its own that can import the project.

    Args:
        script: for `python -c`.
        words: its arguments.
        folder: it works in.
        given: its standard input.
        env: its variables; by default those of this process.
    """
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}", *words],
        cwd=folder,
        env=env,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


CALLS = """
import json
from typer.testing import CliRunner

def call(app, arguments):
    result = CliRunner().invoke(app, arguments)
    odd = result.exception and not isinstance(result.exception, SystemExit)
    return [result.exit_code, result.output, repr(result.exception) if odd else None]

calls, found = json.load(sys.stdin), {}
"""


def make_calls(script: str, folder: Path, calls: Any, **variables: str) -> None:
    """Make many calls of commands in one process that works in `folder`, quicker than one each.

    Args:
        script: may use `calls`, and `call(app, arguments)`, which gives the exit status, what was
            printed and what was raised that no user should see; what it puts into the dictionary
            `found` is then in the file found.json.
        folder: to work in.
        calls: which, as JSON.
        variables: of the process, beside those of this one.
    """
    script = f'{CALLS}{script}\njson.dump(found, open("found.json", "w"))'
    python(script, folder=folder, given=json.dumps(calls), env={**environment(), **variables})


FRAMEWORKS = ("tensorflow", "keras", "jax", "numpy")


def help_without_frameworks(module: str) -> str:
    """What `--help` of a command of `training` prints; it may import no framework."""
    said = python(
        f"from training import {module}\n"
        f"try: {module}.app(['--help'])\n"
        "except SystemExit as end: print('exit', end.code)\n"
        f"print([m for m in {FRAMEWORKS} if m in sys.modules])"
    )
    assert "exit 0" in said and said.strip().endswith("[]"), said
    return said
