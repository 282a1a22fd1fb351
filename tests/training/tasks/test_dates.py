"""Dates: known strings, the true alignment, and that a string has one meaning."""

from __future__ import annotations

import random
import re
import unicodedata
from datetime import date, datetime

import pytest

from training import tasks
from training.tasks import date_formats
from training.tasks.date_formats import (
    LOCALES,
    ROMAN,
    Writer,
    chinese,
    languages,
    number,
    ordinal,
    tokenise,
    usable,
    write,
)
from training.tasks.date_variants import PIVOT, fields, two_digit_year, vary
from training.tasks.dates import SHOWCASE, SHOWN_TEST_DAYS, example
from zoo.checks import full_year
from zoo.normalizer import Normalizer

LATIN = "0123456789"
CASE = date(1999, 4, 3), LATIN, "plain"


def written(locale: str, pattern: str, day: date, digits: str = LATIN, case: str = "plain"):
    found = write(tokenise(pattern), languages()[locale], day, digits, case)
    return None if found is None else "".join(run for run, _ in found)


@pytest.fixture(scope="module")
def some():
    """Thirty thousand training examples, made the way the task makes them."""
    rng, writer = random.Random(5), Writer(random.Random(6))
    days = [date.fromordinal(rng.randrange(693_596, 766_645)) for _ in range(30_000)]
    return [example(day, *writer(day, rng)) for day in days]


@pytest.mark.parametrize(
    ("locale", "pattern", "case", "text"),
    [
        ("en", "EEEE, MMMM o, y", "plain", "Thursday, March 4th, 2021"),
        ("en", "'the' o 'of' MMMM, y", "title", "the 4th of March, 2021"),
        ("en", "d MMM yy", "upper", "4 MAR 2021"),
        ("pl", "d.R.y", "lower", "4.iii.2021"),
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
    assert fields(tokenise(pattern)) == found
    assert usable(tokenise(pattern)) is fine


def test_a_pattern_of_cldr_has_a_year_of_four_digits():
    assert tokenise("dd.MM.yy")[-1] == ("y", "y")


def short(locale: str, pattern: str, day: date, *, apostrophe: bool = False) -> str:
    varied = two_digit_year(tokenise(pattern), day, apostrophe=apostrophe)
    return "".join(run for run, _ in write(varied, languages()[locale], day, LATIN, "plain"))


def test_the_pivot_of_two_digit_years_is_that_of_python():
    for year in range(100):
        read = datetime.strptime(f"{year:02}", "%y").year
        assert full_year(year, PIVOT) == read


@pytest.mark.parametrize(
    ("locale", "pattern", "day", "text"),
    [
        ("en", "dd/MM/y", date(2021, 3, 5), "05/03/21"),  # the year last: day, month, year
        ("en", "d.M.y", date(1984, 5, 3), "3.5.84"),
        ("en", "MM/dd/y", date(2021, 3, 25), "03/25/21"),  # 25 is no month
        ("en", "d MMMM y", date(1999, 9, 5), "5 September 99"),
        ("en", "MMMM d, y", date(2068, 9, 5), "September 5, 68"),
        ("pl", "d.R.y", date(1984, 5, 3), "3.V.84"),
        ("en", "y-MM-dd", date(1999, 3, 5), "99-03-05"),  # 99 is no day
        ("en", "y-MM-dd", date(2021, 3, 5), "2021-03-05"),  # 21 is: the year stays whole
        ("en", "y MMM d", date(2031, 3, 5), "2031 Mar 5"),
        ("en", "y MMM d", date(2032, 3, 5), "32 Mar 5"),
        ("ja", "y年M月d日", date(2021, 3, 5), "21年3月5日"),  # marked as the year
        ("zh", "Y年N月D日", date(2021, 3, 5), "二一年三月五日"),
        ("ko", "y년 M월 d일", date(2005, 3, 5), "05년 3월 5일"),
        ("en", "yMMdd", date(1999, 3, 5), "19990305"),  # six digits have no order
        ("lv", "y. 'gada' d. M", date(1999, 3, 5), "1999. gada 5. 3"),
        ("en", "dd/MM/y", date(1968, 3, 5), "05/03/1968"),  # 68 is 2068
        ("en", "dd/MM/y", date(2069, 3, 5), "05/03/2069"),
    ],
)
def test_two_digit_years_where_the_text_says_which_date_it_is(locale, pattern, day, text):
    assert short(locale, pattern, day) == text


def test_an_apostrophe_stands_before_a_year_after_a_name_and_a_space():
    day = date(1999, 9, 5)
    assert short("en", "MMM d, y", day, apostrophe=True) == "Sep 5, '99"
    assert short("en", "d-MMM-y", day, apostrophe=True) == "5-Sep-99"
    assert short("en", "d/M/y", day, apostrophe=True) == "5/9/99"


def test_the_digits_of_a_two_digit_year_feed_the_century_too():
    found = write((*tokenise("d/M/y")[:-1], ("y", "yy")), languages()["en"], *CASE)
    text = "".join(run for run, _ in found)
    e = example(CASE[0], text, [targets for run, targets in found for _ in run])
    assert e.source == "3/4/99"
    assert e.alignment[:4] == ((4, 5), (4, 5), (4,), (5,))


def test_dots_of_abbreviated_months_and_tight_commas(monkeypatch):
    names = languages()["en_GB"], languages()["fr"], languages()["de"]
    dotted = (("M", "MMM."), ("", " "), ("d", "d"))
    day = date(1999, 9, 5)
    texts = ["".join(run for run, _ in write(dotted, n, day, LATIN, "plain")) for n in names]
    assert texts == ["Sept. 5", "sept 5", "Sept 5"]
    may = write(dotted, names[0], date(1999, 5, 5), LATIN, "plain")
    assert may[0][0] == "May"  # not abbreviated at all
    for name in ("DOT", "ROMAN"):
        monkeypatch.setattr(f"training.tasks.date_variants.{name}", 0)
    monkeypatch.setattr("training.tasks.date_variants.TIGHT", 1)
    rng = random.Random(0)
    varied = vary(tokenise("MMMM d, y"), date(1905, 5, 3), rng, english=True, plain=True)
    assert "".join(run for run, _ in write(varied, names[0], date(1905, 5, 3), *CASE[1:])) == (
        "May 3,1905"
    )


def test_variants_are_few_and_leave_the_other_texts_as_they_are(monkeypatch):
    def texts():
        rng, writer = random.Random(5), Writer(random.Random(6))
        days = [date.fromordinal(rng.randrange(693_596, 766_645)) for _ in range(20_000)]
        return [(day, *writer(day, rng)) for day in days]

    varied = texts()
    monkeypatch.setattr(date_formats, "vary", lambda pattern, *_, **__: pattern)
    plain = texts()
    assert [day for day, *_ in varied] == [day for day, *_ in plain]
    same = sum(a == b for a, b in zip(varied, plain, strict=True)) / len(plain)
    assert 0.85 < same < 0.9
    two = sum(example(*found).alignment[0] == example(*found).alignment[1] for found in varied)
    assert 0.06 < two / len(varied) < 0.08
    sources = " ".join(text for _, text, _ in varied)
    for form in (r"T\d\d:\d\d", r"at \d+ ?[ap]m", r" [ivx]+ ", r"'\d\d ", r"VIII \d", "may,"):
        assert re.search(form, sources), form


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


def test_no_month_name_is_a_roman_numeral():
    romans = {numeral.casefold() for numeral in ROMAN}
    for locale in LOCALES:
        for (letter, _), months in languages()[locale].names.items():
            assert letter == "E" or not romans & {name.casefold().strip(".") for name in months}


def test_text_is_nfkc_without_odd_spaces_dashes_or_apostrophes(some):
    for e in some:
        assert unicodedata.is_normalized("NFKC", e.source)
        assert e.source == e.source.strip() and "  " not in e.source
        assert not re.search("[\u200e\u200f\u061c\u00a0\u202f\u2013\u2019]", e.source)
        assert e.source == date_formats.clean(e.source)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("Sept 5, ’99", "Sept 5, '99"),
        ("2021\u2013\u200e05\u201103", "2021-05-03"),
        ("２０２１年５月３日", "2021年5月3日"),
        ("3\u202fMay\u00a02021", "3 May 2021"),
        ("3\u200b May\u00ad 2021", "3 May 2021"),
        ("12 Ⅳ 2020", "12 IV 2020"),
        ("८ अक्तूबर", "८ अक्तूबर"),  # vowel signs are no marks to be taken away
    ],
)
def test_what_is_typed_is_cleaned_as_the_training_text_is(typed, read):
    spec = tasks.get("dates").tokenizers()["source"]
    assert Normalizer(spec.normalizer)(typed) == read == date_formats.clean(typed)


def test_alignment_points_at_the_digits_themselves(some):
    for e in some:
        assert len(e.alignment) == 10
        assert e.alignment[4] == e.alignment[7] == ()
        for target, sources in zip(e.references[0], e.alignment, strict=True):
            assert (target == "-") == (not sources)
            assert list(sources) == sorted(set(sources))
        two_digits = e.alignment[0] == e.alignment[1]
        if two_digits:
            assert e.alignment[0] == e.alignment[2] + e.alignment[3]
        for place in range(2 if two_digits else 0, 4):
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
    for text, iso in (SHOWCASE | SHOWN_TEST_DAYS).items():
        day = date.fromisoformat(iso)
        for name, weekday in (("Sunday", 6), ("SAMEDI", 5), ("Mo.", 0)):
            if name in text:
                assert day.weekday() == weekday


def test_split_by_calendar_date(monkeypatch):
    monkeypatch.setattr("training.tasks.dates.SIZES", {"train": 9000, "valid": 90, "test": 90})
    task = tasks.get("dates")
    days = {s: {e.references[0] for e in task.examples(s)} for s in ("train", "valid", "test")}
    assert not days["train"] & (days["valid"] | days["test"] | set(SHOWCASE.values()))
    assert not days["valid"] & days["test"]


def test_shown_test_days_are_not_trained_on():
    task = tasks.get("dates")
    assert {e.references[0] for e in task.examples("test")} >= set(SHOWN_TEST_DAYS.values())
    assert all(task.accepted(source) for source in task.showcase())
