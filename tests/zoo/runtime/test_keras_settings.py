"""A user's keras.json changes nothing: not training, loading, predicting or exporting."""

from __future__ import annotations

import json
import os

import pytest

from tests import thorough
from tests.training import training_runs
from zoo.runtime import keras_settings

TRAIN = """
import hashlib, json
from pathlib import Path
from typer.testing import CliRunner
from training import train
done = CliRunner().invoke(train.app, sys.argv[1:])
assert done.exit_code == 0, (done.output, done.exception)
import keras
folder = Path("model")
found = {
    "weights": hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest(),
    "curve": [row.split(",")[:3] for row in (folder / "history.csv").read_text().splitlines()],
}
"""
USE = """
import zoo.interpret
loaded = zoo.load(folder)
answer, = loaded.predict(["Tom sees the red car."])
found |= {
    "answer": [answer.text, *map(float, answer.log_probs)],
    "maps": {name: maps.tolist() for name, maps in answer.attention.items()},
    "saliency": zoo.interpret.saliency(loaded, answer).tolist(),
}
"""
# Without a file, tests of the export hold it to what Python answers.
SERVE = """
if keras.backend.backend() == "tensorflow":
    import numpy as np
    import tensorflow as tf
    from zoo.export.saved_model import export
    served = tf.saved_model.load(str(export(loaded, "served", text=False)))
    ids = tf.constant([loaded.source_tokenizer.encode("Tom sees the red car.")], tf.int32)
    given = served.signatures["ids"](ids=ids)
    types = {name: value.dtype.name for name, value in given.items()}
    assert types == {"ids": "int32", "lengths": "int32", "log_probs": "float32"}, types
    length = int(given["lengths"][0])
    assert loaded.target_tokenizer.pieces(given["ids"][0, :length].numpy()) == answer.target_pieces
    made = given["log_probs"][0, :length].numpy()
    np.testing.assert_allclose(made, answer.log_probs, rtol=1e-5, atol=1e-6)
"""
# A file that Keras refuses is replaced for the process by one of what Keras has without a file: a
# model is then used as without one.
DEFAULTS = """
from keras import config
image = config.image_data_format()
assert (config.floatx(), config.epsilon(), image) == ("float32", 1e-7, "channels_last")
"""
SAVE = """
json.dump(found, open("found.json", "w"))
"""
FILES = {
    "none": None,
    "float16": {"floatx": "float16", "epsilon": 1e-2, "image_data_format": "channels_first"},
    "what Keras refuses": {"floatx": "bfloat16", "epsilon": 1},
}


@pytest.mark.slow
@thorough.mark
def test_a_keras_json_changes_nothing(tmp_path):
    training_runs.corpus(tmp_path / "pairs.tsv")
    arguments = [
        *("--task=tsv:../pairs.tsv", "--model=transformer", "--preset=nano", "--out=model"),
        *("--steps=6", "--validate-every=3", "--validate-on=4", "--batch-tokens=100"),
        *("--warmup=2", "--threads=1", "--precision=float32", "--checkpoint-every=2"),
        *("--set=encoder_layers=1", "--set=decoder_layers=1", "--validate-with=keras"),
    ]
    answers = {}
    for name, content in FILES.items():
        place = tmp_path / name
        (place / "keras").mkdir(parents=True)
        if content:
            (place / "keras" / "keras.json").write_text(json.dumps(content))
        env = {**os.environ, "KERAS_HOME": str(place / "keras")}
        further = {"none": USE, "float16": USE + SERVE, "what Keras refuses": DEFAULTS}[name]
        training_runs.python(TRAIN + further + SAVE, *arguments, folder=place, env=env)
        answers[name] = json.loads((place / "found.json").read_text())
        if content:  # the user's file is the user's
            assert json.loads((place / "keras" / "keras.json").read_text()) == content
    assert len(answers["none"]["answer"]) > 1
    for name, answer in answers.items():
        assert answer.items() <= answers["none"].items(), name
    assert answers["float16"] == answers["none"]


@pytest.mark.parametrize(
    ("content", "good"),
    [
        ({}, True),
        ({"floatx": "float16", "backend": "jax"}, True),
        ({"epsilon": 1e-3, "image_data_format": "channels_first"}, True),
        ({"floatx": "bfloat16"}, False),
        ({"floatx": 32}, False),
        ({"epsilon": 1}, False),
        ({"image_data_format": "none"}, False),
    ],
)
def test_what_keras_refuses_is_known(content, good):
    assert keras_settings.acceptable(content) is good


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\x00"])
def test_a_file_that_is_no_json_is_left_to_keras(content, tmp_path, monkeypatch):
    (tmp_path / "keras.json").write_text(content)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert keras_settings.read_keras_json() == {}


def test_layers_are_made_as_asked_and_the_policy_stays():
    import keras

    from zoo import registry
    from zoo.building import build

    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("float16")
        sizes = {"source_vocabulary": 9, "target_vocabulary": 9}
        config = registry.configuration("transformer", "nano", **sizes)
        plain = build("transformer", config)
        mixed = build("transformer", config, precision="mixed_bfloat16")
        assert keras.config.dtype_policy().name == "float16"
    finally:
        keras.config.set_dtype_policy(before)
    assert {w.dtype for w in plain.trainable_variables} == {"float32"}
    assert {w.dtype for w in mixed.trainable_variables} == {"float32"}
    assert plain.compute_dtype == "float32" and mixed.compute_dtype == "bfloat16"
