"""Normalisers are data: the same steps in Python, from a model folder, and in an export's graph."""

from __future__ import annotations

import json

import keras
import pytest

import zoo
from tests.zoo import tiny_models
from zoo.normalizer import Normalizer
from zoo.saving import ModelFolderError
from zoo.tokenizer import clean

STEPS = [
    {"unicode": "NFKD"},
    {"remove": ["Mn", "Cf", "Pd"]},
    {"replace": {"’": "'", ".*": "<>", "(": "\\1", "\\": "/"}},
    {"lower": True},
    {"unicode": "NFKC"},
]
TEXTS = [
    "NASA’s Café",
    "ﬁve １２ Ⅷ",
    "a.*b (c) \\d $1",
    "ΣΑΣ İstanbul ẞ",
    "wéll-known soft\u00adhyphen \u200bzero",
    "e\u0301 \u0323\u0307 مرحبا 👩‍👩‍👧 今日",
    "",
    " \u00a0\u2028 ",
    "a\ufeffb\u2060c\u202edef\u200d \u180e\x85x\x1cy",
]


def test_steps_are_taken_in_their_order():
    assert Normalizer(STEPS)("NASA’s Café") == "nasa's cafe"
    assert Normalizer([{"lower": True}, {"replace": {"a": "B"}}])("Aa") == "BB"
    assert Normalizer([{"replace": {"a": "B"}}, {"lower": True}])("Aa") == "ab"
    assert Normalizer()("Ａ’ \u200b") == "Ａ’ \u200b"


@pytest.mark.parametrize("text", TEXTS)
def test_a_second_time_changes_nothing(text):
    """Texts are normalised when they are learnt from, and again when they are encoded."""
    for steps in (STEPS[:2] + STEPS[3:], [{"unicode": "NFKC"}], [{"lower": True}]):
        once = Normalizer(steps)(text)
        assert Normalizer(steps)(once) == once


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"unicode": "NFKX"},
        {"remove": "Mn"},
        {"remove": ["Xx"]},
        {"remove": []},
        {"replace": {"": "a"}},
        {"replace": {"a": 1}},
        {"replace": {}},
        {"lower": False},
        {"eval": "text"},
        {"lower": True, "unicode": "NFC"},
        "lower",
        None,
    ],
)
def test_what_is_no_step_is_refused(step, tmp_path):
    with pytest.raises(ValueError, match="a step of a normalizer is"):
        Normalizer([step])
    folder = tiny_models.folder(tmp_path / "m", "lstm", normalizers={"source": [step]})
    with pytest.raises(ModelFolderError, match=r"config\.json: a step of a normalizer is"):
        zoo.load(folder)


def test_a_model_folder_says_how_its_text_is_prepared(tmp_path):
    plain = zoo.load(tiny_models.folder(tmp_path / "plain", "lstm"))
    folder = tiny_models.folder(tmp_path / "m", "lstm", normalizers={"source": STEPS, "target": []})
    assert json.loads((folder / "config.json").read_text())["normalizers"]["source"] == STEPS
    model = zoo.load(folder)
    assert model.source_tokenizer.normalizer == Normalizer(STEPS)
    assert model.target_tokenizer.normalizer == Normalizer()
    (typed,), (read,) = model.predict(["SHE SEES the ﬁ"]), plain.predict(["she sees the fi"])
    assert typed.source_pieces == read.source_pieces
    assert typed.text == read.text
    # What is written keeps its case.
    (forced,) = model.predict(["she"], target=["Tomás ve"])
    assert forced.text == "Tomás ve"


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow exports")
@pytest.mark.parametrize("steps", [STEPS, [], [{"remove": ["Lu", "Zs", "Cc"]}]])
def test_a_graph_prepares_text_alike(steps):
    import tensorflow as tf

    from zoo.export import seq2seq_text

    normalizer = Normalizer(steps)
    made = seq2seq_text.cleaned(tf.constant(TEXTS), normalizer).numpy()
    assert [text.decode() for text in made] == [clean(normalizer(text)) for text in TEXTS]
