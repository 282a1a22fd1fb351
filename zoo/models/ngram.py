"""The n-gram language model that any other must beat: interpolated Kneser-Ney, in NumPy alone.

Kneser and Ney 1995, "Improved Backing-off for M-gram Language Modeling"; interpolated, and with
three discounts a level, as the "modified Kneser-Ney" of Chen and Goodman 1998, "An Empirical Study
of Smoothing Techniques for Language Modeling". With h a context of n - 1 tokens and h' the same
without its first token:

    p_n(w | h) = max(c(h w) - D(c(h w)), 0) / sum_v c(h v) + γ(h) p_{n-1}(w | h')
    γ(h)       = (D1 N1(h) + D2 N2(h) + D3 N3(h)) / sum_v c(h v)
    p_0(w)     = 1 / A, A the number of tokens that may be written

c(h w) is the count of h w at the highest level. Below, it is the continuation count: how many
different tokens come before h w. N1(h), N2(h), N3(h): how many tokens follow h once, twice, three
times or more. A context never seen has γ = 1, and the next lower level answers.

The n-grams are the nodes of a trie. Those of level n are in lexicographic order, so that the node
of h w is found by binary search for the pair (node of h, w).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

HIGHEST_ORDER = 16
FALLBACK = (0.5, 1.0, 1.5)
"""Discounts of counts 1, 2 and 3 or more where a stream is too small to estimate them."""
DAMAGED = "the tables are not those of an n-gram model. Received: {what}"

Discounts = Literal["modified", "absolute"]


@dataclass(frozen=True)
class Level:
    """The n-grams of one length, and what they give to a probability.

    Args:
        keys: (n-grams,) int64, rising: node of the context × vocabulary + last token.
        first: (contexts + 1,) int64: n-grams first[h] to first[h + 1] have context h.
        counts: (n-grams,) int64, continuation counts below the highest level; 0 where the last
            token may not be written.
        share: (n-grams,) float64, the discounted count over that of the context.
        rest: (contexts,) float64, γ: the probability left to the next lower level.
    """

    keys: np.ndarray
    first: np.ndarray
    counts: np.ndarray
    share: np.ndarray
    rest: np.ndarray

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The node of each of these keys, -1 where there is none; negative keys have none."""
        return _find(self.keys, keys)


class KneserNey:
    """Interpolated Kneser-Ney over a stream of token ids; made by `fit` or `from_arrays`.

    Attributes:
        order: the length of the longest n-grams; order - 1 tokens are looked back at.
        vocabulary: V, how many different ids there may be.
        allowed: (V,) bool, the tokens that may be written.
        discounts: (order, 3) float64, those of counts 1, 2 and 3 or more, by the level.
        levels: of unigrams, bigrams, ...

    Example:
        >>> model = KneserNey.fit(np.array([0, 1, 2, 0, 1, 2, 0, 1]), order=2, vocabulary=4)
        >>> model.distribution([0]).round(2)
        array([0.19, 0.62, 0.12, 0.06])
        >>> model.log_probs(np.array([0, 1, 2])).round(2)
        array([-0.98, -0.47, -0.47], dtype=float32)
    """

    def __init__(
        self,
        tokens: Sequence[np.ndarray],
        children: Sequence[np.ndarray],
        counts: np.ndarray,
        beginning: np.ndarray,
        allowed: np.ndarray,
        discounts: np.ndarray | Discounts,
    ) -> None:
        """Takes the trie; counts of all levels but the highest follow from it.

        Args:
            tokens: of each level, the last token of each n-gram.
            children: of each level but the highest, how many longer n-grams each n-gram begins.
            counts: of the n-grams of the highest level.
            beginning: (order - 1,) the first tokens of the stream, which nothing comes before.
            allowed: (V,) bool, the tokens that may be written.
            discounts: (order, 3), or how to estimate them.
        """
        self.order = len(tokens)
        self.allowed = np.asarray(allowed, bool)
        self.vocabulary = len(self.allowed)
        self._tokens = [np.asarray(t, "int64") for t in tokens]
        self._beginning = np.asarray(beginning, "int64")
        keys, first = self._index(children)
        every = self._count(keys, first, np.asarray(counts, "int64"))
        if isinstance(discounts, str):
            discounts = np.array([estimate_discounts(c, discounts) for c in every])
        self.discounts = np.asarray(discounts, "float64")
        self.levels: list[Level] = []
        for n in range(self.order):
            share, rest = _shares(every[n], first[n], self.discounts[n])
            self.levels.append(Level(keys[n], first[n], every[n], share, rest))
        self._uniform = self.allowed / self.allowed.sum()
        self._top = np.asarray(counts, "int64")

    @classmethod
    def fit(
        cls,
        ids: np.ndarray,
        order: int,
        vocabulary: int,
        discounts: Discounts = "modified",
        allowed: np.ndarray | None = None,
    ) -> KneserNey:
        """Counts the n-grams of a stream.

        Args:
            ids: (N,) integers, one long stream.
            order: the length of the longest n-grams, 1 to 16.
            vocabulary: V; ids are from 0 to V - 1.
            discounts: "modified" (three a level) or "absolute" (one a level).
            allowed: (V,) bool, the tokens that may be written; the others are context only, and
                have probability 0. None: all may.

        Raises:
            ValueError: an argument is out of its range, or the stream is shorter than `order`.
        """
        if not 1 <= order <= HIGHEST_ORDER:
            raise ValueError(f"order must be from 1 to {HIGHEST_ORDER}. Received: order={order}")
        if vocabulary < 1:
            raise ValueError(f"vocabulary must be at least 1. Received: vocabulary={vocabulary}")
        if discounts not in ("modified", "absolute"):
            raise ValueError(
                f'discounts must be "modified" or "absolute". Received: discounts={discounts!r}'
            )
        ids = _stream(ids, vocabulary)
        if not len(ids):
            raise ValueError("the stream must have tokens. Received: 0 tokens")
        if len(ids) < order:
            raise ValueError(
                "the stream must be at least as long as the order. "
                f"Received: {len(ids)} tokens, order={order}"
            )
        allowed = _mask(allowed, vocabulary)
        if not allowed[ids].any():
            raise ValueError("the stream must have tokens that may be written. Received: none")
        tokens, children = [], []
        context, parents = np.zeros(len(ids), "int64"), 1  # each position's, and how many there are
        for n in range(order):
            # (N - n,) the pairs of an n-gram and the token after it; their nodes are its numbers
            keys, node, counts = np.unique(
                context * vocabulary + ids[n:], return_inverse=True, return_counts=True
            )
            tokens.append(keys % vocabulary)
            if n:
                children.append(np.bincount(keys // vocabulary, minlength=parents))
            context, parents = node[:-1], len(keys)
        return cls(tokens, children, counts, ids[: order - 1], allowed, discounts)

    def log_probs(self, ids: np.ndarray, start: int = 0) -> np.ndarray:
        """The natural logarithm of each token's probability, given at most order - 1 before it.

        Args:
            ids: (N,) integers.
            start: the first token wanted; those before it are only context.

        Returns:
            (N - start,) float32; -inf for tokens that may not be written.

        Raises:
            ValueError: ids or `start` are out of their range.
        """
        ids = _stream(ids, self.vocabulary)
        if not 0 <= start <= len(ids):
            raise ValueError(f"start must be from 0 to {len(ids)}. Received: start={start}")
        begin = max(0, start - self.order + 1)
        ids = ids[begin:]
        p = self._uniform[ids]  # (N,)
        context = np.zeros(len(ids), "int64")  # the empty one, which all have
        for level in self.levels:
            node = level.find(context * self.vocabulary + ids)
            known = context >= 0
            p = np.where(known, level.rest[context], 1.0) * p
            p += np.where(node >= 0, level.share[node], 0.0)
            context = np.concatenate([[-1], node[:-1]])  # what is one longer ends a token before
        with np.errstate(divide="ignore"):
            return np.log(np.minimum(p[start - begin :], 1.0)).astype("float32")

    def distribution(self, context: Sequence[int]) -> np.ndarray:
        """(V,) float64: the probability of each next token, 1 in all.

        Args:
            context: the tokens before it, of which the last order - 1 are looked at; [] for the
                first token of all.

        Raises:
            ValueError: ids are out of their range.
        """
        # (tokens,) with order 1 none
        ids = _stream(context[-(self.order - 1) or len(context) :], self.vocabulary)
        p = self._uniform.copy()
        ending, node = 0, np.zeros(len(ids), "int64")
        for n, level in enumerate(self.levels):
            if ending >= 0:
                low, high = level.first[ending], level.first[ending + 1]
                p *= level.rest[ending]
                p[self._tokens[n][low:high]] += level.share[low:high]
            if n >= len(ids):
                break
            # (tokens - n,) the nodes of all n-grams of this length in the context
            node = level.find(node * self.vocabulary + ids[n:])
            ending, node = int(node[-1]), node[:-1]
        return p

    def arrays(self) -> dict[str, np.ndarray]:
        """The tables in the smallest types that hold them, for `from_arrays` and a file.

        Counts of the lower levels are not among them: they follow from the rest.

        Returns:
            "tokens.1" to "tokens.N", "children.1" to "children.N-1", "counts", "beginning",
            "allowed" and "discounts", as in `__init__`.
        """
        named = {f"tokens.{n}": tokens for n, tokens in enumerate(self._tokens, 1)}
        for n, level in enumerate(self.levels[1:], 1):
            named[f"children.{n}"] = np.diff(level.first)
        named |= {"counts": self._top, "beginning": self._beginning}
        small = {name: table.astype(_smallest(table)) for name, table in named.items()}
        return small | {"allowed": self.allowed.copy(), "discounts": self.discounts.copy()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> KneserNey:
        """The model whose `arrays` these are; it gives the very same probabilities.

        Raises:
            ValueError: a table is missing, or they do not belong together.
        """
        order = sum(name.startswith("tokens.") for name in arrays)
        tokens = [f"tokens.{n}" for n in range(1, order + 1)]
        children = [f"children.{n}" for n in range(1, order)]
        wanted = {*tokens, *children, "counts", "beginning", "allowed", "discounts"}
        if wanted ^ set(arrays) or not 1 <= order <= HIGHEST_ORDER:
            raise ValueError(DAMAGED.format(what=f"tables {', '.join(sorted(arrays))}"))
        if arrays["discounts"].shape != (order, 3) or not arrays["allowed"].any():
            raise ValueError(DAMAGED.format(what="discounts or allowed of another size"))
        if len(arrays["beginning"]) != order - 1:
            raise ValueError(DAMAGED.format(what=f"{len(arrays['beginning'])} first tokens"))
        return cls(
            [arrays[name] for name in tokens],
            [arrays[name] for name in children],
            *(arrays[name] for name in ("counts", "beginning", "allowed", "discounts")),
        )

    def _index(self, children: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """`Level.keys` and `Level.first` of all levels."""
        keys, first = [], []
        for n, tokens in enumerate(self._tokens):
            below = np.asarray(children[n - 1], "int64") if n else np.array([len(tokens)])
            parents = len(self._tokens[n - 1]) if n else 1
            if len(below) != parents or below.sum() != len(tokens):
                raise ValueError(DAMAGED.format(what=f"{len(tokens)} n-grams of length {n + 1}"))
            keys.append(np.repeat(np.arange(parents), below) * self.vocabulary + tokens)
            first.append(np.concatenate([[0], np.cumsum(below)]))
            inside = len(tokens) and 0 <= tokens.min() <= tokens.max() < self.vocabulary
            if not inside or (np.diff(keys[-1]) <= 0).any():
                raise ValueError(DAMAGED.format(what=f"n-grams of length {n + 1} out of order"))
        return keys, first

    def _count(
        self, keys: Sequence[np.ndarray], first: Sequence[np.ndarray], top: np.ndarray
    ) -> list[np.ndarray]:
        """`Level.counts` of all levels: for the lower ones, how many n-grams end with each."""
        if len(top) != len(keys[-1]):
            raise ValueError(DAMAGED.format(what=f"{len(top)} counts of {len(keys[-1])} n-grams"))
        counts = []
        suffix = np.zeros(len(keys[0]), "int64")  # node of the n-gram without its first token
        start = np.zeros(1, "int64")
        for n in range(1, self.order):
            # That of h w is the child w of that of h.
            below = np.repeat(suffix, np.diff(first[n]))
            suffix = _find(keys[n - 1], below * self.vocabulary + self._tokens[n])
            # The beginning of the stream counts as one more token that comes before.
            start = _find(keys[n - 1], start * self.vocabulary + self._beginning[n - 1 : n])
            found = np.concatenate([suffix, start])
            if found.min() < 0:
                raise ValueError(DAMAGED.format(what=f"n-grams of length {n + 1} without an end"))
            counts.append(np.bincount(found, minlength=len(keys[n - 1])))
        counts.append(top)
        return [
            np.where(self.allowed[tokens], count, 0)
            for tokens, count in zip(self._tokens, counts, strict=True)
        ]


def estimate_discounts(counts: np.ndarray, kind: Discounts) -> tuple[float, float, float]:
    """Discounts of counts 1, 2 and 3 or more, from how many n-grams have counts 1 to 4.

    With n_k n-grams that occur k times and Y = n1 / (n1 + 2 n2), discounts are Y for all counts
    ("absolute": Ney, Essen and Kneser 1994) or D_k = k - (k + 1) Y n_{k+1} / n_k for k = 1, 2, 3
    ("modified": Chen and Goodman 1998). Where there are too few n-grams to have these above 0 and
    at most k, they are FALLBACK.

    Args:
        counts: of the n-grams of one level.
        kind: "modified" or "absolute".

    Example:
        >>> estimate_discounts(np.array([1, 1, 1, 2, 2, 3, 4]), "absolute")
        (0.42..., 0.42..., 0.42...)
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype("float64")
    if not n[1]:
        return FALLBACK if kind == "modified" else (FALLBACK[0],) * 3
    y = float(n[1] / (n[1] + 2 * n[2]))
    if kind == "absolute":
        return y, y, y
    if not n[1:5].all():
        return FALLBACK
    found = tuple(float(k - (k + 1) * y * n[k + 1] / n[k]) for k in (1, 2, 3))
    return found if all(0 < d <= k for k, d in enumerate(found, 1)) else FALLBACK


def _shares(
    counts: np.ndarray, first: np.ndarray, discounts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`Level.share` and `Level.rest`; a context that nothing follows leaves all."""
    discount = np.concatenate([[0.0], discounts])[np.minimum(counts, 3)]
    discount = np.minimum(discount, counts)
    context = np.repeat(np.arange(len(first) - 1), np.diff(first))
    total = np.bincount(context, counts, len(first) - 1)
    taken = np.bincount(context, discount, len(first) - 1)
    rest = np.divide(taken, total, out=np.ones(len(total)), where=total > 0)
    return (counts - discount) / np.maximum(total, 1)[context], rest


def _find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where in the rising `keys` each of `wanted` is, -1 where it is not."""
    at = np.searchsorted(keys, wanted)
    return np.where(np.take(keys, at, mode="clip") == wanted, at, -1)


def _stream(ids: np.ndarray | Sequence[int], vocabulary: int) -> np.ndarray:
    """(N,) int64. Raises ValueError for what is no stream of ids below `vocabulary`."""
    ids = np.asarray(ids)
    if ids.ndim != 1 or not (ids.dtype.kind in "iu" or not ids.size):
        raise ValueError(
            "ids must be integers in one dimension. "
            f"Received: shape={ids.shape}, dtype={ids.dtype.name}"
        )
    ids = ids.astype("int64")
    if len(ids) and not 0 <= ids.min() <= ids.max() < vocabulary:
        wrong = ids[(ids < 0) | (ids >= vocabulary)][0]
        raise ValueError(f"ids must be from 0 to {vocabulary - 1}. Received: {wrong}")
    return ids


def _mask(allowed: np.ndarray | None, vocabulary: int) -> np.ndarray:
    if allowed is None:
        return np.ones(vocabulary, bool)
    allowed = np.asarray(allowed)
    if allowed.shape != (vocabulary,) or allowed.dtype != bool:
        raise ValueError(
            f"allowed must be bool of shape ({vocabulary},). "
            f"Received: shape={allowed.shape}, dtype={allowed.dtype.name}"
        )
    return allowed


def _smallest(table: np.ndarray) -> np.dtype:
    """The smallest unsigned type that holds these numbers."""
    return np.min_scalar_type(int(table.max(initial=0)))
