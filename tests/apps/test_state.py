from __future__ import annotations

import pytest

from apps import state
from apps.state import View

TASKS = ["en-es", "dates"]


@pytest.mark.parametrize(
    "view",
    [
        View("en-es"),
        View("dates", text="3 May 2021", beams=5, max_length=12),
        View("en-es", text="<b>&?=#%\u0645\u0631\u062d\u0628\u0627 😀", kind="decoder"),
        View("en-es", text="", layer=0, head=3, here=True),
    ],
)
def test_an_address_gives_the_view_back(view):
    assert state.parse(view.params(), TASKS) == view


def test_defaults_stay_out_of_the_address():
    assert View("dates").params() == {"task": "dates"}


@pytest.mark.parametrize(
    "params",
    [
        {"task": "nothing"},
        {"beams": "3"},
        {"beams": "-1"},
        {"max": "many"},
        {"max": "0"},
        {"layer": "0"},
        {"head": "²"},
        {"map": "<script>"},
        {"max": "9" * 5000},
    ],
)
def test_nonsense_in_an_address_falls_back(params):
    assert state.parse(params, TASKS) == View("en-es")


def test_no_tasks_is_an_error_that_says_so():
    with pytest.raises(ValueError, match="tasks=\\[\\]"):
        state.parse({}, [])


def test_text_is_tidied_and_cut_with_a_word_about_it():
    assert state.tidy("  a\x00b\n\tc ") == ("a b c", None)
    assert state.tidy("a\ud800b")[0].isascii()
    assert state.tidy(" \n\t ") == ("", None)
    text, notice = state.tidy("word " * 10_000)
    assert len(text) <= state.MAX_CHARACTERS
    assert "49,999 characters" in notice
