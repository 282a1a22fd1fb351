"""Trainings that a benchmark starts and scores, in processes; what is there is taken as it is."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from training import card_writer
from zoo.saving import read_json, write_aside, write_json


def trained(arguments: Sequence[str], place: Path) -> dict[str, Any]:
    """Train into a folder and score the test side, unless that was done.

    Args:
        arguments: of `python -m training.train`, without `--out`.
        place: the folder of the run; one that was interrupted goes on.

    Returns:
        "command", and either "card" or, where it failed, "failed": the last line that it said.
    """
    return _made(["-m", "training.train", *arguments, "--out", str(place)], place)


def averaged(recipes: Sequence[Sequence[str]], place: Path) -> dict[str, Any]:
    """Train several models and average their weights; a model that is there is taken as it is.

    Args:
        recipes: arguments of each as `trained` has them; they go to `place` with "-of-1" and so on.
        place: the folder of the mean.

    Returns:
        as `trained`, with the commands one after the other; and "members", the figures of each.
    """
    members = [place.with_name(f"{place.name}-of-{n}") for n in range(1, len(recipes) + 1)]
    commands, figures_of = [], []
    for arguments, member in zip(recipes, members, strict=True):
        found = trained(arguments, member)
        commands.append(found["command"])
        if "failed" in found:
            return {"command": " && ".join(commands), "failed": found["failed"]}
        figures_of.append(figures(found["card"]))
    found = _made(["-m", "training.average", *map(str, members), "--out", str(place)], place)
    commands.append(found.pop("command"))
    return {"command": " && ".join(commands), "members": figures_of, **found}


def _made(train: Sequence[str], place: Path) -> dict[str, Any]:
    """Make a model by a command, unless it is there, and score it; as `trained` returns it."""
    evaluate = ["-m", "training.evaluate", str(place), "--update-card"]
    told = {"command": shlex.join(["python", *train])}
    card = place / "card.json"
    wanted = [] if card.exists() else [list(train)]
    if wanted or not read_json(card).get("metrics"):
        wanted.append(evaluate)
    for command in wanted:
        done = subprocess.run([sys.executable, *command], check=False, capture_output=True)
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            return {**told, "failed": lines[-1] if lines else f"exit code {done.returncode}"}
    return {**told, "card": read_json(card)}


def results(path: Path) -> dict[str, Any]:
    """What was measured before; {} if nothing was. `path`: as `record` has it."""
    kept = path.with_suffix(".json")
    return read_json(kept) if kept.exists() else {}


def record(
    path: Path,
    measured: Iterable[tuple[str, Mapping[str, Any]]],
    page: Callable[[Mapping[str, Any]], str],
) -> None:
    """Write measurements as they come, beside those of before, and a page of all of them.

    Args:
        path: of both files, without .json and .md.
        measured: a name and what was measured; the same name replaces what was there.
        page: makes the Markdown.

    Raises:
        typer.Exit: 2, and what went wrong was told.
    """
    kept, commit = path.with_suffix(".json"), card_writer.commit()  # before that file changes
    try:
        found = results(path)
        for name, one in measured:
            found[name] = {**one, "commit": commit}
            write_json(kept, dict(sorted(found.items())))
    except (ValueError, RuntimeError, OSError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(2) from None
    text = page(found)
    write_aside(path.with_suffix(".md"), text.encode())
    typer.echo(text)


def again(command: str, *without: str) -> list[str]:
    """The arguments of a training as its card tells them, without some options and their values.

    Example:
        >>> again("python -m training.train --task digits --seed 3 --out x", "--seed", "--out")
        ['--task', 'digits']
    """
    words = shlex.split(command)[3:]
    for option in without:
        while option in words:
            place = words.index(option)
            del words[place : place + 2]
    return words


def figures(card: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a card's greedy answers, by key."""
    return {
        key: value["value"]
        for key, value in card["metrics"]["1"].items()
        if isinstance(value, Mapping) and isinstance(value.get("value"), int | float)
    }
