"""From text to `Prediction`: ordinary, forced, sampled and hostile."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from tests.zoo import tiny_models
from zoo.inference.sampling import Sampling
from zoo.inference.seq2seq import Seq2SeqPredictor
from zoo.inference.seq2seq_base import MAX_CHARACTERS
from zoo.interpret import saliency
from zoo.prediction import AXES

HOSTILE = {
    "empty": "",
    "only spaces": " \t \n\u00a0 ",
    "10,000 words": "book " * 10_000,
    "no space": "book" * 10_000,
    "emoji": "👩‍👩‍👧 🦓🦓",
    "Arabic": "أين المكتبة؟",
    "control characters": "\x00the\x07 \x1b[31mbook\x7f",
    "only control characters": "\x00\x01\x02",
    "lone surrogates": "the \ud800 book \udfff",
    "script": "<script>alert('x')</script>",
    "special pieces": "<s> </s> <pad> <unk>",
    "word marks": "▁▁▁ ▁the▁book",
    "right to left marks": "\u202ethe book\u202c\ufeff",
    "combining": "e" + "\u0301" * 500,
    "formats": "%s %d {0} ${PATH} $(ls) '; DROP TABLE models; --",
    "line breaks": "the\r\nbook\u2028the\u2029book",
}
ORDINARY = ["Tom sees the book.", "she buys the house."]


@pytest.fixture(scope="module")
def transformer(folder):
    return zoo.load(folder)


@pytest.fixture(scope="module")
def recurrent(character_folder):
    return zoo.load(character_folder)


@pytest.fixture(scope="module")
def greedy(transformer):
    return transformer.predict(ORDINARY)


def check(prediction: zoo.Prediction, kinds: set[str]) -> None:
    """What holds for every answer."""
    written, read = len(prediction.target_pieces), len(prediction.source_pieces)
    assert prediction.source_pieces[-1] == "</s>"
    assert prediction.log_probs.shape == (written,) and prediction.log_probs.dtype == np.float32
    assert (prediction.log_probs <= 0).all() and np.isfinite(prediction.log_probs).all()
    assert prediction.finished == (not written or prediction.target_pieces[-1] == "</s>")
    assert np.isfinite(prediction.score)
    assert set(prediction.attention) == (kinds if written else set())
    sizes = {"target": written, "source": read}
    words = prediction.words()
    for kind, array in prediction.attention.items():
        assert array.dtype == np.float32 and array.shape[-2:] == tuple(
            sizes[side] for side in AXES[kind]
        )
        np.testing.assert_allclose(array.sum(-1), 1, atol=1e-4)
        np.testing.assert_allclose(words.attention[kind].sum(-1), 1, atol=1e-4)
    for text in (prediction.text, *prediction.notes, *words.source, *words.target):
        text.encode("utf-8")


def test_a_prediction_has_what_it_promises(transformer, greedy):
    for prediction in greedy:
        check(prediction, {"cross", "encoder", "decoder"})
        assert prediction.attention["cross"].shape[:2] == (2, 2)
        assert prediction.alternatives == [] and prediction.seconds > 0
        ids = transformer.target_tokenizer.ids(prediction.target_pieces)
        assert transformer.target_tokenizer.decode(ids) == prediction.text
        assert prediction.source_pieces != greedy[1 - greedy.index(prediction)].source_pieces


def test_one_text_is_a_list_of_one(transformer, greedy):
    (alone,) = transformer.predict(ORDINARY[0])
    assert alone.text == greedy[0].text
    np.testing.assert_allclose(alone.log_probs, greedy[0].log_probs, atol=1e-4)
    np.testing.assert_allclose(alone.attention["cross"], greedy[0].attention["cross"], atol=1e-4)
    assert transformer.predict([]) == []


def test_a_long_list_is_answered_in_order(transformer, greedy):
    texts = [ORDINARY[i % 2] for i in range(65)]
    answers = transformer.predict(texts, attention=False, max_length=3)
    assert len(answers) == 65
    first, second = answers[0].target_pieces, answers[1].target_pieces
    assert [a.target_pieces for a in answers] == [[first, second][i % 2] for i in range(65)]
    assert answers[0].target_pieces == greedy[0].target_pieces[:3]


def test_without_attention_nothing_else_changes(transformer, greedy):
    for blind, seeing in zip(transformer.predict(ORDINARY, attention=False), greedy, strict=True):
        assert blind.attention == {} and blind.text == seeing.text
        assert blind.words().attention == {}
        np.testing.assert_allclose(blind.log_probs, seeing.log_probs, atol=1e-5)


def test_max_length_cuts_and_says_so(transformer, greedy):
    for short, whole in zip(transformer.predict(ORDINARY, max_length=2), greedy, strict=True):
        check(short, {"cross", "encoder", "decoder"})
        assert short.target_pieces == whole.target_pieces[:2]
        assert short.finished == (len(whole.target_pieces) <= 2)
        assert ("Cut at the longest length." in short.notes) != short.finished
    # More than the model was made for is not to be had.
    for long, whole in zip(transformer.predict(ORDINARY, max_length=999), greedy, strict=True):
        assert long.target_pieces == whole.target_pieces


def test_forcing_what_was_written_gives_the_same_answer(transformer, greedy):
    forced = transformer.predict(ORDINARY, target=[p.text for p in greedy])
    for again, free in zip(forced, greedy, strict=True):
        check(again, {"cross", "encoder", "decoder"})
        both = min(len(again.target_pieces), len(free.target_pieces))
        # A text may be cut into pieces in another way than it was written in.
        if again.target_pieces[:both] != free.target_pieces[:both]:
            continue
        np.testing.assert_allclose(again.log_probs[:both], free.log_probs[:both], atol=1e-4)


def test_forced_log_probabilities_are_those_of_a_step_by_step_reading(transformer):
    (forced,) = transformer.predict(["the book."], target=["el libro."])
    assert forced.text == "el libro." and forced.target_pieces[-1] == "</s>"
    ids = transformer.target_tokenizer.encode("el libro.")
    source = np.array([transformer.source_tokenizer.ids(forced.source_pieces)], "int32")
    logits, maps = transformer.model.decode(
        np.array([[1, *ids[:-1]]], "int32"), transformer.model.encode(source)
    )
    logits = np.asarray(logits)[0]
    expected = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    np.testing.assert_allclose(forced.log_probs, expected[np.arange(len(ids)), ids], atol=1e-4)
    np.testing.assert_allclose(forced.attention["cross"], np.asarray(maps["cross"])[0], atol=1e-4)
    assert forced.score == pytest.approx(forced.log_probs.sum(), abs=1e-4)


def test_a_forced_target_may_be_empty_or_too_long(transformer):
    nothing, much = transformer.predict(ORDINARY, target=["", "la casa " * 50])
    assert nothing.target_pieces == ["</s>"] and nothing.finished
    assert len(much.target_pieces) == 8 and not much.finished
    for prediction in (nothing, much):
        check(prediction, {"cross", "encoder", "decoder"})


def test_the_n_best_are_sorted_and_different(transformer):
    for prediction in transformer.predict(ORDINARY, beams=3):
        check(prediction, {"cross", "encoder", "decoder"})
        best = prediction.alternatives
        assert len(best) == 3
        assert best[0].text == prediction.text and best[0].score == prediction.score
        scores = [hypothesis.score for hypothesis in best]
        assert scores == sorted(scores, reverse=True)
        assert len({tuple(hypothesis.pieces) for hypothesis in best}) == 3
        for hypothesis in best:
            assert hypothesis.log_probs.shape == (len(hypothesis.pieces),)
            penalty = ((5 + len(hypothesis.pieces)) / 6) ** 0.6
            expected = hypothesis.log_probs.sum() / penalty
            assert hypothesis.score == pytest.approx(expected, rel=1e-4)


def test_sampling_is_told_by_its_seed(transformer):
    options = {"sampling": Sampling(temperature=3.0), "attention": False}
    one, same, other = (transformer.predict(ORDINARY, seed=seed, **options) for seed in (1, 1, 2))
    assert [p.target_pieces for p in one] == [p.target_pieces for p in same]
    assert [p.target_pieces for p in one] != [p.target_pieces for p in other]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"max_length": 0}, "max_length=0"),
        ({"max_length": -3}, "max_length=-3"),
        ({"beams": 0}, "beams=0"),
        ({"beams": -1}, "beams=-1"),
        ({"beams": 2, "sampling": Sampling()}, "beams"),
        ({"length_penalty": float("nan")}, "length_penalty"),
        ({"target": []}, "2 texts, 0 targets"),
        ({"target": ["a"]}, "2 texts, 1 targets"),
        ({"target": "a"}, "2 texts, 1 targets"),
    ],
    ids=str,
)
def test_bad_arguments_are_named(transformer, options, message):
    with pytest.raises(ValueError, match=message):
        transformer.predict(ORDINARY, **options)


@pytest.mark.parametrize("texts", [[None], [b"bytes"], [3], ["text", ["list"]]])
def test_texts_must_be_strings(transformer, texts):
    with pytest.raises(TypeError, match="Texts must be strings"):
        transformer.predict(texts)
    with pytest.raises(TypeError, match="Texts must be strings"):
        transformer.predict(["a"] * len(texts), target=texts)


@pytest.fixture(scope="module")
def hostile(transformer):
    """Answers to all of them in one batch."""
    return dict(zip(HOSTILE, transformer.predict(list(HOSTILE.values())), strict=True))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_input_has_a_clear_outcome(transformer, hostile, kind):
    prediction = hostile[kind]
    check(prediction, {"cross", "encoder", "decoder"})
    nothing = kind in ("empty", "only spaces", "only control characters")
    assert (prediction.source_pieces == ["</s>"]) == nothing
    assert (prediction.target_pieces == []) == nothing
    if nothing:
        assert prediction.text == "" and prediction.finished and prediction.notes == []
    # What is answered does not depend on the company.
    (alone,) = transformer.predict([HOSTILE[kind]])
    assert alone.target_pieces == prediction.target_pieces
    assert alone.notes == prediction.notes


def test_what_was_cut_is_said(hostile):
    for kind in ("10,000 words", "no space"):
        assert len(hostile[kind].source_pieces) == 8
        notes = " ".join(hostile[kind].notes)
        assert "only the first 7 were read" in notes
        assert f"first {MAX_CHARACTERS:,} characters" in notes


def test_text_behind_the_last_character_looked_at_is_said_to_be_left_out(transformer):
    (prediction,) = transformer.predict([" " * (MAX_CHARACTERS + 1) + "the book."])
    assert prediction.text == "" and prediction.source_pieces == ["</s>"]
    assert prediction.notes == [f"Only the first {MAX_CHARACTERS:,} characters were looked at."]


def test_what_is_unknown_is_said(hostile):
    assert any("🦓" in note for note in hostile["emoji"].notes)
    assert any("Not in the model's vocabulary" in note for note in hostile["Arabic"].notes)


def test_control_characters_are_read_as_spaces(transformer, hostile):
    def read(text: str) -> list[str]:
        pieces = transformer.source_tokenizer.encode_as_read(text)[1]
        return pieces if len(pieces) <= 8 else [*pieces[:7], "</s>"]

    assert hostile["lone surrogates"].source_pieces == read("the book")
    assert hostile["line breaks"].source_pieces == read("the book the book")
    assert hostile["control characters"].source_pieces == read("the [31mbook")


def test_hostile_targets_have_a_clear_outcome(transformer):
    texts = list(HOSTILE.values())
    for prediction in transformer.predict(["the book."] * len(texts), target=texts):
        check(prediction, {"cross", "encoder", "decoder"})
        assert 1 <= len(prediction.target_pieces) <= 8


def test_a_model_without_attention_shows_none(recurrent):
    for prediction in recurrent.predict(["she", ""]):
        check(prediction, set())


def test_saliency_is_a_distribution_over_what_was_read(transformer, recurrent, greedy):
    for model, prediction in ((transformer, greedy[0]), (recurrent, recurrent.predict("she")[0])):
        found = saliency(model, prediction)
        shape = (len(prediction.target_pieces), len(prediction.source_pieces))
        assert found.shape == shape and found.dtype == np.float32
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
        # Not the same for every piece, nor all on one.
        assert found.std(0).max() > 1e-3 and found.max() < 0.999


def test_saliency_is_the_gradient(recurrent):
    """Against differences: how the log-probability changes as one embedding is scaled."""
    from keras import ops

    from zoo.interpret.gradients import replaced_embedding

    (prediction,) = recurrent.predict("she")
    network = recurrent.model
    source = np.array([recurrent.source_tokenizer.ids(prediction.source_pieces)], "int32")
    target = np.array([recurrent.target_tokenizer.ids(prediction.target_pieces)], "int32")
    read = np.concatenate([[[1]], target[:, :-1]], axis=1).astype("int32")
    embedded = np.asarray(network.source_embedding(source))
    steps = np.arange(target.shape[1])

    def log_probs(embedded: np.ndarray) -> np.ndarray:
        with replaced_embedding(network.source_embedding, ops.convert_to_tensor(embedded)):
            logits, _ = network.decode(read, network.encode(source))
        return np.asarray(ops.log_softmax(logits))[0, steps, target[0]].astype("float64")

    expected, size = np.zeros((len(steps), source.shape[1])), 1e-2
    for piece in range(source.shape[1]):
        wider, narrower = embedded.copy(), embedded.copy()
        wider[:, piece] *= 1 + size
        narrower[:, piece] *= 1 - size
        expected[:, piece] = np.abs(log_probs(wider) - log_probs(narrower)) / (2 * size)
    expected /= expected.sum(-1, keepdims=True)
    np.testing.assert_allclose(saliency(recurrent, prediction), expected, atol=0.02)


def test_saliency_of_nothing_is_nothing(recurrent):
    (nothing,) = recurrent.predict([""])
    assert saliency(recurrent, nothing).shape == (0, 1)


def test_saliency_reads_typed_special_pieces_as_text(recurrent):
    (prediction,) = recurrent.predict(["</s>"])
    found = saliency(recurrent, prediction)
    assert found.shape[1] == len(prediction.source_pieces)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)


def test_no_more_is_read_than_the_model_has_positions():
    pieces = tiny_models.tokenizers()["tokenizer.model"]
    sizes = {"source_vocabulary": pieces.size, "target_vocabulary": pieces.size, "max_length": 5}
    network = tiny_models.network("transformer", positions="learned", **sizes)
    loaded = Seq2SeqPredictor("short", network, pieces, pieces, {"max_source_length": 24})
    for prediction in loaded.predict(["Tom sees the red car."]):
        check(prediction, {"cross", "encoder", "decoder"})
        assert len(prediction.source_pieces) == 5 and len(prediction.target_pieces) <= 5
        assert "only the first 4 were read" in " ".join(prediction.notes)
        assert saliency(loaded, prediction).shape[1] == 5
