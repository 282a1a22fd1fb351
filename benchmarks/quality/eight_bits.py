"""What eight bits cost a language model: its loss on a text, in float32 and on LiteRT in int8.

    python -m benchmarks.quality.eight_bits pretrained/smollm2 --task ptb --characters 60000

Reads the beginning of the task's test side once each way, by sliding windows, with the same tokens.
Writes benchmarks/results/quality/eight_bits.json, and .md beside it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import training_runs
from benchmarks.quality.multi30k import FOLDER
from training import tasks

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    model: Annotated[str, typer.Argument(help="A shipped model, or a folder.")],
    task: Annotated[str, typer.Option(help="Of a language model; its test side is read.")] = "ptb",
    characters: Annotated[int, typer.Option(help="Of its beginning.", min=1000)] = 60_000,
) -> None:
    """Read twice and compare; see the text of the module."""
    training_runs.record(FOLDER / "eight_bits", measured(model, task, characters), page)


def measured(model: str, task: str, characters: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The losses of one model, in nats a token and bits a byte, and perplexity a word."""
    import zoo

    text = tasks.get(task).text("test")[:characters].rpartition("\n")[0]
    words = len(text.split()) + text.count("\n")
    found: dict[str, Any] = {"task": task, "characters": len(text), "words": words}
    for name, options in {
        "float32": {},
        "int8": {"runtime": "litert", "precision": "int8"},
    }.items():
        loaded = zoo.load(Path(model) if "/" in model else model, **options)
        began = time.perf_counter()
        log_probs = loaded.log_probs(text)
        nats = -float(log_probs.sum(dtype="float64"))
        found[name] = {
            "tokens": len(log_probs),
            "nats_per_token": round(nats / len(log_probs), 5),
            "bits_per_byte": round(nats / len(text.encode()) / 0.6931471805599453, 5),
            "word_perplexity": round(2.718281828459045 ** (nats / words), 3),
            "seconds": round(time.perf_counter() - began, 1),
        }
        typer.echo(f"{model}, {name}: {found[name]}")
    exact, small = (found[name]["word_perplexity"] for name in ("float32", "int8"))
    found["change"] = round(100 * (small / exact - 1), 3)
    yield Path(model).name, found


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table as a Markdown page."""
    lines = [
        "# What eight bits cost",
        "",
        "The beginning of a task's test side, read with the same tokens in float32 by Keras and in "
        "int8 by LiteRT. Perplexity is that of a word, line ends counted. Written by "
        "`python -m benchmarks.quality.eight_bits MODEL`.",
        "",
        "| model | text | words | perplexity, float32 | int8 | change "
        "| bits a byte, float32 | int8 |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, one in sorted(found.items()):
        exact, small = one["float32"], one["int8"]
        lines.append(
            f"| `{name}` | {one['task']}, the first {one['characters']:,} characters | "
            f"{one['words']:,} | {exact['word_perplexity']:.2f} | {small['word_perplexity']:.2f} | "
            f"{one['change']:+.2f} % | {exact['bits_per_byte']:.4f} "
            f"| {small['bits_per_byte']:.4f} |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    app()
