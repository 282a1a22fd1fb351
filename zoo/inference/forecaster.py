"""A trained forecaster on Keras: histories in, `Forecast` out."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from zoo import saving
from zoo.inference.forecaster_base import ForecasterBase, read_scaler
from zoo.kinds.forecaster import Forecaster
from zoo.layers.attention_hooks import without_maps
from zoo.runtime import backend
from zoo.scaler import Scaler

AT_ONCE = 64
"""Windows that are forecast at a time."""


class ForecasterPredictor(ForecasterBase):
    """A forecaster's network, scaler and card.

    Args:
        network: with its weights.
        name, scaler, config, card, path: as `ForecasterBase`.
    """

    model: Forecaster

    def __init__(
        self,
        name: str,
        network: Forecaster,
        scaler: Scaler,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        super().__init__(name, scaler, config, card, path)
        self.model = network

    @classmethod
    def from_folder(cls, folder: Path, config: dict[str, Any], **known: Any) -> ForecasterPredictor:
        """The model in a folder, `config` its checked config.json; `known`: its name and card."""
        scaler = read_scaler(folder, config)
        network = saving.read_network(folder, config)
        return cls(network=network, scaler=scaler, config=config, path=folder, **known)

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return self.model.attention_heads

    @functools.cached_property
    def parameters(self) -> int:
        return int(self.model.count_params())

    def values(self, histories: np.ndarray) -> np.ndarray:
        run = backend.compiled(self.model, forecast)
        found = []
        for i in range(0, len(histories), AT_ONCE):
            part = histories[i : i + AT_ONCE]
            # One shape, one program: the last rows are filled up.
            rows = AT_ONCE if len(histories) > AT_ONCE else len(part)
            filled = np.concatenate([part, np.repeat(part[-1:], rows - len(part), axis=0)])
            found.append(ops.convert_to_numpy(run(filled.astype("float32")))[: len(part)])
        return np.concatenate(found)

    def _computed(
        self, histories: np.ndarray, attention: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        if not (attention and self.attention_heads):
            return self.values(histories), {}
        values, maps = backend.compiled(self.model, look)(histories)
        return ops.convert_to_numpy(values), {
            kind: ops.convert_to_numpy(every) for kind, every in maps.items()
        }


def forecast(network: Forecaster, histories: Any) -> Any:
    """Values of (B, L, C) z-scores without maps."""
    with without_maps():
        return network.look(histories)[0]


def look(network: Forecaster, histories: Any) -> Any:
    """Values and maps of (B, L, C) z-scores."""
    return network.look(histories)
