"""How much of a figure is chance? Models trained again from other seeds, and what they reach.

    python -m benchmarks.quality.seeds sst2-bert digits-vit --seeds 5

Each is trained again by the command of its card, with the seeds 1, 2, ..., into
`runs/seeds/NAME-SEED`, and scored on the test side; a run that is there is taken as it is, one
that was interrupted goes on. Of a mean of models (`training.average`) every member is trained again
from the same seed, into `NAME-SEED-of-1` and so on. A run that fails is counted and told. With
`--further` runs of the same command that the results have already, of another machine for one, are
taken from there. Writes benchmarks/results/quality/seeds.json, and .md beside it: mean, standard
deviation, least and most, and the floor of the task.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from benchmarks.quality import training_runs
from benchmarks.quality.multi30k import FOLDER
from zoo import registry, shipped
from zoo.metric_info import of_card
from zoo.saving import read_json

RUNS = Path("runs/seeds")
INTRODUCTION = (
    "Every row: one recipe trained from several seeds and scored on the test side. Nothing is "
    "chosen among the seeds; a run that failed is counted. Written by "
    "`python -m benchmarks.quality.seeds NAME... --seeds N`."
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    names: Annotated[list[str], typer.Argument(help="Shipped models, or model folders.")],
    seeds: Annotated[int, typer.Option(help="How many seeds, from 1 on.", min=2)] = 5,
    folder: Annotated[Path, typer.Option(help="Where the runs go.")] = RUNS,
    further: Annotated[
        bool, typer.Option("--further", help="Add to the seeds that the results have.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="What is written, without .json and .md.")
    ] = None,
) -> None:
    """Train, score, write figures and page; see the text of the module."""
    path = out or FOLDER / "seeds"
    before = training_runs.results(path) if further else {}
    training_runs.record(path, measured(names, seeds, folder, before), page)


def measured(
    names: Sequence[str], seeds: int, folder: Path, before: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each recipe with the runs so far, after every run; `before`: results to add to."""
    for name in names:
        model = shipped.saved_models_path() / name
        model = model if model.is_dir() else Path(name)
        runs: list[Mapping[str, Any]] = []
        known = before.get(model.name, {}).get("runs", [])
        for seed in range(1, seeds + 1):
            runs.append(run(model, seed, folder, known))
            yield model.name, summary(model, runs)


def run(
    model: Path, seed: int, folder: Path, known: Sequence[Mapping[str, Any]] = ()
) -> Mapping[str, Any]:
    """One training and its figures: {"seed", "command", "figures", "minutes"} or with "failed".

    One of the `known` runs where it has the same command and seed, and did not fail.
    """
    recipes = _recipes(read_json(model / "card.json")["training"])
    for one in known:
        if _recipes(one) == recipes and one["seed"] == seed and "figures" in one:
            return one
    arguments = [[*recipe, "--seed", str(seed)] for recipe in recipes]
    place = folder / f"{model.name}-{seed}"
    if len(arguments) == 1:
        found = training_runs.trained(arguments[0], place)
    else:
        found = training_runs.averaged(arguments, place)
    card = found.pop("card", None)
    if card is None:
        return {"seed": seed, **found}
    figures = training_runs.figures(card)
    typer.echo(f"{model.name}, seed {seed}: {figures}")
    return {"seed": seed, **found, "figures": figures, "minutes": card["training"].get("minutes")}


def _recipes(told: Mapping[str, Any]) -> list[list[str]]:
    """The arguments of each training that a card or a run tells of, without seed and folder."""
    commands = [one["command"] for one in told.get("averaged", ())] or told["command"].split(" && ")
    trained = [one for one in commands if " -m training.train " in one]
    return [training_runs.again(command, "--seed", "--out") for command in trained]


def summary(model: Path, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The runs of one recipe with mean, deviation and range of its main figure."""
    config, card = read_json(model / "config.json"), read_json(model / "card.json")
    key = card["main_metrics"][0]
    values = [run["figures"][key] for run in runs if "figures" in run]
    info = of_card(card, key)
    entry = registry.architecture(config["model"], config["kind"])
    made = {
        "task": config["task"],
        "model": entry.label,
        "floor": entry.floor,
        "figure": info.label,
        "parameters": card["parameters"],
        "failed": sum("failed" in run for run in runs),
        "runs": list(runs),
    }
    if values:
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        made |= {
            "mean": round(statistics.mean(values), 3),
            "deviation": round(deviation, 3),
            "least": min(values),
            "most": max(values),
        }
    return made


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """All recipes as a Markdown page, by task."""
    lines = ["# The same recipe from several seeds", "", INTRODUCTION, ""]
    heads = "| model | task | figure | mean ± deviation | least | most | seeds | failed | minutes |"
    lines += [heads, "|---|---|---|--:|--:|--:|--:|--:|--:|"]
    for name, one in sorted(found.items(), key=lambda item: (item[1]["task"], item[0])):
        if "mean" in one:
            several = len(one["runs"]) - one["failed"] > 1
            spread = f" ± {one['deviation']:.2f}" if several else ""
            figures = f"{one['mean']:.2f}{spread} | {one['least']:.2f} | {one['most']:.2f}"
        else:
            figures = "| | "
        minutes = [run["minutes"] for run in one["runs"] if run.get("minutes") is not None]
        each = f"{statistics.median(minutes):.1f}" if minutes else ""
        label = f"`{name}`: {one['model']}{' (floor)' if one['floor'] else ''}"
        lines.append(
            f"| {label} | {one['task']} | {one['figure']} | {figures} | {len(one['runs'])} "
            f"| {one['failed']} | {each} |"
        )
    lines += ["", "## Commands", ""]
    for name, one in sorted(found.items()):
        lines += [f"- {name}: `{one['runs'][0]['command']}`, and so on"]
        lines += [
            f"  - seed {run['seed']}: {run['failed']}" for run in one["runs"] if "failed" in run
        ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    app()
