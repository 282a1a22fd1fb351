"""Merging pieces into words, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.prediction import Prediction, piece_labels, piece_spans, word_spans


def of(text: str) -> list[str]:
    """The byte pieces of a text."""
    return [f"<0x{byte:02X}>" for byte in text.encode()]


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


MIXED = ["▁", "我", "有", "▁3", "只", "▁AB", "C", "北京", "了", "</s>"]


def test_in_scripts_without_spaces_characters_are_words():
    prediction = Prediction(
        text="",
        source_pieces=MIXED,
        target_pieces=["▁我有", "co", "ol", "的", "。", "</s>"],
        log_probs=np.array([-1, -2, -3, -4, -5, -6], "float32"),
        attention={"cross": np.tile(np.arange(10, dtype="float32") / 45, (1, 2, 6, 1))},
    )
    words = prediction.words()
    assert words.source == ["我", "有", "3", "只", "ABC", "北京", "了", "</s>"]
    # A piece of several characters is not cut.
    assert words.target == ["我有", "cool", "的", "。", "</s>"]
    assert words.gaps == [True, False, False, False, True]
    np.testing.assert_allclose(words.log_probs, [-1, -5, -4, -5, -6])
    np.testing.assert_allclose(
        words.attention["cross"][0, 1, 1] * 45, [1, 2, 3, 4, 11, 7, 8, 9], rtol=1e-5
    )
    np.testing.assert_allclose(words.attention["cross"].sum(-1), 1.0, atol=1e-6)


def test_spaces_between_chinese_words_are_gaps():
    prediction = Prediction("", ["</s>"], ["▁我", "们", "▁来", "</s>"], np.zeros(4, "float32"))
    assert prediction.words().target == ["我", "们", "来", "</s>"]
    assert prediction.words().gaps == [True, False, True, True]


@pytest.mark.parametrize(
    "pieces, labels, words",
    [
        (["▁", *of("了"), "吗", "</s>"], ["▁", "了", "吗", "</s>"], ["了", "吗", "</s>"]),
        (["▁na", *of("ï"), "ve"], ["▁na", "ï", "ve"], ["naïve"]),
        (
            ["▁a", "▁", *of("中文é"), "x"],
            ["▁a", "▁", "中", "文", "é", "x"],
            ["a", "中", "文", "éx"],
        ),
        ([*of("😀")[:3], "a"], ["\ufffd", "a"], ["\ufffda"]),
        ([*of("了")[:2], *of("是")], ["\ufffd", "是"], ["\ufffd", "是"]),
        ([*of("了")[1:], *of("A")], ["\ufffd", "A"], ["\ufffdA"]),
        (["▁<0xZZ>", "<0x4>"], ["▁<0xZZ>", "<0x4>"], ["<0xZZ><0x4>"]),
        ([], [], []),
    ],
)
def test_bytes_are_joined_into_the_character_they_spell(pieces, labels, words):
    assert piece_labels(pieces) == labels
    spans = piece_spans(pieces)
    assert [i for a, b in spans for i in range(a, b)] == [*range(len(pieces))]
    prediction = Prediction("", pieces, pieces, np.full(len(pieces), -1, "float32"))
    assert prediction.words().source == words
    assert prediction.words().log_probs.sum() == -len(pieces)


def test_bytes_of_one_character_are_looked_at_together():
    pieces = [*of("了"), "</s>"]
    maps = np.array([[[[0.1, 0.2, 0.3, 0.4]] * 4]], "float32")
    prediction = Prediction("", pieces, pieces, np.zeros(4, "float32"), {"encoder": maps})
    np.testing.assert_allclose(prediction.words().attention["encoder"][0, 0], [[0.6, 0.4]] * 2)
