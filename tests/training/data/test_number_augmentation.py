"""Numbers exchanged on both sides together: equal ones stay equal, all else stays as it was."""

from __future__ import annotations

import re

import pytest

from training.data.number_augmentation import NUMBER_WORDS, exchange_numbers

ENGLISH_SPANISH = ("en", "es")


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+", text))


@pytest.mark.parametrize(
    "source, target",
    [
        ("He is 36 years old.", "Tiene 36 años."),
        ("From 9 to 17, every 5 minutes.", "Cada 5 minutos, de 9 a 17."),
        ("It costs $40,000.", "Cuesta 40.000 dólares."),
        ("The train leaves at 6:47.", "El tren sale a las 6:47."),
        ("36 and 36 are 72.", "36 y 36 son 72."),
    ],
)
def test_both_sides_get_the_same_numbers(source, target):
    made = exchange_numbers([(source, target)], 20, seed=1)
    assert len(made) > 10 and (source, target) not in made
    for a, b in made:
        assert numbers(a) == numbers(b)
        if a.isdigit():  # alone
            assert a == b
            continue
        # Only digits have changed, and every length of number is drawn.
        assert re.sub(r"\d+", "#", a) == re.sub(r"\d+", "#", source)
        assert re.sub(r"\d+", "#", b) == re.sub(r"\d+", "#", target)


def test_numbers_of_one_to_four_digits_are_drawn():
    made = exchange_numbers([("Room 8", "Habitación 8")], 200, seed=1)
    drawn = {numbers(a)[0] for a, _ in made}
    assert {len(n) for n in drawn} == {1, 2, 3, 4}
    assert not any(n.startswith("0") for n in drawn) and "1" not in drawn
    assert any(a == b and a.isdigit() for a, b in made)


def test_hours_stay_hours_and_minutes_minutes():
    made = exchange_numbers([("At 2:30.", "A las 2:30.")], 50, seed=3)
    for a in (a for a, _ in made if not a.isdigit()):
        hour, minute = re.search(r"(\d+):(\d\d)\.", a).groups()
        assert 1 < int(hour) < 13 and int(minute) < 60


@pytest.mark.parametrize(
    "source, target",
    [
        ("I was 10.", "Tenía diez años y 3 meses."),
        ("MP3 files", "archivos MP3"),
        ("the 31st of May", "el 31 de mayo"),
        ("1 day", "1 día"),
        ("no number", "ninguno"),
        ("two cats", "tres gatos"),
        ("two of 5", "dos de 5 y 5"),
    ],
)
def test_pairs_whose_numbers_differ_are_left_alone(source, target):
    assert exchange_numbers([(source, target)], 10, 1, ENGLISH_SPANISH) == []


def test_words_on_both_sides_become_digits():
    pair = ("I have Four cats and twelve dogs.", "Tengo cuatro gatos y doce perros.")
    made = exchange_numbers([pair], 12, 1, ENGLISH_SPANISH)
    made = [pair for pair in made if not pair[0].isdigit()]
    assert len(made) == 4
    for a, b in made:
        assert len(numbers(a)) == 2 and numbers(a) == numbers(b)
    assert exchange_numbers([pair], 12, 1, ("en", "xx")) == []
    assert all(len(words) == 19 for words in NUMBER_WORDS.values())


def test_the_same_arguments_draw_the_same_and_held_out_sources_are_not_made():
    pairs = [("Room 8", "Habitación 8"), ("Page 30", "Página 30")]
    made = exchange_numbers(pairs, 30, 5)
    assert made == exchange_numbers(pairs, 30, 5) != exchange_numbers(pairs, 30, 6)
    held = frozenset(source for source, _ in made[:7])
    assert not held & {source for source, _ in exchange_numbers(pairs, 30, 5, exclude=held)}
