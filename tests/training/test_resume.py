"""A run that is killed, and one that is stopped, ends as if nothing had happened."""

from __future__ import annotations

import csv
import importlib.util
import signal
import types
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors.numpy import load

import zoo
from tests import thorough
from tests.training import training_runs
from tests.zoo import tiny_models
from training import card_writer, checkpoint, run_progress
from training.checkpoint import CheckpointError, Progress
from training.data.batches import make_batch
from training.distributed import devices, matrix_speed
from training.objectives.cross_entropy import SmoothedCrossEntropy, make_optimizer
from zoo.tokenizer import EOS


def curve(folder: Path) -> list[dict[str, str]]:
    """The curve without what depends on the clock."""
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    clock = ("tokens_per_second", "minutes")
    return [{key: value for key, value in row.items() if key not in clock} for row in rows]


DIES_AND_ENDS_AND_RUNS_ONCE_MORE = """
import shutil, sys
from pathlib import Path
from training import card_writer
from training.train import app

class Killed(BaseException):
    pass

def dies(*given):
    raise Killed

def call(words):
    try:
        app(words)
    except SystemExit as end:
        assert not end.code

words = sys.argv[1:]
broken = Path(words[words.index("--out") + 1])
write, card_writer.write = card_writer.write, dies
try:
    call(words)
except Killed:
    shutil.copytree(broken, broken.with_name("dead"))
card_writer.write = write
print("NEXT", flush=True)
call(words)
print("NEXT", flush=True)
whole = broken.with_name("whole")
(whole / "training").mkdir(parents=True)
for graphs in (broken / "training").glob("graphs-*.zip"):  # they take long to make
    shutil.copy(graphs, whole / "training")
call([str(whole) if word == str(broken) else word for word in words])
"""
"""What is left of a run, which dies once more as it writes its model; and a run that is let be."""


@pytest.mark.slow
@pytest.mark.parametrize("decoder", thorough.params(["keras", "auto"], ["keras"]))
def test_killed_and_stopped_runs_end_with_the_same_bytes(tmp_path, decoder):
    training_runs.corpus(tmp_path / "pairs.tsv")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    usual = {"--validate-with": decoder}

    killed = training_runs.start(broken, **usual)
    training_runs.wait_for(killed, broken, 120)
    killed.kill()
    assert training_runs.finish(killed)[0] == -signal.SIGKILL
    step = checkpoint.read_progress(broken / "training").step
    assert 120 <= step < training_runs.STEPS
    assert not (broken / "weights.safetensors").exists()

    stopped = training_runs.start(broken, **usual)
    training_runs.wait_for(stopped, broken, step + 100)
    stopped.send_signal(signal.SIGINT)
    status, said = training_runs.finish(stopped)
    assert status == 130, said
    assert "Traceback" not in said and "the same command goes on" in said
    assert f"Going on at step {step} of {training_runs.STEPS}" in said
    stopped_at = checkpoint.read_progress(broken / "training").step
    assert step < stopped_at < training_runs.STEPS

    last = training_runs.start(broken, ("-c", DIES_AND_ENDS_AND_RUNS_ONCE_MORE), **usual)
    status, said = training_runs.finish(last)
    assert status == 0, said
    dying, ending, of_whole = said.split("NEXT")
    assert f"Going on at step {stopped_at} of {training_runs.STEPS}" in dying
    dead = tmp_path / "dead"
    progress = checkpoint.read_progress(dead / "training")
    assert progress.step == training_runs.STEPS and not progress.finished
    assert (dead / "weights.safetensors").exists() and not (dead / "card.json").exists()
    assert f"Going on at step {training_runs.STEPS} of {training_runs.STEPS}" in ending
    assert "Going on" not in of_whole
    if decoder == "auto" and importlib.util.find_spec("ai_edge_litert"):
        assert "Validation decodes with LiteRT" in of_whole
    assert card_writer.read(broken)["training"]["steps"] == training_runs.STEPS
    for file in ("weights.safetensors", "tokenizer.model", "config.json"):
        there = (broken / file).read_bytes().replace(b"broken", b"whole")
        assert there == (whole / file).read_bytes(), file
    states = [load((run / "training" / checkpoint.FILE).read_bytes()) for run in (whole, broken)]
    assert len(states[0]) == len(states[1]) > 30
    for name, array in states[0].items():  # in full precision, moments and seeds included
        assert (states[1][name] == array).all(), name
    ours, theirs = curve(whole), curve(broken)
    assert [int(row["step"]) for row in ours] == [*range(50, training_runs.STEPS + 1, 50)]
    assert ours == theirs
    assert float(ours[-1]["loss"]) < float(ours[0]["loss"])
    ends = [checkpoint.read_progress(folder / "training") for folder in (whole, broken)]
    for name in ("step", "epoch", "batch", "tokens", "best", "best_step", "finished"):
        assert getattr(ends[0], name) == getattr(ends[1], name), name
    assert ends[0].finished

    # What was left is a model; that a finished run is left alone: see test_start_from.py.
    assert zoo.load(broken).predict(["Tom sees a book."])[0].source_pieces[-1] == "</s>"


@pytest.fixture(scope="module")
def network():
    """A small compiled network after two steps, and a function that takes one more."""
    return trained(2)


def trained(steps: int):
    made = tiny_models.network("simple-rnn", dropout=0.5)
    optimizer = make_optimizer(learning_rate=1e-2, warmup=2, steps=100, clip=1.0, averaging=0.9)
    made.compile(optimizer=optimizer, loss=SmoothedCrossEntropy(0.1))
    optimizer.build(made.trainable_variables)
    batch = make_batch([[5, 6, EOS], [7, EOS]], [[8, EOS], [9, 8, EOS]])

    def step() -> float:
        made.reset_metrics()
        inputs = (batch.source, batch.target_in)
        return float(made.train_on_batch(inputs, batch.target_out, sample_weight=batch.weights))

    for _ in range(steps):
        step()
    return types.SimpleNamespace(model=made, step=step)


def test_a_checkpoint_holds_all_that_decides_what_comes_next(network, tmp_path):
    """Weights, moments, averages, iterations and the seeds of dropout."""
    checkpoint.save(tmp_path, network.model, Progress(step=2))
    fresh = trained(0)
    keras.utils.set_random_seed(77)
    checkpoint.restore(tmp_path, fresh.model)
    assert [fresh.step() for _ in range(3)] == [network.step() for _ in range(3)]
    for ours, theirs in zip(
        [*fresh.model.weights, *fresh.model.optimizer.variables],
        [*network.model.weights, *network.model.optimizer.variables],
        strict=True,
    ):
        assert (np.asarray(ours) == np.asarray(theirs)).all(), theirs.path


def test_a_state_is_written_part_by_part_as_safetensors_reads_it():
    values = {
        "b": np.arange(6, dtype="float32").reshape(2, 3),
        "a": np.array(3),
        "seeds": np.array([1, 2**32 - 1], dtype="uint32"),
        "yes": np.array([True, False]),
        "none": np.zeros((0, 4), dtype="float16"),
        "weight": keras.Variable(np.eye(2, dtype="float32")),
    }
    parts = list(checkpoint.packed(values, {"where": "größer"}))
    assert len(parts) == 1 + len(values) and len(parts[0]) % 8 == 0
    read = load(b"".join(parts))
    assert sorted(read) == sorted(values)
    for name, array in read.items():
        expected = np.asarray(values[name])
        assert array.dtype == expected.dtype and array.shape == expected.shape, name
        assert (array == expected).all(), name


def test_progress_comes_back_as_it_was(network, tmp_path):
    assert checkpoint.read_progress(tmp_path) is None
    progress = Progress(
        step=7,
        epoch=1,
        batch=3,
        minutes=0.1,
        best=1 / 3,
        losses=[0.1, 2.7182818284590451],
        settings={"task": "dates", "override": {"hidden_size": 8}, "dropout": None, "epochs": 1.0},
    )
    checkpoint.save(tmp_path, network.model, progress)
    assert checkpoint.read_progress(tmp_path) == progress
    assert [path.name for path in tmp_path.iterdir()] == [checkpoint.FILE]


def test_the_precision_auto_is_the_machines_then_the_runs(network, tmp_path):
    """A run goes on as it began, also on a machine that would have chosen otherwise."""
    settings = {"seed": 1, "precision": "auto"}
    chosen = {}
    for precision in ("float32", "mixed_bfloat16"):
        on = types.SimpleNamespace(precision=lambda known=precision: known)
        began = run_progress.read_progress(tmp_path / "new", settings, False, on).settings
        assert began == {"seed": 1, "precision": precision}
        chosen[precision] = on
    state = tmp_path / run_progress.STATE
    checkpoint.save(state, network.model, Progress(step=2, settings={**settings, **began}))
    found = run_progress.read_progress(tmp_path, settings, False, chosen["float32"])
    assert found.step == 2 and found.settings["precision"] == "mixed_bfloat16"
    with pytest.raises(CheckpointError, match=r"other settings \(precision\)"):
        run_progress.read_progress(tmp_path, {**settings, "precision": "float32"}, False)


@pytest.mark.parametrize(
    "flags, pays, precision",
    [
        ("avx512f", True, "float32"),
        ("amx_bf16", True, "mixed_bfloat16"),
        ("amx_bf16", False, "float32"),
    ],
)
def test_half_precision_is_chosen_where_the_processor_gains_by_it(
    monkeypatch, flags, pays, precision
):
    monkeypatch.setattr(devices, "processor_name", lambda: f"Some CPU {flags}")
    monkeypatch.setattr(matrix_speed, "bfloat16_pays", lambda: pays)
    expected = precision if keras.backend.backend() == "tensorflow" else "float32"
    assert devices.ONE.precision() == expected


@pytest.mark.parametrize("size", [0, 5, 100, -10])
def test_a_damaged_checkpoint_is_named(network, tmp_path, size):
    checkpoint.save(tmp_path, network.model, Progress(step=2))
    path = tmp_path / checkpoint.FILE
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=rf"{checkpoint.FILE} is damaged .*--fresh"):
        checkpoint.read_progress(tmp_path)
    with pytest.raises(CheckpointError, match=f"{checkpoint.FILE} is damaged"):
        checkpoint.restore(tmp_path, network.model)


def test_a_checkpoint_of_something_else_is_named(network, tmp_path):
    from safetensors.numpy import save

    path = tmp_path / checkpoint.FILE
    for metadata in (None, {"progress": "{}}"}, {"progress": '{"steps": 3}'}, {"other": "1"}):
        path.write_bytes(save({"00000": np.zeros(3, "float32")}, metadata))
        with pytest.raises(CheckpointError, match="is damaged"):
            checkpoint.read_progress(tmp_path)
    with pytest.raises(CheckpointError, match="belongs to another model"):
        checkpoint.restore(tmp_path, network.model)


def test_damaged_best_weights_are_named(tmp_path):
    assert checkpoint.read_best(tmp_path) is None
    checkpoint.write_best(tmp_path, {"a": np.array([1.5], "float32")})
    assert checkpoint.read_best(tmp_path)["a"].tolist() == [1.5]
    (tmp_path / checkpoint.BEST).write_bytes(b"x")
    with pytest.raises(CheckpointError, match="--fresh"):
        checkpoint.read_best(tmp_path)


def test_forgetting_a_run_removes_what_it_left_and_nothing_else(network, tmp_path):
    checkpoint.save(tmp_path, network.model, Progress(step=2))
    checkpoint.write_best(tmp_path, {"a": np.zeros(1)})
    (tmp_path / "tokenizer.model").write_bytes(b"x")
    (tmp_path / "precious.txt").write_text("mine")
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "events.out.tfevents.1").write_bytes(b"x")
    checkpoint.forget(tmp_path)
    left = {path.name for path in tmp_path.rglob("*")}
    assert left == {"precious.txt", "tensorboard"}
    checkpoint.forget(tmp_path / "nothing")
