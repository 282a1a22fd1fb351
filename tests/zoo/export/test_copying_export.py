"""An export of a network that copies: the same answers, and what was copied as bytes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from tests import thorough
from tests.zoo import tiny_models

if keras.backend.backend() != "tensorflow":
    pytest.skip("only the TensorFlow backend exports", allow_module_level=True)

import tensorflow as tf

from zoo.export import seq2seq_graph, seq2seq_readme

TEXTS = ["Tom sees the red car.", "my sister wants the book. she buys", "house"]


@pytest.mark.parametrize(
    ("model", "overrides"),
    thorough.params(
        [("transformer", {}), ("lstm-bahdanau", {"coverage": True})],
        [("lstm-bahdanau", {"coverage": True})],
    ),
)
def test_the_attention_signature_has_what_was_copied(model, overrides, tmp_path):
    overrides = {"copying": True, **overrides}
    loaded = zoo.load(tiny_models.folder(tmp_path, model, shared=True, overrides=overrides))
    answers = loaded.predict(TEXTS)
    ids = [loaded.read(text).ids for text in TEXTS]
    source = tf.ragged.constant(ids, dtype="int32").to_tensor()
    writer = seq2seq_graph.Writer(loaded.model, loaded.max_target_length)
    made = tf.function(writer.attention, autograph=False)(source)
    for row, answer in enumerate(answers):
        length = int(made["lengths"][row])
        assert made["ids"][row, :length].numpy().tolist() == loaded.target_tokenizer.ids(
            answer.target_pieces
        )
        copied = np.frombuffer(made["copied_bytes"][row].numpy(), "<f4")
        wanted = answer.attention["copy"][0, 0]
        np.testing.assert_allclose(copied.reshape(wanted.shape), wanted, atol=1e-4)


@pytest.mark.parametrize("copying", [True, False])
def test_the_readme_tells_it_of_such_networks_alone(copying, tmp_path):
    folder = tiny_models.folder(
        tmp_path, "lstm-bahdanau", shared=True, overrides={"copying": copying}
    )
    text = seq2seq_readme.readme(zoo.load(folder), "m", (24, 24), True, TEXTS[0])
    assert ("`copied_bytes`" in text) == copying
