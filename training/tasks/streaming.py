"""Corpora too large for memory: read line by line from their files, split without reading them all.

A few thousand lines drawn at random are held out, and training leaves out every pair whose source
equals one of theirs. What stays in memory is those lines, and where in the files the parts begin.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from training.tasks import corpora, reading
from training.tasks.base import SEED, Pair
from training.tasks.reading import PairFiles

LARGE = 64 << 20
"""Bytes of text from which on a corpus is streamed: as Python objects it takes 20 times as much."""
PART = 50_000
"""Lines of one part: some seconds of tokenizing, some megabytes of ids."""
VALID, TEST = 1_000, 3_000  # lines


def is_large(paths: Sequence[Path]) -> bool:
    """Whether these files together are streamed."""
    return sum(path.stat().st_size for path in paths) >= LARGE


@dataclass(frozen=True)
class Part:
    """Consecutive lines of one TSV file, or of two parallel files, as cleaned training pairs.

    Args:
        files: the file, or source and target, and how their lines are read.
        starts: where the part begins in each, in bytes.
        first: the number of its first line, from 0.
        count: of lines.
        held: `corpora.key` of the sources that are held out.
    """

    files: PairFiles
    starts: tuple[int, ...]
    first: int
    count: int
    held: frozenset[str]

    def __iter__(self) -> Iterator[Pair]:
        return (pair for _, pair in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Pair]]:
        """Each pair with the number of its line."""
        for number, pair in self.files.numbered(self.starts, self.first, self.count):
            if pair and corpora.key(pair[0]) not in self.held:
                yield number, pair


class LargeFiles:
    """One TSV file, or two parallel text files, as a `Stream` of training pairs.

    Args:
        paths: the file, or source and target.
        part: lines of a part.
    """

    def __init__(self, paths: Sequence[Path], part: int = PART) -> None:
        self.paths, self.part = tuple(paths), part
        self._limit: int | None = None

    @cached_property
    def sha256(self) -> str:
        """Of the files' bytes, one after another."""
        return corpora.checksum(self.paths)

    @cached_property
    def _files(self) -> PairFiles:
        """The files with the layout of their lines."""
        return reading.open_pairs(self.paths)

    @cached_property
    def _index(self) -> tuple[int, list[tuple[int, ...]]]:
        """How many lines there are, and at which bytes of the files each part begins."""
        paths = self._files.paths  # which are text in UTF-8: else that is the thing to say
        found = [reading.count(path, self.part) for path in paths]
        lines = reading.shared_lines(self.paths, found)
        return lines, list(zip(*(marks for *_, marks in found), strict=False))

    @property
    def lines(self) -> int:
        """How many lines the files have, blank ones at their end left out."""
        return self._index[0]

    @property
    def _stop(self) -> int:
        """The line before which training ends."""
        return self.lines if self._limit is None else self._limit

    @cached_property
    def held_out(self) -> dict[str, list[Pair]]:
        """The pairs of "valid" and "test", in random order; no source is in both."""
        test = min(TEST, self.lines // 10)
        count = test + min(VALID, self.lines // 20)
        drawn = random.Random(f"{SEED}-lines").sample(range(self.lines), count)
        found = self._files.at(drawn)
        held = {
            "test": [found[n] for n in drawn[:test] if n in found],
            "valid": [found[n] for n in drawn[test:] if n in found],
        }
        tested = {corpora.key(source) for source, _ in held["test"]}
        held["valid"] = [pair for pair in held["valid"] if corpora.key(pair[0]) not in tested]
        return held

    @cached_property
    def _held(self) -> frozenset[str]:
        return frozenset(corpora.key(a) for pairs in self.held_out.values() for a, _ in pairs)

    def split_rule(self) -> str:
        """For the card."""
        valid, test = (len(self.held_out[name]) for name in ("valid", "test"))
        return (
            f"{valid:,} lines for validation and {test:,} for the test, drawn with seed {SEED}; "
            "pairs whose source equals one of theirs (ignoring case and punctuation) are not "
            "trained on"
        )

    def parts(self) -> list[Part]:
        """The training pairs in parts of `part` lines."""
        stop = self._stop
        return [
            Part(self._files, starts, first, min(self.part, stop - first), self._held)
            for first, starts in zip(range(0, stop, self.part), self._index[1], strict=False)
        ]

    def sample(self, count: int) -> list[Pair]:
        """The training pairs of `count` lines drawn at random, in their order."""
        numbers = range(self._stop)
        drawn = random.Random(f"{SEED}-sample").sample(numbers, min(count, len(numbers)))
        found = self._files.at(drawn)
        return [p for _, p in sorted(found.items()) if corpora.key(p[0]) not in self._held]

    def first(self, count: int) -> LargeFiles:
        """Only the first `count` training pairs."""
        numbers = (number for part in self.parts() for number, _ in part.numbered())
        last = next(islice(numbers, count - 1, None), self.lines - 1)
        shorter = copy.copy(self)  # with what was read of the files so far
        shorter._limit = last + 1
        return shorter

    def identity(self) -> dict[str, Any]:
        """The files' checksum, how they are read, the lines used, the part and the split."""
        return {
            "reader": reading.POLICY,
            "sha256": self.sha256,
            "files": len(self.paths),
            "lines": self._stop,
            "part": self.part,
            "split": self.split_rule(),
        }
