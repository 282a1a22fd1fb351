"""Heads switched off one by one: against zeroed outputs, and what is gathered."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from tests.zoo import tiny_models
from zoo.interpret import Off, head_ablation, predict_without

SOURCES = ["Tom sees the book.", "she buys the house."]
TARGETS = ["Tomás ve el libro.", "ella compra la casa."]


@pytest.fixture(scope="module")
def loaded(folder):
    return zoo.load(folder)


def test_a_head_whose_output_is_projected_to_nothing_is_worth_nothing(loaded):
    attention = loaded.model.decoder_layers[1].cross
    kernel = attention.output_projection.kernel
    before = np.asarray(kernel).copy()
    depth = before.shape[0] // attention.heads
    silent = before.copy()
    silent[:depth] = 0.0  # the rows that read the first head
    kernel.assign(silent)
    told = []
    try:
        found = head_ablation.losses(loaded, SOURCES, TARGETS, tell=lambda: told.append(1))
    finally:
        kernel.assign(before)
    assert {kind: v.shape[1:3] for kind, v in found.items()} == loaded.attention_heads
    assert all(values.shape[0] == 2 and values.shape[3] == 2 for values in found.values())
    assert len(told) == len(head_ablation.outages(loaded.attention_heads))
    lost = np.abs(found["cross"][..., 0])
    np.testing.assert_allclose(lost[:, 1, 0], 0.0, atol=1e-4)
    lost[:, 1, 0] = np.inf
    assert lost.min() > 1e-3


def test_a_loss_is_that_of_the_answers_with_the_head_off(loaded):
    found = head_ablation.losses(loaded, SOURCES, TARGETS)
    whole = loaded.predict(SOURCES, target=TARGETS)
    without = predict_without(loaded, SOURCES, (Off("encoder", 0, 1),), target=TARGETS)
    for text in (0, 1):
        lost = whole[text].log_probs.sum() - without[text].log_probs.sum()
        assert found["encoder"][text, 0, 1] == pytest.approx(
            [lost, len(whole[text].target_pieces)], abs=1e-4
        )


def test_all_heads_of_a_kind_go_at_once(loaded):
    found = head_ablation.together(loaded, SOURCES, TARGETS)
    assert set(found) == set(loaded.attention_heads)
    whole = loaded.predict(SOURCES, target=TARGETS)
    layers, heads = loaded.attention_heads["decoder"]
    every = tuple(Off("decoder", i, j) for i in range(layers) for j in range(heads))
    without = predict_without(loaded, SOURCES, every, target=TARGETS)
    lost = [a.log_probs.sum() - b.log_probs.sum() for a, b in zip(whole, without, strict=True)]
    np.testing.assert_allclose(found["decoder"][:, 0], lost, atol=1e-4)


def test_without_attention_nothing_is_switched_off(tmp_path):
    loaded = zoo.load(
        tiny_models.folder(tmp_path / "lstm", "lstm", max_source_length=8, max_target_length=8)
    )
    assert head_ablation.losses(loaded, SOURCES, TARGETS) == {}
    assert head_ablation.together(loaded, SOURCES, TARGETS) == {}


def test_outages_are_gathered_by_kind_layer_and_head():
    heads = {"cross": (1, 2), "decoder": (2, 1)}
    offs = head_ablation.outages(heads)
    assert offs == [
        Off("cross", 0, 0),
        Off("cross", 0, 1),
        Off("decoder", 0, 0),
        Off("decoder", 1, 0),
    ]
    found = head_ablation.gathered(
        heads, [(off, np.array([i, -i])) for i, off in enumerate(offs[:3])]
    )
    assert found["cross"].shape == (1, 2, 2) and found["decoder"].shape == (2, 1, 2)
    assert found["cross"][0, 1].tolist() == [1, -1]
    assert np.isnan(found["decoder"][1]).all()
