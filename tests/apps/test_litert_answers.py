"""The dashboard answers by LiteRT where it can, and by Keras where it must."""

from __future__ import annotations

import contextlib
import importlib.util
import sys

import numpy as np
import pytest

import zoo
from apps import continuing, inference, memory, saved_models
from tests.zoo import tiny_language_models, tiny_models
from zoo.inference import litert_making, litert_template
from zoo.inference.litert_seq2seq import LiteRTSeq2Seq

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
)
TEXT = "Tom sees the book."


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A folder of models with graphs, as those shipped have, and beside it one to keep them in."""
    root = tmp_path_factory.mktemp("models")
    for model in ("simple-rnn", "lstm-bahdanau"):
        tiny_models.folder(root / "shelf" / model, model)
    tiny_language_models.predictor("gpt", path=root / "shelf" / "gpt")
    for folder in (root / "shelf").iterdir():
        (folder / litert_template.FILE).write_bytes(litert_making.template(zoo.load(folder)))
    return root


@pytest.fixture
def names(shelf, monkeypatch):
    """Two models, with and without attention, for which LiteRT is not left out."""
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(shelf / "shelf"))
    monkeypatch.setenv("ZOO_CACHE_DIR", str(shelf / "kept"))
    monkeypatch.delenv(inference.RUNTIME)
    caches = [inference._on_litert, inference._model, memory._kept]
    for cache in caches:
        cache.clear()
    yield ["lstm-bahdanau", "simple-rnn"]
    for cache in caches:
        cache.clear()


def ask(name: str, said: list[str], beams: int = 1):
    return inference.computed(name, TEXT, beams=beams, max_length=None, say=said.append)


def test_no_model_of_keras_is_loaded_for_an_answer(names, monkeypatch):
    def loaded(*args):
        raise AssertionError("Keras was loaded")

    wanted = {name: zoo.load(saved_models.folder(name)).predict(TEXT, beams=5)[0] for name in names}
    monkeypatch.setattr(inference, "_model", loaded)
    for name in names:
        answer = ask(name, [], beams=5)
        assert answer.text == wanted[name].text
        np.testing.assert_allclose(answer.log_probs, wanted[name].log_probs, atol=1e-4)
        assert len(answer.alternatives) == len(wanted[name].alternatives)
        assert len(answer.milliseconds) == inference.RUNS and answer.saliency is None
        assert set(answer.attention) == set(wanted[name].attention)
        assert inference.predicted(name, TEXT, 5).text == answer.text


def test_while_others_are_at_work_an_answer_comes_and_is_not_timed(names):
    with inference._ENGINE:
        answer = ask(names[0], [])
    assert answer.target_pieces and answer.median is None


def test_prompts_are_continued_beside_others_who_are_at_work(names, monkeypatch):
    def loaded(*args):
        raise AssertionError("Keras was loaded")

    asked = continuing.Options(max_new_tokens=7)
    [wanted] = zoo.load(saved_models.folder("gpt")).predict("To be", 7, asked.sampling())
    monkeypatch.setattr(inference, "_model", loaded)
    for held in (True, False):
        memory._kept.clear()
        with inference._ENGINE if held else contextlib.nullcontext():
            nothing = {"say": lambda step: None, "show": lambda tokens: None}
            found = continuing.written("gpt", "To be", asked, **nothing)
        assert found.continuation.text == wanted.text
        assert set(found.continuation.attention) == {"decoder"}
        assert (found.tokens_per_second is None) == held
    [first, *_] = continuing.candidates("gpt", "To be")
    assert first[1] == pytest.approx(wanted.tokens[0].candidates[0][1], abs=1e-4)


def test_gradients_come_from_keras_and_stay_in_memory(names):
    said: list[str] = []
    answer = ask("simple-rnn", said)
    found = inference.with_saliency(answer, TEXT, said.append)
    assert found.saliency.shape == (len(answer.target_pieces), len(answer.source_pieces))
    assert "loading the model" in said
    again: list[str] = []
    assert inference.with_saliency(answer, TEXT, again.append).saliency is found.saliency
    assert not again


def test_a_model_without_graphs_is_answered_by_keras(names, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    said: list[str] = []
    answer = ask("simple-rnn", said)
    assert answer.target_pieces and "first run, which compiles it" in said
    assert inference.predicted("simple-rnn", TEXT, 1) is None


def test_models_are_prepared_in_the_background(names, monkeypatch):
    monkeypatch.delenv("ZOO_WARM")
    inference.warm.clear()
    inference.warm(tuple(names), TEXT).join(timeout=120)
    for name in names:
        loaded = inference._on_litert(name, saved_models.fingerprint(name))
        assert isinstance(loaded, LiteRTSeq2Seq)
    inference.warm.clear()
