"""The training side of a run: its texts, the tokenizers learnt on them, and batches of their ids.

A small corpus is read into memory; a large one (`Task.stream`) is encoded once into a store that
every run with the same corpus and tokenizers maps into memory.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.config import TrainConfig
from training.data import download
from training.data.batches import Batches
from training.data.name_augmentation import exchange_names
from training.data.number_augmentation import exchange_numbers
from training.data.subword_regularization import SampledBatches, Side
from training.progress import completing, console
from training.tasks.base import Example, Pair, Stream, Task, TokenizerSpec
from zoo import saving
from zoo.normalizer import Normalizer
from zoo.tokenizer import Tokenizer, train_tokenizer

if TYPE_CHECKING:
    pass

SAMPLE = 200_000
"""Pairs of a large corpus that a tokenizer learns from: SentencePiece keeps them in memory."""

FIXED = 4 + 256 + 10
"""Tokens of every vocabulary of sub-words: special ones, bytes, digits."""
SMALLEST, LARGEST = FIXED + 30, 32_000
"""The smallest vocabulary that may be asked for; up to which one grows by itself."""


def read(task: Task, limit: int = 0) -> list[Example] | Stream:
    """The training side, or its first `limit` pairs."""
    stream = task.stream()
    if stream is not None:
        return stream.first(limit) if limit else stream
    examples = task.examples("train")
    return examples[:limit] if limit else examples


def targets(task: Task, examples: list[Example] | Stream) -> list[Example]:
    """Some thousand examples, of training and validation, that show what the targets are like."""
    if not isinstance(examples, list):
        return task.examples("valid")
    return [*examples[:: max(len(examples) // 2_000, 1)], *task.examples("valid")]


def make_tokenizers(
    task: Task, examples: list[Example] | Stream, state: Path, vocabulary: int = 0
) -> dict[str, Tokenizer]:
    """The tokenizers of `source` and `target`, learnt on the training side; kept in `state`.

    Args:
        task, examples: what to learn from.
        state: the folder that keeps them; what is there is read.
        vocabulary: of sub-words, how many tokens instead of the task's own number; 0: that one.

    Raises:
        ValueError: `vocabulary` is too small for the text.
    """
    specs = task.tokenizers()
    shared = specs["source"].shared
    files = {side: "tokenizer.model" if shared else f"{side}.model" for side in specs}
    normalizers = {side: Normalizer(spec.normalizer) for side, spec in specs.items()}
    if not all((state / file).exists() for file in files.values()):
        if isinstance(examples, list):
            pairs = [(e.source, e.references[0]) for e in examples]
        else:
            pairs = examples.sample(SAMPLE)
            console.print(f"The tokenizer learns from {len(pairs):,} pairs drawn at random.")
        texts = {
            side: [normalizers[side](pair[number]) for pair in pairs]
            for number, side in enumerate(("source", "target"))
        }
        if shared:
            both = [text for pair in zip(*texts.values(), strict=True) for text in pair]
            made = {"tokenizer.model": learn(both, specs["source"], vocabulary)}
        else:
            made = {files[side]: learn(texts[side], specs[side], vocabulary) for side in specs}
        for file, tokenizer in made.items():
            saving.write_aside(state / file, tokenizer.bytes)
    return {side: Tokenizer.load(state / files[side], normalizers[side]) for side in specs}


def file_names(tokenizers: dict[str, Tokenizer]) -> dict[str, str]:
    """The file of each side's tokenizer in a model folder; one for both where they are equal."""
    shared = tokenizers["source"].bytes == tokenizers["target"].bytes
    return {side: "tokenizer.model" if shared else f"{side}.model" for side in tokenizers}


def learn(texts: Sequence[str], spec: TokenizerSpec, vocabulary: int = 0) -> Tokenizer:
    """A tokenizer of `texts`: all their characters, or words, as far as there is room for them.

    Sub-words give their characters at most half of the tokens, so that words can be learnt too.
    Without a number asked for, the vocabulary grows up to `LARGEST` to keep all characters.
    """
    # Equal texts teach nothing more, and a source may be in many pairs.
    texts = dict.fromkeys(texts)
    if spec.model_type in ("char", "word"):
        size = whole_vocabulary(texts, spec.model_type)
        return train_tokenizer(texts, model_type=spec.model_type, vocabulary_size=size)
    if vocabulary and vocabulary < SMALLEST:
        raise ValueError(
            f"--vocabulary must be at least {SMALLEST}: {FIXED} tokens are bytes, digits and "
            f"special. Received: {vocabulary}"
        )
    # As SentencePiece counts them.
    composed = [unicodedata.normalize("NFKC", text) for text in texts]
    counts = Counter(c for text in composed for c in text)
    size = vocabulary or max(spec.vocabulary_size, min(2 * len(counts) + FIXED, LARGEST))
    room = max((size - FIXED) // 2, 1)
    if len(counts) > room:
        kept = {c for c, _ in counts.most_common(room)}
        # A space, so that no token is learnt from what does not stand side by side.
        texts = ["".join(c if c in kept else " " for c in text) for text in composed]
        console.print(
            f"The text has {len(counts):,} different characters: the {room:,} most frequent are "
            f"tokens of their own, the others are written as bytes. --vocabulary "
            f"{2 * len(counts) + FIXED} would keep them all."
        )
    elif size > spec.vocabulary_size and not vocabulary:
        console.print(
            f"The text has {len(counts):,} different characters, so the vocabulary has "
            f"{size:,} tokens instead of {spec.vocabulary_size:,}; --vocabulary sets another "
            "number."
        )
    return train_tokenizer(
        texts, model_type=spec.model_type, vocabulary_size=size, byte_fallback=True
    )


def whole_vocabulary(texts: Iterable[str], model_type: str) -> int:
    """How many tokens keep every character or word there is; four more are special."""
    units = {unit for text in texts for unit in (text.split() if model_type == "word" else text)}
    return len(units) + 5


def sides(tokenizers: dict[str, Tokenizer]) -> tuple[Tokenizer, Tokenizer]:
    """Source and target tokenizer of what `make_tokenizers` gives."""
    return tokenizers["source"], tokenizers["target"]


def encode(
    task: Task,
    examples: list[Example] | Stream,
    tokenizers: dict[str, Tokenizer],
    config: TrainConfig,
    multiple: int = 1,
) -> tuple[Batches | SampledBatches, int]:
    """The training side as ids, and of how many pairs; those too long are left out and counted.

    `multiple`: see `Batches`.
    """
    both = sides(tokenizers)
    if isinstance(examples, list):
        pairs = [(e.source, e.references[0]) for e in examples]
        pairs += exchanged(task, pairs, config)
        rows = [(both[0].encode(source), both[1].encode(target)) for source, target in pairs]
        short = [
            i
            for i, (s, t) in enumerate(rows)
            if len(s) <= task.max_source_length and len(t) <= task.max_target_length
        ]
        sources, targets = zip(*(rows[i] for i in short), strict=True) if short else ((), ())
        read = len(pairs)
    else:
        from training.data import encoded_corpus

        encoding = encoded_corpus.Encoding(
            (both[0].bytes, both[1].bytes),
            (task.max_source_length, task.max_target_length),
            (both[0].normalizer.steps, both[1].normalizer.steps),
        )
        folder = download.writable_folder() / "encoded"
        with completing("Encoding parts") as report:
            found = encoded_corpus.build(folder, examples, encoding, config.threads, report)
        sources, targets, read = found.sources, found.targets, found.read
    if len(sources) < read:
        console.print(f"Left out {read - len(sources)} pairs longer than the model reads.")
    if not len(sources):
        raise ValueError(f"{task.name} has no training pair that is short enough")
    how = (config.batch_tokens, config.seed, config.noise, multiple)
    if config.subword_regularization:
        texts = list(zip(*(pairs[i] for i in short), strict=True))
        return SampledBatches(*sampled(task, both, texts, (sources, targets), config), *how), read
    return Batches(sources, targets, *how), read


def exchanged(task: Task, pairs: Sequence[Pair], config: TrainConfig) -> list[Pair]:
    """Copies of training pairs with other numbers or names; none has a source that is held out."""
    numbers, names = (getattr(config, f"exchange_{what}") for what in ("numbers", "names"))
    if not numbers and not names:
        return []
    held = frozenset(e.source for split in ("valid", "test") for e in task.examples(split))
    languages = getattr(task, "source_language", ""), getattr(task, "target_language", "")
    seed = config.seed
    more = {
        "numbers": exchange_numbers(pairs, numbers, seed, languages, held) if numbers else [],
        "names": exchange_names(pairs, names, seed, held) if names else [],
    }
    for what, found in more.items():
        if getattr(config, f"exchange_{what}"):
            console.print(f"{len(found):,} more pairs, with other {what} in them.")
    return [*more["numbers"], *more["names"]]


def sampled(
    task: Task,
    tokenizers: Sequence[Tokenizer],
    texts: Sequence[Sequence[str]],
    rows: Sequence[Sequence[list[int]]],
    config: TrainConfig,
) -> list[Side]:
    """Source and target as they are drawn anew in every epoch.

    `texts` and `rows`: of source and target, as they are written and as they are usually cut.
    """
    limits = task.max_source_length, task.max_target_length
    # Room for more tokens than any text has as usual, and an end to the shapes.
    longest = [min(2 * max(map(len, rows[side])), limits[side]) for side in (0, 1)]
    # Seeds of their own: one text on both sides would be cut alike.
    seeds = np.random.SeedSequence(config.seed).generate_state(2).tolist()
    return [
        Side(
            tokenizers[side], texts[side], config.subword_regularization, seeds[side], longest[side]
        )
        for side in (0, 1)
    ]
