"""LiteRT beside Keras: the figures of a small model, and the page that is committed."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import pytest

from benchmarks.quality import runtimes
from tests.zoo import tiny_models
from training import tasks
from training.tasks.base import Example
from zoo.saving import read_json


@pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
)
def test_the_answers_of_all_runtimes_are_compared_and_scored(tmp_path, monkeypatch):
    folder = tiny_models.folder(tmp_path / "model", "simple-rnn")
    examples = [Example(source, (target,)) for source, target in tiny_models.SENTENCES]
    task = SimpleNamespace(
        metric="exact",
        examples=lambda split: examples,
        score=lambda texts, some: {"exact": 100.0 * sum(map(bool, texts)) / len(some)},
    )
    monkeypatch.setattr(tasks, "of_model", lambda config: task)
    found = runtimes.measure(str(folder), 5)
    assert found["sentences"] == 5 and set(found["searches"]) == {"greedy", "beam 5"}
    for result in found["searches"].values():
        assert result["float32"] == {"same": 5, **result["keras"]}
    assert " | 5 of 5 | " in next(runtimes.rows("model", found))


def test_the_committed_page_is_that_of_the_committed_figures():
    found = read_json(runtimes.FOLDER / "runtimes.json")
    text = (runtimes.FOLDER / "runtimes.md").read_text(encoding="utf-8")
    assert text == runtimes.page(found)
    for name, one in found["models"].items():
        for search, result in one["searches"].items():
            assert result["float32"]["same"] == one["sentences"], (name, search)
