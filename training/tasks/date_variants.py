"""Ways of writing a date beside its locale's patterns: two-digit years, times, dots, tight commas.

A variant changes the pattern of a date that is already chosen, by draws of its own: the dates that
keep their pattern are written as they would be without this module.
"""

from __future__ import annotations

import random
from datetime import date

from zoo.checks import full_year

Token = tuple[str, str]  # (field letter, "MMM") or ("", literal)
Pattern = tuple[Token, ...]

PIVOT = 69
"""Of two-digit years, as POSIX and Python's %y have it: 69-99 are 1969-1999, 00-68 2000-2068."""

TWO_DIGIT_YEARS = {"numeric": 0.24, "named": 0.13}  # shares of the dates that could have one
APOSTROPHE = 0.3  # "Sept 5, '99", of the two-digit years after a name and a space
DOT = 0.1  # "Sept." for "Sept" and the other way about, of abbreviated month names
TIGHT = 0.03  # "May 3,2021", of patterns with a comma or full stop before a space
ROMAN = 0.01  # of patterns without a month name: one of ROMAN_PATTERNS instead
TIME, ISO_TIME = 0.015, 0.3  # a time after the date; the second of patterns that are ISO dates

ROMAN_PATTERNS: tuple[Pattern, ...] = tuple(
    tuple((c, c) if c in "dyR" else ("", c) for c in pattern.split("|"))
    for pattern in (
        "R| |d| |y",
        "y| |R| |d",
        "y|. |R|. |d|.",
        "d|-|R|-|y",
        "d|/|R|/|y",
    )
)
MARKS = ("年", "년")  # behind a number, they say that it is the year


def fields(pattern: Pattern) -> str:
    """The order of year, month and day, with a small "m" for a month in digits."""
    letters = {"L": "M", "d": "d", "o": "d", "D": "d", "R": "M", "N": "M", "Y": "y"}
    found = ""
    for letter, text in pattern:
        if letter and letter not in "Ec":
            numeric = letter in "ML" and len(text) <= 2
            found += "m" if numeric else letters.get(letter, letter)
    return found


def vary(pattern: Pattern, day: date, rng: random.Random, *, english: bool, plain: bool) -> Pattern:
    """`pattern`, or a variant of it in which `day` can still be told from the text.

    `english`: times may stand as "at 5pm". `plain`: digits are 0 to 9, so a time may follow.
    """
    numeric = not any(letter in "ML" and len(text) > 2 for letter, text in pattern)
    if numeric and rng.random() < ROMAN:
        pattern = ROMAN_PATTERNS[rng.randrange(len(ROMAN_PATTERNS))]
    if rng.random() < TWO_DIGIT_YEARS["numeric" if "m" in fields(pattern) else "named"]:
        pattern = two_digit_year(pattern, day, apostrophe=rng.random() < APOSTROPHE)
    if rng.random() < DOT:
        pattern = tuple((a, f"{b}.") if b in ("MMM", "LLL") else (a, b) for a, b in pattern)
    if rng.random() < TIGHT:
        pattern = tuple(
            (letter, text if letter else text.replace(", ", ",").replace(". ", "."))
            for letter, text in pattern
        )
    if rng.random() < (ISO_TIME if is_iso(pattern) else TIME) and plain:
        pattern = (*pattern, ("", time(rng, pattern, english=english)))
    return pattern


def two_digit_year(pattern: Pattern, day: date, *, apostrophe: bool = False) -> Pattern:
    """`pattern` with a two-digit year, or as it is where the text would not say which date it is.

    The year stands last, or is marked (年), or comes first and is no day: above 31. Six digits
    without anything between them have no order that could be told.
    """
    two_digits = day.year % 100
    place = next((i for i, (letter, _) in enumerate(pattern) if letter in ("y", "Y")), None)
    if place is None or full_year(two_digits, PIVOT) != day.year:
        return pattern
    before = pattern[place - 1] if place else ("y", "y")
    after = pattern[place + 1] if place + 1 < len(pattern) else ("", "")
    order = fields(pattern)
    marked = not after[0] and after[1].startswith(MARKS)
    last = order in ("dmy", "dMy", "Mdy", "mdy")
    first = order in ("ymd", "yMd") and two_digits > 31 and not after[0]
    if not (marked or last or first):
        return pattern
    quoted = apostrophe and order in ("dMy", "Mdy") and not before[0] and before[1].endswith(" ")
    year: Pattern = ((pattern[place][0], pattern[place][0] * 2),)
    if quoted:
        year = (("", "'"), *year)
    return (*pattern[:place], *year, *pattern[place + 1 :])


def is_iso(pattern: Pattern) -> bool:
    """True when the pattern is that of ISO 8601: 2021-05-03."""
    return [text for _, text in pattern] == ["y", "-", "MM", "-", "dd"]


def time(rng: random.Random, pattern: Pattern, *, english: bool) -> str:
    """A time of the day as it may follow a date; it says nothing about the date."""
    hour, minute, second = rng.randrange(24), rng.choice((0, 0, 15, 30, 45, 59)), rng.randrange(60)
    if is_iso(pattern) and rng.random() < 0.8:
        seconds = f":{second:02}" if rng.random() < 0.7 else ""
        return f"T{hour:02}:{minute:02}{seconds}{rng.choice(('', 'Z', 'Z', '+00:00'))}"
    if english and rng.random() < 0.5:
        half, to_half = rng.choice((" ", "")), "am" if hour < 12 else "pm"
        clock = f"{hour % 12 or 12}" + (f":{minute:02}" if minute else "")
        return f"{rng.choice((' at ', ', ', ' '))}{clock}{half}{to_half}"
    seconds = f":{second:02}" if rng.random() < 0.3 else ""
    return f"{rng.choice((' ', ', '))}{hour:02}:{minute:02}{seconds}"
