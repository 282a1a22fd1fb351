"""Quality for the time of training: the row `quality-per-minute` of a device's results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality import markdown, scoring
from benchmarks.speed import rows
from zoo.saving import read_json

MEASURE = "quality-per-minute"
COUNTED = "the training loop with its validations; start-up is not counted"
"""What the minutes of our runs are."""


def read_peer(path: Path, width: int) -> dict[str, Any]:
    """What a run of a peer left, a JSON object of:

    `system` (its name in the results), `task`, `device`, `minutes` of training, `command`,
    `predictions` by width of the search ({"1": [...], "5": [...]}, one text for each sentence of
    the test split, in its order), and `versions` of its packages. It is scored here as ours are:
    no figure enters by hand.

    Raises:
        ValueError: something of it is missing, or there is no search of that width.
    """
    found = read_json(path)
    wanted = ("system", "task", "device", "minutes", "command", "predictions", "versions")
    absent = [name for name in wanted if not isinstance(found, dict) or name not in found]
    if absent:
        raise ValueError(f"a peer's result wants {', '.join(absent)}. Received: {path.name}")
    if str(width) not in found["predictions"]:
        raise ValueError(f"a beam of {width} is to be compared. Received: {path.name} without it")
    return found


def system(model: str) -> str:
    """What the results call a network of ours: the Transformer is what one gets unasked."""
    return rows.OURS if model == "transformer" else f"{rows.OURS}-{model}"


def check(runs: Mapping[Path, Mapping[str, Any]], peers: Sequence[Mapping[str, Any]]) -> str:
    """The one device of all. Raises ValueError: several devices or tasks."""
    for name, found in (
        ("device", [*(card["training"]["device"] for card in runs.values())]),
        ("task", [*(card["task"] for card in runs.values())]),
    ):
        several = dict.fromkeys([*found, *(peer[name] for peer in peers)])
        if len(several) > 1:
            raise ValueError(f"a comparison wants one {name}. Received: {', '.join(several)}")
    return next(iter(runs.values()))["training"]["device"]


def score_peer(peer: Mapping[str, Any], width: int) -> dict[str, Any]:
    """The scores of a peer's predictions, by our own measure.

    Raises:
        ValueError: they are not as many as there are sentences.
    """
    from training import tasks

    return scoring.score(peer["predictions"][str(width)], tasks.get(peer["task"]).examples("test"))


def row(
    scored: Sequence[Mapping[str, Any]], peers: Sequence[Mapping[str, Any]], width: int
) -> dict[str, Any]:
    """The row: sacreBLEU by system, one round a run, and the minutes that each took.

    Args:
        scored: rows of `benchmarks.quality.multi30k`, of one task and device, with this width.
        peers: of `read_peer`.
        width: of the search.
    """
    values: dict[str, list[float]] = {}
    details: dict[str, list[dict[str, Any]]] = {}
    versions: dict[str, dict[str, str]] = {}
    for one in scored:
        name, scores = system(one["model"]), one["scores"][str(width)]
        about = ("run", "minutes", "cpu_minutes", "seed", "precision", "parameters", "command")
        about = {key: one[key] for key in (*about, "commit", "date")}
        values.setdefault(name, []).append(scores["bleu"]["value"])
        details.setdefault(name, []).append(about | {"scores": one["scores"]})
        versions[name] = dict(one["versions"])
    for peer in peers:
        scores = score_peer(peer, width)
        about = {key: peer[key] for key in ("minutes", "command")}
        values.setdefault(peer["system"], []).append(scores["bleu"]["value"])
        details.setdefault(peer["system"], []).append(about | {"scores": {str(width): scores}})
        versions[peer["system"]] = peer["versions"]
    # The longest counts where a system has several runs: no run had more than is said.
    minutes = {name: max(one["minutes"] for one in some) for name, some in details.items()}
    return rows.row(
        MEASURE,
        f"sacreBLEU, {markdown.search(str(width))}",
        True,
        values,
        device=scored[0]["device"],
        config={
            "data": f"{scored[0]['task']}, test 2016",
            "minutes": minutes,
            "minutes_are": COUNTED,
            "rounds": max(map(len, values.values())),
            "seconds": round(60 * max(minutes.values())),
        },
        versions=versions,
        details=details,
        commit=markdown.commit(scored[-1]),
        date=max(one["date"] for one in scored),
    )
