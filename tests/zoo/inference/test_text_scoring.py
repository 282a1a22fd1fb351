"""Log-probabilities of a whole text: through a sliding window, and with a state that is carried."""

from __future__ import annotations

import numpy as np
import pytest

from tests.zoo import tiny_language_models as tiny
from zoo.inference import language_model_base, text_scoring, text_windows
from zoo.inference.sampling import Sampling

CONTEXT = 16


@pytest.fixture(scope="module")
def gpt():
    return tiny.predictor("gpt", max_length=CONTEXT)


@pytest.fixture(scope="module")
def lstm():
    return tiny.predictor("lstm")


@pytest.fixture(scope="module")
def sub_words():
    return tiny.predictor("feed-forward", "sub-word")


@pytest.fixture(scope="module")
def ngram():
    return tiny.ngram()


@pytest.mark.parametrize("length", [1, 5, CONTEXT, CONTEXT + 1, 41, 64])
@pytest.mark.parametrize("stride", [None, 1, 5, CONTEXT])
def test_a_sliding_window_is_that_of_brute_force(gpt, monkeypatch, length, stride):
    monkeypatch.setattr(text_windows, "AT_ONCE", 3 * CONTEXT)  # several batches
    text = tiny.TEXT[10 : 10 + length]
    ids = gpt.tokenizer.encode(text)
    read = [gpt.tokenizer.start, *ids[:-1].tolist()]
    seen: list[int] = []
    found = gpt.log_probs(text, stride, seen.append)
    step = stride or CONTEXT // 4
    for place in range(length):
        # The first window that reaches this token; the last one ends with the text.
        windows = max(-(-(place - CONTEXT + 1) // step), 0)
        begin = min(windows * step, max(length - CONTEXT, 0))
        after = tiny.log_softmax(gpt, read[begin : place + 1])[-1]
        assert found[place] == pytest.approx(after[ids[place]], abs=2e-4), place
        assert begin == 0 or place + 1 - begin > CONTEXT - step  # so many are read
    assert found.shape == (length,) and found.dtype == np.float32
    assert seen[-1] == length and seen == sorted(seen)


@pytest.mark.parametrize("length", [1, 8, 9, 50])
def test_a_carried_state_is_one_long_read(lstm, sub_words, monkeypatch, length):
    monkeypatch.setattr(text_scoring, "CHUNK", 8)
    for model in (lstm, sub_words):
        ids = model.tokenizer.encode(tiny.TEXT)[:length]
        read = [model.tokenizer.start, *ids[:-1].tolist()]
        wanted = tiny.log_softmax(model, read)[np.arange(length), ids]
        np.testing.assert_allclose(model.log_probs_of(ids), wanted, atol=2e-4)


def test_log_probs_of_what_was_written_are_those_told_as_it_was_written(gpt, lstm):
    for model, count in ((gpt, 9), (lstm, 30)):
        found = model.predict("", count, Sampling())[0]
        np.testing.assert_allclose(model.log_probs(found.text), found.log_probs, atol=2e-4)


def test_strides_out_of_range_and_empty_texts(gpt, lstm):
    assert gpt.log_probs("").shape == lstm.log_probs("").shape == (0,)
    for stride in (0, -1, CONTEXT + 1):
        with pytest.raises(ValueError, match="stride must be from 1 to the context, 16"):
            gpt.log_probs("To be", stride)


# A text with ranks and candidates.


@pytest.mark.parametrize("name", ["gpt", "lstm", "ngram", "sub_words"])
def test_a_scored_text_ranks_each_token_among_all(name, request, monkeypatch):
    monkeypatch.setattr(text_scoring, "CHUNK", 8)
    model = request.getfixturevalue(name)
    text = tiny.TEXT[:CONTEXT]  # of which every token is told all before it
    found = model.score(text, candidates=3)
    ids = model.tokenizer.encode(text)
    read = [model.tokenizer.start, *ids.tolist()]
    allowed = [i for i in range(model.tokenizer.size) if i not in model.tokenizer.excluded]
    for place, token in enumerate(ids.tolist()):
        if name == "ngram":
            every = np.log(model.model.distribution(read[: place + 1]) + 1e-30)
        else:
            every = tiny.log_softmax(model, read[: place + 1])[-1]
        one = found.tokens[place]
        assert one.log_prob == pytest.approx(every[token], abs=2e-4)
        assert found.ranks[place] == 1 + sum(every[allowed] > every[token])
        best = sorted(allowed, key=lambda i: -every[i])[:3]
        assert [label for label, _ in one.candidates] == model.tokenizer.labels(best)
        for (_, chance), i in zip(one.candidates, best, strict=True):
            assert chance == pytest.approx(np.exp(every[i]), abs=2e-4)
    assert "".join(one.text for one in found.tokens) == model.tokenizer.decode(ids)
    np.testing.assert_allclose(found.log_probs, model.log_probs(text), atol=2e-4)
    assert found.known.all() and not found.notes


def test_a_scored_text_slides_as_its_log_probs_do(gpt):
    found = gpt.score(tiny.TEXT[:60])
    np.testing.assert_allclose(found.log_probs, gpt.log_probs(tiny.TEXT[:60]), atol=2e-4)
    assert len(found.ranks) == 60


def test_the_figures_of_a_scored_text_are_those_of_an_evaluation(lstm, ngram):
    from training.metrics import language_modeling

    for model in (lstm, ngram):
        found, ids = model.score(tiny.TEXT), model.tokenizer.encode(tiny.TEXT)
        figures = language_modeling.figures(model.log_probs_of(ids), model.tokenizer, ids)
        for key in ("nats", "perplexity", "bits_per_byte"):
            assert getattr(found, key) == pytest.approx(figures[key].value, rel=1e-4)
        assert found.total == pytest.approx(-found.nats * len(ids))


def test_what_a_model_cannot_write_counts_for_nothing(gpt, ngram):
    for model, text in ((gpt, "To\u00e9 be"), (ngram, "To \u00e9t\u00e9 be,")):
        found = model.score(text)
        assert list(found.known).count(False) == 1
        assert np.isfinite([found.total, found.nats, found.bits_per_byte]).all()
        assert found.notes[0].startswith("Not in the model's vocabulary: \u00e9")
        assert found.total == pytest.approx(float(found.log_probs[found.known].sum()), rel=1e-5)


def test_empty_long_and_wrong_texts_to_score(gpt, ngram, monkeypatch):
    for model in (gpt, ngram):
        nothing = model.score("")
        assert not nothing.tokens and nothing.ranks.shape == nothing.sizes.shape == (0,)
        assert (nothing.total, nothing.nats, nothing.perplexity) == (0, 0, 1)
        assert nothing.bits_per_byte == 0
        with pytest.raises(TypeError, match="Received: int"):
            model.score(5)
        with pytest.raises(ValueError, match="candidates must be from 1 to"):
            model.score("To be", candidates=0)
    monkeypatch.setattr(language_model_base, "MAX_CHARACTERS", 300)
    long = ngram.score("to " * 1_000)
    assert long.notes == ["Only the first 300 characters were read."]
    assert len(long.text) == 300
