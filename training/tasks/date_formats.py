"""How dates are written: Babel's locales and patterns, and a few that CLDR does not list."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from training.tasks.date_variants import Pattern, Token, fields, vary
from zoo.normalizer import Normalizer, Step

# Earlier locales win where two languages use one name for different months. Scripts that would
# swell the character set (Georgian, Armenian, Tamil, ...) are left out.
LOCALES: tuple[str, ...] = tuple(
    """en en_GB es fr de ru zh ja ar pt pt_PT it nl pl tr ko hi id vi sv da nb fi is et lv lt cs sk
    sl hu ro bg uk be sr sr_Latn mk sq el az ca eu gl ga cy af sw ms he zh_Hant lb es_MX fr_CH
    de_AT""".split()
)
WEIGHTS = {"en": 8, "en_GB": 4, "es": 3, "fr": 3, "de": 3, "ru": 2, "zh": 2, "ja": 2, "ar": 2}

SKELETONS = ("yMd", "yMEd", "yMMMd", "yMMMEd", "yMMMMd", "yMMMMEd", "yMMMMEEEEd")
NUMERIC = (
    "y-MM-dd|y/MM/dd|y.MM.dd|y-M-d|y/M/d|yMMdd|dd.MM.y|d.M.y|dd/MM/y|d/M/y|dd-MM-y|d-M-y|dd MM y"
    "|d. M. y|d.R.y|d R y"
).split("|")
NAMED = (
    "d MMMM y|d MMM y|dd MMM y|dd MMMM y|MMMM d, y|MMM d, y|MMMM d y|MMM d y|d MMMM, y|d. MMMM y"
    "|y MMMM d|y MMM d|y-MMM-dd|d-MMM-y|dd-MMM-y|d/MMM/y|dMMMy|d LLLL y|y, LLLL d|EEEE d MMMM y"
    "|EEEE, d MMMM y|EEE d MMM y|EEE, d MMM y|EEEE, MMMM d, y|d MMMM y, EEEE|d MMM y (EEE)"
).split("|")
# "o": the day with its English ordinal ending; "R": the month in Roman numerals;
# "Y", "N", "D": year, month and day in Chinese numerals. CLDR uses these letters otherwise, but
# not in the patterns read here.
EXTRA: dict[str, str] = {
    "en": "MMMM o, y|MMMM o y|o MMMM y|o 'of' MMMM y|'the' o 'of' MMMM y|'the' o 'of' MMMM, y"
    "|MMM o, y|MMMM 'the' o, y|EEEE, MMMM o, y|EEEE 'the' o 'of' MMMM y|MM/dd/y|M/d/y|MM-dd-y",
    "en_GB": "o MMMM y|o MMM y|o 'of' MMMM y|'the' o 'of' MMMM y|EEEE o MMMM y|EEE o MMM y",
    "es": "d 'de' MMMM 'del' y|'el' d 'de' MMMM 'de' y|EEEE d 'de' MMMM 'de' y",
    "fr": "'le' d MMMM y|'le' EEEE d MMMM y",
    "de": "'den' d. MMMM y|EEEE, 'den' d. MMMM y|EEEE, 'der' d. MMMM y|d.MMM y",
    "it": "'il' d MMMM y|EEEE, d MMMM y",
    "pt": "d 'de' MMMM, y|EEEE d 'de' MMMM 'de' y",
    "zh": "Y年N月D日|Y年N月D日|y年MM月dd日|y年M月d号|y年N月D日",
    "zh_Hant": "Y年N月D日|y年MM月dd日",
    "ja": "Y年N月D日|y年MM月dd日|y年M月d日(EEE)",
    "ko": "y년 M월 d일|y년M월d일|y년 MM월 dd일 EEEE",
    "vi": "'ngày' d 'tháng' M 'năm' y|'Ngày' dd 'tháng' MM 'năm' y",
}
DIGITS = {"ar": "٠١٢٣٤٥٦٧٨٩", "hi": "०१२३४५६७८९"}  # beside the Latin digits, half and half
CHINESE = "〇一二三四五六七八九"
ROMAN = "I II III IV V VI VII VIII IX X XI XII".split()
CASES = ("plain",) * 5 + ("lower", "lower", "upper", "title")

YEAR, MONTH, DAY = (0, 1, 2, 3), (5, 6), (8, 9)  # positions in "YYYY-MM-DD"
SHORT_YEAR = ((0, 1, 2), (0, 1, 3))  # what each digit of a two-digit year determines
_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+")

Written = list[tuple[str, tuple[int, ...]]]  # runs of text, and the target positions they determine

# How every source is cleaned, in training and in use.
NORMALIZER: tuple[Step, ...] = (
    {"unicode": "NFKC"},
    {"remove": ["Cf"]},  # direction marks, zero-width characters, soft hyphens
    {"replace": dict.fromkeys("\u2018\u2019\u02bc\u2032", "'")},
    {"replace": dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")},
)
_NORMALIZER = Normalizer(NORMALIZER)


@dataclass(frozen=True)
class Language:
    """What one locale gives: names by (field letter, wide?) and its patterns, already tokenised."""

    names: dict[tuple[str, bool], list[str]]
    patterns: tuple[Pattern, ...]  # CLDR's and the extra ones, mostly with month names
    numeric: tuple[Pattern, ...]
    digits: tuple[str, ...]


class Writer:
    """Writes a date in a random locale, pattern, digits and letter case.

    `variants` draws who is written otherwise than CLDR has it: see `training.tasks.date_variants`.
    """

    def __init__(self, variants: random.Random) -> None:
        self._variants = variants
        self._languages = languages()
        self._pool = [name for name in LOCALES for _ in range(WEIGHTS.get(name, 1))]

    def __call__(self, day: date, rng: random.Random) -> tuple[str, list[tuple[int, ...]]]:
        """The text, and for each of its characters the positions of "YYYY-MM-DD" it determines."""
        while True:
            name = self._pool[rng.randrange(len(self._pool))]
            language = self._languages[name]
            patterns = language.numeric if rng.random() < 0.2 else language.patterns
            pattern = patterns[rng.randrange(len(patterns))]
            digits = language.digits[rng.randrange(len(language.digits))]
            case = CASES[rng.randrange(len(CASES))]
            written = write(pattern, language, day, digits, case)
            if written is not None:
                kinds = {"english": name.startswith("en"), "plain": digits == language.digits[0]}
                pattern = vary(pattern, day, self._variants, **kinds)
                written = write(pattern, language, day, digits, case) or written
                text = "".join(run for run, _ in written)
                return text, [targets for run, targets in written for _ in run]


def write(
    pattern: Pattern, language: Language, day: date, digits: str, case: str
) -> Written | None:
    """The date in one pattern, or None when the pattern would not say which date it is."""
    if month_before_day(pattern) and day.day <= 12:
        return None
    written: Written = []
    for letter, text in pattern:
        if not letter:
            written.append((cased(text, case, name=False), ()))
        elif letter in "ML" and len(text) > 2:
            name = language.names[letter, text.count(letter) == 4][day.month - 1]
            if not name:  # means another month elsewhere
                return None
            if text.endswith("."):
                name = other_dot(name, language.names[letter, True][day.month - 1])
            written.append((cased(name, case), MONTH))
        elif letter in "Ec":
            name = language.names["E", len(text) == 4][day.weekday()]
            written.append((cased(name, case), ()))
        elif letter == "R":
            written.append((cased(ROMAN[day.month - 1], case), MONTH))
        elif letter in "YND":
            written += chinese(letter, day, short=text == "YY")
        else:
            written += number(letter, len(text), day, digits)
            if letter == "o":
                written.append((cased(ordinal(day.day), case, name=False), ()))
    return written


def number(
    letter: str, width: int, day: date, digits: str
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The digits of a year, month or day, each determining the digit of the same significance.

    A single digit determines both digits of "03": that it is alone says the zero. Of a two-digit
    year ("yy"), both digits determine both digits of the century too, which follows from the number
    they make.
    """
    if letter == "y" and width == 2:
        for character, targets in zip(f"{day.year % 100:02}", SHORT_YEAR, strict=True):
            yield digits[int(character)], targets
        return
    value, targets = {"y": (day.year, YEAR), "M": (day.month, MONTH)}.get(letter, (day.day, DAY))
    text = str(value).zfill(min(width, 2))
    if len(text) == 1:
        yield digits[value], targets
        return
    for character, target in zip(text, targets, strict=True):
        yield digits[int(character)], (target,)


def chinese(letter: str, day: date, *, short: bool = False) -> Written:
    """Year digit by digit (二〇二一, or 二一), month and day as numbers (十二, 三十一)."""
    if short:
        year = f"{day.year % 100:02}"
        return [(CHINESE[int(c)], feeds) for c, feeds in zip(year, SHORT_YEAR, strict=True)]
    if letter == "Y":
        return [(CHINESE[int(c)], (target,)) for c, target in zip(str(day.year), YEAR, strict=True)]
    value, targets = (day.month, MONTH) if letter == "N" else (day.day, DAY)
    tens, units = divmod(value, 10)
    if not tens:
        return [(CHINESE[units], targets)]
    written: Written = [(CHINESE[tens], targets[:1])] if tens > 1 else []
    if not units:
        return [*written, ("十", targets)]
    return [*written, ("十", targets[:1]), (CHINESE[units], targets[1:])]


def ordinal(day: int) -> str:
    """The English ending: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def other_dot(abbreviated: str, wide: str) -> str:
    """With a full stop where there was none ("Sept.") and without where there was ("janv")."""
    if abbreviated.endswith("."):
        return abbreviated[:-1]
    shorter = abbreviated != wide and abbreviated.isalpha()
    return f"{abbreviated}." if shorter else abbreviated


def cased(text: str, case: str, *, name: bool = True) -> str:
    """`text` in the letter case; words of a pattern ("de", "of") stay small in title case."""
    if case == "lower":
        return text.lower().replace("i\u0307", "i")  # Python's lower of the Turkish İ
    if case == "upper":
        # the Greek ΐ has no single capital: like Greek print, drop the accent that is left over
        return unicodedata.normalize("NFC", text.upper()).replace("\u0301", "")
    if case == "title" and name:
        return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))
    return text


def tokenise(pattern: str) -> Pattern:
    """A CLDR pattern as fields and literals; a year of two digits ("yy") becomes one of four."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(pattern):
        text = match.group()
        if match.group(2):
            tokens.append((text[0], "y" if text[0] == "y" else text))
        else:
            tokens.append(("", clean(match.group(1) if match.group(1) is not None else text)))
    return tuple(tokens)


def clean(text: str) -> str:
    """As every source is cleaned, with plain spaces: so indices survive tokenizing."""
    return re.sub(r"\s", " ", _NORMALIZER(text))


def month_before_day(pattern: Pattern) -> bool:
    """True for digits in month-day-year order, readable only when the day is above 12."""
    return fields(pattern) == "mdy"


def usable(pattern: Pattern) -> bool:
    """True when the order of the fields can be told from the text."""
    return fields(pattern) in {"ymd", "dmy", "mdy", "yMd", "dMy", "Mdy", "ydM"}


def read_names(locale: object) -> dict[tuple[str, bool], list[str]]:
    """Month and weekday names of a Babel locale by (letter, wide?); Monday comes first."""
    names: dict[tuple[str, bool], list[str]] = {}
    for wide, width in ((True, "wide"), (False, "abbreviated")):
        for letter, context in (("M", "format"), ("L", "stand-alone")):
            months = locale.months[context][width]
            names[letter, wide] = [clean(months[index]) for index in range(1, 13)]
        days = locale.days["format"][width]
        names["E", wide] = [clean(days[index]) for index in range(7)]
    return names


@cache
def languages() -> dict[str, Language]:
    """Every locale of LOCALES, with month names that clash with an earlier locale blanked."""
    from babel import Locale

    meaning: dict[str, int] = {}
    found: dict[str, Language] = {}
    for identifier in LOCALES:
        locale = Locale.parse(identifier)
        names = read_names(locale)
        for key in (("M", True), ("M", False), ("L", True), ("L", False)):
            for month, name in enumerate(names[key]):
                if meaning.setdefault(name.casefold().strip("."), month) != month:
                    names[key][month] = ""
        patterns = {str(item.pattern) for item in locale.date_formats.values()}
        for skeleton in SKELETONS:
            if skeleton in locale.datetime_skeletons:
                patterns.add(str(locale.datetime_skeletons[skeleton].pattern))
        listed = sorted(patterns) + EXTRA.get(identifier, "").split("|") * 2
        if not any(c.isdigit() for name in names["M", False] for c in name):  # not "3月", "thg 3"
            listed += NAMED
        tokens = [tokenise(pattern) for pattern in listed]
        digits = ("0123456789", DIGITS[identifier]) if identifier in DIGITS else ("0123456789",)
        found[identifier] = Language(
            names,
            tuple(pattern for pattern in tokens if usable(pattern)),
            tuple(tokenise(pattern) for pattern in NUMERIC),
            digits,
        )
    return found
