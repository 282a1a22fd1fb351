"""Small forecasters for the tests of pages: one task, its cards, and models that answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from training import store_examples, store_windows
from training.data import series
from training.tasks import forecasting
from zoo import metric_info, registry, saving, shipped
from zoo.building import build
from zoo.scaler import Scaler

TASK = "ett/h1"
SHORT = shipped.short_task(TASK)
"""What an address calls it."""
FAMILIES = (
    *("season-naive", "n-linear", "feed-forward", "lstm-bahdanau"),
    *("transformer-point", "transformer-patch", "transformer-variate"),
)
COLUMNS = ("HUFL", "MUFL", "OT")
LOOKBACK, HORIZON, SEASON = 24, 8, 6
MSE = dict(zip(FAMILIES, (0.512, 0.370, 0.360, 0.365, 0.480, 0.355, 0.380), strict=True))
"""Of the cards: points and series are worse than the floor of 0.370."""
HOUR = 3600.0


def values(steps: int = 240) -> np.ndarray:
    """(steps, 3): three series with a season, noise and a level of their own."""
    random, time = np.random.default_rng(4), np.arange(steps)
    waves = [np.sin(2 * np.pi * time / SEASON + shift) for shift in range(3)]
    return np.stack(waves, axis=-1) * (1, 2, 3) + (5, 0, 20) + random.normal(0, 0.2, (steps, 3))


def task() -> forecasting.Forecasting:
    """The task, of made-up series."""
    known = forecasting.KNOWN[TASK]()
    times = np.datetime64("2017-10-10", "s") + np.arange(240) * np.timedelta64(3600, "s")
    source = forecasting.Source(
        **{
            **vars(known),
            "read": lambda protocol: series.Series(COLUMNS, values(), times, HOUR),
            "borders": lambda count: (120, 160, 240),
        }
    )
    return forecasting.Forecasting(TASK, source, forecasting.Protocol(LOOKBACK, HORIZON, SEASON))


def config(family: str, columns: Sequence[str] = COLUMNS) -> dict[str, Any]:
    """The config.json of a model."""
    preset = "small" if family in ("season-naive", "n-linear") else "nano"
    sizes = {"lookback": LOOKBACK, "horizon": HORIZON, "channels": len(columns)}
    if family == "season-naive":
        sizes["season"] = SEASON
    made = registry.configuration(family, preset, kind="forecaster", **sizes)
    return {
        "format": 2,
        "kind": "forecaster",
        "name": f"etth1-{family}",
        "task": TASK,
        "model": family,
        "preset": preset,
        "hyperparameters": asdict(made),
        "tokenizers": {"scaler": "scaler.json"},
        "unit": "step",
        "task_info": asdict(task().info()),
        "protocol": asdict(task().protocol),
    }


def card(family: str) -> dict[str, Any]:
    """A card with what the pages read of it."""
    value = MSE[family]
    figures: dict[str, Any] = {
        key: {"value": value * factor, "low": value * factor - 0.02, "high": value * factor + 0.02}
        for key, factor in (("mse", 1), ("mae", 1.1), ("mase", 2.5), ("crps", 0.9))
    }
    figures["coverage"] = {"value": 81.5, "low": 80.1, "high": 82.9}
    infos = metric_info.records(figures)
    if family not in ("n-linear", "season-naive"):
        apart = round(value - MSE["n-linear"], 4)
        figures["against"] = {
            "model": "etth1-n-linear",
            "mse": {"value": apart, "low": apart - 0.006, "high": apart + 0.006},
        }
    source = task().source
    return {
        "name": f"etth1-{family}",
        "parameters": 1_200,
        "main_metrics": list(forecasting.Forecasting.main_metrics),
        "metric_info": infos,
        "metrics": {"1": {"examples": 2_785, **figures}},
        "training": {"cpu_minutes": 5.0, "device": "a test computer"},
        "speed": {"device": "a test computer", "ms_per_forecast": 1.5, "date": "2026-01-02"},
        "data": {
            "corpus": source.corpus,
            "url": source.url,
            "licence": source.licence,
            "attribution": source.attribution,
        },
        "date": "2026-01-02",
    }


def make(root: Path, families: Sequence[str] = FAMILIES, *, stored: bool = True) -> Path:
    """Models that answer: two floors whose weights are computed, and random networks.

    Args:
        root: where their folders go.
        families: their architectures.
        stored: whether stretches of the test side lie beside the floor.
    """
    known = task()
    scaler = known.scaler()
    for family in families:
        folder, about = root / f"etth1-{family}", config(family)
        save(folder, about, scaler, scaler.scaled(known.part("train")))
        (folder / "card.json").write_text(json.dumps(card(family)), encoding="utf-8")
        if stored and family == "n-linear":
            store_examples.write(folder / store_examples.FILE, store_windows.windows(known, 4))
    return root


def save(folder: Path, about: dict[str, Any], scaler: Scaler, train: np.ndarray) -> None:
    """A model that answers, in `folder`; `train`: (N, C) z-scores that floors are computed from."""
    from training.data.series_windows import cut

    family, sizes = about["model"], about["hyperparameters"]
    entry = registry.architecture(family, "forecaster")
    network = build(family, entry.config(**sizes), seed=1, kind="forecaster")
    if entry.closed_form:
        begins = np.arange(len(train) - LOOKBACK - HORIZON + 1)
        network.fit_windows(*cut(train, begins, LOOKBACK, HORIZON))
    saving.save_folder(folder, saving.weight_arrays(network), about, {"scaler.json": scaler})
