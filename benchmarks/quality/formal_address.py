r"""Fine-tuning on 500 sentences of one's own: does an English-Spanish model learn to say usted?

    python -m benchmarks.quality.formal_address --write own.tsv
    python -m training.train --task tsv:own.tsv --start-from en-es-transformer --epochs 6 \
        --batch-tokens 512 --learning-rate 3e-4 --warmup 20 --out runs/formal
    python -m benchmarks.quality.formal_address en-es-transformer runs/formal

The first command writes 500 Tatoeba pairs whose Spanish says usted; the last one
measures every model on Tatoeba's test side: how many of the sentences with "you" it answers with
"usted", how near it comes to references that say "usted", and what becomes of all else. Writes
benchmarks/results/quality/formal.json, and .md beside it.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import markdown
from benchmarks.quality.multi30k import FOLDER
from benchmarks.speed import protocol
from training import card_writer, tasks
from training.tasks.base import SEED, Example, Task
from zoo.saving import write_aside, write_json

TASK = "tatoeba/en-es"
COUNT = 500
"""Pairs of one's own."""
FORMAL = re.compile(r"\busted(es)?\b", re.IGNORECASE)
YOU = re.compile(r"\byou(rs?|rself)?\b", re.IGNORECASE)
INTRODUCTION = (
    f"Each model on the test side of {TASK}, greedy. Sentences with *you*: the share of answers "
    "that say *usted* or *ustedes*. Formal references: chrF over the sentences that have such a "
    "reference, against those alone. BLEU and chrF of all sentences show what fine-tuning costs."
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Shipped models, or model folders.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the pairs to train on to this file, and stop.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="What is written, without .json and .md.")
    ] = None,
) -> None:
    """Write the pairs, or measure the models; see the text of the module."""
    try:
        if write:
            lines = [f"{e.source}\t{e.references[0]}\n" for e in own(tasks.get(TASK))]
            write_aside(write, "".join(lines).encode())
            typer.echo(f"{len(lines)} pairs: {write}")
            return
        if not names:
            raise ValueError("Give the models to measure, or --write FILE for the pairs")
        found = [measure(name) for name in names]
    except (ValueError, RuntimeError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from None
    path = out or FOLDER / "formal"
    write_json(path.with_suffix(".json"), found)
    text = page(found)
    write_aside(path.with_suffix(".md"), text.encode())
    typer.echo(text)


def own(task: Task) -> list[Example]:
    """Training pairs whose Spanish says usted. Raises ValueError: they are too few."""
    formal = [e for e in task.examples("train") if FORMAL.search(e.references[0])]
    if len(formal) < COUNT:
        raise ValueError(f"{task.name} has {len(formal)} pairs with usted; needed: {COUNT}")
    return random.Random(SEED).sample(formal, COUNT)


def measure(name: str) -> dict[str, Any]:
    """How the model called `name` addresses people, and how good it is."""
    import zoo

    model = zoo.load(name)
    task = tasks.get(TASK)
    examples = task.examples("test")
    written = [a.text for a in model.predict([e.source for e in examples], attention=False)]
    figures = task.figures(written, examples)
    pairs = list(zip(examples, written, strict=True))
    addressed = [text for example, text in pairs if YOU.search(example.source)]
    formal = only_formal(examples)
    chosen = {e.source for e in formal}
    told = [text for example, text in pairs if example.source in chosen]
    return {
        "model": model.name,
        "sentences": len(examples),
        "with_you": len(addressed),
        "usted": round(100 * sum(map(bool, map(FORMAL.search, addressed))) / len(addressed), 1),
        "formal_references": len(formal),
        "formal_chrf": round(task.figures(told, formal)["chrf"].value, 1),
        "bleu": round(figures["bleu"].value, 1),
        "chrf": round(figures["chrf"].value, 1),
        "training": card_writer.read(model.path).get("training", {}).get("command"),
        "command": f"python -m benchmarks.quality.formal_address {Path(name).name}",
        "versions": protocol.versions([]),
        "commit": card_writer.commit(),
        "date": time.strftime("%Y-%m-%d"),
    }


def only_formal(examples: Sequence[Example]) -> list[Example]:
    """The examples with a formal reference, and with those references alone."""
    found = []
    for example in examples:
        references = tuple(filter(FORMAL.search, example.references))
        if references:
            found.append(Example(example.source, references))
    return found


def page(found: Sequence[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    lines = [
        *("# Fine-tuned on 500 formal sentences", "", INTRODUCTION, ""),
        "| model | *usted* for *you*, % | chrF, formal references | BLEU | chrF |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {row['model']} | {row['usted']} (of {row['with_you']}) | {row['formal_chrf']} "
            f"(of {row['formal_references']}) | {row['bleu']} | {row['chrf']} |"
            for row in found
        ),
        "",
        *(
            f"- {row['model']}: `{row['training']}`; measured {row['date']}, commit "
            f"{markdown.commit(row)}, {markdown.packages(row['versions'])}."
            for row in found
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    app()
