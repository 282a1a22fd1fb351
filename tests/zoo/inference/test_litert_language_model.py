"""Language models on LiteRT continue, stream, score and look as they do on Keras."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest

import zoo
from tests import thorough
from tests.zoo import tiny_language_models as tiny
from zoo import registry, saving, shipped
from zoo.continuation import Continuation
from zoo.export import litert as litert_export
from zoo.inference import litert_making, litert_template
from zoo.inference.litert_folder import READ, GraphFolder
from zoo.inference.litert_reading import Reader
from zoo.inference.ngram import NGramPredictor
from zoo.inference.sampling import Sampling

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
    ),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts"),
]

PROMPTS = ["To be", "", "No more; and by a sleep to say we end 🦓 " * 2, "Q"]


def same(found: list[Continuation], wanted: list[Continuation]) -> None:
    """The same tokens and notes, and the same numbers but for rounding."""
    for one, other in zip(found, wanted, strict=True):
        assert (one.text, one.finished, one.notes) == (other.text, other.finished, other.notes)
        assert (one.prompt_labels, one.labels) == (other.prompt_labels, other.labels)
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
        for ours, theirs in zip(one.tokens, other.tokens, strict=True):
            assert (ours.text, ours.label, ours.id) == (theirs.text, theirs.label, theirs.id)
            chances = [[chance for _, chance in token.candidates] for token in (ours, theirs)]
            np.testing.assert_allclose(*chances, atol=1e-4)
        assert set(one.attention) == set(other.attention)
        for kind, maps in other.attention.items():
            np.testing.assert_allclose(one.attention[kind], maps, atol=1e-4)


@pytest.fixture(
    scope="module",
    params=thorough.params(registry.of_kind("language_model"), ["feed-forward", "min-gru", "gpt"]),
)
def both(request, tmp_path_factory):
    """A model on Keras and, as exported, on LiteRT."""
    place = tmp_path_factory.mktemp(request.param)
    on_keras = tiny.predictor(request.param, path=place / "model")
    return on_keras, zoo.load(litert_export.export(on_keras, place / "exported"))


def test_continuations_are_those_of_keras(both):
    on_keras, on_litert = both
    samplings = [None, Sampling(0.9), Sampling(1.4, top_k=4), Sampling(1.1, top_p=0.6)]
    if on_keras.config["model"] != "rnn":  # what is drawn from is a network's, not how
        samplings = [None, Sampling(1.4, top_k=4, top_p=0.6)]
    for sampling in samplings:
        asked = {"max_new_tokens": 37, "sampling": sampling, "seed": 3, "stop": ["\nW", "zz"]}
        # With the context of 32 tokens, the window has to slide.
        same(on_litert.predict(PROMPTS, **asked), on_keras.predict(PROMPTS, **asked))


def test_what_is_streamed_is_what_is_predicted(both):
    on_keras, on_litert = both
    streamed = list(on_litert.stream("To be", 11, Sampling(0.8), 7))
    [wanted] = on_keras.predict("To be", 11, Sampling(0.8), 7, attention=False)
    assert "".join(token.text for token in streamed) == wanted.text
    # Streams side by side, more than there are interpreters, and answers between their tokens.
    many = [on_litert.stream("To be", 11, Sampling(0.8), 7) for _ in range(9)]
    begun = [next(stream) for stream in many]
    assert len(on_litert.predict(["To be"] * 5, 2)) == 5
    for first, stream in zip(begun, many, strict=True):
        assert "".join(token.text for token in [first, *stream]) == wanted.text


def test_a_long_prompt_is_read_without_keeping_what_it_gave(both, monkeypatch):
    on_keras, on_litert = both
    monkeypatch.setattr(Reader, "read", None)
    text = tiny.TEXT * 3
    same(on_litert.predict(text, 3), on_keras.predict(text, 3))


def test_scores_of_a_text_are_those_of_keras(both):
    on_keras, on_litert = both
    for text in ("", "T", tiny.TEXT[: READ + 5], tiny.TEXT[:150]):
        ours, theirs = on_litert.score(text, 4), on_keras.score(text, 4)
        assert ours.ranks.tolist() == theirs.ranks.tolist()
        assert ours.nats == pytest.approx(theirs.nats, abs=1e-4)
        for one, other in zip(ours.tokens, theirs.tokens, strict=True):
            assert one.log_prob == pytest.approx(other.log_prob, abs=1e-4)
            assert [name for name, _ in one.candidates] == [name for name, _ in other.candidates]
    found = on_litert.log_probs(tiny.TEXT)
    np.testing.assert_allclose(found, on_keras.log_probs(tiny.TEXT), atol=1e-4)


def test_what_is_known_of_the_network_is_known_without_it(both):
    on_keras, on_litert = both
    for name in ("parameters", "context", "attention_heads"):
        assert getattr(on_litert, name) == getattr(on_keras, name)
    for wrong in ({"max_new_tokens": 0}, {"candidates": 0}, {"stop": [""]}):
        said = set()
        for model in both:
            with pytest.raises(ValueError) as error:
                model.predict("To be", **wrong)
            said.add(str(error.value))
        assert len(said) == 1


def test_a_template_gives_the_same_graphs(both, tmp_path):
    on_keras, on_litert = both
    content = litert_making.template(on_keras)
    (path := tmp_path / litert_template.FILE).write_bytes(content)
    weights = (on_keras.path / saving.WEIGHTS).read_bytes()
    (filled := tmp_path / "filled").mkdir()
    litert_template.fill(path, weights, saving.read_weights(on_keras.path), filled)
    for file in filled.iterdir():
        assert (on_litert.path / file.name).read_bytes() == file.read_bytes(), file.name
    assert len(content) < sum(file.stat().st_size for file in filled.iterdir()) / 2


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, config in shipped.configs().items()
        if config["kind"] == "language_model" and not registry.without_graphs(config)
    ],
)
def test_every_shipped_model_has_a_template_of_its_weights(name, tmp_path):
    folder = shipped.saved_models_path() / name
    weights = (folder / saving.WEIGHTS).read_bytes()
    litert_template.fill(
        folder / litert_template.FILE, weights, saving.read_weights(folder), tmp_path
    )
    assert {"read", "step_1"} <= set(GraphFolder.read(tmp_path).files)


def test_counts_need_no_graphs():
    found = zoo.load("shakespeare-ngram", runtime="litert")
    assert isinstance(found, NGramPredictor)
    with pytest.raises(ValueError, match="it has counts and no network"):
        litert_export.export(found, "nowhere")
