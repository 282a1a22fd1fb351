"""Log-probabilities of a whole text: through a sliding window, and with a state that is carried."""

from __future__ import annotations

import numpy as np
import pytest

from tests.zoo import tiny_language_models as tiny
from zoo.inference import text_scoring
from zoo.inference.generation import Sampling

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


@pytest.mark.parametrize("length", [1, 5, CONTEXT, CONTEXT + 1, 41, 64])
@pytest.mark.parametrize("stride", [None, 1, 5, CONTEXT])
def test_a_sliding_window_is_that_of_brute_force(gpt, monkeypatch, length, stride):
    monkeypatch.setattr(text_scoring, "AT_ONCE", 3 * CONTEXT)  # several batches
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
