"""Scores a forecaster on a whole split: MSE, MAE, MASE, CRPS, coverage; and against the floor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.data.series_windows import cut
from training.metrics import forecasting as metrics
from training.metrics.text import bootstrap
from training.progress import advancing
from training.tasks.forecasting import Forecasting
from zoo import saving, shipped

BLOCKS = "blocks.json"
"""Sums of a test split's blocks beside a model, so that two models can be compared in pairs."""
FLOOR = "n-linear"
"""The floor that forecasters are compared with."""


def evaluate_forecasts(
    model: Any,
    task: Forecasting,
    split: str = "test",
    limit: int | None = None,
    progress: bool = False,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The figures of a split as a card holds them, with block-bootstrap intervals; and its blocks.

    Args:
        model: a forecaster of the same series.
        task: with the protocol to score by.
        split: "test" or "valid".
        limit: of so many windows only, from the beginning.
        progress: whether to show a bar.

    Raises:
        ValueError: the model forecasts other series.
    """
    columns, one = task.series().columns, task.protocol
    if tuple(model.columns) != tuple(columns):
        raise ValueError(
            f"{model.name} forecasts {', '.join(model.columns)}. Received: {', '.join(columns)}"
        )
    if (model.lookback, model.horizon) != (one.lookback, one.horizon):
        raise ValueError(
            f"{model.name} reads {model.lookback} steps and forecasts {model.horizon}. Received: a "
            f"protocol of {one.lookback} and {one.horizon}"
        )
    values, begins = model.scaler.scaled(task.part(split)), task.begins(split)
    begins = begins[:limit] if limit else begins
    scale, found = task.scale_of_mase(), []
    with advancing("forecasting", len(begins), progress) as advance:
        for part in metrics.batches(len(begins)):
            history, future = cut(values, begins[part], one.lookback, one.horizon)
            found.append(metrics.sums(model.values(history), future, scale))
            advance(len(history))
    of_blocks = metrics.blocks(np.concatenate(found), one.horizon)
    result: dict[str, Any] = {"examples": len(begins), "counted": "windows"}
    for key, figure in metrics.figures(of_blocks).items():
        low, high = bootstrap(figure)
        rounded = (round(value, 4) for value in (figure.value, low, high))
        result[key] = dict(zip(("value", "low", "high"), rounded, strict=True))
    result["protocol"] = {
        "lookback": one.lookback,
        "horizon": one.horizon,
        "season": one.season,
        "missing": one.missing,
        "drop_last": one.drop_last,
        "scaler": "z-scores from the training part",
        "split_sha256": task.split_hash(),
    }
    records = metrics.records(of_blocks)
    if floor := against_floor(model, records, result["protocol"]):
        result["against"] = floor
    return result, records


def against_floor(
    model: Any, records: list[dict[str, Any]], protocol: dict[str, Any]
) -> dict[str, Any] | None:
    """The differences to the ridge regression that is beside this model, by the same protocol."""
    folder = Path(model.path)
    for name, config in shipped.configs(folder.parent).items():
        if config["model"] != FLOOR or config["task"] != model.config["task"]:
            continue
        place = folder.parent / name
        if place == folder or not (place / BLOCKS).is_file():
            continue
        known = saving.read_json(place / BLOCKS)
        if known["protocol"] != protocol:
            continue
        found = {
            key: difference
            for key in ("mse", "mae", "crps")
            if (difference := metrics.against(records, known["blocks"], key))
        }
        if found:
            return {"model": name, **found}
    return None
