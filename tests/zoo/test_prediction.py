"""Merging pieces into words, worked by hand."""

from __future__ import annotations

import numpy as np

from zoo.prediction import Prediction, word_spans


def example() -> Prediction:
    """`un-known word </s>` read, `Wör-ter </s>` written: 4 and 3 pieces."""
    cross = np.array(
        [[[[0.1, 0.2, 0.3, 0.4], [0.5, 0.1, 0.2, 0.2], [0.0, 0.0, 0.25, 0.75]]]], "float32"
    )
    encoder = np.full((1, 1, 4, 4), 0.25, "float32")
    decoder = np.array([[[[1, 0, 0], [0.6, 0.4, 0], [0.2, 0.3, 0.5]]]], "float32")
    return Prediction(
        text="Wörter",
        source_pieces=["▁un", "known", "▁word", "</s>"],
        target_pieces=["▁Wör", "ter", "</s>"],
        log_probs=np.array([-0.5, -0.25, -1.0], "float32"),
        attention={"cross": cross, "encoder": encoder, "decoder": decoder},
    )


def test_words_are_pieces_merged_at_word_starts():
    words = example().words()
    assert words.source == ["unknown", "word", "</s>"]
    assert words.target == ["Wörter", "</s>"]
    np.testing.assert_allclose(words.log_probs, [-0.75, -1.0])


def test_attention_is_summed_over_read_pieces_and_averaged_over_written_ones():
    words = example().words()
    # Columns first: [.3 .3 .4] and [.6 .2 .2] are the two pieces of the first word.
    np.testing.assert_allclose(
        words.attention["cross"][0, 0], [[0.45, 0.25, 0.3], [0.0, 0.25, 0.75]], atol=1e-6
    )
    np.testing.assert_allclose(words.attention["encoder"][0, 0], [[0.5, 0.25, 0.25]] * 3, atol=1e-6)
    np.testing.assert_allclose(
        words.attention["decoder"][0, 0], [[1.0, 0.0], [0.5, 0.5]], atol=1e-6
    )
    for array in words.attention.values():
        np.testing.assert_allclose(array.sum(-1), 1.0, atol=1e-6)
        assert array.dtype == np.float32


def test_what_was_predicted_is_left_as_it_is():
    prediction = example()
    before = prediction.attention["cross"].copy()
    prediction.words()
    assert (prediction.attention["cross"] == before).all()
    assert prediction.source_pieces == ["▁un", "known", "▁word", "</s>"]


def test_words_begin_at_the_first_piece_at_spaces_and_at_the_end():
    spans = word_spans(["a", "b", "▁", "c", "d", "▁ef", "</s>"])
    assert spans == [(0, 2), (2, 5), (5, 6), (6, 7)]
    assert word_spans([]) == []
    assert word_spans(["</s>"]) == [(0, 1)]


def test_characters_become_words_too():
    prediction = Prediction(
        text="1 2",
        source_pieces=["a", "▁", "b", "c", "</s>"],
        target_pieces=["1", "▁", "2"],
        log_probs=np.array([-1, -2, -3], "float32"),
    )
    words = prediction.words()
    assert words.source == ["a", "bc", "</s>"]
    assert words.target == ["1", "2"]
    np.testing.assert_allclose(words.log_probs, [-1, -5])
    assert words.attention == {}


def test_nothing_written_is_no_words():
    nothing = Prediction("", ["</s>"], [], np.zeros(0, "float32"))
    words = nothing.words()
    assert (words.source, words.target, words.attention) == (["</s>"], [], {})
    assert words.log_probs.shape == (0,)
