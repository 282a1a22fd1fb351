"""Do numbers survive translation? Held-out sentences with other numbers in them, and what is kept.

    python -m benchmarks.quality.numbers_kept en-es-transformer en-es-lstm-bahdanau --beams 5

Takes the test sentences of the model's task that have the same numbers on both sides, puts numbers
of one to four digits in their place (`training.data.number_augmentation`; none of the sentences is
a training sentence), and counts which numbers of a source occur in its translation. Writes
benchmarks/results/quality/numbers.json, and .md beside it.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.quality import markdown, training_runs
from benchmarks.quality.multi30k import FOLDER
from benchmarks.speed import protocol
from training import tasks
from training.data.number_augmentation import exchange_numbers
from training.tasks.base import SEED, Pair, Task
from zoo import stats

COUNT = 200
"""Sentences."""
RUN = re.compile(r"\d+")
INTRODUCTION = (
    f"{COUNT} sentences of the test side with numbers of one to four digits drawn at random in "
    "place of their own: the share of the numbers of a source that its translation has, and of the "
    "translations that have all of them. ± half of the 95 % bootstrap interval."
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    names: Annotated[list[str], typer.Argument(help="Shipped models, or model folders.")],
    beams: Annotated[int, typer.Option(help="Width of the beam; 1: greedy.", min=1)] = 1,
    out: Annotated[
        Path | None, typer.Option(help="What is written, without .json and .md.")
    ] = None,
) -> None:
    """Measure the models, write figures and page; see the text of the module."""
    measured = ((f"{Path(name).name} beam {beams}", measure(name, beams)) for name in names)
    training_runs.record(out or FOLDER / "numbers", measured, page)


def measure(name: str, beams: int) -> dict[str, Any]:
    """What the model called `name` keeps of the numbers, with a few of those that it does not."""
    import zoo

    model = zoo.load(name)
    task = tasks.get(model.config["task"])
    pairs = sentences(task)
    sources = [source for source, _ in pairs]
    answers = model.predict(sources, beams=beams, attention=False)
    written = [answer.text for answer in answers]
    counts = [kept(source, text) for source, text in zip(sources, written, strict=True)]
    return {
        "model": model.name,
        "beams": beams,
        "sentences": len(pairs),
        **score(counts),
        "lost": [
            {"source": source, "written": text}
            for source, text, (found, there) in zip(sources, written, counts, strict=True)
            if found < there
        ][:20],
        "command": f"python -m benchmarks.quality.numbers_kept {model.name} --beams {beams}",
        "versions": protocol.versions([]),
        "date": time.strftime("%Y-%m-%d"),
    }


def sentences(task: Task, count: int = COUNT) -> list[Pair]:
    """Test pairs of `task` with other numbers. Raises ValueError: they are fewer than `count`."""
    pairs = [(e.source, e.references[0]) for e in task.examples("test")]
    languages = getattr(task, "source_language", ""), getattr(task, "target_language", "")
    made = exchange_numbers(pairs, copies=9, seed=SEED, languages=languages)
    made = [pair for pair in made if not pair[0].isdigit()]  # a number alone is no sentence
    if len(made) < count:
        raise ValueError(
            f"{task.name} has too few test sentences with the same numbers on both sides. "
            f"Received: {len(made)} of {count}"
        )
    return random.Random(SEED).sample(made, count)


def kept(source: str, written: str) -> tuple[int, int]:
    """How many of the numbers of `source` are in `written`, and how many there are."""
    there, found = Counter(RUN.findall(source)), Counter(RUN.findall(written))
    return (there & found).total(), there.total()


def score(counts: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Shares in percent, with intervals: of the numbers, and of whole sentences."""
    rows = np.array(counts, dtype="float64")
    whole = np.stack([rows[:, 0] == rows[:, 1], np.ones(len(rows))], axis=1)
    found = stats.bootstrap(np.stack([rows, whole], axis=1), stats.ratio)
    names = ("numbers", "whole_sentences")
    return {
        name: {
            key: round(100 * float(getattr(found, key)[i]), 2) for key in ("value", "low", "high")
        }
        for i, name in enumerate(names)
    }


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures as a Markdown page."""
    lines = ["# Numbers in translation", "", INTRODUCTION, ""]
    lines += ["| model | search | numbers kept | sentences with all of them |", "|---|---|--:|--:|"]
    for row in found.values():
        search = "greedy" if row["beams"] == 1 else f"beam {row['beams']}"
        shares = (
            f"{row[name]['value']:.1f} ± {(row[name]['high'] - row[name]['low']) / 2:.1f} %"
            for name in ("numbers", "whole_sentences")
        )
        lines.append(f"| {row['model']} | {search} | {' | '.join(shares)} |")
    lines.append("")
    for row in found.values():
        made = f"{row['date']}, commit {markdown.commit(row)}"
        lines.append(f"- `{row['command']}`: {made}, {markdown.packages(row['versions'])}.")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    app()
