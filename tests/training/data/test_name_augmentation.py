"""Names exchanged on both sides together: equal ones stay equal, all else stays as it was."""

from __future__ import annotations

import pytest

from training.data.name_augmentation import LONGEST, exchange_names
from zoo.tokenizer import train_tokenizer

PAIRS = [
    ("Tom's dog bit Mary.", "El perro de Tom mordió a Mary."),
    ("Tom runs.", "Tom corre."),
    ("Hey, Boston!", "Hey, Boston!"),
    ("They said hey.", "Dijeron hey."),
    ("Nobody runs.", "Nadie corre."),
    ("Mark it, Bob.", "Márcalo, Roberto."),
]


def test_both_sides_get_the_same_name_and_all_else_stays():
    made = exchange_names([PAIRS[0]], 60, seed=1)
    whole = [(a, b) for a, b in made if "dog" in a]
    assert len(whole) > 40
    for a, b in whole:
        owner, bitten = a.split("'s dog bit ")
        assert b == f"El perro de {owner} mordió a {bitten}"
    for a, b in set(made) - set(whole):
        assert a == b and len(a) <= LONGEST


def test_what_stands_on_one_side_or_without_a_capital_is_no_name():
    made = exchange_names(PAIRS, 300, seed=1)
    assert any(a.startswith("Hey, ") for a, _ in made)
    for a, b in made:
        assert "Nobody" not in a and "Bob" not in a
        assert ("Hey" in a) == ("Hey" in b)
    assert exchange_names(PAIRS[3:], 10, seed=1) == []


def test_the_bytes_of_the_world_are_met():
    pairs = [(f"{name} runs.", f"{name} corre.") for name in ("Tom", "Susana", "Eduard", "Zoltan")]
    made = exchange_names(pairs, 6000, seed=1)
    tokenizer = train_tokenizer(
        [text for pair in pairs for text in pair],
        model_type="unigram",
        vocabulary_size=310,
        byte_fallback=True,
    )
    met = {i for pair in made for text in pair for i in tokenizer.encode(text)}
    written = {tokenizer.byte_ids[i] for i in met if i in tokenizer.byte_ids}
    # Every byte that continues a character, and the first bytes of the scripts most used.
    assert set(range(0x80, 0xC0)) <= written
    for character in "ëÜğřøβЖאعअ中日한🎉":
        assert set(character.encode()) <= written, character


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_arguments_draw_the_same_and_held_out_sources_are_not_made(seed):
    made = exchange_names(PAIRS, 50, seed)
    assert made == exchange_names(PAIRS, 50, seed) != exchange_names(PAIRS, 50, seed + 2)
    held = frozenset(source for source, _ in made[:7])
    assert not held & {source for source, _ in exchange_names(PAIRS, 50, seed, exclude=held)}
