"""What summaries reach that nobody wrote, the floor of `samsum` among them, and trained models.

    python -m benchmarks.quality.summaries --model runs/samsum-lstm-bahdanau-tiny

Scores the test side with the three longest and the three first lines of each dialogue, and with its
own references after the names of two speakers are exchanged, in which nearly every word is right
and hardly anybody did what is said. The figures of models are those of their cards, of which
`python -m training.evaluate FOLDER --update-card` makes them. Writes
benchmarks/results/quality/summaries.json, and .md.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import training_runs
from benchmarks.quality.multi30k import FOLDER
from training import card_writer, tasks
from training.data.dialogues import BREAK
from training.metrics import summaries as metrics
from training.tasks.base import Example
from zoo.saving import read_json

KEYS = ("rouge1", "rouge2", "rouge_lsum", "names", "deeds")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def first(example: Example) -> str:
    """The three first lines: LEAD-3."""
    return f" {BREAK} ".join(line.strip() for line in example.source.split(BREAK)[:3])


def exchanged(example: Example) -> str | None:
    """The reference, two speakers that it names in each other's place; None: it names no two."""
    text = example.references[0]
    names = [name for name in metrics.speakers(example.source) if re.search(rf"\b{name}\b", text)]
    if len(names) < 2:
        return None
    both = {names[0]: names[1], names[1]: names[0]}
    return re.sub(rf"\b({'|'.join(map(re.escape, both))})\b", lambda m: both[m[0]], text)


WAYS: dict[str, tuple[str, Callable[[Example], str | None]]] = {
    "longest-3": ("the three longest lines (floor)", lambda one: metrics.longest(one.source)),
    "lead-3": ("the three first lines", first),
    "exchanged": ("the references, two names exchanged", exchanged),
}


@app.command(help=__doc__)
def main(
    models: Annotated[
        list[Path] | None, typer.Option("--model", help="A run of samsum that was evaluated.")
    ] = None,
) -> None:
    """Score and write; see the text of the module."""
    found = itertools.chain(measured(), *(trained(folder) for folder in models or []))
    training_runs.record(FOLDER / "summaries", found, page)


def trained(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The figures of a model's card, a line for each number of beams.

    Raises:
        ValueError: it has none.
    """
    card = card_writer.read(folder)
    if not card.get("metrics"):
        raise ValueError(f"{folder} has not been scored: python -m training.evaluate {folder}")
    sizes = read_json(folder / "config.json")["hyperparameters"]
    more = [name for name in ("copying", "coverage") if sizes.get(name)]
    called = ", ".join([card["model"], *more])
    for beams, values in card["metrics"].items():
        how = "greedy" if beams == "1" else f"beam {beams}"
        yield (
            f"{folder.name}-{beams}",
            {
                "what": f"{called}: {how}",
                "examples": values["examples"],
                "figures": {key: round(values[key]["value"], 2) for key in KEYS},
                "command": card["training"].get("command"),
                "evaluated": values.get("command"),
                "parameters": card["parameters"],
            },
        )


def measured() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The figures of each way, in percent."""
    task = tasks.get("samsum")
    examples = task.examples("test")
    for name, (label, make) in WAYS.items():
        made = [(text, one) for one in examples if (text := make(one)) is not None]
        figures = task.figures([text for text, _ in made], [one for _, one in made])
        found = {key: round(figure.value, 2) for key, figure in figures.items()}
        yield name, {"what": label, "examples": len(made), "figures": found}


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table as a Markdown page."""
    lines = [
        "# Summaries of dialogues: floors, and trained models",
        "",
        "The test side of SAMSum. Names: F1 of the speakers named; who did what: F1 of words said "
        "of the same speaker (`training.metrics.summaries`). Written by "
        "`python -m benchmarks.quality.summaries`.",
        "",
        "| summary | dialogues | ROUGE-1 | ROUGE-2 | ROUGE-Lsum | names | who did what |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for one in found.values():
        values = " | ".join(f"{one['figures'][key]:.1f}" for key in KEYS)
        lines.append(f"| {one['what']} | {one['examples']} | {values} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    app()
