"""Logits of two programs compared: what is counted, what the page says, what is missing."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.quality import llama_cpp_logits


def test_the_same_logits_are_the_same_and_a_shift_of_a_row_is_nothing():
    own = np.random.default_rng(0).normal(size=(3, 9)).astype("float32")
    found = llama_cpp_logits.compared(own, own + np.arange(3)[:, None])
    assert found == {"tokens": 3, "same_likeliest": 3, "correlation": 1.0, "divergence": 0.0}
    other = own.copy()
    other[0, own[0].argmin()] += 20
    found = llama_cpp_logits.compared(own, other)
    assert found["same_likeliest"] == 2 and found["divergence"] > 1


def test_the_page_has_a_line_a_prompt():
    row = {"tokens": 5, "same_likeliest": 4, "correlation": 0.99912, "divergence": 0.01}
    assert "| Once | 5 | 4 | 0.9991 | 0.0100 |" in llama_cpp_logits.page({"Once": row})


def test_without_the_peer_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(llama_cpp_logits, "ENVIRONMENTS", tmp_path)
    with pytest.raises(RuntimeError, match=r"benchmarks\.speed\.install pretrained"):
        llama_cpp_logits.llama_cpp([[1]])
