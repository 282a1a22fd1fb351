"""Forecasters with a scaler, small enough to be made in every test run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from zoo import registry, saving, scaler
from zoo.building import build
from zoo.inference.forecaster import ForecasterPredictor
from zoo.scaler import Scaler

LOOKBACK, HORIZON, CHANNELS = 12, 5, 3
COLUMNS = ("load", "wind", "sun")
SCALER = Scaler(COLUMNS, (10.0, -2.0, 0.5), (3.0, 0.5, 40.0), 3600.0)


def network(model: str, **overrides: Any) -> Any:
    """A network of size nano, with weights that are none of them 0."""
    sizes = {"lookback": LOOKBACK, "horizon": HORIZON, "channels": CHANNELS}
    config = registry.configuration(model, "nano", kind="forecaster", **(sizes | overrides))
    made = build(model, config, seed=3, kind="forecaster")
    drawn = np.random.default_rng(5)
    for weight in made.weights:
        value = ops.convert_to_numpy(weight)
        if not value.any():
            weight.assign(drawn.normal(0, 0.2, value.shape))
    return made


def histories(rows: int, seed: int = 0) -> np.ndarray:
    """(N, L, C) float32 z-scores."""
    drawn = np.random.default_rng(seed).normal(size=(rows, LOOKBACK, CHANNELS))
    return np.cumsum(drawn, axis=1).astype("float32")


def predictor(
    model: str, path: Path | None = None, task: str = "csv:own.csv", **overrides: Any
) -> ForecasterPredictor:
    """A model with `COLUMNS`, in the folder `path` if there is one."""
    made = network(model, **overrides)
    name = path.name if path else model
    config = saving.model_config(
        kind="forecaster",
        name=name,
        task=task,
        model=model,
        preset="nano",
        network=made,
        tokenizers={"scaler": scaler.FILE},
        unit="step",
    )
    if path:
        saving.save_folder(path, saving.weight_arrays(made), config, {scaler.FILE: SCALER})
        return ForecasterPredictor.from_folder(path, saving.read_config(path), name=name)
    return ForecasterPredictor(name, made, SCALER, config)
