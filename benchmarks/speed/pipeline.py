"""The input pipeline by itself: how fast it is, and how much memory that takes, by corpus size.

    python -m benchmarks.speed.pipeline --pairs 1000000 --pairs 10000000

Makes a corpus of as many pairs in a temporary folder, encodes it into a store, and takes batches
from it as training does. Each phase runs in a process of its own, whose memory is measured.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.speed.rows import files, read
from training import card_writer
from training.commands import plainly
from training.data import encoded_corpus
from training.data.batches import Batches, prefetch
from training.data.prepare import SAMPLE
from training.progress import completing, console
from training.tasks.streaming import LargeFiles
from zoo.runtime.devices import processor_name
from zoo.runtime.host_memory import told_by_linux
from zoo.saving import read_json, write_json
from zoo.tokenizer import train_tokenizer

RESULTS = Path(__file__).resolve().parents[1] / "results"
OUT = RESULTS / "scale" / "pipeline.json"
LONGEST = (128, 128)  # tokens of a side, as of every translation task
WORDS = 30_000
CHUNK = 50_000  # pairs written at a time
POINTS = 10  # of an epoch, at which the memory is looked at

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
Option = typer.Option


@app.command(help=__doc__)
@plainly()
def main(
    pairs: Annotated[
        list[int] | None, Option(help="Size of the corpus; may be given several times.", min=100)
    ] = None,
    processes: Annotated[int, Option(help="That encode; 0: one a core.", min=0)] = 0,
    batch_tokens: Annotated[int, Option(help="Target (and source) tokens a batch.", min=1)] = 2048,
    batches: Annotated[int, Option(help="How many to take; 0: one epoch.", min=0)] = 0,
    vocabulary: Annotated[int, Option(help="Tokens of the tokenizer.", min=50)] = 8_000,
    folder: Annotated[
        Path | None, Option(help="Where temporary files go: some 250 bytes a pair.")
    ] = None,
    out: Annotated[Path, Option(help="The file of results; rows of equal settings go.")] = OUT,
) -> None:
    """Measure each size and write a row for it; see the text of the module."""
    for count in pairs or [10_000_000]:
        with tempfile.TemporaryDirectory(dir=folder) as made:
            measured = measure(Path(made), count, processes, batch_tokens, batches, vocabulary)
        rows = read_json(out) if out.exists() else []
        same = ("pairs", "processes", "batch_tokens", "vocabulary")
        kept = [row for row in rows if any(row[name] != measured[name] for name in same)]
        write_json(out, [*kept, measured])
        console.print_json(data=measured)


def measure(
    folder: Path, pairs: int, processes: int, tokens: int, batches: int, vocabulary: int
) -> dict[str, Any]:
    """One row of the results; `folder` takes the corpus and the store."""
    processes = processes or os.cpu_count() or 1
    corpus = folder / "pairs.tsv"
    with console.status(f"Making {pairs:,} pairs"):
        alone(make_corpus, corpus, pairs)
    with console.status("Learning a tokenizer"):
        alone(learn, corpus, folder / "tokenizer.model", vocabulary)
    stored = alone(fill, corpus, folder, processes)
    with console.status("Taking batches"):
        taken = alone(take, folder, tokens, batches)
    rate = taken["tokens_per_second"]
    return {
        "pairs": pairs,
        "processes": processes,
        "batch_tokens": tokens,
        "vocabulary": vocabulary,
        "corpus_mb": round(corpus.stat().st_size / 1e6),
        "store": stored,
        "batches": taken,
        "times_the_model": {name: round(rate / eaten) for name, eaten in trained().items()},
        "device": f"CPU: {processor_name()}, {os.cpu_count()} cores",
        "versions": card_writer.versions(),
        "commit": card_writer.commit(),
        "date": date.today().isoformat(),
    }


def trained() -> dict[str, float]:
    """Target tokens/s that our Transformer trains at, by device, where it has been measured."""
    rows = [row for path in files(RESULTS) for row in read(path)]
    return {
        row["device"]: row["values"]["zoo"]
        for row in rows
        if row.get("measure") == "train/transformer" and "zoo" in row["values"]
    }


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives in a fresh process, so that its memory is its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def make_corpus(path: Path, pairs: int, seed: int = 1) -> None:
    """A TSV file of made-up sentences: words by Zipf's law, some 13 a sentence, targets longer."""
    random = np.random.default_rng(seed)
    syllables = np.array(
        [c + v for c in "bdfghklmnprstvz" for v in ("a", "e", "i", "o", "u", "an")]
    )
    sizes = random.integers(1, 5, WORDS)
    drawn = random.choice(syllables, (WORDS, 4)).tolist()
    words = np.array(["".join(w[:n]) for w, n in zip(drawn, sizes, strict=True)], dtype=object)
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, pairs, CHUNK):
            count = min(CHUNK, pairs - start)
            source = np.clip(random.lognormal(2.4, 0.55, count), 1, 90).astype(int)
            target = np.maximum(np.rint(source * random.normal(1.05, 0.15, count)), 1).astype(int)
            lengths = np.stack([source, target], axis=1).ravel()
            # The logarithm of the rank is uniform: rank k comes in proportion to 1 / k.
            ranks = (WORDS ** random.random(lengths.sum())).astype(int) - 1
            drawn = iter(words[ranks].tolist())
            ends = "\t\n" * count
            for length, end in zip(lengths.tolist(), ends, strict=True):
                file.write(" ".join([next(drawn) for _ in range(length)]) + end)


def learn(path: Path, model: Path, vocabulary: int) -> None:
    """Write the tokenizer of both sides, learnt as training learns it."""
    texts = dict.fromkeys(text for pair in LargeFiles([path]).sample(SAMPLE) for text in pair)
    model.write_bytes(
        train_tokenizer(texts, model_type="unigram", vocabulary_size=vocabulary).bytes
    )


def fill(path: Path, folder: Path, processes: int) -> dict[str, Any]:
    """Encode the corpus; seconds and MB of memory, of this process and of the largest worker."""
    models = ((folder / "tokenizer.model").read_bytes(),) * 2
    began = time.perf_counter()
    with completing("Encoding parts") as report:
        found = encoded_corpus.build(
            folder / "stores",
            LargeFiles([path]),
            encoded_corpus.Encoding(models, LONGEST),
            processes,
            report,
        )
    seconds = time.perf_counter() - began
    pieces = len(found.sources.ids) + len(found.targets.ids)
    return {
        "seconds": round(seconds, 1),
        "pieces_per_second": round(pieces / seconds),
        "pairs_kept": len(found.sources),
        "mb": round(sum(p.stat().st_size for p in (folder / "stores").rglob("*.*")) / 1e6),
        "peak_mb": peak(resource.RUSAGE_SELF),
        "worker_peak_mb": peak(resource.RUSAGE_CHILDREN) if processes > 1 else None,
    }


def take(folder: Path, tokens: int, most: int) -> dict[str, Any]:
    """Take batches ahead, as training does, and nothing else.

    `tokens_per_second` counts real target tokens, and of the seconds for an epoch's order the
    batches' share. `memory`: by share of the epoch, MB of this process's own and MB mapped from
    the store, which the system takes back when it needs them.
    """
    [index] = (folder / "stores").glob("*/index.json")
    found = encoded_corpus.read(index.parent)
    before = memory()
    began = time.perf_counter()
    batches = Batches(found.sources, found.targets, tokens)
    count = batches.count(0)
    order = time.perf_counter() - began
    ordered = peak(resource.RUSAGE_SELF)
    wanted = min(most or count, count)
    looks = {wanted * i // POINTS for i in range(1, POINTS + 1)}
    real, padded = np.zeros(2, dtype=int), np.zeros(2, dtype=int)
    points = []
    began = time.perf_counter()
    for number, batch in enumerate(prefetch(batches.epoch(0)), 1):
        real += np.count_nonzero(batch.source), batch.tokens
        padded += batch.source.size, batch.target_out.size
        if number in looks:
            points.append({"epoch": round(number / count, 3), **memory()})
        if number == wanted:
            break
    seconds = time.perf_counter() - began
    return {
        "taken": wanted,
        "of": count,
        "order_seconds": round(order, 2),
        "seconds": round(seconds, 2),
        "tokens_per_second": round(real[1] / (seconds + order * wanted / count)),
        "padding_share": dict(
            zip(encoded_corpus.SIDES, (1 - real / padded).round(4).tolist(), strict=True)
        ),
        "peak_mb": {"ordering": ordered, "all": peak(resource.RUSAGE_SELF)},
        "memory": [{"epoch": 0, **before}, *points],
    }


def peak(who: int) -> int:
    """The largest resident memory so far, in MB; mapped pages of files count."""
    return round(resource.getrusage(who).ru_maxrss * 1024 / 1e6)


def memory() -> dict[str, int]:
    """Resident memory now, in MB: this process's own, and pages mapped from files (Linux)."""
    kinds = {"own_mb": "RssAnon", "mapped_mb": "RssFile"}
    told = {name: told_by_linux("/proc/self/status", kind) for name, kind in kinds.items()}
    return {name: round(value) for name, value in told.items() if value is not None}


if __name__ == "__main__":
    app()
