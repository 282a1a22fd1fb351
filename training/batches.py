"""Batches of similar length under a token budget, as NumPy arrays, in an order that can be resumed.

The order is a function of (seed, epoch) alone: a run that stopped at batch 17 of epoch 3 goes on
at batch 17 of epoch 3, and sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.tokenizer import BOS, PAD


@dataclass(frozen=True)
class Batch:
    """One step's input; B rows, S source and T target pieces, padded on the right.

    Args:
        source: (B, S) int32.
        target_in: (B, T) int32, begins with BOS: what the decoder reads.
        target_out: (B, T) int32, ends with EOS: what it should write.
        weights: (B, T) float32, 1 / tokens at real pieces: losses sum up to the mean per token.
        tokens: how many real target pieces there are.
    """

    source: np.ndarray
    target_in: np.ndarray
    target_out: np.ndarray
    weights: np.ndarray
    tokens: int


def pad(rows: Sequence[Sequence[int]], length: int | None = None) -> np.ndarray:
    """Rows of ids as one (B, length) int32 array, PAD on the right; default the longest row."""
    length = max(map(len, rows), default=0) if length is None else length
    array = np.full((len(rows), length), PAD, dtype="int32")
    for i, row in enumerate(rows):
        array[i, : len(row)] = row
    return array


def make_batch(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Batch:
    """A batch of id rows that end with EOS."""
    target_out = pad(targets)
    real = target_out != PAD
    begin = np.full((len(targets), 1), BOS, dtype="int32")
    tokens = int(real.sum())
    return Batch(
        source=pad(sources),
        # What stands at the end of a row is read only under padding, which has no weight.
        target_in=np.where(real, np.concatenate([begin, target_out[:, :-1]], axis=1), PAD),
        target_out=target_out,
        weights=real.astype("float32") / max(tokens, 1),
        tokens=tokens,
    )


class Batches:
    """Cuts a corpus of id pairs into batches of similar length under a budget of tokens.

    Args:
        sources, targets: id rows that end with EOS, one of each a pair.
        tokens: the most target *and* the most source pieces a batch may hold, padding counted.
        seed: of the order.
    """

    def __init__(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        tokens: int,
        seed: int = 0,
    ):
        if not sources or len(sources) != len(targets):
            raise ValueError(
                "There must be pairs, each with a source and a target. "
                f"Received: {len(sources)} sources, {len(targets)} targets"
            )
        self.sources, self.targets = list(sources), list(targets)
        self.tokens, self.seed = tokens, seed
        self._source_lengths = np.array([len(row) for row in self.sources])
        self._target_lengths = np.array([len(row) for row in self.targets])

    def order(self, epoch: int) -> list[np.ndarray]:
        """The rows of every batch of `epoch`, batches shuffled."""
        generator = np.random.default_rng((self.seed, epoch))
        mixed = generator.permutation(len(self.sources))
        # A stable sort of mixed rows: equal lengths meet other partners every epoch.
        keys = (self._source_lengths[mixed], self._target_lengths[mixed])
        ordered = mixed[np.lexsort(keys)]
        cuts, start, longest = [], 0, 0
        longest_of = np.maximum(self._source_lengths, self._target_lengths)
        for i, row in enumerate(ordered):
            longest = max(longest, int(longest_of[row]))
            if i > start and longest * (i - start + 1) > self.tokens:
                cuts.append(i)
                start, longest = i, int(longest_of[row])
        batches = np.split(ordered, cuts)
        return [batches[i] for i in generator.permutation(len(batches))]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch`, from number `start` on."""
        for rows in self.order(epoch)[start:]:
            yield make_batch([self.sources[i] for i in rows], [self.targets[i] for i in rows])

    def count(self, epoch: int = 0) -> int:
        """How many batches `epoch` has (tie-breaking makes it differ a little)."""
        return len(self.order(epoch))
