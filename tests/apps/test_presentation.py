"""Presentation mode: its switch, its link and QR code, and what it folds."""

from __future__ import annotations

import altair as alt
import pytest
import segno
from altair.utils.schemapi import SchemaValidationError

from apps import presentation


def test_a_link_is_what_the_browser_shows_with_every_choice():
    params = {"task": "en-es", "text": "Where is it? ¿Aquí & allá"}
    link = presentation.address("http://zoo.example/attention?old=1#x", params)
    assert link == (
        "http://zoo.example/attention?task=en-es&text=Where+is+it%3F+%C2%BFAqu%C3%AD+%26+all%C3%A1"
    )
    assert presentation.address("http://zoo.example", {}) == "http://zoo.example/"
    assert presentation.address("http://zoo.example", {"a": "b"}) == "http://zoo.example/?a=b"


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8501/attention?task=dates", True),
        ("http://127.0.0.1:8501/", True),
        ("http://[::1]:8501/", True),
        ("http://zoo.localhost/", True),
        ("", True),
        ("http://192.168.1.20:8501/", False),
        ("https://zoo.example.org/", False),
    ],
)
def test_a_link_to_this_computer_alone_is_known(url, here):
    assert presentation.here_only(url) is here


def test_the_tests_find_an_invalid_chart():
    """Pages do not look for one: `conftest.py` does."""
    chart = alt.Chart(alt.Data(values=[]))
    with pytest.raises(SchemaValidationError, match="wide"):
        presentation.Drawn(chart.mark_bar(size="wide")).to_dict()


def test_the_longest_link_still_fits_into_a_code():
    assert presentation.picture("http://zoo.example/").startswith("data:image/svg+xml")
    long = "http://zoo.example/?text=" + "%C3%BC" * 329
    assert len(long) <= presentation.MOST
    assert presentation.picture(long).startswith("data:image/svg+xml")
    with pytest.raises(segno.DataOverflowError):
        presentation.picture("x" * 4000)
