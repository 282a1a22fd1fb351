"""Other runtimes beside Keras: the figures of a small model, and the page that is committed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import zoo
from benchmarks.quality import runtimes
from benchmarks.quality.on_ctranslate2 import OnCTranslate2
from tests import thorough
from tests.zoo import tiny_models
from tests.zoo.export.ctranslate2_checks import assert_greedy
from training import tasks
from training.tasks.base import Example
from zoo.saving import read_json


@pytest.fixture
def task(monkeypatch):
    """What every model here is trained on."""
    examples = [Example(source, (target,)) for source, target in tiny_models.SENTENCES]
    made = SimpleNamespace(
        metric="exact",
        examples=lambda split: examples,
        score=lambda texts, some: {"exact": 100.0 * sum(map(bool, texts)) / len(some)},
    )
    monkeypatch.setattr(tasks, "of_model", lambda config: made)


@thorough.mark
def test_the_answers_of_all_runtimes_are_compared_and_scored(task, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
    folder = tiny_models.folder(tmp_path / "model", "simple-rnn")
    found = runtimes.measure(str(folder), 5)
    assert found["sentences"] == 5 and set(found["searches"]) == {"greedy", "beam 5"}
    for result in found["searches"].values():
        assert result["float32"] == {"same": 5, **result["keras"]}
    assert " | 5 of 5 | " in next(runtimes.rows("model", found, "LiteRT"))
    assert not [*runtimes.rows("model", found, "CTranslate2")]


def test_ctranslate2_is_asked_for_transformers(task, tmp_path, monkeypatch):
    pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
    loaded = zoo.load(tiny_models.folder(tmp_path / "model", "transformer"))
    # Nothing is compiled here: the answers that Keras would give are CTranslate2's own.
    loaded.predict = OnCTranslate2(loaded, tmp_path / "exported", "float32").predict
    monkeypatch.setattr(zoo, "load", lambda name, **_: loaded)
    found = runtimes.measure("model", 5)
    for result in found["searches"].values():
        assert result["ctranslate2-float32"] == {"same": 5, **result["keras"]}
    assert " | 5 of 5 | " in next(runtimes.rows("model", found, "CTranslate2"))
    texts = [source for source, _ in tiny_models.SENTENCES[:3]]
    answers = loaded.predict(["", *texts], attention=False)
    assert answers[0].text == ""
    sources = [loaded.read(text).ids for text in texts]
    written = [loaded.target_tokenizer.ids(one.target_pieces) for one in answers[1:]]
    assert_greedy(loaded.model, sources, written)


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
