"""What decodes while validating: chosen once a run, and the same answers whatever it is."""

from __future__ import annotations

import importlib.util
import types
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.zoo import tiny_models
from training import run, validating
from training.checkpoint import CheckpointError, Progress
from training.config import TrainConfig
from training.distributed import devices
from training.validating import OnKeras, OnLiteRT
from zoo import saving
from zoo.inference import litert_refilling
from zoo.runtime import litert
from zoo.runtime.litert import GraphError

CPU = types.SimpleNamespace(accelerated=lambda: False)
GPU = types.SimpleNamespace(accelerated=lambda: True, __str__=lambda: "a GPU")


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(litert, "available", lambda: True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: True)


def test_litert_is_chosen_where_it_can_be(installed, monkeypatch):
    assert validating.choose("auto", "seq2seq", CPU) == "litert"
    assert validating.choose("keras", "seq2seq", CPU) == "keras"
    for asked, kind, on, why in (
        ("litert", "language_model", CPU, "a language model is validated without decoding"),
        ("litert", "seq2seq", GPU, "decodes faster"),
    ):
        assert validating.choose("auto", kind, on) == "keras"
        with pytest.raises(ValueError, match=why):
            validating.choose(asked, kind, on)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None)
    with pytest.raises(ValueError, match="made with TensorFlow, which is not installed"):
        validating.choose("litert", "seq2seq", CPU)
    monkeypatch.setattr(litert, "available", lambda: False)
    assert validating.choose("auto", "seq2seq", CPU) == "keras"
    with pytest.raises(ValueError, match="pip install ai-edge-litert"):
        validating.choose("litert", "seq2seq", CPU)


def test_a_run_goes_on_with_what_it_began_with(tmp_path):
    def read(asked: str, decoder: str) -> Progress:
        settings = {"precision": "float32", "validate_with": asked}
        return run.read_progress(tmp_path, settings, False, decoder=decoder)

    from training import checkpoint

    assert read("auto", "litert").settings["validate_with"] == "litert"
    network = types.SimpleNamespace(variables=[], optimizer=types.SimpleNamespace(variables=[]))
    for before, now, other in (("litert", "litert", "keras"), (None, "keras", "litert")):
        settings = {"precision": "float32", **({"validate_with": before} if before else {})}
        checkpoint.save(tmp_path / run.STATE, network, Progress(step=2, settings=settings))
        for decoder in ("litert", "keras"):
            assert read("auto", decoder).settings["validate_with"] == now
        with pytest.raises(CheckpointError, match=r"other settings \(validate_with\)"):
            read(other, other)


def test_where_no_graphs_can_be_made_keras_decodes_and_the_log_says_so(tmp_path, monkeypatch):
    def fails(folder: Path, network: object) -> Path:
        raise GraphError("no graphs could be made of the lstm: it is too new")

    said: list[str] = []
    monkeypatch.setattr(litert, "available", lambda: True)
    monkeypatch.setattr(litert_refilling, "find", fails)
    monkeypatch.setattr(validating.console, "print", said.append)
    probe = types.SimpleNamespace(kind="seq2seq", model=None)
    asked = TrainConfig("dates", model="lstm")
    progress = Progress(settings={"validate_with": "litert"})
    found = validating.answering(tmp_path, asked, progress, probe)
    assert found == OnKeras(probe) and progress.settings == {"validate_with": "keras"}
    assert said == [
        "Validation decodes with Keras: no graphs could be made of the lstm: it is too new."
    ]
    for step, how in ((0, "litert"), (5, "auto")):
        progress = Progress(step=step, settings={"validate_with": "litert"})
        with pytest.raises(GraphError, match="too new"):
            validating.answering(tmp_path, asked.changed(validate_with=how), progress, probe)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts")
@pytest.mark.skipif(not litert.available(), reason="LiteRT is not installed")
def test_litert_answers_with_the_weights_of_the_moment_as_keras_does(tmp_path):
    probe = zoo.load(tiny_models.folder(tmp_path / "model", "simple-rnn"))
    first = {name: a.copy() for name, a in saving.weight_arrays(probe.model).items()}
    second = {name: -array for name, array in first.items()}
    template = tmp_path / "graphs.zip"
    template.write_bytes(litert_refilling.make(probe.model, 1))
    texts = ["Tom sees the red car.", "", "she", *["my sister wants the house."] * 15]
    answers = []
    for arrays in (first, second):
        found = []
        for answering in (OnKeras(probe), OnLiteRT(probe, template)):
            with answering(arrays) as predictor:
                wrote = predictor.predict(texts, attention=False)
                forced = predictor.predict(texts, target=["ella"] * len(texts), attention=False)
            found.append((wrote, forced))
        for ours, theirs in zip(*found, strict=True):
            assert [one.text for one in ours] == [one.text for one in theirs]
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
        answers.append([one.text for one in found[0][0]])
    assert answers[0] != answers[1]
    with OnLiteRT(probe, template)(first) as predictor:
        predictor.engine._process.kill()
        with pytest.raises(GraphError, match="the process that runs the graphs died"):
            predictor.predict(texts)
    assert [path.name for path in tmp_path.glob("graphs*")] == ["graphs.zip"]
    with (
        pytest.raises(saving.ModelFolderError, match="not finite"),
        OnLiteRT(probe, template)({name: a * np.inf for name, a in first.items()}),
    ):
        pass


@pytest.mark.parametrize("narrow", [False, True])
def test_narrow_networks_are_not_trained_in_half_precision_on_a_cpu(tmp_path, narrow, monkeypatch):
    monkeypatch.setattr(devices.Devices, "precision", lambda self: "mixed_bfloat16")
    settings = {"precision": "auto"}
    found = run.read_progress(tmp_path, settings, False, narrow=narrow)
    assert found.settings["precision"] == ("float32" if narrow else "mixed_bfloat16")
    monkeypatch.setattr(devices.Devices, "accelerated", lambda self: True)
    found = run.read_progress(tmp_path, settings, True, narrow=narrow)
    assert found.settings["precision"] == "mixed_bfloat16"
