"""The one data file that every measured system reads: ids to train on, sources to decode."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PAD, BOS, EOS, UNK = 0, 1, 2, 3  # as in `zoo.tokenizer`, which peers' environments cannot import
VOCABULARY = 8_000
TOKENS = 4_096
"""Of one length-sorted batch, padding counted."""
TASKS = ("multi30k/en-de", "tatoeba/en-es", "synthetic")
"""What the pairs are taken from: the first of these that there is."""
DECODED = 32


@dataclass
class Workload:
    """Pairs of id rows (each ends with EOS), the order to train in, and sources to decode.

    Args:
        sources, targets: one row of ids a sentence.
        batches: row numbers of length-sorted batches, as `training.data.batches.Batches` cuts them.
        decode: 32 source rows.
        about: where it comes from: `task`, `vocabulary`, figures about lengths.
    """

    sources: list[np.ndarray]
    targets: list[np.ndarray]
    batches: list[np.ndarray]
    decode: list[np.ndarray]
    about: dict[str, Any]

    @property
    def vocabulary(self) -> int:
        """How many tokens both languages share."""
        return self.about["vocabulary"]

    def sorted_batches(self) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
        """The length-sorted batches, again and again: rows of sources, rows of targets."""
        while True:
            for rows in self.batches:
                yield self._rows(rows)

    def random_batches(self, size: int) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
        """Batches of `size` sentences in random order, as toolkits without bucketing make them."""
        generator = np.random.default_rng(0)
        while True:
            mixed = generator.permutation(len(self.sources))
            for start in range(0, len(mixed) - size + 1, size):
                yield self._rows(mixed[start : start + size])

    def _rows(self, rows: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return [self.sources[i] for i in rows], [self.targets[i] for i in rows]

    def write(self, path: Path) -> None:
        """One compressed .npz file."""
        arrays = {"about": np.array(json.dumps(self.about))}
        for name in ("sources", "targets", "batches", "decode"):
            rows = getattr(self, name)
            arrays[f"{name}_values"] = np.concatenate(rows).astype("int32")
            arrays[f"{name}_lengths"] = np.array([len(row) for row in rows], dtype="int32")
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".part")
        aside.write_bytes(buffer.getvalue())
        aside.replace(path)

    @classmethod
    def read(cls, path: Path) -> Workload:
        """What `write` left."""
        with np.load(path) as arrays:
            ragged = [
                np.split(arrays[f"{name}_values"], np.cumsum(arrays[f"{name}_lengths"])[:-1])
                for name in ("sources", "targets", "batches", "decode")
            ]
            return cls(*ragged, about=json.loads(str(arrays["about"])))


def pad(rows: Sequence[np.ndarray], length: int = 0) -> np.ndarray:
    """Rows of ids as one (B, length) int32 array; longer rows are cut; default the longest row."""
    length = length or max(map(len, rows))
    array = np.full((len(rows), length), PAD, dtype="int32")
    for i, row in enumerate(rows):
        array[i, : len(row)] = row[:length]
    return array


def shifted(target: np.ndarray) -> np.ndarray:
    """What a decoder reads to write `target` (B, T): BOS, then all but the last column."""
    begin = np.full((len(target), 1), BOS, dtype=target.dtype)
    return np.concatenate([begin, target[:, :-1]], axis=1)


def make(task: str = "") -> Workload:
    """The workload of `task`, or of the first of `TASKS` that there is.

    Raises:
        DownloadError: `task` is named, and neither on disk nor can be fetched.
    """
    from training.data.download import DownloadError

    for name in [task] if task else TASKS:
        try:
            return synthetic() if name == "synthetic" else corpus(name)
        except DownloadError:
            if task:
                raise
    raise ValueError(f"There is no task to take pairs from. Received: task={task!r}")


def corpus(name: str, limit: int = 30_000) -> Workload:
    """The first pairs of a task in tokens that both its languages share (BPE)."""
    from training import tasks
    from zoo.tokenizer import train_tokenizer

    task = tasks.get(name)
    train = task.examples("train")[:limit]
    texts = [text for e in train for text in (e.source, e.references[0])]
    tokenizer = train_tokenizer(dict.fromkeys(texts), model_type="bpe", vocabulary_size=VOCABULARY)
    pairs = [(tokenizer.encode(e.source), tokenizer.encode(e.references[0])) for e in train]
    pairs = [(s, t) for s, t in pairs if max(len(s), len(t)) <= 128]
    tests = [tokenizer.encode(e.source) for e in task.examples("test")]
    return assemble(name, pairs, tests, tokenizer.size)


def synthetic(count: int = 30_000) -> Workload:
    """Pairs of random tokens with the lengths of Multi30k's captions and Zipf's frequencies."""
    generator = np.random.default_rng(0)
    sources = np.clip(np.exp(generator.normal(2.62, 0.28, count)), 4, 60).astype(int)
    targets = np.clip(sources * np.exp(generator.normal(0.06, 0.17, count)), 4, 60).astype(int)
    frequency = 1 / np.arange(10, VOCABULARY + 6)
    share = frequency / frequency.sum()

    def row(length: int) -> list[int]:
        return [*(4 + generator.choice(VOCABULARY - 4, length - 1, p=share)), EOS]

    pairs = [(row(s), row(t)) for s, t in zip(sources, targets, strict=True)]
    return assemble("synthetic", pairs, [s for s, _ in pairs[:2_000]], VOCABULARY)


def assemble(
    name: str, pairs: list[tuple[list[int], list[int]]], tests: list[list[int]], vocabulary: int
) -> Workload:
    """Batches and sources to decode for these pairs; the latter have 8 to 20 tokens."""
    from training.data.batches import Batches

    sources, targets = zip(*pairs, strict=True)
    cut = Batches(sources, targets, TOKENS, seed=0)
    decode = [row for row in tests if 8 <= len(row) <= 20][:DECODED]
    if len(decode) < DECODED:
        raise ValueError(f"{DECODED} sources are needed to decode. Received: {len(decode)}")
    return Workload(
        [np.array(row, dtype="int32") for row in sources],
        [np.array(row, dtype="int32") for row in targets],
        [rows for epoch in range(3) for rows in cut.order(epoch)],
        [np.array(row, dtype="int32") for row in decode],
        {
            "task": name,
            "pairs": len(pairs),
            "vocabulary": vocabulary,
            "batch_tokens": TOKENS,
            "mean_source": round(float(np.mean([len(row) for row in sources])), 2),
            "mean_target": round(float(np.mean([len(row) for row in targets])), 2),
            "decoded_pieces": [len(row) for row in decode],
        },
    )
