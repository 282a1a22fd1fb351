"""Forecasters over longer horizons, beside floors and published figures.

    python -m benchmarks.quality.horizons --task ett/h1 --task ett/h2 --model n-linear

Each is trained by the command of the shipped model of its architecture, on each task and horizon,
into `runs/horizons`, and scored on the whole test side; a run that is there is taken as it is.
Writes benchmarks/results/quality/horizons.json, and .md beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import training_runs
from benchmarks.quality.multi30k import FOLDER
from zoo import registry, shipped
from zoo.saving import read_json

RUNS = Path("runs/horizons")
HORIZONS = (96, 192, 336, 720)
TASKS = ("ett/h1", "ett/h2", "weather")
MODELS = ("season-naive", "n-linear", "feed-forward", "transformer-patch")
LITERATURE = ("weather",)
"""Tasks that are read as the literature reads them: with the -9999 left in."""
PUBLISHED: dict[str, dict[int, str]] = {
    "ett/h1": {96: ".370/.400", 192: ".413/.429", 336: ".422/.440", 720: ".447/.468"},
    "ett/h2": {96: ".274/.337", 336: ".329/.384", 720: ".379/.422"},
    "weather": {96: ".149/.198"},
}
"""PatchTST/64 (Nie et al. 2023, table 3): MSE/MAE."""
INTRODUCTION = (
    "MSE and MAE in z-scores over the whole test side (its last incomplete batch too), lookback "
    "336, one seed; in brackets the 95 % interval of the MSE (block bootstrap). Published: PatchTST"
    "/64 (Nie et al. 2023), lookback 512, whose test left out the last incomplete batch: not the "
    "same protocol. Weather is read as the literature reads it. Written by "
    "`python -m benchmarks.quality.horizons`."
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    task: Annotated[list[str] | None, typer.Option(help="Tasks; by default all.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="Architectures; by default all.")] = None,
    horizon: Annotated[list[int] | None, typer.Option(help="Horizons; by default all.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the runs go.")] = RUNS,
) -> None:
    """Train, score, write figures and page; see the text of the module."""
    wanted = itertools.product(model or MODELS, task or TASKS, horizon or HORIZONS)
    made = ((f"{of} {steps} {one}", run(of, one, steps, folder)) for one, of, steps in wanted)
    training_runs.record(FOLDER / "horizons", made, page)


def run(task: str, model: str, horizon: int, folder: Path) -> dict[str, Any]:
    """One training and its figures, or why it failed."""
    arguments = ["--task", task, "--horizon", str(horizon), *recipe(task, model)]
    if task in LITERATURE:
        arguments += ["--protocol", "literature"]
    place = folder / f"{task.replace('/', '-')}-{horizon}-{model}"
    found = training_runs.trained(arguments, place)
    card = found.pop("card", None)
    about = {"task": task, "horizon": horizon, "model": model, **found}
    if card is None:
        return about
    metrics = card["metrics"]["1"]
    figures = {key: metrics[key] for key in ("mse", "mae", "mase", "crps", "coverage")}
    typer.echo(f"{task} {horizon} {model}: {training_runs.figures(card)}")
    minutes = card["training"].get("minutes")
    return {**about, "figures": figures, "windows": metrics["examples"], "minutes": minutes}


def recipe(task: str, model: str) -> list[str]:
    """The options of the shipped model of that architecture: of this task, else of another one."""
    dropped = ("--task", "--out", "--model", "--horizon", "--protocol", "--seed")
    known = [
        name
        for name, config in shipped.configs().items()
        if (config["kind"], config["model"]) == ("forecaster", model)
    ]
    # Of this task first; sorting is stable.
    known.sort(key=lambda name: shipped.configs()[name]["task"] != task)
    if not known:
        return ["--model", model]
    card = read_json(shipped.saved_models_path() / known[0] / "card.json")
    words = training_runs.again(card["training"]["command"], *dropped)
    return ["--model", model, *(word for word in words if word != "--fresh")]


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table a task: horizons down, models across."""
    lines = ["# Longer horizons", "", INTRODUCTION, ""]
    for task in TASKS:
        rows = [one for one in found.values() if one["task"] == task]
        models = [one for one in MODELS if any(row["model"] == one for row in rows)]
        if not rows:
            continue
        labels = [registry.architecture(one, "forecaster").label for one in models]
        lines += [f"## {task}", "", f"| horizon | {' | '.join(labels)} | published |"]
        lines.append(f"|--:|{'--:|' * (len(models) + 1)}")
        for steps in sorted({row["horizon"] for row in rows}):
            by_model = {row["model"]: row for row in rows if row["horizon"] == steps}
            cells = [cell(by_model.get(one)) for one in models]
            published = PUBLISHED.get(task, {}).get(steps, "")
            lines.append(f"| {steps} | {' | '.join(cells)} | {published} |")
        lines.append("")
    lines += ["## Commands", ""]
    lines += [f"- `{one['command']}`" for one in found.values()]
    return "\n".join([*lines, ""])


def cell(row: Mapping[str, Any] | None) -> str:
    """MSE/MAE with the interval of the first; "" where it was not run."""
    if row is None:
        return ""
    if "figures" not in row:
        return f"failed: {row['failed']}"
    mse, mae = row["figures"]["mse"], row["figures"]["mae"]
    ends = f"{mse['low']:.3f} to {mse['high']:.3f}"
    return f"{mse['value']:.3f}/{mae['value']:.3f} ({ends})"


if __name__ == "__main__":
    app()
