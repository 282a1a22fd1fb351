"""The state as an address: back and forth, short whatever the text, and read with tolerance."""

from __future__ import annotations

import random
from urllib.parse import urlencode

import pytest

from apps import address

STATES = [
    {},
    {"task": "dates", "text": "3 May 2021", "beams": "5", "max": "12"},
    {"task": "en-es", "text": "<b>&?=#%مرحبا 😀", "map": "decoder", "layer": "2"},
    {"text": "", "target": "el gato.z", "run": "here"},
    {"order.text": "Tom loves Mary.", "self.word": "3", "chapter": "5"},
    {"text": "a sentence of some length " * 40, "target": "otra frase más larga " * 40},
]
NOISE = random.Random(7)
LONG = {
    "english": "the quick brown fox jumps over the lazy dog " * 60,
    "noise": "".join(NOISE.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(2000)),
    "emoji": "".join(chr(0x1F600 + NOISE.randrange(60)) for _ in range(2000)),
    "chinese": "".join(chr(0x4E00 + NOISE.randrange(9000)) for _ in range(2000)),
}


@pytest.mark.parametrize("values", STATES)
def test_an_address_gives_the_state_back(values):
    long = {}
    params = address.write(values, long)
    assert not long
    tidied = {k: address.tidy(v)[0] if address.is_text(k) else v for k, v in values.items()}
    assert address.read(params, {}) == (tidied, [])


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_an_address_stays_short_and_the_session_keeps_what_it_leaves_out(text):
    text = address.tidy(text)[0]
    values = {"task": "en-es", "text": text, "target": text[::-1].strip(), "order.text": text}
    long = {}
    params = address.write(values, long)
    assert len(urlencode(params)) <= address.LONGEST
    again, said = address.read(params, long)
    assert {**again, "text": text} == values
    assert not said
    found, said = address.read(params, {})  # somebody else's session
    assert "task" in found
    assert bool(said) == bool(long)
    assert all("does not carry its" in one for one in said)
    assert address.left_out(values) == bool(long)


@pytest.mark.parametrize("packed", ["", "!", "AAAA", "eJw", address.packed("x" * 10**6), "é" * 9])
def test_a_damaged_text_is_left_out_with_a_sentence(packed):
    values, said = address.read({"text.z": packed, "task": "dates"}, {})
    assert values == {"task": "dates"}
    assert "damaged" in said[0]


def test_other_peoples_parameters_and_endless_ones_are_left_alone():
    values, said = address.read({"utm_source": "x", "view": "9" * 5000, "layer": "99"}, {})
    assert values == {"layer": "99"}
    assert "too much" in said[0]


def test_older_names_are_understood():
    found, _ = address.read({"beam": "5", "text.dates": "3 May", "output.dates": "2021-05-03"}, {})
    assert found == {"beams": "5", "text": "3 May", "target": "2021-05-03"}


def test_text_is_tidied_and_cut_with_a_word_about_it():
    assert address.tidy("  a\x00b\n\tc ") == ("a b c", None)
    assert address.tidy("a\ud800b")[0].isascii()
    assert address.tidy(" \n\t ") == ("", None)
    text, notice = address.tidy("word " * 10_000)
    assert len(text) <= address.MAX_CHARACTERS
    assert "49,999 characters" in notice
