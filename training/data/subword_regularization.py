"""Subword regularization: in every epoch the texts are cut into other tokens, drawn at random.

Kudo 2018 (arXiv:1804.10959), section 3.3: a tokenizer that knows how likely each way to cut a
text is (SentencePiece's `unigram`) draws one of the likeliest, x ~ P(x | text)^alpha. The network
reads every word in many spellings, and does not learn a small corpus by heart so soon. Answers are
made as before, from the likeliest way.

No token spans a space, so a text is drawn word by word, from the ways of each word found once.
SentencePiece's own sampling cannot be repeated: its generator differs from process to process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np

from training.data.batches import Batch, Batches, Rows
from zoo.tokenizer import EOS, Tokenizer

WAYS = 64
"""To cut a word, at most; with an alpha of 0.2 the rest of a long one has a fifth of a percent."""


class Side:
    """One side of a corpus: its texts, as they are cut in any epoch.

    Args:
        tokenizer: of type `unigram`.
        texts: one a pair.
        alpha: 1 draws by the model's own probabilities, near 0 all ways alike.
        seed: of the drawing, together with the epoch.
        longest: what is drawn with more tokens than this is cut as usual; no text may be longer
            then.
    """

    def __init__(
        self, tokenizer: Tokenizer, texts: Sequence[str], alpha: float, seed: int, longest: int
    ):
        self.seed, self.longest = seed, longest
        split = [tokenizer.clean(text).split() for text in texts]
        numbers = {word: i for i, word in enumerate(dict.fromkeys(w for t in split for w in t))}
        ways, first, reach = [], [0], []
        for number, word in enumerate(numbers):
            found = tokenizer.ways(word, WAYS)
            chances = np.exp(alpha * (np.array([score for _, score in found]) - found[0][1]))
            reach.append(number + np.cumsum(chances) / chances.sum())
            ways += [ids for ids, _ in found]
            first.append(len(ways))
        # The end of a text is one more word, with one way to write it.
        reach.append(np.array([len(numbers) + 1.0]))
        self._ways = Rows.of([*ways, [EOS]])
        self._first = np.array([*first, len(ways) + 1])
        self._reach = np.concatenate(reach)
        self._ends = np.cumsum([len(words) + 1 for words in split])
        self._words = np.array([i for t in split for i in (*map(numbers.get, t), len(numbers))])

    def __len__(self) -> int:
        """How many texts there are."""
        return len(self._ends)

    def rows(self, epoch: int) -> Rows:
        """The ids of every text in `epoch`, closed by EOS."""
        drawn = self._words + np.random.default_rng((self.seed, epoch)).random(len(self._words))
        ways = np.searchsorted(self._reach, drawn, side="right")
        # A sum may be rounded up to the next word.
        ways = np.minimum(ways, self._first[self._words + 1] - 1)
        lengths = self._ways.lengths()
        texts = np.repeat(np.arange(len(self)), np.diff(self._ends, prepend=0))
        long = np.bincount(texts, lengths[ways]) > self.longest
        ways = np.where(long[texts], self._first[self._words], ways)
        return self._joined(ways, lengths[ways].astype("int64"))

    def _joined(self, ways: np.ndarray, lengths: np.ndarray) -> Rows:
        """Every word's ids one after the other, a row for each text."""
        ends = np.cumsum(lengths)
        starts = np.repeat(self._ways.offsets[ways] - (ends - lengths), lengths)
        ids = self._ways.ids[starts + np.arange(ends[-1])]
        return Rows(ids, np.concatenate([[0], ends[self._ends - 1]]))


class SampledBatches:
    """What `Batches` is, over rows that are drawn anew in every epoch.

    Args:
        source, target: the sides, with seeds of their own.
        tokens, seed, noise, multiple: see `Batches`.
    """

    def __init__(
        self,
        source: Side,
        target: Side,
        tokens: int,
        seed: int = 0,
        noise: float = 0.0,
        multiple: int = 1,
    ):
        self.source, self.target, self.tokens = source, target, tokens
        self._how = (tokens, seed, noise, multiple)
        self._lock = threading.Lock()  # `prefetch` asks from a thread of its own
        self._counts: dict[int, int] = {}
        self._drawn: tuple[int, Batches] | None = None

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.source)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch`, from number `start` on."""
        return self._of(epoch).epoch(epoch, start)

    def count(self, epoch: int = 0) -> int:
        """How many batches `epoch` has."""
        if epoch not in self._counts:
            self._counts[epoch] = self._of(epoch).count(epoch)
        return self._counts[epoch]

    def lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """Every length that a row of either side may have in any epoch."""
        every = np.arange(1, max(self.source.longest, self.target.longest) + 1)
        return every, every

    def _of(self, epoch: int) -> Batches:
        with self._lock:
            if self._drawn is None or self._drawn[0] != epoch:
                sides = self.source.rows(epoch), self.target.rows(epoch)
                self._drawn = epoch, Batches(*sides, *self._how)
            return self._drawn[1]
