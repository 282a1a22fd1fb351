"""Sampling: what is drawn, from which distribution, told by which seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.zoo import table_model
from tests.zoo.reference_search import LETTERS, A, B, C, check_shape_of, source
from zoo.inference import generation
from zoo.inference.generation import generate
from zoo.inference.sampling import Sampling
from zoo.tokenizer import EOS

# One piece, then the end: what is drawn first is all there is.
CHOICE = {(): {EOS: 0.1, A: 0.5, B: 0.25, C: 0.15}}


@pytest.fixture(scope="module")
def choice() -> table_model.Toy:
    return table_model.Toy([CHOICE], 7)


@pytest.mark.parametrize(
    "sampling, probabilities",
    [
        (Sampling(), {A: 0.5, B: 0.25, C: 0.15, EOS: 0.1}),
        (Sampling(top_k=2), {A: 2 / 3, B: 1 / 3}),
        (Sampling(top_k=1), {A: 1.0}),
        (Sampling(top_k=100), {A: 0.5, B: 0.25, C: 0.15, EOS: 0.1}),
        (Sampling(top_p=0.49), {A: 1.0}),
        (Sampling(top_p=0.6), {A: 2 / 3, B: 1 / 3}),
        (Sampling(top_p=0.8), {A: 5 / 9, B: 2.5 / 9, C: 1.5 / 9}),
        # Squared and renormalised: .25, .0625, .0225, .01 over .345.
        (Sampling(temperature=0.5), {A: 0.7246, B: 0.1812, C: 0.0652, EOS: 0.0290}),
        # In that order: temperature first makes a and b enough for 0.8.
        (Sampling(temperature=0.5, top_p=0.8), {A: 0.8, B: 0.2}),
    ],
)
def test_sampling_draws_from_the_distribution_it_should(choice, sampling, probabilities):
    found = generate(choice, source(*[1] * 400), length=2, sampling=sampling)
    check_shape_of(found, 1, 2)
    drawn = found.tokens[:, 0, 0]
    uniform = generation.draw(0, 400, 2)[:, 0]
    ids = np.array(list(probabilities))
    edges = np.cumsum(list(probabilities.values()))
    # The inverse of the cumulative distribution, likeliest piece first; the same on all backends.
    sure = np.abs(uniform[:, None] - edges[:-1]).min(-1, initial=1) > 1e-4
    expected = ids[np.minimum((edges <= uniform[:, None]).sum(-1), len(ids) - 1)]
    assert (drawn[sure] == expected[sure]).all()
    assert set(drawn) == set(probabilities)


def test_sampling_is_told_by_its_seed():
    model = table_model.Toy([table_model.random_table(1, LETTERS, depth=5)], 7)
    rows = source(*[1] * 6)
    options = {"length": 6, "sampling": Sampling()}
    first, same, other, batch = (
        generate(model, rows, seed=seed, **options).tokens for seed in (1, 1, 2, (1, 5))
    )
    assert (first == same).all()
    assert (first != other).any() and (first != batch).any()
    assert len({row.tobytes() for row in first}) > 1  # rows draw on their own
    larger = generate(model, source(*[1] * 9), seed=1, **options).tokens
    assert (larger[:6] == first).all()


def test_the_likeliest_piece_alone_is_greedy():
    model = table_model.Toy(
        [table_model.random_table(seed, LETTERS, depth=5) for seed in range(6)], 7
    )
    rows = source(*range(1, 7))
    greedy = generate(model, rows, length=6)
    drawn = generate(model, rows, length=6, sampling=Sampling(top_k=1), seed=3)
    for ours, theirs in zip(drawn, greedy, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_settings_of_sampling_never_compile_again():
    model = table_model.Toy([CHOICE], 7)
    generate(model, source(1), length=2, sampling=Sampling())
    traced = model.traces
    for sampling in (Sampling(0.3, 2, 0.5), Sampling(2.0, 1, 0.9)):
        generate(model, source(1), length=2, sampling=sampling, seed=9)
    assert model.traces == traced


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.0},
        {"temperature": math.inf},
        {"temperature": math.nan},
        {"top_k": -1},
        {"top_k": 1.5},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": math.nan},
    ],
)
def test_bad_sampling_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Sampling(**options)
