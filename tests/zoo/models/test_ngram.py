"""The Kneser-Ney n-gram model against a slow one, written from the equations with dictionaries."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from zoo.models.ngram import FALLBACK, KneserNey, estimate_discounts

ORDERS = (1, 2, 3, 5)


class Reference:
    """Interpolated Kneser-Ney as Chen and Goodman 1998 write it, one probability at a time."""

    def __init__(self, stream, order, vocabulary, kind="modified", allowed=None):
        self.order = order
        self.allowed = set(range(vocabulary)) if allowed is None else set(np.flatnonzero(allowed))
        padded = ("beginning", *map(int, stream))
        self.counts = {order: Counter(grams(padded[1:], order))}
        for n in range(1, order):
            # how many different tokens stand before each n-gram
            self.counts[n] = Counter(gram[1:] for gram in set(grams(padded, n + 1)))
        for counts in self.counts.values():
            for gram in [gram for gram in counts if gram[-1] not in self.allowed]:
                del counts[gram]
        self.discounts = {n: self.estimate(c, kind) for n, c in self.counts.items()}

    def estimate(self, counts, kind):
        n = {k: sum(count == k for count in counts.values()) for k in (1, 2, 3, 4)}
        y = n[1] / (n[1] + 2 * n[2]) if n[1] else None
        if kind == "absolute":
            return (0.5,) * 3 if y is None else (y,) * 3
        if 0 in n.values():
            return FALLBACK
        found = (1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3])
        return found if all(0 < d <= k for k, d in enumerate(found, 1)) else FALLBACK

    def probability(self, token, context):
        if token not in self.allowed:
            return 0.0
        return self._level(token, tuple(map(int, context))[-(self.order - 1) or len(context) :])

    def _level(self, token, context):
        n = len(context) + 1
        lower = self._level(token, context[1:]) if context else 1 / len(self.allowed)
        counts, discounts = self.counts[n], self.discounts[n]
        after = {gram[-1]: count for gram, count in counts.items() if gram[:-1] == context}
        if not after:
            return lower
        total = sum(after.values())
        count = after.get(token, 0)
        taken = discounts[min(count, 3) - 1] if count else 0.0
        rest = sum(discounts[min(c, 3) - 1] for c in after.values()) / total
        return max(count - taken, 0) / total + rest * lower


def grams(stream, n):
    return [tuple(stream[i : i + n]) for i in range(len(stream) - n + 1)]


def stream_of(seed, length=400, vocabulary=12):
    """Ids of which low ones are frequent, so that n-grams repeat."""
    rng = np.random.default_rng(seed)
    return np.minimum(rng.geometric(0.3, length) - 1, vocabulary - 2).astype("int32")


@pytest.mark.parametrize("kind", ["modified", "absolute"])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("length", [6, 60, 400])
def test_every_probability_is_that_of_the_equations(order, kind, length):
    vocabulary = 12
    stream = stream_of(order, length)
    model = KneserNey.fit(stream, order, vocabulary, kind)
    slow = Reference(stream, order, vocabulary, kind)
    other = np.random.default_rng(1).integers(0, vocabulary, 30)  # much of it never seen
    for text in (stream[:20], stream[-7:], other):
        expected = [
            [slow.probability(token, text[:end]) for token in range(vocabulary)]
            for end in range(len(text))
        ]
        found = [model.distribution(text[:end]) for end in range(len(text))]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        own = np.array(expected)[np.arange(len(text)), text]
        np.testing.assert_allclose(model.log_probs(text), np.log(own), rtol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_tokens_that_may_not_be_written_are_context_only(order):
    stream, vocabulary = stream_of(7, 300), 12
    allowed = np.ones(vocabulary, bool)
    allowed[[1, 3, 11]] = False
    model = KneserNey.fit(stream, order, vocabulary, allowed=allowed)
    slow = Reference(stream, order, vocabulary, allowed=allowed)
    for end in range(40):
        found = model.distribution(stream[:end])
        expected = [slow.probability(token, stream[:end]) for token in range(vocabulary)]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert not found[~allowed].any() and (found[allowed] > 0).all()
        assert abs(found.sum() - 1) < 1e-9
    log_probs = model.log_probs(stream)
    assert (np.isneginf(log_probs) == ~allowed[stream]).all()


def test_a_token_seen_after_few_others_is_rare_where_the_context_is_new():
    # 3 occurs as often as 4, always after 2; 4 follows everything
    stream = np.array([2, 3, 0, 4, 2, 3, 1, 4, 2, 3, 5, 4, 2, 3, 6, 4, 2, 3])
    counted = KneserNey.fit(stream, 1, 8).distribution([])
    assert counted[3] > counted[4]
    continued = KneserNey.fit(stream, 2, 8).distribution([7])  # 7 never stood before anything
    assert continued[4] > continued[3]
    lower = KneserNey.fit(stream, 2, 8).levels[0].counts
    assert lower[:7].tolist() == [1, 1, 2, 1, 4, 1, 1]  # 2 stands after 4 and at the beginning


def test_an_unseen_context_backs_off_to_its_longest_seen_end():
    model = KneserNey.fit(stream_of(3), 5, 12)
    for context in ([11, 2, 0, 1], [11, 1], [11]):  # 11 is not in the stream
        np.testing.assert_array_equal(model.distribution(context), model.distribution(context[1:]))
    long = [4, 4, 4, 0, 1, 0, 2]
    np.testing.assert_array_equal(model.distribution(long), model.distribution(long[-4:]))


def test_order_1_counts_tokens():
    model = KneserNey.fit(np.array([0, 0, 0, 1]), 1, 3, "absolute")  # n1 = 1, n2 = 0: discount 1
    np.testing.assert_allclose(model.distribution([1]), [2 / 4 + 1 / 6, 1 / 6, 1 / 6])
    np.testing.assert_array_equal(model.distribution([]), model.distribution([2, 0]))


@pytest.mark.parametrize("order", ORDERS)
def test_scores_do_not_depend_on_where_they_start(order):
    model, stream = KneserNey.fit(stream_of(5), order, 12), stream_of(6, 50)
    whole = model.log_probs(stream)
    assert whole.dtype == np.float32
    for start in (0, 1, 3, 49, 50):
        np.testing.assert_array_equal(model.log_probs(stream, start), whole[start:])
    assert model.log_probs(np.array([], "int32")).shape == (0,)


def test_what_repeats_is_learnt_by_heart():
    stream = np.tile(np.arange(20), 30)
    assert np.exp(KneserNey.fit(stream, 3, 20).log_probs(stream)[2:]).min() > 0.9


def test_estimated_discounts():
    counts = np.repeat([1, 2, 3, 4, 9], [50, 20, 10, 6, 5])
    y = 50 / 90
    found = estimate_discounts(counts, "modified")
    np.testing.assert_allclose(found, [1 - 2 * y * 0.4, 2 - 3 * y * 0.5, 3 - 4 * y * 0.6])
    np.testing.assert_allclose(estimate_discounts(counts, "absolute"), [y] * 3)
    few = np.array([1, 1, 2, 3])
    assert estimate_discounts(few, "modified") == FALLBACK
    assert estimate_discounts(np.array([2, 5]), "absolute") == (0.5, 0.5, 0.5)
    odd = np.repeat([1, 2, 3, 4], [50, 1, 40, 1])  # 2 - 3 Y n3 / n2 is far below 0
    assert estimate_discounts(odd, "modified") == FALLBACK


@pytest.mark.parametrize("order", ORDERS)
def test_a_file_gives_the_same_model(order, tmp_path):
    allowed = np.arange(300) != 2
    stream = stream_of(9, 2_000, vocabulary=300)
    model = KneserNey.fit(stream, order, 300, allowed=allowed)
    path = tmp_path / "ngram.safetensors"
    save_file(model.arrays(), path)
    again = KneserNey.from_arrays(load_file(path))
    assert (again.order, again.vocabulary) == (order, 300)
    text = stream_of(10, 200, vocabulary=300)
    np.testing.assert_array_equal(again.log_probs(text), model.log_probs(text))
    np.testing.assert_array_equal(again.distribution(text[:9]), model.distribution(text[:9]))
    for name, table in model.arrays().items():
        assert table.dtype == again.arrays()[name].dtype
        np.testing.assert_array_equal(table, again.arrays()[name])
    assert model.arrays()["tokens.1"].dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("counts", None),
        ("counts", lambda t: t[:-1]),
        ("tokens.3", None),
        ("tokens.2", lambda t: t[::-1]),
        ("tokens.1", lambda t: t + 100),
        ("tokens.3", lambda t: t[:0]),
        ("children.1", lambda t: t + 1),
        ("children.2", lambda t: t[1:]),
        ("beginning", lambda t: t[:1]),
        ("beginning", lambda t: t + 50),
        ("discounts", lambda t: t[1:]),
        ("allowed", lambda t: t & False),
    ],
)
def test_damaged_tables_are_refused(name, change):
    tables = KneserNey.fit(stream_of(2), 3, 12).arrays()
    if change is None:
        del tables[name]
    else:
        tables[name] = change(tables[name])
    with pytest.raises(ValueError, match=r"not those of an n-gram model\. Received: "):
        KneserNey.from_arrays(tables)
    with pytest.raises(ValueError, match="not those of an n-gram model"):
        KneserNey.from_arrays({})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"order": 0}, "order must be from 1 to 16. Received: order=0"),
        ({"order": 17}, "order must be from 1 to 16. Received: order=17"),
        ({"vocabulary": 0}, "vocabulary must be at least 1. Received: vocabulary=0"),
        ({"ids": np.array([], "int32")}, "the stream must have tokens. Received: 0 tokens"),
        ({"ids": np.array([1, 2])}, "as long as the order. Received: 2 tokens, order=3"),
        ({"ids": np.array([1, 2, 12])}, "ids must be from 0 to 11. Received: 12"),
        ({"ids": np.array([1, -1, 0])}, "ids must be from 0 to 11. Received: -1"),
        ({"ids": np.array([1.0, 2, 3])}, "ids must be integers.*dtype=float64"),
        ({"ids": np.zeros((2, 3), "int32")}, r"ids must be integers.*shape=\(2, 3\)"),
        ({"discounts": "none"}, "discounts must be.*Received: discounts='none'"),
        ({"allowed": np.ones(3, bool)}, r"allowed must be bool of shape \(12,\)"),
        ({"allowed": np.zeros(12, bool)}, "tokens that may be written. Received: none"),
    ],
)
def test_what_cannot_be_fitted_is_said(changes, message):
    given = {"ids": stream_of(1), "order": 3, "vocabulary": 12} | changes
    with pytest.raises(ValueError, match=message):
        KneserNey.fit(**given)


def test_what_cannot_be_scored_is_said():
    model = KneserNey.fit(stream_of(1), 3, 12)
    for call in (model.log_probs, model.distribution):
        with pytest.raises(ValueError, match=r"ids must be from 0 to 11\. Received: 99"):
            call(np.array([0, 99, 1]))
    with pytest.raises(ValueError, match=r"start must be from 0 to 2\. Received: start=3"):
        model.log_probs(np.array([0, 1]), start=3)


def test_no_framework_is_imported():
    code = (
        "import sys, zoo.models.ngram; "
        "print([m for m in ('tensorflow', 'keras', 'jax', 'scipy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
