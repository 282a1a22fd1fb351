"""Tokenizers of running text: nothing is lost on the way to ids and back, and files are checked."""

from __future__ import annotations

import json
import random
import unicodedata

import numpy as np
import pytest

from tests.zoo import tiny_language_models as tiny
from zoo import saved_tokenizers, saving, tokenizer_files
from zoo.saving import ModelFolderError
from zoo.text_tokenizers import Characters, SubWords, Words
from zoo.tokenizer import BOS, EOS, PAD, UNK

TEXTS = {
    "empty": "",
    "one letter": "a",
    "only line breaks": "\n\n\n",
    "line breaks at both ends": "\nto be\n\nor not\n",
    "double spaces": "to  be   or",
    "spaces at both ends": "  to be ",
    "spaces around line breaks": "to be \n or",
    "tabs": "\tto\t\tbe\t",
    "carriage return": "to be\r\nor",
    "right to left": "אין דבר כזה\nأين المكتبة؟ \u202eabc\u202c",
    "emoji": "👩‍👩‍👧 🦓 to be 🇪🇸",
    "combining": "e\u0301e\u0323\u0301 é",
    "not normalised": "ﬁ ½ Å \u212b ①",
    "odd spaces": "a\u00a0b\u2003c\u2028d\u0085e\u200bf\x0bg\x0ch",
    "special": "<s> </s> <pad> <unk> <0x41>",
    "control": "\x07 \x1b[31m \x7f \ufeff",
    "NUL": "to\x00be",
    "digits": "1234567890 3.14",
    "replacement": "\ufffd \u2047 \u2585",
}


@pytest.fixture(scope="module")
def sub_words():
    return tiny.tokenizer("sub-word")


@pytest.fixture(scope="module")
def characters():
    return tiny.tokenizer("character")


@pytest.fixture(scope="module")
def words():
    return tiny.tokenizer("word")


def unicode_texts(seed: int, count: int = 60) -> list[str]:
    """Any characters but surrogates, and U+2581, which SentencePiece has for a space."""
    generator, found = random.Random(seed), []
    ranges = ((32, 126), (9, 13), (0xA0, 0x24F), (0x370, 0x6FF), (0x4E00, 0x4FFF), (1, 0x10FFFF))
    for _ in range(count):
        codes = [
            generator.randint(*generator.choice(ranges)) for _ in range(generator.randint(1, 40))
        ]
        kept = (c for c in codes if not 0xD800 <= c <= 0xDFFF and c != 0x2581)
        found.append("".join(map(chr, kept)))
    return found


def check(tokenizer, text: str, back: str) -> None:
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int32 and ids.ndim == 1
    assert tokenizer.decode(ids) == back
    assert tokenizer.decode(ids.tolist()) == back
    lengths = tokenizer.byte_lengths(ids)
    assert lengths.shape == ids.shape and lengths.sum() == len(back.encode())
    labels = tokenizer.labels(ids)
    assert len(labels) == len(ids) and all(labels)
    assert not any(c.isspace() for label in labels for c in label)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_sub_words_lose_nothing(sub_words, text):
    """Neither characters never seen, which are bytes, nor any space or line break."""
    check(sub_words, text, text)
    assert UNK not in sub_words.encode(text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_characters_lose_nothing_that_was_seen(characters, text):
    check(Characters.learn(text), text, text)
    known = set(tiny.TEXT)
    check(characters, text, "".join(c if c in known else "\u2047" for c in text))
    assert characters.missing(text) == list(dict.fromkeys(c for c in text if c not in known))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_words_keep_words_and_line_breaks(text):
    lines = [" ".join(line.split()) for line in text.split("\n")]
    check(Words.learn(text), text, "\n".join(lines))


def test_random_unicode_comes_back(sub_words):
    for text in unicode_texts(1):
        check(sub_words, text, text)
        check(Characters.learn(text), text, text)
        lines = [" ".join(line.split()) for line in text.split("\n")]
        check(Words.learn(text), text, "\n".join(lines))


def test_a_text_in_pieces_of_ids_has_as_many_bytes_as_whole(sub_words, words, characters):
    """Wherever it is cut, within a character too: what bits a byte are counted from."""
    text = tiny.TEXT + "🦓 é to be\n\nor not"
    for tokenizer in (sub_words, words, characters):
        ids = tokenizer.encode(text)
        lengths = tokenizer.byte_lengths(ids)
        assert lengths.sum() == len(tokenizer.decode(ids).encode())
        for cut in range(1, len(ids)):
            begun = tokenizer.decode(ids[:cut])
            if tokenizer is not sub_words or "\ufffd" not in begun:
                # A space between two words comes with the second.
                assert lengths[:cut].sum() == len(begun.encode())


def test_words_of_the_penn_treebank_have_a_word_for_the_unknown():
    with_one = tiny.tokenizer("ptb")
    ids = with_one.encode("to zebra <unk>\nbe,")
    assert with_one.decode(ids) == "to <unk> <unk>\nbe,"
    assert with_one.missing("to zebra <unk>\nbe, zebra") == ["zebra"]
    assert UNK not in ids and ids[1] == ids[2] == with_one.unknown
    without = tiny.tokenizer("word")
    assert without.encode("to zebra").tolist()[1] == UNK
    assert without.decode(without.encode("to zebra")) == "to \u2047"
    assert without.missing("zebra to <unk>\n") == ["zebra", "<unk>"]


def test_frequent_words_come_first_and_order_is_the_same_every_time():
    made = Words.learn("b a b\na c b")
    assert made.tokens[UNK + 1 :] == ["b", "a", "c"]
    assert Characters.learn("cab\n").tokens[UNK + 1 :] == ["\n", "a", "b", "c"]


def test_labels_show_spaces_and_line_breaks(characters, words, sub_words):
    assert characters.labels(characters.encode("b e\n")) == ["b", "␣", "e", "↵"]
    assert Characters.learn("\t\u00a0").labels([4, 5]) == ["⇥", "U+00A0"]
    assert words.labels(words.encode("To be,\nor")) == ["To", "be,", "↵", "or"]
    assert words.labels([UNK]) == ["<unk>"]
    shown = sub_words.labels(sub_words.encode("to be\n€"))
    assert "".join(shown).startswith("to␣be↵") and shown[-3:] == ["<0xE2>", "<0x82>", "<0xAC>"]


def test_what_is_missing_is_named_once_in_the_order_read(sub_words, characters):
    assert sub_words.missing("to 🦓 be € 🦓 or €\n") == ["🦓", "€"]
    assert sub_words.missing("to be\n") == []
    assert characters.missing("€ to 🦓€") == ["€", "🦓"]
    assert characters.missing("") == []


@pytest.mark.parametrize("unit", [*tiny.UNITS, "ptb"])
def test_special_ids_are_written_by_nobody_and_start_is_known(unit):
    tokenizer = tiny.tokenizer(unit)
    assert {PAD, BOS, UNK} <= set(tokenizer.excluded)
    # A line break is EOS of words, and may be written.
    assert (EOS in tokenizer.excluded) == (tokenizer.unit != "word")
    assert tokenizer.start == tokenizer.encode("\n")[0]
    assert set(tokenizer.encode(tiny.TEXT)) & set(tokenizer.excluded) == set()
    assert Characters.learn("no line break").start == BOS


def test_sub_words_are_learnt_from_lines_that_sentencepiece_passes_over():
    """Lines with tabs, as a table or code has; and a book in one line."""
    rows = "".join(f"name{n % 7}\tvalue {n % 5}\n" for n in range(40))
    table = SubWords.learn(rows, 340)
    assert max(len(label) for label in table.labels(table.encode("name1\tvalue 2"))) >= 4
    check(table, "name1\tvalue 2\n", "name1\tvalue 2\n")
    line = " ".join(f"word{n % 50}" for n in range(20_000))
    long = SubWords.learn(line, 340)
    assert len(long.encode("word1 word2")) < 11
    check(long, line[:500], line[:500])


def test_a_text_without_words_for_so_many_sub_words_is_one_sentence():
    with pytest.raises(ValueError, match=r"SentencePiece cannot learn 100 sub-words.*--vocabulary"):
        SubWords.learn(tiny.TEXT, 100)
    with pytest.raises(ValueError, match="SentencePiece cannot learn"):
        SubWords.learn(" \n\t\n", 340)


@pytest.mark.parametrize("unit", [*tiny.UNITS, "ptb"])
def test_a_file_gives_the_same_tokenizer_again(unit, tmp_path):
    made = tiny.tokenizer(unit)
    path = tmp_path / f"tokenizer{made.suffix}"
    path.write_bytes(made.bytes)
    again = tokenizer_files.load(path)
    assert type(again) is type(made) and again.bytes == made.bytes and again.size == made.size
    for text in (*TEXTS.values(), *unicode_texts(2, 10)):
        assert again.encode(text).tolist() == made.encode(text).tolist()


@pytest.mark.parametrize("text", ["to </s> be <s> <pad> <unk> or", "</s>"])
def test_words_that_look_special_are_words_and_can_be_loaded(text, tmp_path):
    made = Words.learn(text)
    (tmp_path / "t.json").write_bytes(made.bytes)
    again = tokenizer_files.load(tmp_path / "t.json")
    assert again.decode(again.encode(text)) == text
    assert min(again.encode(text)) > UNK


BROKEN = {
    "not JSON": b"{",
    "no text": b"\xff\xfe\x00\xd8",
    "nothing": b"",
    "deep": b"[" * 100_000,
    "a list": b"[]",
    "null": b"null",
    "a number": b"1" * 5000,
    "no type": b'{"tokens": ["a"]}',
    "no tokens": b'{"type": "word"}',
    "another type": b'{"type": "syllable", "tokens": ["a"]}',
    "a type that is a list": b'{"type": ["word"], "tokens": ["a"]}',
    "sub-words": b'{"type": "sub-word", "tokens": ["a"]}',
    "tokens as a text": b'{"type": "character", "tokens": "abc"}',
    "tokens as an object": b'{"type": "character", "tokens": {"a": 1}}',
    "no tokens at all": b'{"type": "character", "tokens": null}',
    "a number among them": b'{"type": "word", "tokens": ["a", 1]}',
    "null among them": b'{"type": "word", "tokens": [null]}',
    "a list among them": b'{"type": "word", "tokens": [["a"]]}',
    "an empty one": b'{"type": "word", "tokens": ["a", ""]}',
    "one twice": b'{"type": "word", "tokens": ["a", "b", "a"]}',
    "one twice beside <unk>": b'{"type": "word", "tokens": ["<unk>", "b", "b"]}',
    "a word of two": b'{"type": "word", "tokens": ["a b"]}',
    "a line break as a word": b'{"type": "word", "tokens": ["a", "\\n"]}',
    "a character of two": b'{"type": "character", "tokens": ["ab"]}',
    "half a character": b'{"type": "character", "tokens": ["\\ud800"]}',
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_damaged_vocabulary_is_refused_in_one_sentence(data, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(data)
    with pytest.raises(ValueError) as error:
        tokenizer_files.load(path)
    said = str(error.value)
    assert said.startswith("tokenizer.json is no vocabulary: ") and "\n" not in said
    assert len(said) < 300


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A folder with characters and one with sub-words."""
    path = tmp_path_factory.mktemp("models")
    for unit in ("character", "sub-word"):
        tiny.predictor("feed-forward", unit, path / unit)
    return path


@pytest.mark.parametrize("unit", ["character", "sub-word"])
def test_a_folder_with_another_vocabulary_is_refused(folders, unit):
    folder = folders / unit
    config = saving.read_config(folder)
    path = folder / config["tokenizers"]["text"]
    whole = path.read_bytes()
    try:
        for data, words in (
            (tiny.tokenizer("sub-word" if unit == "character" else "character").bytes, "damaged"),
            (whole[:-20], "damaged"),
            (b"", "damaged"),
            (None, "has no tokenizer"),
        ):
            path.unlink()
            if data is not None:
                path.write_bytes(data)
            with pytest.raises(ModelFolderError, match=words):
                saved_tokenizers.read_text_tokenizer(folder, config)
        if unit == "character":
            record = json.loads(whole)
            record["tokens"].append("é")
            path.write_text(json.dumps(record))
            with pytest.raises(ModelFolderError, match=r"has \d+ tokens; the model has \d+"):
                saved_tokenizers.read_text_tokenizer(folder, config)
    finally:
        path.write_bytes(whole)
    assert saved_tokenizers.read_text_tokenizer(folder, config).bytes == whole


@pytest.mark.parametrize(
    "changes, word",
    [
        ({"tokenizers": {}}, "text"),
        ({"tokenizers": {"source": "tokenizer.json"}}, "text"),
        ({"tokenizers": {"text": "../tokenizer.json"}}, "beside it"),
        ({"tokenizers": {"text": "tokenizer.txt"}}, "json or .model"),
        ({"tokenizers": {"text": ["tokenizer.json"]}}, "beside it"),
        ({"kind": "poem"}, "kind must be one of"),
        ({"kind": ["language_model"]}, "kind must be one of"),
        ({"kind": "seq2seq"}, "source, target"),
        ({"model": "transformer"}, "Unknown model"),
    ],
)
def test_a_config_of_another_kind_is_refused(folders, tmp_path, changes, word):
    config = json.loads((folders / "character" / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(ModelFolderError, match=word):
        saving.read_config(tmp_path)


def test_nothing_is_normalised(sub_words, characters):
    text = "Å é ﬁ"
    for made in (unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)):
        assert sub_words.decode(sub_words.encode(made)) == made
        assert len(characters.encode(made)) == len(made)
