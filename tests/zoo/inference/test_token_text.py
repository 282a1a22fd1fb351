"""The text that a language model's token stands for, where a character takes several tokens."""

from __future__ import annotations

import pytest

from tests.zoo import tiny_language_models


@pytest.fixture(scope="module")
def model():
    return tiny_language_models.predictor("feed-forward", "sub-word")


def texts(model, ids, before=()):
    """What the text of `before` grows by with each of `ids`."""
    before, found = list(before), []
    for token in ids:
        found.append(model.tokenizer.growth(before, token))
        before.append(token)
    return found


def test_a_character_of_several_bytes_comes_with_the_last(model):
    ids = model.tokenizer.encode("a\U0001f642b").tolist()
    assert len(ids) == 6
    assert texts(model, ids) == ["a", "", "", "", "\U0001f642", "b"]


def test_bytes_that_are_no_character_are_replaced_once_that_is_known(model):
    a, first, *_, b = model.tokenizer.encode("a\U0001f642b").tolist()
    assert texts(model, [a, first, b]) == ["a", "", "\ufffdb"]


def test_what_cannot_be_read_is_not_said_twice(model):
    before = model.tokenizer.encode("to \ufffd").tolist()
    [b] = model.tokenizer.encode("b").tolist()
    assert texts(model, [b, b], before) == ["b", "b"]


def test_growth_adds_up_to_the_text(model):
    text = "To sleep;  caf\u00e9 \U0001f642\ufffd\n\n end "
    assert "".join(texts(model, model.tokenizer.encode(text).tolist())) == text


def test_a_lone_surrogate_is_read_as_what_cannot_be_read(model):
    tokenizer = model.tokenizer
    assert tokenizer.encode("to \udcffbe").tolist() == tokenizer.encode("to \ufffdbe").tolist()
    assert tokenizer.missing("to \udcffbe") == ["\ufffd"]
    assert "\ufffd" in model.predict("to \udcffbe", max_new_tokens=1)[0].notes[0]
