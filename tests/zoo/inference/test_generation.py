"""Searches against hand-worked examples, brute force and a plain Python beam search."""

from __future__ import annotations

import gc
import math
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.zoo import table_model
from tests.zoo.reference_search import LETTERS, LONG, TRAP, A, B, C, check_shape_of, source, written
from zoo.inference import generation
from zoo.inference.generation import generate, search
from zoo.inference.sampling import Sampling
from zoo.inference.search import argmax, beam_search
from zoo.runtime import backend
from zoo.tokenizer import BOS, EOS, PAD, UNK


def test_greedy_takes_the_likeliest_piece_each_time():
    found = generate(table_model.Toy([TRAP], 7), source(1), length=6, length_penalty=0.0)
    check_shape_of(found, 1, 6)
    assert written(found) == [(A, EOS)]
    np.testing.assert_allclose(found.log_probs[0, 0, :2], np.log([0.6, 0.4]), rtol=1e-5)
    np.testing.assert_allclose(found.scores, [[math.log(0.24)]], rtol=1e-5)


def test_beam_search_finds_what_greedy_misses():
    found = generate(table_model.Toy([TRAP], 7), source(1), length=6, beams=2, length_penalty=0.0)
    check_shape_of(found, 2, 6)
    # After one piece live: a .6, b .4. After two the best four: b-EOS .36, a-EOS .24, a-a .21,
    # a-b .15; the two that end fill the pool, and .21 cannot beat .24 any more.
    assert written(found) == [(B, EOS), (A, EOS)]
    np.testing.assert_allclose(found.scores, np.log([[0.36, 0.24]]), rtol=1e-5)
    np.testing.assert_allclose(found.log_probs[0, 0, :2], np.log([0.4, 0.9]), rtol=1e-5)


def test_length_penalty_changes_the_winner():
    model = table_model.Toy([LONG], 7)
    short, long = (B, EOS), (A, A, A, EOS)
    plain = generate(model, source(1), length=6, beams=3, length_penalty=0.0)
    assert written(plain)[:2] == [short, long]
    np.testing.assert_allclose(plain.scores[0, :2], np.log([0.30, 0.28]), rtol=1e-5)
    # 2 and 4 pieces: (7/6)^.6 = 1.0969 and (9/6)^.6 = 1.2754.
    ranked = generate(model, source(1), length=6, beams=3, length_penalty=0.6)
    assert written(ranked)[:2] == [long, short]
    expected = [math.log(0.28) / 1.2754, math.log(0.30) / 1.0969]
    np.testing.assert_allclose(ranked.scores[0, :2], expected, rtol=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_a_wide_beam_is_an_exhaustive_search(alpha):
    table = table_model.random_table(3, (A, B), depth=4)
    expected = table_model.everything(table, (A, B), 4, alpha)
    beams = len(expected) + 2
    found = generate(
        table_model.Toy([table], 6), source(1), length=5, limit=4, beams=beams, length_penalty=alpha
    )
    check_shape_of(found, beams, 5)
    # 15 texts end within 4 pieces, 16 are cut there; two places are left over.
    assert written(found) == [pieces for _, pieces in expected] + [(), ()]
    np.testing.assert_allclose(found.scores[0, :-2], [s for s, _ in expected], rtol=1e-4)
    assert (found.scores[0, -2:] == -np.inf).all()
    for row, pieces in zip(found.log_probs[0], written(found), strict=True):
        steps = [math.log(table[pieces[:i]][piece]) for i, piece in enumerate(pieces)]
        np.testing.assert_allclose(row[: len(pieces)], steps, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("beams", [2, 3, 5])
def test_ending_early_loses_nothing(beams):
    tables = [table_model.random_table(seed, LETTERS, depth=4, spread=1.5) for seed in range(12)]
    model = table_model.Toy(tables, 7)
    rows = source(*range(1, 13))
    for alpha in (0.0, 0.6, 1.5):
        found = generate(model, rows, length=5, beams=beams, length_penalty=alpha)
        check_shape_of(found, beams, 5)
        for row, table in enumerate(tables):
            expected = table_model.beam_search(table, 5, beams, alpha)
            assert written(found, row) == [pieces for _, pieces in expected]
            np.testing.assert_allclose(found.scores[row], [s for s, _ in expected], rtol=1e-4)


def test_one_beam_is_greedy():
    tables = [table_model.random_table(seed, LETTERS, depth=5) for seed in range(8)]
    model = table_model.Toy(tables, 7)
    rows = ops.convert_to_tensor(source(*range(1, 9)))
    limits = ops.full((8,), 6, dtype="int32")
    memory = model.encode(rows)
    del memory["encoder"]
    state = model.init_state(memory, 6)
    beam = beam_search(model, memory, state, ops.zeros((8,), dtype="bool"), limits, 0.0, 6, 1)
    greedy = generate(model, rows, length=6, length_penalty=0.0)
    for ours, theirs in zip(beam, greedy, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(ours), theirs, rtol=1e-5)


OPTIONS = {
    "greedy": {},
    "beam": {"beams": 3},
    "sampling": {"sampling": Sampling(temperature=1.3, top_k=3, top_p=0.9), "seed": 7},
}


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_batch_answers_as_its_rows_do_and_padding_rows_cost_nothing(kind):
    # Rows end after different numbers of pieces; padding rows stand between and behind them.
    tables = [TRAP, table_model.random_table(1, LETTERS, depth=5), LONG]
    model = table_model.Toy(tables, 7)
    together = generate(model, source(0, 1, 2, 3, 0), length=5, **OPTIONS[kind])
    check_shape_of(together, OPTIONS[kind].get("beams", 1), 5)
    for row in (0, 4):
        assert not together.lengths[row].any() and (together.scores[row] == -np.inf).all()
    for row, count in ((1, 5), (2, 5), (3, 4)):
        rows = np.zeros((count, 3), "int32")
        rows[row] = source(row)  # at its place: the draws of a row depend on where it stands
        alone = generate(model, rows, length=5, **OPTIONS[kind])
        for ours, theirs in zip(alone, together, strict=True):
            np.testing.assert_allclose(ours[row], theirs[row], rtol=1e-5)


@pytest.mark.parametrize("kind", OPTIONS)
def test_two_halves_answer_as_the_whole(kind, monkeypatch: pytest.MonkeyPatch):
    tables = [table_model.random_table(seed, LETTERS, depth=4) for seed in range(18)]
    rows = source(*range(1, 19))
    limits = [3, 5] * 9
    found = []
    for at_once in (1, 2):
        monkeypatch.setattr(backend, "at_once", lambda count=at_once: count)
        model = table_model.Toy(tables, 7)
        found.append(generate(model, rows, length=5, limit=limits, **OPTIONS[kind]))
        assert model.traces == 1 or keras.backend.backend() == "jax"
    for whole, halves in zip(*found, strict=True):
        np.testing.assert_allclose(whole, halves, rtol=1e-5)


@pytest.mark.parametrize("vocabulary", [7, 48, 128, 8000])
def test_argmax_in_two_stages_is_argmax(vocabulary):
    random = np.random.default_rng(vocabulary)
    logits = random.integers(-5, 5, (40, vocabulary)).astype("float32")  # with many ties
    logits[0], logits[1, :-1] = -np.inf, -np.inf
    np.testing.assert_array_equal(ops.convert_to_numpy(argmax(logits))[1:], logits.argmax(-1)[1:])
    assert 0 <= int(argmax(logits)[0]) < vocabulary


@pytest.mark.parametrize("kind", OPTIONS)
def test_compiled_and_plain_agree(kind):
    tables = [table_model.random_table(seed, LETTERS, depth=5) for seed in range(4)]
    model = table_model.Toy(tables, 7)
    rows = source(1, 2, 3, 4)
    options = dict(OPTIONS[kind])
    fast = generate(model, rows, length=6, limit=5, **options)
    if "seed" in options:
        options["uniform"] = generation.draw(options.pop("seed"), 4, 6)
    slow = search(model, rows, length=6, limit=5, **options)
    for ours, theirs in zip(fast, slow, strict=True):
        np.testing.assert_allclose(ours, ops.convert_to_numpy(theirs), rtol=1e-5)


@pytest.mark.parametrize("beams", [1, 2])
def test_limits_cut_rows_and_never_compile_again(beams):
    endless = {(A,) * size: {A: 0.9, UNK: 0.1} for size in range(9)}
    model = table_model.Toy([endless, TRAP], 7)
    options = {"length": 8, "beams": beams}
    found = generate(model, source(1, 2), **options)
    assert found.lengths[0, 0] == 8 and EOS not in found.tokens[0, 0]
    traced = model.traces
    for limit in (1, 3, 8):
        found = generate(model, source(1, 2), limit=limit, **options)
        check_shape_of(found, beams, 8)
        assert written(found)[0] == (A,) * limit
        np.testing.assert_allclose(
            found.scores[0, 0], limit * math.log(0.9) / table_model.penalty(limit, 0.6), rtol=1e-4
        )
    # Each row may have its own; the penalty is free to change as well.
    found = generate(model, source(2, 1), limit=[1, 4], length_penalty=1.0, **options)
    assert written(found)[0] == (A,) and written(found, 1)[0] == (A,) * 4
    assert model.traces == traced
    # Another shape is another program, and the first one is kept.
    generate(model, source(2), **options)
    assert model.traces > traced
    traced = model.traces
    generate(model, source(1, 2), **options)
    assert model.traces == traced


def test_a_hypothesis_that_is_cut_competes_by_its_score():
    # "a" .3 goes on for certain and is cut; "b" .7 ends or goes on.
    table = {
        (): {A: 0.3, B: 0.7},
        (A,): {A: 1.0},
        (A, A): {A: 1.0},
        (B,): {EOS: 0.2, C: 0.8},
        (B, C): {C: 0.9, B: 0.1},
    }
    found = generate(table_model.Toy([table], 7), source(1), length=3, beams=3, length_penalty=0.0)
    assert written(found) == [(B, C, C), (A, A, A), (B, EOS)]
    np.testing.assert_allclose(found.scores, np.log([[0.504, 0.3, 0.14]]), rtol=1e-4)


def test_the_loop_ends_with_its_last_row(monkeypatch: pytest.MonkeyPatch):
    steps = []
    while_loop = ops.while_loop

    def counting(goes_on, body, values):
        zero = ops.convert_to_tensor(0, dtype="int32")
        count, *values = while_loop(
            lambda count, *values: goes_on(*values),
            lambda count, *values: (count + 1, *body(*values)),
            (zero, *values),
        )
        steps.append(int(count))
        return values

    monkeypatch.setattr(ops, "while_loop", counting)
    model = table_model.Toy([TRAP], 7)
    for rows, options in (
        ((1, 0), {}),
        ((1, 0), {"limit": 1}),
        ((0, 0), {}),
        ((1, 0), {"beams": 2, "length_penalty": 0.0}),
        # "a a" has .21, and .21 by (14/6)^.6 might still beat .24 by (7/6)^.6: one step more.
        ((1, 0), {"beams": 2, "length_penalty": 0.6}),
        ((0, 0), {"beams": 2}),
    ):
        search(model, source(*rows), length=9, **options)
    assert steps == [2, 1, 0, 2, 3, 0]


def test_special_pieces_are_never_written_and_do_not_change_probabilities():
    odd = {(): {PAD: 0.4, BOS: 0.2, UNK: 0.2, A: 0.15, EOS: 0.05}, (A,): {UNK: 0.9, EOS: 0.1}}
    model = table_model.Toy([odd], 7)
    for options in OPTIONS.values():
        check_shape_of(generate(model, source(1), length=4, **options), options.get("beams", 1), 4)
    found = generate(model, source(1), length=4)
    assert written(found) == [(A, EOS)]
    np.testing.assert_allclose(found.log_probs[0, 0, :2], np.log([0.15, 0.1]), rtol=1e-5)


def test_new_weights_are_seen_by_compiled_programs():
    model = table_model.Toy([TRAP], 7)
    assert written(generate(model, source(1), length=4)) == [(A, EOS)]
    traced = model.traces
    values = model.table.numpy() if hasattr(model.table, "numpy") else np.array(model.table)
    values[:, A] = -50.0
    model.table.assign(values)
    assert written(generate(model, source(1), length=4)) == [(B, EOS)]
    assert model.traces == traced


def test_threads_share_one_program():
    model = table_model.Toy([table_model.random_table(1, LETTERS, depth=5)], 7)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(generate, model, source(1), length=5, beams=2) for _ in range(8)]
        first, *others = (answer.result() for answer in asked)
    for other in others:
        assert written(other) == written(first)


def test_programs_do_not_keep_a_model_alive():
    model = table_model.Toy([TRAP], 7)
    generate(model, source(1), length=4)
    assert backend.compiled(model, generation.whole_loop, length=4, beams=1) is backend.compiled(
        model, generation.whole_loop, beams=1, length=4
    )
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("kind", OPTIONS)
def test_exported_graph_takes_any_batch_and_any_source_length(kind, tmp_path: Path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("SavedModels are written by TensorFlow")
    import tensorflow as tf

    tables = [table_model.random_table(seed, LETTERS, depth=5) for seed in range(4)]
    model = table_model.Toy(tables, 7)
    options = dict(OPTIONS[kind])
    sampled = options.pop("seed", None) is not None

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([None, 6], tf.float32),
        ]
    )
    def serve(rows, limit, uniform):
        more = {"uniform": uniform} if sampled else {}
        return search(model, rows, length=6, limit=limit, **options, **more)._asdict()

    module = tf.Module()
    module.serve, module.table = serve, model.table.value
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    for rows in (source(1, 0, 2), source(4), np.pad(source(3, 2), ((0, 0), (0, 4)))):
        uniform = generation.draw(7, len(rows), 6)
        here = generate(model, rows, length=6, limit=5, **OPTIONS[kind])
        there = loaded.serve(tf.constant(rows), tf.constant(5), tf.constant(uniform))
        for name, ours in here._asdict().items():
            np.testing.assert_allclose(ours, there[name].numpy(), rtol=1e-5)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"length": 0}, "length"),
        ({"length": 4, "limit": 5}, "limit"),
        ({"length": 4, "limit": 0}, "limit"),
        ({"length": 4, "limit": [1, 2, 3]}, "limit"),
        ({"length": 4, "beams": 0}, "beams"),
        ({"length": 4, "beams": 2, "sampling": Sampling()}, "beams"),
        ({"length": 4, "length_penalty": -1.0}, "length_penalty"),
        ({"length": 4, "length_penalty": math.nan}, "length_penalty"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        generate(table_model.Toy([TRAP], 7), source(1), **options)


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), np.zeros((2, 0)), np.zeros(3)])
def test_sources_of_no_rows_are_refused(rows):
    with pytest.raises(ValueError, match="source"):
        generate(table_model.Toy([TRAP], 7), rows, length=4)
