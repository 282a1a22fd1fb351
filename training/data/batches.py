"""Batches of similar length under a token budget, as NumPy arrays, in an order that can be resumed.

The order is a function of (seed, epoch) alone: a run that stopped at batch 17 of epoch 3 goes on
at batch 17 of epoch 3, and sees what it would have seen. Rows stay in flat arrays of ids, in memory
or mapped from a file (`training.data.encoded_corpus`); the order of ten million takes some 30 bytes
a pair.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np

from zoo.tokenizer import BOS, EOS, PAD, UNK

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """One step's input; B rows, S source and T target tokens, padded on the right.

    Args:
        source: (B, S) int32.
        target_in: (B, T) int32, begins with BOS: what the decoder reads.
        target_out: (B, T) int32, ends with EOS: what it should write.
        weights: (B, T) float32, 1 / tokens at real tokens: losses sum up to the mean per token.
        tokens: how many real target tokens there are.
    """

    source: np.ndarray
    target_in: np.ndarray
    target_out: np.ndarray
    weights: np.ndarray
    tokens: int

    @property
    def inputs(self) -> tuple[np.ndarray, np.ndarray]:
        """What the network is called with."""
        return self.source, self.target_in


class Rows(Sequence[np.ndarray]):
    """Rows of ids, end to end in one flat array.

    Args:
        ids: (tokens,) of any integer type; may be mapped from a file.
        offsets: (rows + 1,) int64, row i is `ids[offsets[i] : offsets[i + 1]]`.
    """

    def __init__(self, ids: np.ndarray, offsets: np.ndarray):
        # Plain views: every slice of a memmap would be one more object of a slow class.
        self.ids, self.offsets = np.asarray(ids), np.asarray(offsets)

    @classmethod
    def of(cls, rows: Iterable[Sequence[int]]) -> Rows:
        """The rows of ids given, copied."""
        rows = list(rows)
        offsets = np.zeros(len(rows) + 1, dtype="int64")
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        ids = np.fromiter(chain.from_iterable(rows), dtype="int32", count=offsets[-1])
        return cls(ids, offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> np.ndarray:
        if not 0 <= row < len(self):
            raise IndexError(f"There are {len(self)} rows. Received: row={row}")
        return self.ids[self.offsets[row] : self.offsets[row + 1]]

    def lengths(self) -> np.ndarray:
        """(rows,) tokens of each row, in the smallest type that holds them."""
        longest = max((int(part.max()) for part in self._steps()), default=0)
        found = np.empty(len(self), dtype=np.min_scalar_type(longest))
        start = 0
        for part in self._steps():
            found[start : start + len(part)] = part
            start += len(part)
        return found

    def _steps(self, size: int = 1 << 20) -> Iterator[np.ndarray]:
        # In parts: eight bytes a row, several times over, would be most of what an epoch needs.
        for start in range(0, len(self), size):
            yield np.diff(self.offsets[start : start + size + 1])

    def padded(self, rows: np.ndarray, length: int = 0) -> np.ndarray:
        """The rows numbered `rows` as (B, T) int32, PAD on the right; T: the longest, or `length`.

        The larger of both counts: no row is ever cut.
        """
        starts = self.offsets[rows]
        lengths = self.offsets[rows + 1] - starts
        columns = np.arange(max(int(lengths.max(initial=0)), length))
        real = columns < lengths[:, None]
        array = np.full(real.shape, PAD, dtype="int32")
        array[real] = self.ids[(starts[:, None] + columns)[real]]
        return array


def pad(rows: Sequence[Sequence[int]], length: int | None = None) -> np.ndarray:
    """Rows of ids as one (B, length) int32 array, PAD on the right; default the longest row."""
    flat = Rows.of(rows)
    return flat.padded(np.arange(len(flat)), length or 0)


def make_batch(sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> Batch:
    """A batch of id rows that end with EOS."""
    return assemble(pad(sources), pad(targets))


def assemble(source: np.ndarray, target_out: np.ndarray) -> Batch:
    """A batch of padded ids: (B, S) and (B, T) int32."""
    real = target_out != PAD
    target_in = np.empty_like(target_out)
    target_in[:, :1] = BOS
    # What is at the end of a row is read only under padding, which has no weight.
    np.multiply(target_out[:, :-1], real[:, 1:], out=target_in[:, 1:])
    tokens = int(np.count_nonzero(real))
    return Batch(
        source=source,
        target_in=target_in,
        target_out=target_out,
        weights=real.astype("float32") / max(tokens, 1),
        tokens=tokens,
    )


def blur(batch: Batch, share: float, generator: np.random.Generator) -> Batch:
    """The batch with a `share` of the tokens it reads replaced by UNK; what to write stays.

    Token dropout (Dai and Le 2015, arXiv:1511.01432; Bowman et al. 2016, arXiv:1511.06349): a
    small corpus is not learned by heart, and the decoder relies on the source. PAD, BOS and EOS
    are never touched.
    """

    def without(ids: np.ndarray) -> np.ndarray:
        return np.where((generator.random(ids.shape) < share) & (ids > UNK), UNK, ids)

    return replace(batch, source=without(batch.source), target_in=without(batch.target_in))


def fill(batch: Batch, rows: int, source: int = 0, target: int = 0) -> Batch:
    """`batch` with up to `rows` rows, `source` and `target` tokens; losses stay what they were.

    Rows that are added have no weight. They hold one token each, since attention over nothing
    but padding is not a number, and neither is that times no weight.
    """
    count = len(batch.source)
    target_in = _grown(batch.target_in, rows, target)
    source_ids = _grown(batch.source, rows, source)
    source_ids[count:, 0] = EOS
    target_in[count:, 0] = BOS
    return replace(
        batch,
        source=source_ids,
        target_in=target_in,
        target_out=_grown(batch.target_out, rows, target),
        weights=_grown(batch.weights, rows, target),
    )


def up(number: Any, multiple: int) -> Any:
    """The smallest multiple of `multiple` that is at least `number`: an integer, or an array."""
    return (number + (multiple - 1)) // multiple * multiple


def _grown(array: np.ndarray, rows: int, length: int) -> np.ndarray:
    """(B, L) -> (max(B, rows), max(L, length)), PAD (0) in what is new."""
    shape = (max(array.shape[0], rows), max(array.shape[1], length))
    grown = np.full(shape, PAD, dtype=array.dtype)
    grown[: array.shape[0], : array.shape[1]] = array
    return grown


class Batches:
    """Cuts a corpus of id pairs into batches of similar length under a budget of tokens.

    Args:
        sources, targets: id rows that end with EOS, one of each a pair: lists, or `Rows`.
        tokens: the most target *and* the most source tokens a batch may hold, padding counted.
        seed: of the order, and of the noise.
        noise: share of the tokens read, on both sides, that `blur` makes unreadable.
        multiple: lengths are padded up to one of these, and batches that are all but full filled
            up with rows of no weight: fewer shapes, for each of which oneDNN writes its code.
    """

    def __init__(
        self,
        sources: Rows | Sequence[Sequence[int]],
        targets: Rows | Sequence[Sequence[int]],
        tokens: int,
        seed: int = 0,
        noise: float = 0.0,
        multiple: int = 1,
    ):
        if not len(sources) or len(sources) != len(targets):
            raise ValueError(
                "There must be pairs, each with a source and a target. "
                f"Received: {len(sources)} sources, {len(targets)} targets"
            )
        self.sources = sources if isinstance(sources, Rows) else Rows.of(sources)
        self.targets = targets if isinstance(targets, Rows) else Rows.of(targets)
        self.tokens, self.seed, self.noise, self.multiple = tokens, seed, noise, multiple
        source, target = map(self._rounded, self.lengths())
        self._longest = np.maximum(source, target)
        # One number to sort by: two bytes where both sides have at most 255 tokens, and those are
        # sorted in linear time. First the target's length, then the source's, up and down in turns:
        # a batch of two target lengths has sources of one, not the longest beside the shortest.
        top = int(source.max())
        kind = np.min_scalar_type((int(target.max()) + 1) * (top + 1) - 1)
        turned = np.where(target // multiple % 2, source, top - source)
        self._key = target.astype(kind) * kind.type(top + 1) + turned
        self._lock = threading.Lock()  # `prefetch` asks from a thread of its own
        self._counts: dict[int, int] = {}
        self._plan: tuple[int, np.ndarray, np.ndarray, np.ndarray] | None = None

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.sources)

    def lengths(self) -> tuple[np.ndarray, np.ndarray]:
        """Tokens of every row of the sources and of the targets."""
        return self.sources.lengths(), self.targets.lengths()

    def order(self, epoch: int) -> list[np.ndarray]:
        """The rows of every batch of `epoch`, batches shuffled."""
        rows, edges, shuffled = self._planned(epoch)
        return [rows[edges[i] : edges[i + 1]] for i in shuffled]

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        """The batches of `epoch`, from number `start` on."""
        rows, edges, shuffled = self._planned(epoch)
        for i in shuffled[start:]:
            chosen = rows[edges[i] : edges[i + 1]]
            batch = self._filled(assemble(self.sources.padded(chosen), self.targets.padded(chosen)))
            if self.noise:
                batch = blur(batch, self.noise, np.random.default_rng((self.seed, epoch, i)))
            yield batch

    def count(self, epoch: int = 0) -> int:
        """How many batches `epoch` has (tie-breaking makes it differ a little)."""
        if epoch not in self._counts:
            self._planned(epoch)
        return self._counts[epoch]

    def _rounded(self, lengths: np.ndarray) -> np.ndarray:
        if self.multiple == 1:
            return lengths
        longest = up(int(lengths.max(initial=0)), self.multiple)
        return up(lengths.astype(np.min_scalar_type(longest + self.multiple)), self.multiple)

    def _filled(self, batch: Batch) -> Batch:
        if self.multiple == 1:
            return batch
        lengths = [up(side.shape[1], self.multiple) for side in (batch.source, batch.target_out)]
        full = max(self.tokens // max(lengths), 1)
        count = len(batch.source)
        return fill(batch, full if count > 0.9 * full else count, *lengths)

    def _planned(self, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows in order of length, the edges of batches among them, the order of the batches."""
        with self._lock:
            if self._plan is None or self._plan[0] != epoch:
                self._plan = None  # one at a time: it is what takes the memory
                generator = np.random.default_rng((self.seed, epoch))
                mixed = generator.permutation(len(self))
                # A stable sort of mixed rows: equal lengths meet other partners every epoch.
                rows = mixed[np.argsort(self._key[mixed], kind="stable")]
                edges = cut(self._longest[rows], self.tokens)
                shuffled = generator.permutation(len(edges) - 1)
                self._counts[epoch] = len(shuffled)
                self._plan = epoch, rows, edges, shuffled
            return self._plan[1:]


def cut(longest: np.ndarray, tokens: int) -> np.ndarray:
    """Where batches begin, and the end: each takes rows while longest * rows <= tokens.

    Args:
        longest: (rows,) tokens of the longer side of each, in order.
        tokens: the budget; a row that is longer by itself is a batch by itself.

    Returns:
        (batches + 1,) int64.
    """
    edges, start = [], 0
    while start < len(longest):
        edges.append(start)
        # No more rows than this fit, whatever their lengths: looked at together.
        most = max(tokens // max(int(longest[start]), 1), 1)
        lengths = np.maximum.accumulate(longest[start : start + most])
        areas = lengths * np.arange(1, len(lengths) + 1)
        start += max(int(np.searchsorted(areas, tokens, side="right")), 1)
    return np.array([*edges, len(longest)])


def prefetch(items: Iterable[Item], depth: int = 8) -> Iterator[Item]:
    """The items in their order, made ahead by one thread: whoever takes them does not wait.

    An error of `items` is raised where the item would have come. The thread ends with the last
    item, or when this iterator is closed, as leaving a `for` loop does.
    """
    source, end = iter(items), object()
    with ThreadPoolExecutor(1, thread_name_prefix="prefetch") as worker:
        try:
            waiting = deque(worker.submit(next, source, end) for _ in range(depth))
            while (item := waiting.popleft().result()) is not end:
                waiting.append(worker.submit(next, source, end))
                yield item
        finally:
            worker.shutdown(cancel_futures=True)
