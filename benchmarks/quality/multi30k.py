"""How well trained models translate Multi30k's test of 2016, counted as others count it.

    python -m benchmarks.quality.multi30k runs/multi30k-de-en-transformer-small

Writes benchmarks/results/quality/multi30k.json and .md. Runs can be added one by one; what was
scored stays as long as a run's weights do. Without RUN, the page is written anew. What
--precision-study and --budget write, benchmarks/README.md says.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import markdown, scoring
from benchmarks.quality.scoring import TOKENISERS
from benchmarks.speed import run
from training.commands import plainly
from zoo.saving import read_json, write_aside, write_json

FOLDER = Path(__file__).resolve().parents[1] / "results" / "quality"
BARS = {
    "multi30k/de-en": {"lstm": 20.0, "lstm-bahdanau": 33.0, "transformer": 38.0},
    "multi30k/en-de": {"lstm-bahdanau": 37.0, "transformer": 40.0},
}
"""The least BLEU on those tokens that a network is to reach."""


Row = dict[str, Any]
Runs = dict[Path, dict[str, Any]]
"""Folders of finished runs with their cards."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
Option = typer.Option


@app.command(help=__doc__)
@plainly()
def main(
    runs: Annotated[list[Path] | None, typer.Argument(help="Folders of finished runs.")] = None,
    beams: Annotated[str, Option(help="Widths of the search, with commas between.")] = "1,5",
    out: Annotated[
        Path | None,
        Option(
            help="What is written, without .json and .md; by default benchmarks/quality/multi30k, "
            "or precision beside it; with --budget, the device's file of benchmarks/results."
        ),
    ] = None,
    precision_study: Annotated[
        bool, Option("--precision-study", help="Compare the precisions of these runs.")
    ] = False,
    budget: Annotated[
        bool, Option("--budget", help="Compare what these runs reached in their minutes.")
    ] = False,
    peer: Annotated[
        list[Path] | None,
        Option(help="With --budget, what a run of a peer left; see benchmarks/README.md."),
    ] = None,
    fresh: Annotated[bool, Option("--fresh", help="Score anew what was scored before.")] = False,
) -> None:
    """Score runs and write what was asked for; see the text of the module."""
    try:
        if precision_study and budget:
            raise ValueError("--precision-study or --budget. Received: both")
        if peer and not budget:
            raise ValueError("--peer goes with --budget. Received: --peer alone")
        if (precision_study or budget) and not runs:
            raise ValueError("a comparison wants runs. Received: none")
        widths = parse_beams(beams)
        found = read_runs(runs or [])
        if precision_study:
            compare_precisions(found, widths, out or FOLDER / "precision", fresh)
        elif budget:
            compare_budgets(found, widths, out, peer or [], fresh)
        else:
            record(found, widths, out or FOLDER / "multi30k", fresh)
    except (ValueError, RuntimeError, OSError) as error:
        typer.secho(" ".join(str(error).split()), fg="red", err=True)
        raise typer.Exit(2) from None


def parse_beams(text: str) -> list[int]:
    """`"1,5"` -> [1, 5]. Raises ValueError for anything but whole numbers from 1 on."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise ValueError(f'--beams wants whole numbers from 1 on: "1,5". Received: {text!r}')
    return sorted({int(part) for part in parts})


def read_runs(folders: Sequence[Path]) -> Runs:
    """The cards of runs. Raises ValueError: not one of ours, of another task, or named alike."""
    from training import card_writer

    found: Runs = {}
    for folder in map(Path.resolve, folders):
        card = card_writer.read(folder)
        if not card.get("training") or not (folder / "weights.safetensors").exists():
            raise ValueError(f"a finished run of training.train is wanted. Received: {folder}")
        if card.get("task") not in TOKENISERS:
            raise ValueError(
                f"the task must be one of {', '.join(TOKENISERS)}. "
                f"Received: {folder.name} of {card.get('task')}"
            )
        if folder.name in {other.name for other in found if other != folder}:
            raise ValueError(f"every run needs a name of its own. Received: two {folder.name}")
        found[folder] = card
    return found


def record(runs: Runs, beams: Sequence[int], out: Path, fresh: bool) -> None:
    """Score the runs, put their rows into OUT.json and the page of all into OUT.md."""
    path = Path(f"{out}.json")
    for folder, card in runs.items():
        rows = {row["run"]: row for row in read(path)}
        rows[folder.name] = score_run(folder, card, beams, {} if fresh else rows)
        # After each: the next may take minutes, and be stopped.
        write_json(path, sorted(rows.values(), key=markdown.order))
    rows = read(path)
    write_aside(Path(f"{out}.md"), markdown.page(rows).encode())
    for line in markdown.tables(rows):
        typer.echo(line)


def compare_precisions(runs: Runs, beams: Sequence[int], out: Path, fresh: bool) -> None:
    """Write OUT.json and OUT.md about these runs; earlier ones give way, but for their scores."""
    from benchmarks.quality import precision

    # Before anything is decoded: runs that cannot be compared should be told at once.
    groups = precision.group(runs)
    path = Path(f"{out}.json")
    known = {row["run"]: row for row in [*read(FOLDER / "multi30k.json"), *read(path)]}
    rows = [score_run(*run, beams, {} if fresh else known) for run in runs.items()]
    studies = [precision.study(rows, curves) for curves in groups]
    write_json(path, {"rows": sorted(rows, key=markdown.order), "studies": studies})
    text = precision.page(studies, rows)
    write_aside(Path(f"{out}.md"), text.encode())
    typer.echo(text)


def compare_budgets(
    runs: Runs, beams: Sequence[int], out: Path | None, peers: Sequence[Path], fresh: bool
) -> None:
    """Put the row `quality-per-minute` into the file of results of the runs' device."""
    from benchmarks.speed import quality_per_minute, rows

    others = [quality_per_minute.read_peer(path, beams[-1]) for path in peers]
    device = quality_per_minute.check(runs, others)
    known = {} if fresh else {row["run"]: row for row in read(FOLDER / "multi30k.json")}
    scored = [score_run(*run, beams, known) for run in runs.items()]
    row = quality_per_minute.row(scored, others, beams[-1])
    path = Path(f"{out}.json") if out else run.RESULTS / f"{run.slug(device)}.json"
    rows.merge(path, [row])
    for system, value in row["values"].items():
        typer.echo(f"{system}: {value} {row['unit']} after {row['config']['minutes'][system]} min")
    typer.echo(f"{path.name}: python -m benchmarks.speed.table renders it.")


def read(path: Path) -> list[Row]:
    """The rows of a file of quality; none where there is no file."""
    found = read_json(path) if path.exists() else []
    return found["rows"] if isinstance(found, dict) else found


def score_run(folder: Path, card: Mapping[str, Any], beams: Sequence[int], known: Mapping) -> Row:
    """The row of a run: what its card says, and its scores by width of the search.

    `known`: rows by name; the scores of one with the same weights are taken over.
    """
    row = describe(folder, card)
    tokenise = TOKENISERS[row["task"]]
    if why := tokenise.missing():
        typer.echo(f"{folder.name}: {why}")
    before = known.get(folder.name, {})
    if before.get("weights") == row["weights"]:
        row["scores"] = before["scores"]
    wanted = [
        width
        for width in beams
        if str(width) not in row["scores"]
        # What could not be counted then may be now.
        or (not why and "tokenised_bleu" not in row["scores"][str(width)])
    ]
    if wanted:
        found = row["scores"] | scoring.decode(
            folder, row["task"], wanted, None if why else tokenise
        )
        row["scores"] = {width: found[width] for width in sorted(found, key=int)}
    return row | {"bar": bar(row)}


def describe(folder: Path, card: Mapping[str, Any]) -> Row:
    """What the card of a run says that figures depend on; without paths of this machine."""
    trained = card["training"]
    told = ("epochs", "minutes", "cpu_minutes", "peak_memory_mb", "precision", "device")
    with (folder / "weights.safetensors").open("rb") as file:
        weights = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "run": folder.name,
        **{name: card[name] for name in ("task", "model", "preset", "parameters", "seed")},
        **{name: trained.get(name) for name in (*told, "threads", "backend", "steps", "best_step")},
        "valid_bleu": trained.get("valid", {}).get("bleu"),
        "scores": {},
        "command": portable(trained["command"]),
        "date": card.get("date", ""),
        "commit": card.get("commit", ""),
        "versions": card.get("versions", {}),
        "data": card.get("data", {}).get("sha256", ""),
        "weights": weights,
    }


def portable(command: str) -> str:
    """A command with every folder of this machine as `runs/ITS_NAME`."""

    def shown(word: str) -> str:
        option, equals, value = word.rpartition("=")
        return f"{option}{equals}runs/{Path(value).name}" if Path(value).is_absolute() else word

    return shlex.join(map(shown, shlex.split(command)))


def bar(row: Mapping[str, Any]) -> dict[str, Any]:
    """The bar of a run's network and by which searches it is met; {} where there is none."""
    value = BARS[row["task"]].get(row["model"])
    if value is None:
        return {}
    counted = {
        width: scores["tokenised_bleu"]["value"]
        for width, scores in row["scores"].items()
        if "tokenised_bleu" in scores
    }
    met = {width: found >= value for width, found in counted.items()}
    return {"tokenised_bleu": value, "tokens": TOKENISERS[row["task"]].title, "met": met}


if __name__ == "__main__":
    app()
