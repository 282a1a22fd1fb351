"""What is said of inputs and answers that cannot be right."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest

import zoo
from tests.zoo import tiny_models
from zoo import checks, saving
from zoo.checks import Checks, exists, full_year, numbers

DATE = {"date": {"years": [1900, 2099], "pivot": 69}}


def said(text: str, answer: str, given: dict = DATE) -> str:
    found = Checks(given)
    return " ".join([*found.of_input(text, text), *found.of_answer(text, answer)])


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("3 May 2021", "2021-05-03"),
        ("3May2021", "2021-05-03"),
        ("20210503", "2021-05-03"),
        ("2021-05-03T10:00:00+0000", "2021-05-03"),
        ("Monday, May 3rd, 2021 at 5pm", "2021-05-03"),
        ("12.IV.2020", "2020-04-12"),
        ("٣/٥/٢٠٢١", "2021-05-03"),
        ("३ मई २०२१", "2021-05-03"),
        ("2021年5月3日", "2021-05-03"),
        ("二〇二一年十二月三十一日", "2021-12-31"),
        ("二〇二一年十月二十日", "2021-10-20"),
        ("29.02.2024", "2024-02-29"),
        ("1900-01-01", "1900-01-01"),
        ("31/12/2099", "2099-12-31"),
    ],
)
def test_nothing_is_said_of_an_answer_that_can_be_right(text, answer):
    assert said(text, answer) == ""


@pytest.mark.parametrize(
    ("text", "answer", "words"),
    [
        ("31/02/2021", "2021-02-31", "no such date as 2021-02-31"),
        ("29 February 1900", "1900-02-29", "no such date as 1900-02-29"),
        ("3 13 2021", "2021-13-03", "no such date"),
        ("0/0/2021", "2021-00-00", "no such date"),
        ("3 May 2021", "2021-05-", "not of the form YYYY-MM-DD"),
        ("3 May 2021", "", "not of the form YYYY-MM-DD"),
        ("yesterday", "1999-09-09", "no number"),
        ("hello world", "2094-04-01", "no number"),
        ("May 2021", "2021-05-01", "only one number"),
        ("3 May 2150", "2050-05-03", "year 2150 is outside"),
        ("3 May 1821", "1921-05-03", "year 1821 is outside"),
        ("๓ พฤษภาคม ๒๕๖๔", "2064-05-03", "year 2564 is outside"),
        ("21500503", "2050-05-03", "year 2150 is outside"),
        ("3 May 800", "1980-05-03", "year 800 is outside"),
        ("05/03/21", "2021-03-05", "two digits and is read as 2021: 69 to 99"),
        ("3 May 69", "1969-05-03", "two digits and is read as 1969"),
        ("05/03/21", "2052-03-05", "year, 2052, is not in the input"),
        ("05/03/21", "1921-03-05", "year, 1921, is not in the input"),
        ("令和3年5月3日", "2003-05-03", "year, 2003, is not in the input"),
        ("3 May 2021", "2020-05-03", "year, 2020, is not in the input"),
        ("31/02/2021", "2021-02-28", "day, 28, is not in the input"),
        ("31/02/2021", "2021-03-31", "month, 3, is not in the input"),
    ],
)
def test_an_answer_that_cannot_be_right_gets_one_note(text, answer, words):
    found = Checks(DATE)
    (note,) = [*found.of_input(text, text), *found.of_answer(text, answer)]
    assert words in note


def test_a_date_exists_as_the_calendar_has_it():
    days = {
        (d.year, d.month, d.day)
        for d in (date(1896, 1, 1) + timedelta(days=n) for n in range(80_000))
    }
    for year in range(1896, 2110):
        for month in range(14):
            for day in range(33):
                assert exists(year, month, day) == ((year, month, day) in days)
    assert not exists(0, 1, 1)


def test_every_pivot():
    for pivot in (0, 69, 99):
        years = [full_year(n, pivot) for n in range(100)]
        assert sorted(years) == list(range(1900 + pivot, 2000 + pivot))


def test_numbers_of_every_script():
    import unicodedata

    for code in range(0x110000):
        if unicodedata.category(chr(code)) == "Nd":
            assert numbers(f"a{chr(code)}.") == [str(unicodedata.decimal(chr(code)))]
    tens = "一 二 三 四 五 六 七 八 九".split()
    for value in range(1, 100):
        ten, one = divmod(value, 10)
        written = (tens[ten - 1] if ten > 1 else "") + "十" * (ten > 0)
        written += tens[one - 1] if one else ""
        assert numbers(f"月{written}日") == [str(value)]


def test_numbers_as_long_as_anything_are_read():
    assert numbers("1" * 10_000) == ["1" * checks.MOST_DIGITS]
    said("1" * 5_000 + " " + "2" * 5_000, "2021-05-03")


@pytest.mark.parametrize(
    ("text", "read", "words"),
    [
        ("hello", "hello", []),
        ("hello !", "hello", []),
        ("", "", ["nothing in it"]),
        ("!!!", "", ["nothing in it"]),
        ("123", "", ["nothing in it", "Digits are left out"]),
        ("c3po", "cpo", ["Digits are left out"]),
        ("well known", "wellknown", ["several words"]),
        ("well\u00a0known", "wellknown", ["several words"]),
        ("2nd\tplace", "ndplace", ["several words", "Digits are left out"]),
    ],
)
def test_inputs_that_are_not_one_word(text, read, words):
    found = Checks({"empty": {}, "word": {}}).of_input(text, read)
    assert len(found) == len(words)
    for note, part in zip(found, words, strict=True):
        assert part in note


@pytest.mark.parametrize(
    ("answer", "notes"),
    [
        ("Ek, Orla; Ur; 1234", []),
        ("Ek, Orla; Urr; 1234", ["Not in the input: Urr"]),
        ("Ek, Orlaa; Urr; 1234", ["Not in the input: Orlaa Urr"]),
        ("Ek, Orla; Ur; 1243", [checks.OTHER_DIGITS]),
        ("Ek, Orla; U; 12", ["Not in the input: U", checks.OTHER_DIGITS]),
    ],
)
def test_an_answer_that_should_be_copied_has_no_word_of_its_own(answer, notes):
    found = Checks({"copied": {}})
    assert found.of_answer("Orla Ek (Ur), 12-34", answer) == notes
    assert found.of_answer(" ", "") == []


def test_without_checks_nothing_is_said():
    assert said("yesterday", "2021-02-31", {}) == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "settings by name"),
        ({"dates": {}}, "empty, word, date"),
        ({"word": {"most": 1}}, "no settings"),
        ({"date": {}}, "pivot, years"),
        ({"date": {"years": [1900], "pivot": 69}}, "two years"),
        ({"date": {"years": [1900, "2099"], "pivot": 69}}, "two years"),
        ({"date": {"years": [1900, 2099], "pivot": 169}}, "two years"),
    ],
)
def test_checks_that_there_are_not(given, message, tmp_path):
    with pytest.raises(ValueError, match=re.escape(message)):
        Checks(given)
    folder = tiny_models.folder(tmp_path / "model", "simple-rnn", checks={})
    config = json.loads((folder / "config.json").read_text())
    saving.write_json(folder / "config.json", {**config, "checks": given})
    with pytest.raises(saving.ModelFolderError, match=r"config\.json.*check"):
        zoo.load(folder)


def test_a_model_says_it_in_its_notes(tmp_path):
    folder = tiny_models.folder(tmp_path / "model", "simple-rnn", checks={"empty": {}, **DATE})
    model = zoo.load(folder)
    empty, none, answered = model.predict(["", "the book", "3 book 2021"])
    assert empty.notes == [checks.EMPTY]
    assert checks.NO_NUMBER in none.notes and checks.NOT_ISO not in none.notes
    assert checks.NOT_ISO in answered.notes  # it writes Spanish


def test_after_an_intervention_nothing_is_said_of_the_answer_before(tmp_path):
    from zoo.interpret import Intervention, intervene

    folder = tiny_models.folder(tmp_path / "model", "simple-rnn", checks=DATE)
    model = zoo.load(folder)
    (answer,) = model.predict(["3 book 2021"])
    assert answer.notes.count(checks.NOT_ISO) == 1
    outcome = intervene(model, answer, Intervention(mask=(1,)))
    assert outcome.after.notes.count(checks.NOT_ISO) == 1  # of the answer after
    others = [note for note in answer.notes if note != checks.NOT_ISO]
    assert outcome.after.notes[: len(others)] == others
