"""What a classifier reads: texts, images or series, made into the arrays of its network.

Each kind of input is kept with the model as one file: a tokenizer, or JSON that says how numbers
are scaled. No framework is needed.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from zoo import images, tokenizer_files, wordpieces
from zoo.checks import EMPTY, MISSING, MISSING_SHOWN
from zoo.cleaning import clean
from zoo.normalizer import Normalizer
from zoo.padding import LENGTHS, bucket, pad
from zoo.text_tokenizers import TextTokenizer, visible
from zoo.tokenizer import PAD

FIRST_CHARACTERS = "Only the first {most} characters were read."
CUT = "The text has {count} tokens; only the first {most} were read."
RESIZED = "The image was {width} x {height} pixels and is read as {to_width} x {to_height}."
MAX_CHARACTERS = 20_000
"""Texts are cut here before they are tokenised."""
NAMED = 20
"""Characters of something that is not in the vocabulary, in a note about it."""
BITS = 24
"""Of the number of an n-gram."""


@dataclass(frozen=True)
class Read:
    """One input as it is read.

    Args:
        array: ids (T,) int32 of a text, pixels (H, W, C) or numbers (T, C) float32, scaled.
        labels: of its places: tokens, patches or time steps come of these.
        notes: plain sentences about what the reader should know.
        shown: the input as pages show it: the text, or the array before it was scaled.
    """

    array: np.ndarray
    labels: list[str]
    notes: list[str] = field(default_factory=list)
    shown: Any = None


class ClassInput(Protocol):
    """One way to read inputs, kept as `bytes` in a file that ends in `suffix`."""

    reads: ClassVar[str]
    suffix: str
    bytes: bytes

    @property
    def size(self) -> int:
        """How many tokens there are, or how many numbers an input has."""

    def read(self, given: Any) -> Read:
        """One input. Raises TypeError or ValueError with a sentence for what cannot be read."""

    def stack(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """The arrays of several inputs as one, padded where they differ in length."""


class TextInput:
    """Texts as ids of tokens, one token `<s>` in front; or what else the tokenizer puts around.

    Args:
        tokenizer: of `zoo.text_tokenizers` or `zoo.wordpieces`.
        normalizer: what a text goes through before; runs of white space are one space then.
        most: tokens that are read at most, those around a text counted.

    Example:
        >>> from zoo.text_tokenizers import Words
        >>> tokenizer = Words.learn("a film to see")
        >>> TextInput(tokenizer, Normalizer([{"lower": True}])).read("See A  film").array.tolist()
        [1, 6, 4, 5]
    """

    reads: ClassVar = "text"

    def __init__(
        self, tokenizer: TextTokenizer, normalizer: Normalizer | None = None, most: int = 128
    ):
        self.tokenizer, self.most = tokenizer, most
        self.normalizer = normalizer or Normalizer()
        self.suffix, self.bytes = tokenizer.suffix, tokenizer.bytes

    @property
    def size(self) -> int:
        return self.tokenizer.size

    def read(self, given: Any) -> Read:
        text, notes = checked_text(given)
        prepared = spaced(text, self.normalizer)
        ids = self.tokenizer.encode(prepared)
        notes += [EMPTY] if not len(ids) else []
        notes += missing(self.tokenizer.missing(prepared))
        front, back = self.tokenizer.around
        most = self.most - len(front) - len(back)
        if len(ids) > most:
            notes.append(CUT.format(count=f"{len(ids):,}", most=f"{most:,}"))
            ids = ids[:most]
        array = np.concatenate([front, ids, back]).astype("int32")
        return Read(array, self.tokenizer.labels(array), notes, text)

    def stack(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        return pad(arrays, bucket(max(map(len, arrays)), LENGTHS))


class NGramInput:
    """Texts as the n-grams of words that they have, each once, of those that are kept.

    An n-gram is kept as a number of 24 bits that its letters give, so that tens of thousands take
    little space; few others have the same one.

    Args:
        numbers: of the n-grams, rising.
        longest: words of the longest n-grams.
        normalizer: what a text goes through before.
        most: n-grams that are read at most.

    Example:
        >>> reader = NGramInput.learn(["not good", "good"], 9)
        >>> reader.read("good or not good").labels
        ['good', 'not', 'not good']
    """

    reads: ClassVar = "text"
    suffix = ".json"

    def __init__(
        self,
        numbers: Sequence[int] | np.ndarray,
        longest: int = 2,
        normalizer: Normalizer | None = None,
        most: int = 4096,
    ):
        self.numbers, self.longest, self.most = np.asarray(numbers, "int64"), longest, most
        self.normalizer = normalizer or Normalizer()
        if (np.diff(self.numbers, prepend=-1) <= 0).any() or (self.numbers >= 1 << BITS).any():
            raise ValueError(f"numbers of n-grams must rise, and have {BITS} bits at most")

    @classmethod
    def learn(
        cls,
        texts: Iterable[str],
        most: int,
        longest: int = 2,
        normalizer: Normalizer | None = None,
    ) -> NGramInput:
        """With those n-grams that most of the texts have, `most` of them."""
        made, counts = cls([], longest, normalizer), Counter[int]()
        for text in texts:
            counts.update({number(ngram) for ngram in made.ngrams(text)})
        kept = sorted(counts, key=lambda one: (-counts[one], one))[:most]
        return cls(sorted(kept), longest, normalizer)

    @cached_property
    def bytes(self) -> bytes:
        little = self.numbers.astype("<u4").view("u1").reshape(-1, 4)[:, : BITS // 8]
        numbers = base64.b64encode(little.tobytes()).decode()
        record = {"type": "n-grams", "longest": self.longest, "numbers": numbers}
        return (json.dumps(record) + "\n").encode()

    @property
    def size(self) -> int:
        return len(self.numbers) + 1  # and padding

    def ngrams(self, text: str) -> list[str]:
        """All n-grams of a text, single words first."""
        words = clean(self.normalizer(text)).split()
        return [
            " ".join(words[at : at + count])
            for count in range(1, self.longest + 1)
            for at in range(len(words) - count + 1)
        ]

    def read(self, given: Any) -> Read:
        text, notes = checked_text(given)
        ngrams = self.ngrams(text)
        asked = np.array([number(ngram) for ngram in ngrams], "int64")
        places = np.searchsorted(self.numbers, asked)
        padded = np.append(self.numbers, -1)
        found: dict[int, str] = {}
        unknown: dict[str, None] = {}
        for ngram, place, known in zip(ngrams, places, padded[places] == asked, strict=True):
            if known:
                found.setdefault(int(place) + 1, ngram)
            elif " " not in ngram:
                unknown[ngram] = None
        notes += [] if ngrams else [EMPTY]
        notes += missing(list(unknown))
        if len(found) > self.most:
            notes.append(CUT.format(count=f"{len(found):,}", most=f"{self.most:,}"))
        kept = list(found)[: self.most] or [PAD]
        return Read(np.array(kept, "int32"), [found.get(i, "") for i in kept], notes, text)

    def stack(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        return pad(arrays, bucket(max(map(len, arrays)), LENGTHS))


def number(ngram: str) -> int:
    """The number of an n-gram, `BITS` bits."""
    return zlib.crc32(ngram.encode("utf-8", "replace")) % (1 << BITS)


class Scaled:
    """What images and series have in common: `(x - mean) / deviation`, a number of each a channel.

    Args:
        shape: of an array, the channels last.
        mean, deviation: by channel.
    """

    reads: ClassVar[str]
    suffix = ".json"

    def __init__(self, shape: Sequence[int], mean: Sequence[float], deviation: Sequence[float]):
        self.shape = tuple(shape)
        self.mean, self.deviation = list(map(float, mean)), list(map(float, deviation))
        if not len(self.mean) == len(self.deviation) == self.shape[-1]:
            raise ValueError(
                f"there must be a mean and a deviation for each of {self.shape[-1]} channels. "
                f"Received: {len(self.mean)} and {len(self.deviation)}"
            )
        if not np.isfinite(self.mean).all() or not all(0 < d < np.inf for d in self.deviation):
            raise ValueError("means must be finite and deviations above 0. Received: others")

    @cached_property
    def bytes(self) -> bytes:
        record = {"type": self.reads, "shape": list(self.shape)}
        record |= {"mean": self.mean, "deviation": self.deviation}
        return (json.dumps(record) + "\n").encode()

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    def scaled(self, array: np.ndarray) -> np.ndarray:
        """(..., C) as the network reads it."""
        return ((array - np.array(self.mean)) / np.array(self.deviation)).astype("float32")

    def stack(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(arrays)

    @classmethod
    def of(cls, arrays: np.ndarray) -> Any:
        """The scaling of a training side (N, ..., C), by its mean and its deviation."""
        axes = tuple(range(arrays.ndim - 1))
        deviation = arrays.std(axis=axes, dtype="float64")
        mean = arrays.mean(axis=axes, dtype="float64")
        return cls(arrays.shape[1:], mean.round(6), np.where(deviation > 0, deviation, 1).round(6))


class ImageInput(Scaled):
    """Images as (H, W, C) arrays: of bytes of a PNG or JPEG, of 0 to 255 or of 0.0 to 1.0.

    Args:
        shape: height, width and channels (1 or 3).
        mean, deviation: of the pixels from 0 to 1, by channel.

    Example:
        >>> reader = ImageInput((2, 2, 1), [0.5], [0.5])
        >>> reader.read(np.array([[0, 255], [255, 0]], "uint8")).array[..., 0].tolist()
        [[-1.0, 1.0], [1.0, -1.0]]
    """

    reads: ClassVar = "image"

    def read(self, given: Any) -> Read:
        height, width, channels = self.shape
        image = images.with_channels(images.as_array(given), channels)  # (H, W, C) from 0 to 1
        notes = []
        if image.shape != self.shape:
            sizes = {"width": image.shape[1], "height": image.shape[0]}
            notes.append(RESIZED.format(**sizes, to_width=width, to_height=height))
            image = images.resized(image, height, width)
        return Read(self.scaled(image), [], notes, image)


class SeriesInput(Scaled):
    """Series as (T, C) arrays of one length; (T,) is one with a single channel.

    Args:
        shape: time steps and channels.
        mean, deviation: by channel.

    Example:
        >>> SeriesInput((3, 1), [1.0], [2.0]).read([1, 3, 5]).array[:, 0].tolist()
        [0.0, 1.0, 2.0]
    """

    reads: ClassVar = "series"

    def read(self, given: Any) -> Read:
        try:
            series = np.asarray(given, "float64")
        except (TypeError, ValueError):
            raise TypeError(f"A series must be numbers. Received: {type(given).__name__}") from None
        series = series[:, None] if series.ndim == 1 else series
        if series.shape != self.shape:
            raise ValueError(
                f"A series must have {self.shape[0]} time steps of {self.shape[1]} numbers. "
                f"Received: shape={series.shape}"
            )
        if not np.isfinite(series).all():
            at = int(np.argwhere(~np.isfinite(series))[0][0])
            raise ValueError(f"A series must be finite numbers, and that of time step {at} is not.")
        return Read(self.scaled(series), [], [], series)


def spaced(text: str, normalizer: Normalizer) -> str:
    """A text as sub-words are given it: cleaned, each word after one space, the first one too."""
    return "".join(f" {word}" for word in clean(normalizer(text)).split())


def checked_text(given: Any) -> tuple[str, list[str]]:
    """A text, cut where it is too long, and what should be said of that."""
    if not isinstance(given, str):
        raise TypeError(f"A text must be a string. Received: {type(given).__name__}")
    if len(given) <= MAX_CHARACTERS:
        return given, []
    return given[:MAX_CHARACTERS], [FIRST_CHARACTERS.format(most=f"{MAX_CHARACTERS:,}")]


def missing(found: Sequence[str]) -> list[str]:
    """A sentence about what is not in the vocabulary; [] where all of it is."""
    if not found:
        return []
    more = " ..." if len(found) > MISSING_SHOWN else ""
    return [
        MISSING.format(
            shown=" ".join(visible(name[:NAMED]) for name in found[:MISSING_SHOWN]) + more
        )
    ]


def load(path: Path, most: int, normalizer: Normalizer | None = None) -> ClassInput:
    """The input in a file beside a model.

    Args:
        path: of the file.
        most: tokens that are read of a text at most.
        normalizer: what a text goes through before.

    Raises:
        FileNotFoundError: no such file.
        ValueError: what is wrong with it.
    """
    data = path.read_bytes()
    record: Any = None
    if path.suffix == ".json":
        try:
            record = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is no JSON: {error}") from None
    kind = record.get("type") if isinstance(record, Mapping) else None
    if kind == "n-grams":
        longest, packed = record.get("longest"), record.get("numbers")
        if type(longest) is not int or not 1 <= longest <= 8 or not isinstance(packed, str):
            raise ValueError(f"longest and numbers are not those of n-grams: {longest!r}")
        little = np.frombuffer(base64.b64decode(packed, validate=True), "u1")
        little = little.reshape(-1, BITS // 8).astype("int64")
        numbers = (little << np.arange(0, BITS, 8)).sum(axis=1)
        return NGramInput(numbers, longest, normalizer, most)
    kinds = {made.reads: made for made in (ImageInput, SeriesInput)}
    if isinstance(kind, str) and kind in kinds:
        shape, *scales = (record.get(name) for name in ("shape", "mean", "deviation"))
        axes = 3 if kind == "image" else 2
        if not _numbers(shape, int) or len(shape) != axes or not all(_numbers(s) for s in scales):
            raise ValueError(f"its shape, mean and deviation are not those of {kind}s")
        return kinds[kind](shape, *scales)
    if kind == wordpieces.WordPieces.unit:
        return TextInput(wordpieces.of_record(record), normalizer, most)
    return TextInput(tokenizer_files.load(path), normalizer, most)


def _numbers(given: Any, kind: Any = (int, float)) -> bool:
    return isinstance(given, list) and all(
        isinstance(n, kind) and not isinstance(n, bool) and (kind is not int or n > 0)
        for n in given
    )
