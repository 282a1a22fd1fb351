"""What written pieces owe to read ones: against differences, sums and the forward pass alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from keras import ops

import zoo
from tests import thorough
from tests.zoo import tiny_models
from zoo import registry, saving
from zoo.interpret import Attribution, attribute, gradients, saliency
from zoo.runtime import backend
from zoo.tokenizer import EOS, PAD, UNK

# Some ids are on both sides: a shared embedding must tell them apart.
SOURCE = np.array([[7, 12, 5, 16, EOS, PAD, PAD]], "int32")
TARGET = np.array([[12, 6, 7, EOS, PAD]], "int32")
READ, WRITTEN = 5, 4


@pytest.fixture(
    scope="module",
    params=thorough.params(registry.of_kind("seq2seq"), ["lstm-bahdanau", "transformer"]),
)
def twins(request):
    """A network with one embedding for both sides, and the same one with an embedding for each."""
    sizes = {"source_vocabulary": tiny_models.TARGET_VOCABULARY}
    shared = tiny_models.network(request.param, shared_vocabulary=True, **sizes)
    separate = tiny_models.network(request.param, **sizes)
    arrays = saving.weight_arrays(shared)
    table = next(name for name in arrays if name.endswith("target_embedding/embeddings"))
    copied = table.replace("target_embedding", "source_embedding")
    saving.set_weight_arrays(separate, {**arrays, copied: arrays[table]})
    return shared, separate


@pytest.fixture
def network(twins):
    """With an embedding of its own for the source, which a test may change."""
    table = twins[1].source_embedding.embeddings
    before = np.asarray(table).copy()
    yield twins[1]
    table.assign(before)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """Many small batches, and one program for all gradients of a network."""
    monkeypatch.setattr(gradients, "ROWS_AT_ONCE", TARGET.shape[1])


def log_probs(network, source: np.ndarray = SOURCE) -> np.ndarray:
    """(R, T) of `TARGET` after each row: the forward pass alone."""
    run = backend.compiled(network, gradients._log_probs)
    rows = np.pad(source, ((0, SOURCE.shape[1] + 1 - len(source)), (0, 0)), mode="edge")
    found = ops.convert_to_numpy(run(rows, TARGET))[: len(source), :WRITTEN]
    return found.astype("float64")


def test_the_gradient_is_that_of_differences(network):
    found = gradients.gradient_times_input(network, SOURCE, TARGET)
    assert found.shape == (WRITTEN, READ) and found.dtype == np.float32
    assert found.min() < -0.01 and found.max() > 0.01
    table, size = np.asarray(network.source_embedding.embeddings).copy(), 3e-3
    for place, piece in enumerate(SOURCE[0, :READ]):
        ends = []
        for factor in (1 + size, 1 - size):
            # No piece is read twice: its row is its place.
            changed = table.copy()
            changed[piece] *= factor
            network.source_embedding.embeddings.assign(changed)
            ends.append(log_probs(network)[0])
        expected = (ends[0] - ends[1]) / (2 * size)
        np.testing.assert_allclose(found[:, place], expected, rtol=0.02, atol=3e-3)


@pytest.mark.parametrize("baseline", ["unknown", "zero"])
def test_integrated_gradients_are_complete(network, baseline):
    scores, difference, steps = gradients.integrated_gradients(network, SOURCE, TARGET, baseline)
    assert scores.shape == (WRITTEN, READ) and scores.dtype == np.float32 and 32 <= steps <= 864
    table = np.asarray(network.source_embedding.embeddings).copy()
    if baseline == "zero":
        network.source_embedding.embeddings.assign(np.zeros_like(table))
    nothing = np.where(SOURCE == PAD, PAD, UNK)
    below = log_probs(network, nothing)[0]
    network.source_embedding.embeddings.assign(table)
    expected = log_probs(network)[0] - below
    np.testing.assert_allclose(difference, expected, atol=1e-4)
    missed = np.abs(scores.sum(-1) - expected)
    # From zero, a Transformer may need more points than it is given.
    rounding = 2e-4 if baseline == "unknown" or steps < 864 else 5e-3
    assert (missed <= np.maximum(0.01 * np.abs(expected), rounding)).all(), (missed, expected)


def test_refining_keeps_the_points_there_were(network, monkeypatch):
    monkeypatch.setattr(gradients, "TOLERANCE", 0.0)
    monkeypatch.setattr(gradients, "ROUNDING", 0.0)
    refined = gradients.integrated_gradients(network, SOURCE, TARGET, steps=2, max_steps=53)
    at_once = gradients.integrated_gradients(network, SOURCE, TARGET, steps=18, max_steps=18)
    assert refined[2] == at_once[2] == 18
    np.testing.assert_allclose(refined[0], at_once[0], rtol=1e-3, atol=1e-4)
    few = gradients.integrated_gradients(network, SOURCE, TARGET, steps=1, max_steps=2)
    missed = [np.abs(scores.sum(-1) - difference) for scores, difference, _ in (few, refined)]
    assert few[2] == 1 and missed[0].max() > missed[1].max()


@pytest.mark.parametrize("leave_out", [False, True])
def test_occlusion_is_that_of_one_by_one(network, leave_out):
    found = gradients.occlusion(network, SOURCE, TARGET, leave_out)
    assert found.shape == (WRITTEN, READ) and found.dtype == np.float32
    assert found.min() < 0 < found.max()
    whole = log_probs(network)[0]
    for place in range(READ):
        if leave_out:
            row = np.append(np.delete(SOURCE, place, axis=1), [[PAD]], axis=1).astype("int32")
        else:
            row = np.where(np.arange(SOURCE.shape[1]) == place, UNK, SOURCE).astype("int32")
        np.testing.assert_allclose(found[:, place], whole - log_probs(network, row)[0], atol=1e-4)


def test_gradients_of_a_batch_are_those_of_one_by_one(network):
    places, parts = np.arange(13) % WRITTEN, np.linspace(0, 1, 13)
    path, together = gradients._Path(network, SOURCE, TARGET, "unknown"), np.zeros((WRITTEN, READ))
    values, alone = path.add(places, parts, together), np.zeros((WRITTEN, READ))
    for i in range(13):
        value = path.add(places[i : i + 1], parts[i : i + 1], alone)
        np.testing.assert_allclose(value, values[i], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-4)


def test_occlusion_in_several_batches_is_the_same(monkeypatch):
    network = tiny_models.network("simple-rnn")
    whole = gradients.occlusion(network, SOURCE, TARGET)
    monkeypatch.setattr(gradients, "NUMBERS_AT_ONCE", 4 * 5 * tiny_models.TARGET_VOCABULARY)
    np.testing.assert_allclose(gradients.occlusion(network, SOURCE, TARGET), whole, atol=1e-5)


def test_what_cannot_matter_does_not(network):
    # Padding.
    run = backend.compiled(network, gradients._along_path)
    places, parts = np.arange(5, dtype="int32") % WRITTEN, np.full(5, 0.5, "float32")
    _, products = run(SOURCE, TARGET, places, parts, np.float32(1))
    products = ops.convert_to_numpy(products)
    assert (products[:, READ:] == 0).all() and (np.abs(products[:, :READ]).max(0) > 1e-3).all()
    # Pieces that are all the same to the network.
    table = np.asarray(network.source_embedding.embeddings).copy()
    network.source_embedding.embeddings.assign(np.broadcast_to(table[5], table.shape))
    np.testing.assert_allclose(gradients.occlusion(network, SOURCE, TARGET), 0, atol=1e-6)
    scores, difference, steps = gradients.integrated_gradients(network, SOURCE, TARGET)
    assert (scores == 0).all() and steps == 32
    np.testing.assert_allclose(difference, 0, atol=1e-6)
    # Yet one piece fewer is another source.
    assert np.abs(gradients.occlusion(network, SOURCE, TARGET, leave_out=True)).max() > 1e-3


def test_a_shared_embedding_is_replaced_for_the_source_only(twins):
    shared, separate = twins
    places, parts = np.arange(5, dtype="int32") % WRITTEN, np.linspace(0, 1, 5, dtype="float32")
    asked = (SOURCE, TARGET, places, parts, np.float32(1))
    expected = backend.compiled(separate, gradients._along_path)(*asked)
    # Uncompiled, for it is asked only once.
    for one, other in zip(gradients._along_path(shared, *asked), expected, strict=True):
        one, other = ops.convert_to_numpy(one), ops.convert_to_numpy(other)
        assert np.abs(one).max() > 0.01
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_another_thread_reads_the_true_embedding():
    network = tiny_models.network("simple-rnn")
    true, seen = np.asarray(network.source_embedding(SOURCE)).copy(), []
    with gradients.replaced_embedding(network.source_embedding, ops.zeros_like(true)):
        other = threading.Thread(target=lambda: seen.append(network.source_embedding(SOURCE)))
        other.start()
        other.join()
        assert not np.asarray(network.source_embedding(SOURCE)).any()
    np.testing.assert_array_equal(np.asarray(seen[0]), true)
    np.testing.assert_array_equal(np.asarray(network.source_embedding(SOURCE)), true)


# What follows goes through a model folder.


@pytest.fixture(scope="module")
def loaded(character_folder):
    return zoo.load(character_folder)


@pytest.mark.parametrize("method", ["gradient", "integrated", "occlusion"])
def test_a_model_attributes_its_answers(loaded, method):
    (prediction,) = loaded.predict("she")
    found = attribute(loaded, prediction, method)
    assert found.method == method and found.notes == []
    assert (found.source, found.target) == (prediction.source_pieces, prediction.target_pieces)
    assert found.scores.shape == (len(found.target), len(found.source))
    assert found.scores.dtype == np.float32 and found.scores.min() < 0 < found.scores.max()
    if method == "integrated":
        assert (found.error <= np.maximum(0.01 * np.abs(found.difference), 2e-4)).all()
        assert found.steps >= 32
    else:
        assert found.error is None and found.steps is None
    if method == "gradient":
        sizes = np.abs(found.scores)
        expected = sizes / sizes.sum(-1, keepdims=True)
        np.testing.assert_allclose(saliency(loaded, prediction), expected, atol=1e-5)


def test_occlusion_is_the_fall_of_the_forced_answer(loaded):
    prediction, without = loaded.predict(["she", "he"], target=["ella", "ella"])
    found = attribute(loaded, prediction, "occlusion", leave_out=True)
    assert found.source[0] == "s" and found.target == without.target_pieces
    expected = prediction.log_probs - without.log_probs
    np.testing.assert_allclose(found.scores[:, 0], expected, atol=1e-4)


@pytest.mark.parametrize("method", ["gradient", "integrated", "occlusion"])
def test_nothing_owes_nothing(loaded, method):
    (nothing,) = loaded.predict([""])
    found = attribute(loaded, nothing, method)
    assert found.scores.shape == (0, 1) and found.notes == []
    assert found.words().scores.shape == (0, 1) and found.normalised().shape == (0, 1)
    assert (found.error is None) == (method != "integrated")


def test_a_source_of_one_piece_is_hidden_but_not_left_out(loaded):
    (forced,) = loaded.predict([""], target=["ella"])
    assert forced.source_pieces == ["</s>"]
    left_out, hidden = (
        attribute(loaded, forced, "occlusion", leave_out=leave_out) for leave_out in (True, False)
    )
    assert np.isfinite(hidden.scores).all() and np.abs(hidden.scores).max() > 1e-4
    np.testing.assert_array_equal(left_out.scores, hidden.scores)


def test_unknown_pieces_are_said_to_be_the_baseline(loaded):
    (forced,) = loaded.predict(["🦓he"], target=["ella"])
    for method in ("integrated", "occlusion"):
        found = attribute(loaded, forced, method)
        assert (found.scores[:, 0] == 0).all() and np.abs(found.scores[:, 1:]).max() > 1e-3
        assert "1 of the read tokens" in found.notes[0]
    for options in ({"method": "occlusion", "leave_out": True}, {"method": "gradient"}):
        found = attribute(loaded, forced, **options)
        assert np.abs(found.scores[:, 0]).max() > 1e-4 and found.notes == []


def test_what_is_not_complete_says_so(loaded):
    (prediction,) = loaded.predict("she")
    found = attribute(loaded, prediction, "integrated", steps=1, max_steps=1)
    short = (found.error > np.maximum(0.01 * np.abs(found.difference), 1e-4)).sum()
    assert found.steps == 1 and short
    assert f"After 1 steps the scores of {short} of {len(found.target)} written" in found.notes[-1]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"method": "attention"}, "method='attention'"),
        ({"method": "integrated", "baseline": "mean"}, "baseline='mean'"),
        ({"method": "integrated", "steps": 0}, "steps=0"),
        ({"method": "integrated", "steps": 5, "max_steps": 4}, "steps=5, max_steps=4"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(loaded, options, message):
    with pytest.raises(ValueError, match=message):
        attribute(loaded, loaded.predict("she")[0], **options)


def test_words_sum_both_sides():
    pieces = Attribution(
        "integrated",
        ["▁the", "▁bo", "ok", "</s>"],
        ["▁el", "▁li", "bro"],
        np.array([[1, -2, 3, 0.5], [0, 1, 1, 0], [2, 0, -4, 1]], "float32"),
        difference=np.array([2.5, 2.25, -1.25], "float32"),
        steps=32,
    )
    np.testing.assert_allclose(pieces.error, [0, 0.25, 0.25])
    words = pieces.words()
    assert (words.source, words.target) == (["the", "book", "</s>"], ["el", "libro"])
    np.testing.assert_array_equal(words.scores, [[1, 1, 0.5], [2, -2, 1]])
    np.testing.assert_array_equal(words.difference, [2.5, 1])
    # Errors of opposite signs cancel.
    np.testing.assert_allclose(words.error, [0, 0])
    assert (words.method, words.steps) == ("integrated", 32)
    shares = pieces.normalised()
    np.testing.assert_allclose(shares[0], np.array([1, 2, 3, 0.5]) / 6.5, atol=1e-6)
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)


def test_of_scripts_without_spaces_characters_are_words():
    pieces = ["▁我", "爱", "▁A", "B", "</s>"]
    found = Attribution("gradient", pieces, ["好", "</s>"], np.ones((2, 5), "float32"))
    words = found.words()
    assert words.source == ["我", "爱", "AB", "</s>"]
    np.testing.assert_array_equal(words.scores, [[1, 1, 2, 1]] * 2)


def test_shares_of_nothing_are_even():
    silent = Attribution("gradient", ["a", "b"], ["c"], np.zeros((1, 2), "float32"))
    np.testing.assert_array_equal(silent.normalised(), [[0.5, 0.5]])
