"""What of an input spoke for its class: attention, gradient x input, occlusion."""

from __future__ import annotations

import numpy as np
import pytest

import zoo.interpret
from tests.zoo import tiny_classifiers as tiny
from zoo.interpret import labels
from zoo.label import Label


@pytest.fixture(scope="module")
def made():
    return {name: tiny.predictor(name) for name in ("bert", "lstm-bahdanau", "naive-bayes", "vit")}


def answer(model):
    return model.predict(tiny.inputs(model.config["model"])[2:3])[0]


@pytest.mark.parametrize("name", ["bert", "lstm-bahdanau", "vit"])
def test_attention_of_what_is_classified_sums_to_one(made, name):
    found = answer(made[name])
    for chosen in ({}, {"head": 0}, {"rollout": True}):
        looked = labels.looked_at(found, **chosen)
        assert looked.shape == (len(found.labels),)
        assert looked.sum() == pytest.approx(1, abs=1e-4)


def test_the_first_place_is_looked_from_where_its_state_is_classified():
    maps = np.array([[[[0.9, 0.1], [0.2, 0.8]]]], "float32")
    first = Label("x", {"a": 1.0}, {"encoder": maps}, ["<s>", "x"], classified=0)
    mean = Label("x", {"a": 1.0}, {"encoder": maps}, ["<s>", "x"])
    assert labels.looked_at(first).tolist() == pytest.approx([0.9, 0.1])
    assert labels.looked_at(mean).tolist() == pytest.approx([0.55, 0.45])


def test_rollout_is_of_no_single_layer_and_without_attention_there_is_none():
    maps = np.array([[[[0.9, 0.1], [0.2, 0.8]]]], "float32")
    first = Label("x", {"a": 1.0}, {"encoder": maps}, ["<s>", "x"], classified=0)
    with pytest.raises(ValueError, match="all layers"):
        labels.looked_at(first, layer=0, rollout=True)
    with pytest.raises(ValueError, match="no attention"):
        labels.looked_at(Label("x", {"a": 1.0}))


def test_tokens_are_added_up_over_the_words_they_spell():
    read = ["<s>", "␣un", "known", "␣", "b"]
    scores = np.array([9, 1, 2, 4, 8], "float32")
    found = labels.over_words(Label("", {"a": 1.0}, labels=read), scores, ["unknown", "b", "cut"])
    assert found.tolist() == [3, 12, 0]


def test_words_are_the_tokens_of_a_vocabulary_of_words():
    found = Label("", {"a": 1.0}, labels=["<s>", "a", "b"])
    assert labels.over_words(found, np.array([5, 1, 2]), ["a", "b"]).tolist() == [1, 2]


@pytest.mark.parametrize("name", ["bert", "vit"])
def test_gradient_tells_what_a_small_change_does(made, name):
    model = made[name]
    found = answer(model)
    scores = labels.gradient(model, found)
    if name == "vit":
        # Along x -> (1 + e) x of the scaled pixels the log-probability changes by the sum.
        step, reader = 1e-3, model.reader
        array = reader.read(found.input).array
        before, after = (model.log_probs_of([_read(array * (1 + e))])[0, 0] for e in (-step, step))
        scores = labels.gradient(model, found, of=model.classes[0])
        assert scores.shape == found.input.shape[:2]
        assert scores.sum() == pytest.approx((after - before) / (2 * step), abs=2e-2)
    else:
        assert scores.shape == (len(found.labels),)
        assert np.abs(scores).max() > 0


def _read(array):
    from zoo.class_inputs import Read

    return Read(array.astype("float32"), [])


@pytest.mark.parametrize("name", ["bert", "naive-bayes"])
def test_occlusion_of_a_word_is_the_difference_to_the_text_without_it(made, name):
    model = made[name]
    [found] = model.predict("lake HILL jade")
    scores = labels.occlusion(model, found, of="calm")
    assert labels.words_of(model, found.input) == ["lake", "hill", "jade"]
    whole, less = model.log_probs(["lake hill jade", "lake jade"])[:, 0]
    assert scores[1] == pytest.approx(whole - less, abs=1e-5)


def test_occlusion_of_an_image_hides_squares_by_its_border(made):
    model = made["vit"]
    image = np.zeros((8, 8, 1))
    image[3, 3] = 1.0
    [found] = model.predict([image])
    scores = labels.occlusion(model, found)
    assert scores.shape == (8, 8)
    told = np.flatnonzero(np.abs(scores) > 1e-5).tolist()
    assert told in ([], [3 * 8 + 3])  # all else is like the border


def test_occlusion_hides_no_more_than_the_first_words(made, monkeypatch):
    monkeypatch.setattr(labels, "MOST_WORDS", 2)
    model = made["naive-bayes"]
    [found] = model.predict("abc fed lake")
    assert labels.occlusion(model, found)[2] == 0
    [empty] = model.predict("")
    assert labels.occlusion(model, empty).shape == (0,)


def test_what_is_counted_has_no_gradient_that_says_anything(made):
    with pytest.raises(ValueError, match="not trained by gradient"):
        labels.gradient(made["naive-bayes"], answer(made["naive-bayes"]))


def test_attribute_takes_labels_too(made):
    model = made["bert"]
    found = answer(model)
    tokens = zoo.interpret.attribute(model, found)
    assert tokens.source == found.labels and tokens.target == [found.name]
    words = zoo.interpret.attribute(model, found, method="occlusion")
    assert words.scores.shape == (1, len(words.source)) == (1, 3)
    pixels = zoo.interpret.attribute(made["vit"], answer(made["vit"]))
    assert pixels.source[9] == "2, 2" and pixels.scores.shape == (1, 64)
    with pytest.raises(ValueError, match="gradient and occlusion"):
        zoo.interpret.attribute(model, found, method="integrated")


@pytest.mark.parametrize(("length", "parts"), [(20, 10), (3, 3), (251, 12)])
def test_stretches_and_squares_cover_everything_once(length, parts):
    count = np.zeros(length)
    for part in labels.stretches(length):
        count[part] += 1
    assert (count == 1).all()
    assert abs(len(labels.stretches(length)) - parts) <= 2
    count = np.zeros((length, 9))
    for part in labels.squares(length, 9):
        count[part] += 1
    assert (count == 1).all()
