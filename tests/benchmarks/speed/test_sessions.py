"""The texts and the figures of a class at the dashboard; the class itself is run by hand."""

from __future__ import annotations

from benchmarks.speed import sessions


def test_every_session_asks_something_else_cold_and_warm():
    texts = [text for number in range(2) for text in sessions.sentences(60, number)]
    assert len(set(texts)) == 120 and len({len(text) for text in texts}) > 10


def test_quantiles_are_of_what_was_waited():
    waited = [float(n) for n in range(1, 31)]
    assert sessions.middle(waited) == 15.5 and sessions.high(waited) == 29.0
    assert sessions.high([4.0]) == sessions.middle([4.0]) == 4.0
