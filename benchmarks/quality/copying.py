"""What copying saves: contacts learned from few examples, with and without a pointer-generator.

    python -m benchmarks.quality.copying

Trains LSTM with attention, and the Transformer, on 500 and 2,000 contacts, each with copying and
without, for as many steps. Names of the test side have syllables that no training example has.
Writes benchmarks/results/quality/copying.json, and .md beside it; a run that is there is taken as
it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import training_runs
from benchmarks.quality.multi30k import FOLDER

RUNS = Path("runs/copying")
SIZES = (500, 2_000)
STEPS = 900
ARMS: dict[str, tuple[str, ...]] = {
    "lstm-bahdanau": (
        *("--preset", "tiny", "--set", "embedding_size=64", "--set", "hidden_size=128"),
        *("--set", "attention_size=64"),
    ),
    "transformer": (
        *("--preset", "tiny", "--set", "hidden_size=64", "--set", "heads=4"),
        *("--set", "feed_forward_size=256", "--set", "encoder_layers=2"),
        *("--set", "decoder_layers=2"),
    ),
}
FIGURES = ("exact_match", "cer")
WAYS = {"alone": "without copying", "copying": "with copying"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    seeds: Annotated[int, typer.Option(help="How many runs of each, from seed 1 on.")] = 1,
    models: Annotated[
        list[str] | None, typer.Option("--model", help=f"Of {', '.join(ARMS)}; by default both.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Of a training; 0: all cores.")] = 0,
    folder: Annotated[Path, typer.Option(help="Where the runs go.")] = RUNS,
) -> None:
    """Train, score, write figures and page; see the text of the module."""
    found = measured(range(1, seeds + 1), models or list(ARMS), threads, folder)
    training_runs.record(FOLDER / "copying", found, page)


def measured(
    seeds: Sequence[int], models: Sequence[str], threads: int, folder: Path
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Exact match and character error rate of every run, in percent; or "failed"."""
    for seed in seeds:
        for size in SIZES:
            for model in models:
                for way in WAYS:
                    key = f"{model}-{way}-{size}-{seed}"
                    arguments = [
                        *("--task", "contacts", "--model", model, *ARMS[model]),
                        *("--set", f"copying={'true' if way == 'copying' else 'false'}"),
                        *("--limit", str(size), "--steps", str(STEPS), "--seed", str(seed)),
                        *("--smoothing", "0", "--warmup", "100", "--dropout", "0.1"),
                        *("--keep", "last", "--validate-every", str(STEPS)),
                        *("--validate-on", "100", "--threads", str(threads)),
                    ]
                    found = training_runs.trained(arguments, folder / key)
                    told = {"model": model, "way": way, "pairs": size, "seed": seed}
                    told["command"] = found["command"]
                    if "card" in found:
                        figures = training_runs.figures(found["card"])
                        told |= {name: figures[name] for name in FIGURES}
                        told["minutes"] = found["card"]["training"].get("minutes")
                    else:
                        told["failed"] = found["failed"]
                    typer.echo(f"{key}: {told.get('exact_match', told.get('failed'))}")
                    yield key, told


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of networks by examples as a Markdown page."""
    lines = [
        "# Contacts from few examples, with copying and without",
        "",
        "Exact matches in percent of the 2,000 test contacts (character error rate), after "
        f"{STEPS} steps; of several seeds the mean. Names of the test side have syllables that "
        "training has not. Written by `python -m benchmarks.quality.copying`.",
        "",
        "| | " + " | ".join(f"{size:,} examples" for size in SIZES) + " |",
        "|---|" + "--:|" * len(SIZES),
    ]
    for model in ARMS:
        for way, label in WAYS.items():
            cells = []
            for size in SIZES:
                own = [
                    one
                    for one in found.values()
                    if (one["model"], one["way"], one["pairs"]) == (model, way, size)
                    and "exact_match" in one
                ]
                means = [sum(one[key] for one in own) / len(own) for key in FIGURES if own]
                cells.append(f"{means[0]:.1f} ({means[1]:.1f})" if means else "")
            if any(cells):
                lines.append(f"| {model}, {label} | " + " | ".join(cells) + " |")
    failed = [f"- {key}: {one['failed']}" for key, one in sorted(found.items()) if "failed" in one]
    return "\n".join([*lines, *(["", "## Failed", "", *failed] if failed else []), ""])


if __name__ == "__main__":
    app()
