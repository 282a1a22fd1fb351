"""The training side of a run: its texts, the tokenizers learnt on them, and batches of their ids.

A small corpus is read into memory; a large one (`Task.stream`) is encoded once into a store that
every run with the same corpus and tokenizers maps into memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training import download
from training.batches import Batches
from training.segmentations import SampledBatches, Side
from training.tasks.base import Example, Stream, Task
from zoo import saving
from zoo.tokenizer import Tokenizer, train_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLE = 200_000
"""Pairs of a large corpus that a tokenizer learns from: SentencePiece keeps them in memory."""

console = Console(stderr=True)


def read(task: Task, limit: int = 0) -> list[Example] | Stream:
    """The training side, or its first `limit` pairs."""
    stream = task.stream()
    if stream is not None:
        return stream.first(limit) if limit else stream
    examples = task.examples("train")
    return examples[:limit] if limit else examples


def make_tokenizers(
    task: Task, examples: list[Example] | Stream, state: Path
) -> dict[str, Tokenizer]:
    """The task's tokenizers by file name, learnt on the training side; kept in `state`."""
    specs = task.tokenizers()
    shared = specs["source"].shared
    files = {"tokenizer.model": None} if shared else {"source.model": 0, "target.model": 1}
    if all((state / file).exists() for file in files):
        return {file: Tokenizer.load(state / file) for file in files}
    if isinstance(examples, list):
        pairs = [(e.source, e.references[0]) for e in examples]
    else:
        pairs = examples.sample(SAMPLE)
        console.print(f"The tokenizer learns from {len(pairs):,} pairs drawn at random.")
    found = {}
    for file, side in files.items():
        texts = [t for p in pairs for t in p] if side is None else [p[side] for p in pairs]
        spec = specs["target" if side == 1 else "source"]
        size = spec.vocabulary_size or whole_vocabulary(texts, spec.model_type)
        # Equal texts teach nothing more, and a source may stand in many pairs.
        found[file] = train_tokenizer(
            dict.fromkeys(texts), model_type=spec.model_type, vocabulary_size=size
        )
        saving.write_aside(state / file, found[file].bytes)
    return found


def whole_vocabulary(texts: Iterable[str], model_type: str) -> int:
    """How many pieces keep every character or word there is; four more are special."""
    units = {unit for text in texts for unit in (text.split() if model_type == "word" else text)}
    return len(units) + 5


def sides(tokenizers: dict[str, Tokenizer]) -> tuple[Tokenizer, Tokenizer]:
    """Source and target tokenizer of what `make_tokenizers` gives."""
    both = list(tokenizers.values())
    return both[0], both[-1]


def encode(
    task: Task,
    examples: list[Example] | Stream,
    tokenizers: dict[str, Tokenizer],
    settings: dict[str, Any],
    multiple: int = 1,
) -> tuple[Batches | SampledBatches, int]:
    """The training side as ids, and of how many pairs; those too long are left out and counted.

    `multiple`: see `Batches`.
    """
    both = sides(tokenizers)
    if isinstance(examples, list):
        pairs = [(e.source, e.references[0]) for e in examples]
        rows = [(both[0].encode(source), both[1].encode(target)) for source, target in pairs]
        short = [
            i
            for i, (s, t) in enumerate(rows)
            if len(s) <= task.max_source_length and len(t) <= task.max_target_length
        ]
        sources, targets = zip(*(rows[i] for i in short), strict=True) if short else ((), ())
        read = len(pairs)
    else:
        from training import store

        encoding = store.Encoding(
            (both[0].bytes, both[1].bytes), (task.max_source_length, task.max_target_length)
        )
        folder = download.writable_folder() / "encoded"
        with encoding_bar() as report:
            found = store.build(folder, examples, encoding, settings["threads"], report)
        sources, targets, read = found.sources, found.targets, found.read
    if len(sources) < read:
        console.print(f"Left out {read - len(sources)} pairs longer than the model reads.")
    if not len(sources):
        raise ValueError(f"{task.name} has no training pair that is short enough")
    how = (settings["batch_tokens"], settings["seed"], settings["noise"], multiple)
    if settings["sampling"]:
        texts = list(zip(*(pairs[i] for i in short), strict=True))
        return SampledBatches(*sampled(task, both, texts, (sources, targets), settings), *how), read
    return Batches(sources, targets, *how), read


def sampled(
    task: Task,
    tokenizers: Sequence[Tokenizer],
    texts: Sequence[Sequence[str]],
    rows: Sequence[Sequence[list[int]]],
    settings: dict[str, Any],
) -> list[Side]:
    """Source and target as they are drawn anew in every epoch.

    `texts` and `rows`: of source and target, as they are written and as they are usually cut.
    """
    limits = task.max_source_length, task.max_target_length
    # Room for more pieces than any text has as usual, and an end to the shapes.
    longest = [min(2 * max(map(len, rows[side])), limits[side]) for side in (0, 1)]
    # Seeds of their own: one text on both sides would be cut alike.
    seeds = np.random.SeedSequence(settings["seed"]).generate_state(2).tolist()
    return [
        Side(tokenizers[side], texts[side], settings["sampling"], seeds[side], longest[side])
        for side in (0, 1)
    ]


def progress_bar() -> Progress:
    """The bar that long work shows: how much is done of how much, and how long the rest takes."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


@contextmanager
def encoding_bar() -> Iterator[Callable[[int, int], None]]:
    """A progress bar of parts encoded; gives the function that `store.build` reports to."""
    bar = progress_bar()
    job = bar.add_task("Encoding parts", total=None)
    with bar:
        yield lambda done, parts: bar.update(job, completed=done, total=parts)
