"""Corpora too large for memory: read line by line from their files, split without reading them all.

A few thousand lines drawn at random are held out, and training leaves out every pair whose source
equals one of theirs. What stays in memory is those lines, and where in the files the parts begin.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from training.tasks import corpora
from training.tasks.base import SEED, Pair

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
        paths: the file, or source and target.
        starts: where the part begins in each, in bytes.
        first: the number of its first line, from 0.
        count: of lines.
        held: `corpora.key` of the sources that are held out.
    """

    paths: tuple[Path, ...]
    starts: tuple[int, ...]
    first: int
    count: int
    held: frozenset[str]

    def __iter__(self) -> Iterator[Pair]:
        return (pair for _, pair in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Pair]]:
        """Each pair with the number of its line."""
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self.paths]
            for file, start in zip(files, self.starts, strict=True):
                file.seek(start)
            lines = islice(zip(*files, strict=False), self.count)
            for number, raw in enumerate(lines, self.first):
                pair = parse(raw, number, self.paths)
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
    def _index(self) -> tuple[int, list[tuple[int, ...]]]:
        """How many lines there are, and at which bytes of the files each part begins."""
        found = [index(path, self.part) for path in self.paths]
        corpora.check_parallel(self.paths, [lines for lines, _ in found])
        return found[0][0], list(zip(*(marks for _, marks in found), strict=False))

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
        found = self._read(drawn)
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
            Part(self.paths, starts, first, min(self.part, stop - first), self._held)
            for first, starts in zip(range(0, stop, self.part), self._index[1], strict=False)
        ]

    def sample(self, count: int) -> list[Pair]:
        """The training pairs of `count` lines drawn at random, in their order."""
        numbers = range(self._stop)
        drawn = random.Random(f"{SEED}-sample").sample(numbers, min(count, len(numbers)))
        found = self._read(drawn)
        return [p for _, p in sorted(found.items()) if corpora.key(p[0]) not in self._held]

    def first(self, count: int) -> LargeFiles:
        """Only the first `count` training pairs."""
        numbers = (number for part in self.parts() for number, _ in part.numbered())
        last = next(islice(numbers, count - 1, None), self.lines - 1)
        shorter = copy.copy(self)  # with what was read of the files so far
        shorter._limit = last + 1
        return shorter

    def identity(self) -> dict[str, Any]:
        """The files' checksum, the lines used, the part and the split."""
        return {
            "sha256": self.sha256,
            "files": len(self.paths),
            "lines": self._stop,
            "part": self.part,
            "split": self.split_rule(),
        }

    def _read(self, numbers: Sequence[int]) -> dict[int, Pair]:
        """The pairs of these lines by their numbers, without those that have an empty side."""
        found, wanted = {}, iter([*sorted(numbers), -1])
        following = next(wanted)
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self.paths]
            for number, raw in enumerate(zip(*files, strict=False)):
                if number != following:
                    continue
                if pair := parse(raw, number, self.paths):
                    found[number] = pair
                following = next(wanted)
                if following < 0:
                    break
        return found


def index(path: Path, every: int) -> tuple[int, list[int]]:
    """How many lines a file has, and the bytes at which lines 0, `every`, 2 `every`, ... begin.

    Blank lines at the end do not count.
    """
    marks, position, lines = [], 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if number % every == 0:
                marks.append(position)
            position += len(line)
            if len(line) > 2 or line.strip():
                lines = number + 1
    return lines, marks


def parse(raw: Sequence[bytes], number: int, paths: Sequence[Path]) -> Pair | None:
    """The cleaned pair of line `number`, from 0; None where a side is empty.

    Args:
        raw: the line of a TSV file, or one line of each parallel file.

    Raises:
        ValueError: it is not UTF-8, or has no tab.
    """
    encoding = "utf-8" if number else "utf-8-sig"
    try:
        texts = [line.decode(encoding) for line in raw]
    except UnicodeDecodeError as error:
        names = " and ".join(path.name for path in paths)
        raise ValueError(
            f"a corpus must be UTF-8 text ({error}). Received: line {number + 1} of {names}"
        ) from None
    if len(texts) == 1:
        if not texts[0].strip():
            return None
        texts = corpora.columns(texts[0], number + 1, paths[0])
    pair = corpora.clean(texts[0]), corpora.clean(texts[1])
    return pair if all(pair) else None
