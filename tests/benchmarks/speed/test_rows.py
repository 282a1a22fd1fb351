"""Medians, spread, ratios within a round, and the tables made from them."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.speed import protocol, rows, table, workload

ROOT = Path(__file__).resolve().parents[3]
ABOUT = {
    "device": "CPU: Made Up, 2 cores",
    "config": {"task": "x", "vocabulary": 8000, "mean_target": 15.8, "rounds": 3, "seconds": 10},
    "versions": {"zoo": {"keras": "3.15.1"}},
    "commit": "abc",
    "date": "2026-01-02",
}


def test_ratios_are_taken_within_a_round_and_above_one_is_ahead():
    # The machine halves in the second round: both halve, and the ratio stays.
    rates = {"zoo": [100.0, 50.0, 110.0], "peer": [50.0, 25.0, None], "never": [None, None, None]}
    row = rows.row("train/x", "tokens/s", True, rates)
    assert row["values"] == {"zoo": 100, "peer": 37.5}
    assert row["spread"] == {"zoo": [50, 110], "peer": [25, 50]}
    assert row["ratios"] == {"peer": {"median": 2, "low": 2, "high": 2}}
    assert row["rounds"]["peer"] == [50, 25, None]
    times = {"zoo": [10.0, 20.0], "peer": [30.0, 20.0]}
    assert rows.row("greedy/b1", "ms", False, times)["ratios"]["peer"]["low"] == 1
    assert rows.row("greedy/b1", "ms", False, times)["ratios"]["peer"]["high"] == 3
    assert rows.row("greedy/b1", "ms", False, {"never": [None]}) is None


def test_a_new_row_replaces_only_that_of_its_measure(tmp_path):
    path = tmp_path / "device.json"
    rows.merge(path, [{"measure": "a", "values": 1}, {"measure": "b", "values": 2}])
    rows.merge(path, [{"measure": "b", "values": 3}, None])
    assert rows.read(path) == [{"measure": "a", "values": 1}, {"measure": "b", "values": 3}]


def test_the_cost_of_a_training_step_is_six_operations_a_weight():
    about = {"vocabulary": 8_000, "mean_source": 10, "mean_target": 10}
    # By hand: 3 decoder layers with 6 square matrices and 2 inner ones, the output, 3 encoder
    # layers with 4 and 2, and the keys and values of 3 cross-attentions.
    square, inner = 256 * 256, 256 * 1_024
    weights = 3 * (6 * square + 2 * inner) + 8_000 * 256
    weights += 3 * (4 * square + 2 * inner) + 3 * 2 * square
    assert rows.training_flops(about) == 6 * weights


def test_a_table_says_how_far_ahead_and_how_far_from_the_floor():
    train = {"zoo": [5_000.0, 4_900.0, 5_100.0], "hf-marian": [2_500.0, 2_450.0, 2_550.0]}
    found = [
        rows.row("train/transformer", "target tokens/s", True, train, **ABOUT),
        rows.row("greedy/b1", "ms", False, {"zoo": [10.0], "hf-marian": [35.0]}, **ABOUT),
        rows.row("ceiling/greedy-b1-float32", "ms", False, {"machine": [7.0]}, **ABOUT),
    ]
    lines = list(table.summary(found))
    assert lines == [
        "| | train Transformer, target tokens/s ↑ | greedy, 1 sentence, ms ↓ |",
        "|---|--:|--:|",
        "| **zoo** (default) | 5,000 | 10.0 |",
        "| HF Transformers Marian | 2,500 (2.00×) | 35.0 (3.50×) |",
    ]
    [line] = table.reach(found)
    assert "10.0 ms, 70 % of what the probe's float32" in line
    text = table.page(found, "made-up")
    assert "| **zoo** (default) | 5,000 | 4,900 – 5,100 |  |" in text
    assert "3 rounds of 10 s" in text
    assert "keras 3.15.1" in text


def test_readme_says_what_the_results_say():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table.replace(text, table.section()) == text
    with pytest.raises(ValueError, match="no place for speeds"):
        table.replace("# A page", "tables")


def test_training_counts_real_target_pieces_of_whole_steps():
    seen = []
    batches = iter([(name, 10 * name) for name in range(100)])
    block = protocol.training(seen.append, batches, warmup=2)
    assert seen == [0, 1]
    answer = block(0.0)
    assert (answer["steps"], answer["tokens"], seen) == (1, 20, [0, 1, 2])


def test_decoding_is_refused_unless_every_row_has_the_same_length():
    block = protocol.decoding(lambda request: [protocol.PIECES] * 32, ["a"], 32)
    assert block(0.0)["requests"] == 3
    with pytest.raises(ValueError, match="16 tokens long"):
        protocol.decoding(lambda request: [16, 9], ["a"], 2)
    assert protocol.shape("beam5/b32") == (5, 32)
    assert protocol.shape("greedy/b1") == (1, 1)


def test_every_system_reads_the_same_ids(tmp_path):
    made = workload.synthetic(200)
    made.write(tmp_path / "data.npz")
    read = workload.Workload.read(tmp_path / "data.npz")
    for name in ("sources", "targets", "batches", "decode"):
        pairs = zip(getattr(made, name), getattr(read, name), strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs), name
    assert read.about == made.about
    sources, targets = next(read.sorted_batches())
    longest = max(map(len, [*sources, *targets]))
    assert longest * len(sources) <= workload.TOKENS
    # An epoch of batches has every pair once.
    assert sorted(np.concatenate(read.batches).tolist()) == sorted([*range(200)] * 3)
    target = workload.pad([np.array([5, 6, 2]), np.array([7, 2])])
    assert workload.shifted(target).tolist() == [[1, 5, 6], [1, 7, 2]]


@pytest.mark.parametrize("model", ["transformer", "lstm", "lstm-bahdanau", "simple-rnn"])
def test_a_network_to_be_measured_never_ends_by_itself(model):
    from benchmarks.speed.systems.zoo import never_end
    from zoo import registry
    from zoo.building import build

    config = registry.configuration(
        model, "nano", source_vocabulary=50, target_vocabulary=50, shared_vocabulary=True
    )
    network = build(model, config)
    never_end(network)
    ids = np.random.default_rng(0).integers(2, 50, (4, 12)).astype("int32")
    logits = np.asarray(network((ids, ids)))
    # Not among the best half: so no beam of 5 can take it either.
    assert (logits[..., workload.EOS] < np.median(logits, axis=-1)).all()
