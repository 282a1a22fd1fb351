"""Several devices and several processes learn what one device learns from the same batches."""

from __future__ import annotations

import csv
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tests import thorough
from tests.training import training_runs
from training import checkpoint
from training.distributed.devices import choose
from training.distributed.processes import Processes
from training.loop import STOP_EVERY

STEPS = 90
OPTIONS = {
    "--model": "transformer",
    "--preset": "nano",
    "--dropout": 0,
    "--steps": STEPS,
    "--batch-tokens": 150,
    "--warmup": 20,
    "--validate-every": 30,
    "--validate-on": 2,
    "--validate-with": "keras",
    "--checkpoint-every": 5,
    "--patience": 0,
    "--precision": "float32",
}
SMALL = ("--set", "encoder_layers=1", "--set", "decoder_layers=1")
BOTH = """
import sys
from training.train import app
out, *words = sys.argv[1:]
app([*words, "--out", out + "-two", "--devices", "2"], standalone_mode=False)
app([*words, "--out", out + "-one"], standalone_mode=False)
"""
VARIABLES = {"jax": training_runs.ON_JAX, "tensorflow": {"KERAS_BACKEND": "tensorflow"}}


def corpus(path: Path) -> None:
    """Sentences of two to four words, and the same backwards."""
    words = "sun moon star tree bird fish".split()
    rows = [
        " ".join(row)
        for length, every in ((2, 1), (3, 3), (4, 20))
        for row in list(itertools.product(words, repeat=length))[::every]
    ]
    lines = [f"{row}\t{' '.join(reversed(row.split()))}\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def start(backend: str, folder: Path, *words: object) -> subprocess.Popen:
    """`python ...words` with the options of all runs, on the corpus in `folder`."""
    options = {**OPTIONS, "--task": f"tsv:{folder / 'pairs.tsv'}"}
    words = [*words, *SMALL, *(word for pair in options.items() for word in pair)]
    # What the first process compiles, those that go on read.
    kept = {"JAX_COMPILATION_CACHE_DIR": str(folder / "compiled")}
    kept |= {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=training_runs.ROOT,
        env={**os.environ, **VARIABLES[backend], **kept, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_two(out: Path) -> list[subprocess.Popen]:
    """The two processes of one run on JAX, each with one CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    common = ("-m", "training.train", "--out", out, "--processes", 2, "--coordinator", address)
    return [start("jax", out.parent, *common, "--process", i) for i in range(2)]


def check(process: subprocess.Popen) -> str:
    status, said = training_runs.finish(process)
    assert status == 0, said
    return said


def learnt(out: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Training and validation losses at steps 30, 50, 60, 90; the averaged weights by name."""
    with (out / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    losses = [[float(row["loss"]), float(row["valid_loss"] or 0)] for row in rows]
    return np.array(losses), checkpoint.read_best(out / "training")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where the corpus is, and the runs are."""
    made = tmp_path_factory.mktemp("devices")
    corpus(made / "pairs.tsv")
    return made


@pytest.fixture(scope="module")
def pairs(folder) -> Callable[[str], tuple[Path, Path]]:
    """The runs on one device and on two, once for each backend."""

    def run(backend: str) -> tuple[Path, Path]:
        one, two = folder / f"{backend}-one", folder / f"{backend}-two"
        if not one.exists():
            said = check(start(backend, folder, "-c", BOTH, folder / backend))
            assert " ".join(said.split()).count("2 devices") == 1
        return one, two

    return run


def agree(ours: Path, theirs: Path) -> None:
    """The same losses all along, and the same weights at the best validation."""
    (losses, weights), (expected, wanted) = learnt(ours), learnt(theirs)
    assert losses.shape == expected.shape == (4, 2)
    assert expected[-1, 0] < 0.8 * expected[0, 0]
    np.testing.assert_allclose(losses, expected, atol=1e-4)
    assert weights.keys() == wanted.keys()
    for name, array in wanted.items():
        # A bias of all keys moves no attention: its gradient is rounding, which Adam enlarges.
        if not name.endswith("key_value/bias"):
            np.testing.assert_allclose(weights[name], array, atol=1e-4, err_msg=name)


@pytest.mark.slow
@thorough.mark
@pytest.mark.parametrize("backend", VARIABLES)
def test_two_devices_of_one_machine_learn_what_one_does(pairs, backend):
    one, two = pairs(backend)
    agree(two, one)


@pytest.mark.slow
@thorough.mark
def test_two_processes_of_which_one_is_killed_or_stopped_learn_what_one_does(folder, pairs):
    out = folder / "two-processes"
    pair = start_two(out)
    training_runs.wait_for(pair[0], out, 10)
    pair[1].kill()
    status, said = training_runs.finish(pair[0])  # within its limit, instead of waiting for ever
    assert status == 2 and "the same command goes on" in said, said
    assert training_runs.finish(pair[1])[0] == -signal.SIGKILL
    step = checkpoint.read_progress(out / "training").step
    assert 10 <= step < STEPS
    assert not (out / "weights.safetensors").exists()

    pair = start_two(out)
    training_runs.wait_for(pair[0], out, step + 15)
    pair[1].send_signal(signal.SIGTERM)
    (status, said), (other, _) = [training_runs.finish(process) for process in pair]
    assert (status, other) == (130, 130), said
    assert f"Going on at step {step} of {STEPS}" in said
    step = checkpoint.read_progress(out / "training").step
    assert step % STOP_EVERY == 0 and step < STEPS

    pair = start_two(out)
    said, other = [check(process) for process in pair]
    assert f"Going on at step {step} of {STEPS}" in said
    assert "2 processes" in said and "Going on" not in other
    agree(out, pairs("jax")[0])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"processes": 2}, "--processes needs --process I"),
        ({"processes": 2, "process": 0, "coordinator": "host"}, "--coordinator HOST:PORT"),
        ({"processes": 2, "process": 2, "coordinator": "host:1"}, "from 0 to 1. Received"),
        ({"process": 1}, "need --processes"),
        ({"coordinator": "host:1"}, "need --processes"),
        ({"distributed": True, "process": 0}, "--distributed finds"),
        ({"distributed": True, "processes": 2}, "--distributed finds"),
        ({"distributed": True}, "keras-team/keras#20585.*KERAS_BACKEND=jax"),
        ({"processes": 2, "process": 1, "coordinator": "host:1"}, "KERAS_BACKEND=jax"),
    ],
)
def test_what_does_not_go_together_is_named(monkeypatch, asked, said):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ValueError, match=said):
        choose(**asked)


def test_a_process_alone_talks_to_itself():
    alone = Processes()
    with alone.in_turn():
        assert alone.first and alone.tell({"best": 1.5}) == {"best": 1.5}
    assert alone.any(True) and not alone.any(False)
    alone.check_same("data", "a1")
    with pytest.raises(KeyError), alone.ends_at_once(()):
        raise KeyError
