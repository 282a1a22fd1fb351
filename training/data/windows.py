"""Windows of one long stream of tokens: the batches of language models, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WindowBatch:
    """One step's input; B windows of T tokens.

    Args:
        target_in: (B, T) int32: what is read.
        target_out: (B, T) int32: what follows each token of it.
        weights: (B, T) float32, 1 / tokens at real places: losses sum up to the mean per token.
        tokens: how many tokens are to be predicted.
    """

    target_in: np.ndarray
    target_out: np.ndarray
    weights: np.ndarray
    tokens: int

    @property
    def inputs(self) -> np.ndarray:
        """What the network is called with."""
        return self.target_in


class Windows:
    """Cuts a stream into windows of one length, other ones in every epoch.

    The first window of an epoch begins at one of the first T places, drawn by (seed, epoch), and
    the others follow, so that but for the ends every token is predicted once; their order is drawn
    too. Every batch has one shape: the last one of an epoch is filled up with rows of no weight.

    Args:
        ids: (N,) the stream.
        length: T.
        rows: B.
        seed: of place and order.

    Raises:
        ValueError: the stream is shorter than a window and the token after it.

    Example:
        >>> windows = Windows(np.arange(9), length=3, rows=2)
        >>> windows.count(), [batch.target_in.shape for batch in windows.epoch(0)]
        (1, [(2, 3)])
    """

    def __init__(self, ids: np.ndarray, length: int, rows: int, seed: int = 0):
        if len(ids) < length + 1:
            raise ValueError(
                f"the training text has {len(ids):,} tokens, and a window needs {length + 1:,}: "
                "take a longer text, or a shorter window (--window)"
            )
        self.ids, self.length, self.rows, self.seed = np.asarray(ids), length, rows, seed

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self.ids)

    def _starts(self, epoch: int) -> np.ndarray:
        generator = np.random.default_rng((self.seed, epoch))
        most = min(self.length, len(self.ids) - self.length)
        first = int(generator.integers(most))
        starts = np.arange(first, len(self.ids) - self.length, self.length)
        return generator.permutation(starts)

    def count(self, epoch: int = 0) -> int:
        """How many batches `epoch` has."""
        return -(-len(self._starts(epoch)) // self.rows)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[WindowBatch]:
        """The batches of `epoch`, from number `start` on."""
        starts = self._starts(epoch)
        for at in range(start * self.rows, len(starts), self.rows):
            chosen = starts[at : at + self.rows]
            # Rows of no weight read the first window again.
            filled = np.concatenate([chosen, np.full(self.rows - len(chosen), chosen[0])])
            both = self.ids[filled[:, None] + np.arange(self.length + 1)].astype("int32")
            tokens = len(chosen) * self.length
            weights = np.zeros((self.rows, self.length), "float32")
            weights[: len(chosen)] = 1.0 / tokens
            yield WindowBatch(both[:, :-1], both[:, 1:], weights, tokens)


class ContinuedWindows:
    """Cuts a stream into B parts, each of which a row of the batches reads from end to end.

    Row b of a batch goes on where row b of the batch before ended. An epoch begins at one of the
    first T places, drawn by (seed, epoch); fewer than B T tokens at the end are left out.

    Args:
        ids: (N,) the stream.
        length: T.
        rows: B.
        seed: of the place.

    Raises:
        ValueError: the stream is shorter than a window for each row.

    Example:
        >>> windows = ContinuedWindows(np.arange(20), length=3, rows=2)
        >>> first, second = list(windows.epoch(0))[:2]
        >>> bool((first.target_out[:, -1] == second.target_in[:, 0]).all())
        True
    """

    def __init__(self, ids: np.ndarray, length: int, rows: int, seed: int = 0):
        if len(ids) < length * (rows + 1) + 1:
            raise ValueError(
                f"the training text has {len(ids):,} tokens, and {rows} windows of {length} that "
                f"go on need {length * (rows + 1) + 1:,}: take a longer text, fewer --batch-tokens "
                "or a shorter window (--window)"
            )
        self.ids, self.length, self.rows, self.seed = np.asarray(ids), length, rows, seed

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self.ids)

    def _first(self, epoch: int) -> int:
        return int(np.random.default_rng((self.seed, epoch)).integers(self.length))

    def _part(self, epoch: int) -> int:
        """How many tokens each row reads."""
        return (len(self.ids) - 1 - self._first(epoch)) // self.rows

    def count(self, epoch: int = 0) -> int:
        """How many batches `epoch` has."""
        return self._part(epoch) // self.length

    def epoch(self, epoch: int, start: int = 0) -> Iterator[WindowBatch]:
        """The batches of `epoch`, from number `start` on."""
        begins = self._first(epoch) + self._part(epoch) * np.arange(self.rows)  # (B,)
        tokens = self.rows * self.length
        weights = np.full((self.rows, self.length), 1.0 / tokens, "float32")
        for number in range(start, self.count(epoch)):
            places = begins[:, None] + number * self.length + np.arange(self.length + 1)
            both = self.ids[places].astype("int32")  # (B, T + 1)
            yield WindowBatch(both[:, :-1], both[:, 1:], weights, tokens)
