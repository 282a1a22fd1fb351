"""Dates: known strings, the true alignment, and that a string has one meaning."""

from __future__ import annotations

import random
import re
import unicodedata
from datetime import date

import pytest

from training import tasks
from training.tasks import date_formats
from training.tasks.date_formats import (
    LOCALES,
    chinese,
    languages,
    number,
    order,
    ordinal,
    tokenise,
    usable,
    write,
)
from training.tasks.dates import SHOWCASE, example

LATIN = "0123456789"


def written(locale: str, pattern: str, day: date, digits: str = LATIN, case: str = "plain"):
    found = write(tokenise(pattern), languages()[locale], day, digits, case)
    return None if found is None else "".join(run for run, _ in found)


@pytest.fixture(scope="module")
def some():
    """Thirty thousand training examples, made the way the task makes them."""
    rng, writer = random.Random(5), date_formats.Writer()
    days = [date.fromordinal(rng.randrange(693_596, 766_645)) for _ in range(30_000)]
    return [example(day, *writer(day, rng)) for day in days]


@pytest.mark.parametrize(
    ("locale", "pattern", "case", "text"),
    [
        ("en", "EEEE, MMMM o, y", "plain", "Thursday, March 4th, 2021"),
        ("en", "'the' o 'of' MMMM, y", "title", "the 4th of March, 2021"),
        ("en", "d MMM yy", "upper", "4 MAR 2021"),
        ("es", "d 'de' MMMM 'de' y", "plain", "4 de marzo de 2021"),
        ("es", "d 'de' MMMM 'de' y", "upper", "4 DE MARZO DE 2021"),
        ("de", "dd.MM.y", "plain", "04.03.2021"),
        ("ru", "d MMMM y\u202f'г'.", "plain", "4 марта 2021 г."),
        ("el", "d MMMM y", "upper", "4 ΜΑΡΤΊΟΥ 2021"),
        ("zh", "Y年N月D日", "plain", "二〇二一年三月四日"),
        ("ja", "y年MM月dd日", "plain", "2021年03月04日"),
        ("eu", "y('e')'ko' MMMM'ren' d('a')", "plain", "2021(e)ko martxoaren 4(a)"),
        ("pl", "d R y", "plain", "4 III 2021"),
        ("en", "yMMdd", "plain", "20210304"),
    ],
)
def test_known_dates(locale, pattern, case, text):
    assert written(locale, pattern, date(2021, 3, 4), case=case) == text


def test_other_digits():
    arabic = date_formats.DIGITS["ar"]
    assert written("ar", "d/M/y", date(2021, 3, 14), digits=arabic) == "١٤/٣/٢٠٢١"


def test_month_before_day_in_digits_only_when_the_day_cannot_be_a_month():
    assert written("en", "MM/dd/y", date(2021, 3, 12)) is None
    assert written("en", "MM/dd/y", date(2021, 3, 13)) == "03/13/2021"


@pytest.mark.parametrize(
    ("pattern", "found", "fine"),
    [
        ("d/M/y", "dmy", True),
        ("M/d/y", "mdy", True),  # written only for days above 12
        ("y-dd-MM", "ydm", False),
        ("EEEE, d MMMM y G", "dMyG", False),
        ("MMM y", "My", False),
        ("d R y", "dMy", True),
        ("y. 'gada' d. MMMM", "ydM", True),
    ],
)
def test_order_of_fields(pattern, found, fine):
    assert order(tokenise(pattern)) == found
    assert usable(tokenise(pattern)) is fine


def test_a_two_digit_year_is_written_with_four():
    assert tokenise("dd.MM.yy")[-1] == ("y", "y")


def test_every_string_has_one_meaning(some):
    meaning: dict[str, str] = {}
    for e in some:
        assert meaning.setdefault(e.source, e.references[0]) == e.references[0]


def test_case_never_changes_the_meaning(some):
    meaning: dict[str, str] = {}
    for e in some:
        folded = e.source.casefold()
        assert meaning.setdefault(folded, e.references[0]) == e.references[0]


def test_no_month_name_means_two_months():
    meaning: dict[str, int] = {}
    for locale in LOCALES:
        names = languages()[locale].names
        for (letter, _), months in names.items():
            for month, name in enumerate(months if letter in "ML" else []):
                if name:
                    assert meaning.setdefault(name.casefold().strip("."), month) == month
    # the well-known clash, in favour of the locale that comes first
    assert meaning["listopada"] == 10


def test_text_is_nfkc_without_odd_spaces_or_two_digit_years(some):
    for e in some:
        assert unicodedata.is_normalized("NFKC", e.source)
        assert e.source == e.source.strip() and "  " not in e.source
        assert not re.search("[\u200e\u200f\u061c\u00a0\u202f]", e.source)


def test_alignment_points_at_the_digits_themselves(some):
    for e in some:
        assert len(e.alignment) == 10
        assert e.alignment[4] == e.alignment[7] == ()
        for target, sources in zip(e.references[0], e.alignment, strict=True):
            assert (target == "-") == (not sources)
            assert list(sources) == sorted(set(sources))
        for place in range(4):  # the year is always written in four digits
            (index,) = e.alignment[place]
            character = e.source[index]
            value = date_formats.CHINESE.find(character)
            value = unicodedata.decimal(character) if value < 0 else value
            assert str(value) == e.references[0][place]


def test_alignment_of_one_date_by_hand():
    #                      0123456789
    e = example(*aligned("d MMM y", date(1999, 4, 3)))  # "3 Apr 1999"
    assert e.source == "3 Apr 1999"
    assert e.alignment[:4] == ((6,), (7,), (8,), (9,))
    assert e.alignment[5] == e.alignment[6] == (2, 3, 4)
    assert e.alignment[8] == e.alignment[9] == (0,)
    e = example(*aligned("dd.MM.y", date(1999, 12, 31)))  # "31.12.1999"
    assert e.alignment[5:] == ((3,), (4,), (), (0,), (1,))


def aligned(pattern: str, day: date):
    found = write(tokenise(pattern), languages()["en"], day, LATIN, "plain")
    text = "".join(run for run, _ in found)
    return day, text, [targets for run, targets in found for _ in run]


@pytest.mark.parametrize(
    ("day", "runs"),
    [
        (4, [("四", (8, 9))]),
        (10, [("十", (8, 9))]),
        (12, [("十", (8,)), ("二", (9,))]),
        (20, [("二", (8,)), ("十", (8, 9))]),
        (31, [("三", (8,)), ("十", (8,)), ("一", (9,))]),
    ],
)
def test_chinese_numerals(day, runs):
    assert chinese("D", date(2000, 1, day)) == runs


def test_number_pads_the_day_but_not_the_year():
    assert list(number("d", 2, date(2000, 1, 5), LATIN)) == [("0", (8,)), ("5", (9,))]
    assert "".join(run for run, _ in number("y", 1, date(1987, 1, 5), LATIN)) == "1987"


def test_ordinals():
    found = " ".join(f"{day}{ordinal(day)}" for day in (1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 30, 31))
    assert found == "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 30th 31st"


def test_many_locales_and_scripts(some):
    assert len(LOCALES) >= 40
    scripts = {unicodedata.name(c).split()[0] for e in some for c in e.source if c.isalpha()}
    assert {"LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "CJK"} <= scripts
    assert len({c for e in some for c in e.source}) < 430


def test_the_showcase_names_the_right_days():
    for text, iso in SHOWCASE.items():
        day = date.fromisoformat(iso)
        for name, weekday in (("Sunday", 6), ("SAMEDI", 5), ("Mo.", 0)):
            if text.startswith(name):
                assert day.weekday() == weekday


def test_split_by_calendar_date(monkeypatch):
    monkeypatch.setattr("training.tasks.dates.SIZES", {"train": 9000, "valid": 90, "test": 90})
    task = tasks.get("dates")
    days = {s: {e.references[0] for e in task.examples(s)} for s in ("train", "valid", "test")}
    assert not days["train"] & (days["valid"] | days["test"] | set(SHOWCASE.values()))
    assert not days["valid"] & days["test"]
