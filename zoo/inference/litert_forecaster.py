"""A trained forecaster on LiteRT: the same forecasts without Keras or TensorFlow."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from zoo.inference.forecaster_base import ForecasterBase, read_scaler
from zoo.inference.litert_folder import GraphFolder
from zoo.inference.litert_pool import Pool
from zoo.inference.litert_whole import Whole, maps_of

FORECAST, LOOK, GIVEN = "forecast", "look", "history"


class LiteRTForecaster(ForecasterBase):
    """The scaler and LiteRT graphs of a forecaster; see `litert_forecast_graphs`.

    Args:
        graphs: the folder of its graphs.
        threads: how many windows are forecast at a time; by default one a core.
        name, scaler, config, card, path: as `ForecasterBase`.

    Raises:
        GraphError: graphs that cannot be run.
    """

    runtime = "litert"

    def __init__(self, graphs: GraphFolder, threads: int | None = None, **others: Any):
        super().__init__(**others)
        self.parameters = graphs.parameters
        self.attention_heads = self.sizes.attention_heads()
        self.pool = Pool(graphs, functools.partial(Whole, first=FORECAST, given=GIVEN), threads)

    @classmethod
    def from_folder(
        cls, folder: Path, config: dict[str, Any], graphs: GraphFolder, **known: Any
    ) -> LiteRTForecaster:
        """The scaler of a model folder with its graphs; `known`: its name and card."""
        scaler = read_scaler(folder, config)
        return cls(graphs=graphs, scaler=scaler, config=config, path=folder, **known)

    def values(self, histories: np.ndarray) -> np.ndarray:
        def one(row: int) -> np.ndarray:
            with self.pool.worker() as worker:
                return worker.run(FORECAST, histories[row])["values"][0]

        found = self.pool.each(one, range(len(histories)))
        return np.stack([found[row] for row in range(len(histories))])

    def _computed(
        self, histories: np.ndarray, attention: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        if not (attention and self.attention_heads):
            return self.values(histories), {}
        with self.pool.worker() as worker:
            found = worker.run(LOOK, histories[0])
        return found["values"], maps_of(found)
