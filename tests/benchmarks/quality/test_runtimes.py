"""Other runtimes beside Keras: the figures of a small model, and the page that is committed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmarks.quality import runtimes
from tests.zoo import tiny_models
from training import tasks
from training.tasks.base import Example
from zoo.saving import read_json


def test_the_answers_of_all_runtimes_are_compared_and_scored(tmp_path, monkeypatch):
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
    folder = tiny_models.folder(tmp_path / "model", "transformer")
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
    greedy = found["searches"]["greedy"]
    assert greedy["ctranslate2-float32"] == {"same": 5, **greedy["keras"]}
    for runtime in runtimes.RUNTIMES:
        assert " | 5 of 5 | " in next(runtimes.rows("model", found, runtime))
    del greedy["ctranslate2-float32"]
    assert "| greedy |" not in next(runtimes.rows("model", found, "CTranslate2"))


def test_the_committed_page_is_that_of_the_committed_figures():
    found = read_json(runtimes.FOLDER / "runtimes.json")
    text = (runtimes.FOLDER / "runtimes.md").read_text(encoding="utf-8")
    assert text == runtimes.page(found)
    for name, one in found["models"].items():
        for search, result in one["searches"].items():
            assert result["float32"]["same"] == one["sentences"], (name, search)
        assert ("ctranslate2-int8" in result) == name.endswith("-transformer")
        if name.endswith("-transformer"):
            greedy = one["searches"]["greedy"]
            assert greedy["ctranslate2-float32"]["same"] == one["sentences"]
