"""Texts cut into other pieces in every epoch: always the same texts, and always the same draw."""

from __future__ import annotations

import numpy as np
import pytest

from training import objectives, tasks
from training.config import TrainConfig
from training.data import prepare
from training.data.buckets import fit, ladder
from training.data.subword_regularization import SampledBatches, Side
from training.run import check
from zoo.tokenizer import EOS, PAD, Tokenizer, train_tokenizer

WORDS = ["reading", "readers", "seeing", "seen", "cats", "houses", "house", "tree", "trees", "read"]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draw = np.random.default_rng(1)
    return [" ".join(draw.choice(WORDS, draw.integers(1, 9))) for _ in range(300)]


@pytest.fixture(scope="module")
def tokenizer(texts) -> Tokenizer:
    return train_tokenizer(texts, model_type="unigram", vocabulary_size=40)


def side(tokenizer: Tokenizer, texts: list[str], alpha: float = 0.3, seed: int = 5) -> Side:
    """Of which a few draws are longer than it takes."""
    longest = max(len(tokenizer.encode(text)) for text in texts)
    return Side(tokenizer, texts, alpha, seed, longest)


def batches(tokenizer: Tokenizer, texts: list[str], **options) -> SampledBatches:
    both = side(tokenizer, texts), side(tokenizer, texts[::-1], seed=6)
    return SampledBatches(*both, tokens=200, seed=3, **options)


def unpadded(array: np.ndarray) -> list[list[int]]:
    return [row[row != PAD].tolist() for row in array]


def cut(made: Side, epoch: int) -> list[list[int]]:
    return [row.tolist() for row in made.rows(epoch)]


def test_a_draw_is_of_the_same_texts_and_repeats(tokenizer, texts):
    odd = ["", "a\u3000tree", "ﬁnd Ⅳ trees", "<s> \u202e🙂 houses", "reading" * 20]
    texts = [*texts, *odd]
    made = side(tokenizer, texts)
    drawn, best = cut(made, 1), [tokenizer.encode(text) for text in texts]
    assert list(map(tokenizer.decode, drawn)) == list(map(tokenizer.decode, best))
    assert all(row[-1] == EOS and EOS not in row[:-1] for row in drawn)
    assert 0.3 < np.mean([ours != theirs for ours, theirs in zip(drawn, best, strict=True)]) < 1
    assert drawn != cut(made, 2) and drawn != cut(side(tokenizer, texts, seed=7), 1)
    # Another run, which begins with this epoch.
    assert cut(side(tokenizer, texts), 1) == drawn


def test_ways_are_drawn_as_often_as_they_are_likely(tokenizer):
    """The formula written out for one word; that its ways are the likeliest is SentencePiece's."""
    ways = tokenizer.ways("reading", 64)
    assert len(ways) > 2 and ways[0][0] == tokenizer.encode("reading")[:-1]
    assert all(tokenizer.decode(ids) == "reading" for ids, _ in ways)
    scores = [score for _, score in ways]
    assert scores == sorted(scores, reverse=True)
    powers = np.exp(0.1 * np.array(scores))
    drawn = cut(Side(tokenizer, ["reading"] * 20_000, 0.1, seed=1, longest=20), 0)
    shares = [np.mean([row[:-1] == ids for row in drawn]) for ids, _ in ways]
    np.testing.assert_allclose(shares, powers / powers.sum(), atol=0.015)


def test_a_large_alpha_leaves_the_best_way(tokenizer, texts):
    assert cut(side(tokenizer, texts, alpha=100.0), 3) == [tokenizer.encode(t) for t in texts]


def test_every_epoch_has_every_pair_cut_anew(tokenizer, texts):
    made = batches(tokenizer, texts)
    assert len(made) == 300
    seen = []
    for epoch in range(2):
        pairs, cuts = [], []
        for batch in made.epoch(epoch):
            sides = unpadded(batch.source), unpadded(batch.target_out)
            pairs += zip(*([tokenizer.decode(row) for row in side] for side in sides), strict=True)
            cuts += map(tuple, sides[0])
        assert sorted(pairs) == sorted(zip(texts, texts[::-1], strict=True))
        seen.append(sorted(cuts))
    assert seen[0] != seen[1]


def test_an_epoch_goes_on_at_any_batch(tokenizer, texts):
    whole = list(batches(tokenizer, texts, noise=0.1).epoch(2))
    again = batches(tokenizer, texts, noise=0.1)  # as a run that goes on would make them
    assert again.count(0) > 5 and again.count(2) == len(whole)
    for start in (0, 3, len(whole)):
        rest = list(again.epoch(2, start))
        assert len(rest) == len(whole) - start
        for ours, theirs in zip(rest, whole[start:], strict=True):
            assert (ours.source == theirs.source).all()
            assert (ours.target_in == theirs.target_in).all()


def test_every_batch_of_every_epoch_fits_a_shape(tokenizer, texts):
    """What is drawn longer than it may be is cut as usual."""
    made = batches(tokenizer, texts)
    shapes = ladder(*made.lengths(), made.tokens)
    longest = max(len(tokenizer.encode(text)) for text in texts)
    assert shapes[-1].longest == longest
    assert max(map(len, cut(Side(tokenizer, texts, 0.3, 5, 10 * longest), 1))) > longest
    seen = {fit(b, shapes).source.shape for epoch in range(3) for b in made.epoch(epoch)}
    assert seen <= {(shape.rows, shape.source) for shape in shapes}


def test_a_task_of_sub_words_is_drawn_for(tmp_path):
    path = tmp_path / "pairs.tsv"
    lines = [f"Tom sees the {a} {b}.\tThe {b} {a} sees Tom." for a in WORDS for b in WORDS]
    path.write_text("\n".join(lines), encoding="utf-8")
    task = tasks.get(f"tsv:{path}")
    task.vocabulary_size = 60
    config = TrainConfig(task.name, subword_regularization=0.2, batch_tokens=200, threads=1)
    examples = prepare.read(task)
    tokenizers = prepare.make_tokenizers(task, examples, tmp_path / "run")
    drawn, pairs = prepare.encode(task, examples, tokenizers, config)
    plain, _ = prepare.encode(
        task, examples, tokenizers, config.changed(subword_regularization=0.0)
    )
    assert len(drawn) == len(plain) == pairs

    def tokens(made) -> int:
        return sum(batch.tokens for batch in made.epoch(0))

    assert tokens(drawn) > 1.1 * tokens(plain)


@pytest.mark.parametrize("name", ["dates", "pronounce"])
def test_a_task_of_characters_is_refused(name):
    config = TrainConfig(name, model="lstm", preset="tiny", subword_regularization=0.2)
    with pytest.raises(ValueError, match=f"{name} has no sub-words"):
        check(config, objectives.of_task(tasks.get(name)))
