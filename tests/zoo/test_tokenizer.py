"""Text to pieces and back: special ids, odd input, whole characters and whole phonemes."""

from __future__ import annotations

import io

import pytest
import sentencepiece

from tests.zoo import tiny_models
from zoo.tokenizer import BOS, EOS, PAD, UNK, Tokenizer, clean, train_tokenizer


@pytest.fixture(scope="module")
def words():
    return tiny_models.tokenizers(shared=True)["tokenizer.model"]


@pytest.fixture(scope="module")
def characters():
    return tiny_models.tokenizers(shared=False)["source.model"]


def test_special_ids_are_the_same_in_every_vocabulary(words, characters):
    assert (PAD, BOS, EOS, UNK) == (0, 1, 2, 3)
    for tokenizer in (words, characters):
        assert tokenizer.pieces([PAD, BOS, EOS, UNK]) == ["<pad>", "<s>", "</s>", "<unk>"]


def test_text_comes_back(words, characters):
    for tokenizer in (words, characters):
        ids = tokenizer.encode("Tom buys the red car.")
        assert ids[-1] == EOS and EOS not in ids[:-1] and max(ids) < tokenizer.size
        assert tokenizer.decode(ids) == "Tom buys the red car."
        assert tokenizer.decode([BOS, *ids, PAD, PAD]) == "Tom buys the red car."
        assert tokenizer.ids(tokenizer.pieces(ids)) == ids


def test_the_empty_text_is_its_end(words):
    for text in ("", "   ", "\n\t\r", "\x00\x07", "\ud800"):
        assert words.encode(text) == [EOS]
        assert words.encode_as_read(text) == ([EOS], ["</s>"])


def test_every_character_is_one_piece(characters):
    text = "she wants the book."
    ids, pieces = characters.encode_as_read(text)
    assert pieces == [*text.replace(" ", "▁"), "</s>"]
    assert len(ids) == len(text) + 1


def test_characters_are_kept_as_they_are_read():
    """Normalising would shift an alignment: NFKC turns the ligature into two characters."""
    texts = ["ﬁve", "№ 5", "５ Ⅷ"]
    tokenizer = train_tokenizer(texts, model_type="char", vocabulary_size=50)
    for text in texts:
        assert tokenizer.encode_as_read(text)[1] == [*text.replace(" ", "▁"), "</s>"]
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_phonemes_are_whole_pieces():
    texts = ["HH AH0 L OW1", "W ER1 L D", "L IH1 P"]
    tokenizer = train_tokenizer(texts, model_type="word", vocabulary_size=50)
    ids = tokenizer.encode("HH AH0 L OW1")
    assert tokenizer.pieces(ids) == ["▁HH", "▁AH0", "▁L", "▁OW1", "</s>"]
    assert tokenizer.decode(ids) == "HH AH0 L OW1"
    assert tokenizer.size == 4 + 9


def test_unknown_characters_show_as_they_were_read(characters):
    ids, pieces = characters.encode_as_read("Tom 🦓 buys")
    assert len(ids) == len(pieces)
    assert pieces[ids.index(UNK)] == "🦓"
    assert characters.ids(pieces) == ids


@pytest.mark.parametrize("text", ["</s>", "<s> Tom", "<pad>", "<unk>"])
def test_special_pieces_cannot_be_typed(words, text):
    ids = words.encode(text)
    assert ids[-1] == EOS
    assert not {PAD, BOS, EOS} & set(ids[:-1])


@pytest.mark.parametrize("text", ["</s>", "<pad>", "1</s>2", "<s>1", "<unk>"])
def test_typed_names_of_special_pieces_are_unknown_text(text):
    digits = train_tokenizer(["0123456789-"], model_type="char", vocabulary_size=20)
    ids, pieces = digits.encode_as_read(text)
    assert pieces[-1] == "</s>" and "".join(pieces[:-1]) == text
    assert digits.ids(pieces) == ids


@pytest.mark.parametrize(
    "text, cleaned",
    [
        ("  two   spaces ", "two spaces"),
        ("line\nbreak\ttab\r\nend", "line break tab end"),
        ("nul\x00bell\x07esc\x1b[0m", "nul bell esc [0m"),
        ("e\u0301", "é"),
        ("lone \ud83d surrogate", "lone surrogate"),
        ("para\u2029graph\u00a0nbsp", "para graph nbsp"),
        ("مرحبا 👩‍👩‍👧", "مرحبا 👩‍👩‍👧"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_clean_leaves_only_what_can_be_written(text, cleaned):
    assert clean(text) == cleaned
    cleaned.encode("utf-8")


def test_training_twice_gives_the_same_bytes():
    once, twice = (tiny_models.tokenizers()["tokenizer.model"].bytes for _ in range(2))
    assert once == twice


def test_a_model_is_read_from_a_file(words, tmp_path):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(words.bytes)
    assert Tokenizer.load(path).encode("the book") == words.encode("the book")
    with pytest.raises(FileNotFoundError):
        Tokenizer.load(tmp_path / "none.model")


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x00" * 100], ids=["empty", "text", "nul"])
def test_other_bytes_are_refused(data):
    with pytest.raises(ValueError, match="Not a SentencePiece model"):
        Tokenizer(data)


def test_half_a_model_is_refused(words):
    with pytest.raises(ValueError):
        Tokenizer(words.bytes[: len(words.bytes) // 2])


def test_a_model_with_other_special_ids_is_refused():
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e f"] * 10),
        model_writer=written,
        vocab_size=20,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    with pytest.raises(ValueError, match="pad, bos, eos, unk"):
        Tokenizer(written.getvalue())


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def subwords(request):
    texts = ["I have 48 cats.", "It costs 15 dollars; really!", "Zoë 今日 X"] * 3
    return train_tokenizer(texts, model_type=request.param, vocabulary_size=330, byte_fallback=True)


@pytest.mark.parametrize(
    "text",
    ["I have 1947 cats.", "X; Zoë 今日!", "36%", "žluťoučký 🦓 日本 \U0010ffff", "</s> <0x41>"],
)
def test_no_character_is_lost(subwords, text):
    ids = subwords.encode(text)
    assert UNK not in ids
    assert subwords.decode(ids) == text


def test_every_digit_is_a_piece_also_where_the_text_has_none(subwords):
    ids, pieces = subwords.encode_as_read("1947 36")
    assert pieces == ["▁", "1", "9", "4", "7", "▁", "3", "6", "</s>"]
    assert subwords.missing(ids, pieces) == []


def test_what_is_missing_is_named_in_characters(subwords, characters):
    text = "Zoë 🦓 cat 日 🦓 ž"
    assert subwords.missing(*subwords.encode_as_read(text)) == ["🦓", "ž"]
    assert characters.missing(*characters.encode_as_read("Tom 🦓🦓 X")) == ["🦓🦓", "X"]
    assert subwords.missing([EOS], ["</s>"]) == []


def test_nothing_decoded_vanishes_without_a_mark(subwords, characters):
    first = subwords.encode("🦓")[1]
    (letter,) = subwords.ids(["X"])
    assert subwords.decode([first, letter, EOS]) == "\ufffdX"
    assert "\u2047" in characters.decode([*characters.encode("Tom")[:-1], UNK, EOS])
    assert "\u2047" in subwords.decode([letter, UNK])


def test_texts_that_cannot_be_learnt_are_said_in_a_sentence():
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 900)))
    for texts, said in (([], "no text"), ([many], r"300 tokens has no room .* --vocabulary to 9")):
        with pytest.raises(ValueError, match=said):
            train_tokenizer(texts, model_type="bpe", vocabulary_size=300)
