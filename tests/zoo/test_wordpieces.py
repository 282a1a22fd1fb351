"""Word pieces are cut as Hugging Face's `tokenizers` cut them, and alike within a graph."""

from __future__ import annotations

import json

import keras
import pytest

from zoo import class_inputs
from zoo.class_inputs import TextInput
from zoo.wordpieces import LONGEST, SPECIAL, WordPieces

LETTERS = "abcdefghijklmnopqrstuvwxyzσς0123456789.,!?'#$()[]{}<>&;:/\\-_=+*%@^~|\"`½ﬁ日本¿"
TOKENS = [*SPECIAL, "the", "un", "##seen", "nai", "##ve", "cafe"]
TOKENS += [mark + c for c in LETTERS for mark in ("", "##")]
TEXTS = [
    "Unseen naïve CAFÉS, isn't it?!",
    "",
    " \t the\r\n\u00a0the\u3000the ",
    'it costs $5.00 (a#b) `x` "y" a-b_c',
    "日本the本",
    "🎉 the ☃ unseen",
    "ΣΑΣ Σ ς",
    "a\u200bb c\x07d e\x00f \ufffdg \u00adh",
    "x" * LONGEST + " the " + "x" * (LONGEST + 1),
    "مرحبا the",
    "<b>the</b> &amp; ¿the?",
    "İstanbul ½ ﬁ",
    "e\u0301 ñ ü å",
]


@pytest.fixture(scope="module")
def pieces():
    return WordPieces(TOKENS)


def test_hugging_face_cuts_the_same(pieces):
    tokenizers = pytest.importorskip("tokenizers")
    theirs = tokenizers.BertWordPieceTokenizer(pieces.index, lowercase=True)
    for text in TEXTS:
        wanted = theirs.encode(text, add_special_tokens=False).ids
        assert pieces.encode(text).tolist() == wanted, text


def test_a_special_token_that_is_typed_is_plain_text(pieces):
    ids = pieces.encode("[CLS] [SEP]")
    assert not {pieces.index["[CLS]"], pieces.index["[SEP]"]} & set(ids.tolist())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of an export")
def test_a_graph_cuts_the_same(pieces):
    pytest.importorskip("tensorflow_text")
    import tensorflow as tf

    from zoo.export import text_operations

    ids, absent = text_operations.operations(pieces).encode(tf.constant(TEXTS))
    assert ids.to_list() == [pieces.encode(text).tolist() for text in TEXTS]
    named = [list(dict.fromkeys(one.decode() for one in row)) for row in absent.to_list()]
    assert named == [pieces.missing(text) for text in TEXTS]


def test_what_is_read_stands_between_two_tokens(pieces):
    reader = TextInput(pieces, most=6)
    read = reader.read("the cafés unseen the the")
    assert read.labels == ["[CLS]", "␣the", "␣cafe", "s", "␣un", "[SEP]"]
    assert read.array.tolist() == [2, *pieces.encode("the cafes un").tolist(), 3]
    assert read.notes == ["The text has 7 tokens; only the first 4 were read."]


def test_pieces_become_words_again(pieces):
    assert pieces.decode(pieces.encode("Unseen 🎉 cafés!")) == "unseen \u2047 cafes !"
    assert pieces.byte_lengths(pieces.encode("the unseen")).sum() == len("the unseen")


def test_a_file_gives_the_same_pieces(pieces, tmp_path):
    path = tmp_path / "input.json"
    path.write_bytes(pieces.bytes)
    found = class_inputs.load(path, 6).tokenizer
    assert found.tokens == pieces.tokens and found.lower


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tokens": ["[PAD]", "[UNK]", "[CLS]"]}, r"no token \[SEP\]"),
        ({"tokens": [*SPECIAL, "a", "a"]}, "there twice"),
        ({"tokens": ["a", *SPECIAL]}, r"\[PAD\] must be the first"),
        ({"tokens": [*SPECIAL, 5]}, "a list of words"),
        ({"lower": "yes"}, "lower must be true or false"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, change, said):
    path = tmp_path / "input.json"
    record = {"type": "word piece", "lower": True, "tokens": TOKENS} | change
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match=said):
        class_inputs.load(path, 6)
