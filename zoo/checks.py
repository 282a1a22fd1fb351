"""Checks of inputs and answers: what cannot be right gets a plain sentence in a prediction's notes.

Which checks a model has is JSON in its folder's `config.json`, so `predict`, the dashboard,
evaluation and an export (`zoo.export.note_operations`) say the same:

    "checks": {"empty": {}, "date": {"years": [1900, 2099], "pivot": 69}}

    empty   the input has nothing that the model reads
    word    the input is not one word: several words, digits
    date    the answer is no date that exists, or is not the date of the input. `years`: the first
            and the last year learnt; `pivot`: the first two-digit year that is of the 1900s
    copied  the answer has a word that the input has not, or not the digits of the input in their
            order
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.tokenizer import clean

FIRST_CHARACTERS = "Only the first {most} characters were looked at."
TOO_LONG = "The source has {count} tokens or more; only the first {most} were read."
MISSING, MISSING_SHOWN = "Not in the model's vocabulary: {shown}", 10
CUT = "Cut at the longest length."

EMPTY = "The input has nothing in it that the model can read."
SEVERAL_WORDS = "The input has several words; the model reads them as one word."
DIGITS = "Digits are left out: the model reads letters only."
NO_NUMBER = "The input has no number, so it gives no date."
ONE_NUMBER = "The input has only one number; a date needs a day and a year."
YEAR_RANGE = "The year {year} is outside the years the model was trained on, {first} to {last}."
NOT_ISO = "The answer is not of the form YYYY-MM-DD."
NO_SUCH_DATE = "There is no such date as {answer}."
TWO_DIGITS = (
    "The year has two digits and is read as {year}: "
    "{pivot} to 99 are 19{pivot} to 1999, smaller numbers are years from 2000."
)
NOT_IN_INPUT = "The answer's {part}, {value}, is not in the input."

NOT_COPIED = "Not in the input: {words}"
OTHER_DIGITS = "The digits of the answer are not those of the input."
BETWEEN_WORDS = "[ ,;:|/().?!-]+"
"""What parts the words of a text of which some are copied; the same to Python and to RE2."""

ISO = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
CHINESE = "一二三四五六七八九"
MOST_DIGITS = 9
"""Digits of a number that are looked at; what is longer is no part of a date."""


class Checks:
    """The checks of one model.

    Args:
        given: their settings by name, as in `config.json`; {} for none.

    Raises:
        ValueError: no such check, or settings that it does not have.

    Example:
        >>> checks = Checks({"date": {"years": [1900, 2099], "pivot": 69}})
        >>> checks.of_answer("31/02/2021", "2021-02-31")
        ['There is no such date as 2021-02-31.']
    """

    def __init__(self, given: Mapping[str, Any] | None = None):
        self.given: dict[str, Any] = _checked({} if given is None else given)
        if "date" in self.given:
            number_rules()  # takes a moment, which should not count for the first answer

    def of_input(self, text: str, read: str) -> list[str]:
        """What is wrong with an input, whatever is answered.

        Args:
            text: as it was given.
            read: as the model reads it, normalised; see `read_text`.
        """
        notes = [EMPTY] if "empty" in self.given and not read.strip() else []
        if "word" in self.given:
            words = clean(text).split()
            notes += [SEVERAL_WORDS] * (sum(map(_has_letter, words)) > 1)
            notes += [DIGITS] * any(unicodedata.category(c) in ("Nd", "No") for c in text)
        if "date" in self.given and read.strip():
            found = numbers(read)
            if len(found) < 2:
                return [*notes, ONE_NUMBER if found else NO_NUMBER]
            if (year := self._year_outside(found)) is not None:
                first, last = self.given["date"]["years"]
                notes.append(YEAR_RANGE.format(year=year, first=first, last=last))
        return notes

    def of_answer(self, read: str, answer: str) -> list[str]:
        """Why an answer cannot be right; [] where the input is known to be at fault.

        Args:
            read: as the model read it; see `read_text`.
            answer: what it wrote.
        """
        copied = self._copied(read, answer) if "copied" in self.given and read.strip() else []
        found = numbers(read) if "date" in self.given else []
        if len(found) < 2:
            return copied
        if not re.fullmatch(ISO, answer):
            return [NOT_ISO]
        year, month, day = map(int, answer.split("-"))
        notes = [] if exists(year, month, day) else [NO_SUCH_DATE.format(answer=answer)]
        if self._year_outside(found) is not None:
            return notes
        notes += self._year(found, year)
        values = {int(number) for number in found}
        # A month may be a name; without letters, all three must be numbers.
        if month not in values and not _has_letter(read):
            notes.append(NOT_IN_INPUT.format(part="month", value=month))
        if day not in values:
            notes.append(NOT_IN_INPUT.format(part="day", value=day))
        return notes

    def _copied(self, read: str, answer: str) -> list[str]:
        """Why an answer is no copy of parts of the input."""
        known, used = (re.sub(BETWEEN_WORDS, " ", text).split() for text in (read, answer))
        new = [word for word in used if word not in known and not re.fullmatch("[0-9]+", word)]
        digits, own = (re.sub("[^0-9]", "", text) for text in (read, answer))
        notes = [NOT_COPIED.format(words=" ".join(new))] if new else []
        return [*notes, OTHER_DIGITS] if digits != own else notes

    def _year_outside(self, found: Sequence[str]) -> int | None:
        """The first number that looks like a year and is outside the range, if none is inside."""
        first, last = self.given["date"]["years"]
        years = [int(number) for number in found if len(number) > 2]
        if any(first <= year <= last for year in years):
            return None
        return years[0] if years else None

    def _year(self, found: Sequence[str], year: int) -> list[str]:
        """What is to be said of the answer's year."""
        pivot = self.given["date"]["pivot"]
        if any(int(number) == year for number in found):
            return []
        whole = any(len(number) > 2 for number in found)
        if not whole and f"{year % 100:02}" in found and year == full_year(year % 100, pivot):
            return [TWO_DIGITS.format(year=year, pivot=pivot)]
        return [NOT_IN_INPUT.format(part="year", value=year)]


def description(found: Checks) -> str:
    """What the checks of a model look for, as the end of a list."""
    named = {
        "empty": "inputs of which nothing is read",
        "word": "inputs that are not one word of letters",
        "date": "inputs that give no date, years of two digits or out of range, answers that are "
        "no date that exists or not that of the input",
        "copied": "answers that are no copies of parts of the input",
    }
    return "; ".join(named[name] for name in found.given) or "nothing else"


def read_text(pieces: Sequence[str]) -> str:
    """The text that a model reads as these tokens, of which the last one closes it."""
    return "".join(pieces[:-1]).replace("\u2581", " ")


def numbers(text: str) -> list[str]:
    """The numbers in a text, as written there, in the digits 0 to 9."""
    for pattern, replacement in number_rules():
        text = re.sub(pattern, replacement, text)
    return [number[:MOST_DIGITS] for number in text.split()]


@functools.cache
def number_rules() -> list[tuple[str, str]]:
    r"""Replacements, in order, after which a text is only its numbers in the digits 0 to 9.

    Digits of all scripts, Chinese numerals up to 99, and eight digits in a row as year, month and
    day. Patterns and `\1` mean the same to Python and to RE2, which TensorFlow has.
    """
    digits = [""] * 10
    for character in filter(str.isdecimal, map(chr, range(0x110000))):
        digits[unicodedata.decimal(character)] += character
    return [
        *((f"[{characters}]", str(value)) for value, characters in enumerate(digits)),
        (f"([{CHINESE}])十([{CHINESE}])", r"\1\2"),
        (f"([{CHINESE}])十", r"\1〇"),
        (f"十([{CHINESE}])", r"1\1"),
        ("十", "10"),
        ("[〇零]", "0"),
        *((character, str(value)) for value, character in enumerate(CHINESE, 1)),
        ("[^0-9]+", " "),
        (r"\b([0-9]{4})([0-9]{2})([0-9]{2})\b", r"\1 \2 \3"),
    ]


def exists(year: int, month: int, day: int) -> bool:
    """True for a date of the Gregorian calendar."""
    if not (year >= 1 and 1 <= month <= 12):
        return False
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 1 <= day <= DAYS[month - 1] + leap


def full_year(two_digits: int, pivot: int) -> int:
    """The year that 0 to 99 stand for: from `pivot` on one of the 1900s."""
    return (1900 if two_digits >= pivot else 2000) + two_digits


def _has_letter(text: str) -> bool:
    return any(unicodedata.category(character)[0] == "L" for character in text)


def _checked(given: Any) -> dict[str, Any]:
    """A copy of `given`. Raises ValueError that names the check which is wrong."""
    fields = {"empty": set(), "word": set(), "date": {"years", "pivot"}, "copied": set()}
    if not isinstance(given, Mapping):
        raise ValueError(f"checks must be settings by name. Received: {given!r}")
    for name, settings in given.items():
        if name not in fields:
            raise ValueError(f"checks are {', '.join(fields)}. Received: {name!r}")
        if not isinstance(settings, Mapping) or set(settings) != fields[name]:
            wanted = ", ".join(sorted(fields[name])) or "no settings"
            raise ValueError(f"the check {name!r} has {wanted}. Received: {settings!r}")
    date = given.get("date", {"years": [1, 1], "pivot": 0})
    years, pivot = date["years"], date["pivot"]
    whole = isinstance(years, list | tuple) and len(years) == 2
    if not whole or not all(type(n) is int for n in (*years, pivot)) or not 0 <= pivot <= 99:
        raise ValueError(f"the check 'date' has two years and a pivot. Received: {date!r}")
    return {
        name: {key: list(v) if key == "years" else v for key, v in settings.items()}
        for name, settings in given.items()
    }
