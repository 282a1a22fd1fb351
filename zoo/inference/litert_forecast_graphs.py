"""The LiteRT graphs of a forecaster: one window to its forecast, without and with maps.

Traced from the network's own `look`, so any `Forecaster` has them. Needs TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.inference.litert_forecaster import FORECAST, GIVEN, LOOK
from zoo.inference.litert_states import Traced
from zoo.inference.litert_whole import MAP
from zoo.layers.attention_hooks import without_maps
from zoo.runtime.litert_conversion import Spec

if TYPE_CHECKING:
    from zoo.kinds.base import Tensor
    from zoo.kinds.forecaster import Forecaster


def graphs(network: Forecaster) -> Iterator[Traced]:
    """`forecast` of one window, and `look` where there is attention."""

    def forecast(history: Tensor) -> dict[str, Tensor]:
        with without_maps():
            return {"values": network.look(history)[0]}

    def look(history: Tensor) -> dict[str, Tensor]:
        values, maps = network.look(history)
        return {"values": values} | {f"{MAP}{kind}": every for kind, every in maps.items()}

    history = {GIVEN: Spec((1, network.config.lookback, network.config.channels), "float32")}
    yield Traced(FORECAST, forecast, history, {})
    if network.attention_heads:
        yield Traced(LOOK, look, history, {})
