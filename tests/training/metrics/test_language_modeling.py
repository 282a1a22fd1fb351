"""Nats, perplexity and bits a byte against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.metrics.language_modeling import BLOCK, figures
from training.metrics.text import bootstrap
from zoo.text_tokenizers import Characters, SubWords, Words

TEXT = "to be é 🦓 or\nnot to be\n" * 9


def test_figures_are_those_worked_out_by_hand():
    tokenizer = Characters.learn("aé🦓")
    ids = tokenizer.encode("aé🦓a")  # 1 + 2 + 4 + 1 bytes
    found = figures(np.log(np.array([0.5, 0.25, 0.125, 1.0], "float32")), tokenizer, ids)
    assert set(found) == {"nats", "perplexity", "bits_per_byte"}
    assert found["nats"].value == pytest.approx((1 + 2 + 3) * math.log(2) / 4)
    assert found["perplexity"].value == pytest.approx(2**1.5)
    assert found["bits_per_byte"].value == pytest.approx(6 / 8)


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary():
    tokenizer = Characters.learn("abcdefgh")
    ids = tokenizer.encode("abcdefgh" * 100)
    found = figures(np.full(800, -math.log(8), "float32"), tokenizer, ids)
    assert found["perplexity"].value == pytest.approx(8)
    assert found["bits_per_byte"].value == pytest.approx(3)
    for figure in found.values():
        low, high = bootstrap(figure)
        assert low == pytest.approx(figure.value) and high == pytest.approx(figure.value)


@pytest.mark.parametrize("kind", ["character", "word", "sub-word"])
@pytest.mark.parametrize("times", [1, 60])
def test_bits_a_byte_count_the_bytes_of_the_whole_text(kind, times):
    """However it is cut into stretches, and whatever a token is: here they cut an emoji in four."""
    text = TEXT * times
    learn = {
        "character": lambda: Characters.learn(text),
        "word": lambda: Words.learn(text),
        "sub-word": lambda: SubWords.learn("to be or\nnot to be\n" * 20, 280),
    }
    tokenizer = learn[kind]()
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    log_probs = -np.random.default_rng(1).uniform(0, 3, len(ids)).astype("float32")
    figure = figures(log_probs, tokenizer, ids)["bits_per_byte"]
    bits = -log_probs.astype("float64").sum() / math.log(2)
    assert figure.value == pytest.approx(bits / len(text.encode()))
    assert figure.statistics[:, 1].sum() == len(ids)


@pytest.mark.parametrize("count", [1, 2, 39, 40, 81, 40 * BLOCK + 1])
def test_stretches_hold_every_token_once(count):
    tokenizer = Characters.learn("ab")
    found = figures(np.full(count, -1, "float32"), tokenizer, np.full(count, 4))
    loss, tokens, length = found["nats"].statistics.T
    assert loss.sum() == tokens.sum() == length.sum() == count
    assert tokens.max() <= BLOCK and len(tokens) >= min(count, 40)
    assert found["nats"].value == 1


def test_impossible_tokens_give_no_number_beyond_all_bounds():
    tokenizer = Characters.learn("ab")
    found = figures(np.full(50, -1e6, "float32"), tokenizer, np.full(50, 4))
    assert math.isfinite(found["perplexity"].value)
