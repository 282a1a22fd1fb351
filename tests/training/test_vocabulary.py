"""How large a vocabulary is: every character that can be kept is, and what is not is said."""

from __future__ import annotations

import pytest

from training import tasks
from training.data import prepare
from training.tasks.base import TokenizerSpec
from zoo.tokenizer import UNK

SPEC = TokenizerSpec("unigram", 500)


def chinese(characters: int, lines: int) -> list[str]:
    """Lines over so many characters, of which the first are far more frequent."""
    ids = [(i * i) % characters for i in range(lines * 12)] + list(range(characters))
    text = "".join(chr(0x4E00 + i) for i in ids)
    return [text[i : i + 12] for i in range(0, len(text), 12)]


def kept(tokenizer, texts: list[str]) -> int:
    return sum(len(tokenizer.encode(c)) <= 3 for c in set("".join(texts)))


def test_a_vocabulary_grows_with_the_characters_of_the_text(capsys):
    texts = chinese(900, 300)
    tokenizer = prepare.learn(texts, SPEC)
    assert kept(tokenizer, texts) == len(set("".join(texts)))
    assert 500 < tokenizer.size <= 2 * (900 + prepare.FIXED)
    said = " ".join(capsys.readouterr().err.split())
    assert "900 different characters" in said and "--vocabulary" in said


def test_a_vocabulary_that_was_asked_for_keeps_the_most_frequent(capsys):
    texts = chinese(900, 300)
    tokenizer = prepare.learn(texts, SPEC, vocabulary=1_000)
    assert tokenizer.size <= 1_000
    room = (1_000 - prepare.FIXED) // 2
    assert 0.9 * room < kept(tokenizer, texts) <= room + 12
    assert all(UNK not in tokenizer.encode(text) for text in texts)
    assert all(tokenizer.decode(tokenizer.encode(text)) == text for text in texts)
    said = " ".join(capsys.readouterr().err.split())
    assert f"the {room} most frequent" in said and f"--vocabulary {2 * 900 + prepare.FIXED}" in said


def test_a_vocabulary_too_small_for_the_bytes_is_refused():
    with pytest.raises(ValueError, match=f"at least {prepare.SMALLEST}.*Received: 100"):
        prepare.learn(["some text"], SPEC, vocabulary=100)


def test_english_and_spanish_keep_their_size_and_every_character(capsys):
    texts = [f"Sentence {i}: ¿qué año, {i % 7}% of $8; Zoë?" for i in range(200)]
    tokenizer = prepare.learn(texts, SPEC)
    assert tokenizer.size <= 500 and not capsys.readouterr().err
    assert kept(tokenizer, texts) == len(set("".join(texts)))


def test_both_sides_share_pieces_but_not_their_normalizer(tmp_path):
    path = tmp_path / "pairs.tsv"
    rows = [f"I don’t have {i} cats.\tJe n’ai pas {i} chats." for i in range(40)]
    path.write_text("\n".join(rows), encoding="utf-8")
    task = tasks.get(f"tsv:{path}")
    made = prepare.make_tokenizers(task, prepare.read(task), tmp_path / "run")
    source, target = prepare.sides(made)
    assert source.bytes == target.bytes
    assert prepare.file_names(made) == {"source": "tokenizer.model", "target": "tokenizer.model"}
    assert source.decode(source.encode("don’t")) == "don't"
    assert target.decode(target.encode("n’ai")) == "n’ai"
    again = prepare.make_tokenizers(task, prepare.read(task), tmp_path / "run")
    assert again["source"].normalizer == source.normalizer
