"""What pages remember: by model, its files and the question, and never more than there is room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from apps import memory, saved_models


@dataclass
class Answer:
    text: str
    maps: dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def empty(monkeypatch):
    kept = memory._Kept()
    monkeypatch.setattr(memory, "_kept", lambda: kept)
    return kept


def test_an_answer_is_that_of_the_files_as_they_are(monkeypatch):
    written = iter("aab")
    monkeypatch.setattr(saved_models, "fingerprint", lambda name: next(written))
    first = memory.key("m", "predict", "text", 1)
    assert memory.get(first) is None
    assert memory.put(first, "answer") == "answer"
    assert memory.get(memory.key("m", "predict", "text", 1)) == "answer"
    assert memory.get(memory.key("m", "predict", "text", 1)) is None  # trained anew


def test_what_was_not_asked_for_longest_is_forgotten_first(monkeypatch, empty):
    monkeypatch.setattr(memory, "KEPT", 3)
    for name in "abc":
        memory.put((name,), name)
    memory.get(("a",))
    memory.put(("d",), "d")
    assert [memory.get((name,)) for name in "abcd"] == ["a", None, "c", "d"]
    assert empty.size == 3 * 64


def test_large_maps_do_not_fill_the_machine(monkeypatch, empty):
    monkeypatch.setattr(memory, "MOST_BYTES", 10_000)
    for number in range(9):
        maps = {"decoder": np.zeros((1, 1, 30, 30), "float32")}
        memory.put((number,), Answer("text", maps))
    assert [number for number in range(9) if memory.get((number,)) is not None] == [7, 8]
    assert empty.size == sum(memory.size_of(memory.get((number,))) for number in (7, 8))
    memory.put((8,), "less")
    assert empty.size == memory.size_of(memory.get((7,))) + 64
    # One that alone is larger is kept all the same: the page that asked is about to show it.
    huge = Answer("text", {"decoder": np.zeros(5_000)})
    memory.put((9,), huge)
    assert memory.get((9,)) is huge and memory.get((7,)) is None
