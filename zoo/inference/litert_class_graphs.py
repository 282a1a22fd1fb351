"""The LiteRT graphs of a classifier: one input to its logits, without and with maps.

Traced from the network's own `read`, so any `Classifier` has them. Needs TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.inference.litert_classifier import CLASSIFY, GIVEN, LOOK
from zoo.inference.litert_states import Traced
from zoo.inference.litert_whole import FREE, MAP
from zoo.layers.attention_hooks import without_maps
from zoo.runtime.litert_conversion import Spec

if TYPE_CHECKING:
    from zoo.kinds.base import Tensor
    from zoo.kinds.classifier import Classifier


def graphs(network: Classifier) -> Iterator[Traced]:
    """`classify` one input, and `look` where there is attention."""

    def classify(input: Tensor) -> dict[str, Tensor]:
        with without_maps():
            return {"logits": network.read(input)[0]}

    def look(input: Tensor) -> dict[str, Tensor]:
        logits, maps = network.read(input)
        return {"logits": logits} | {f"{MAP}{kind}": array for kind, array in maps.items()}

    shape, dtype = network.config.arrays()
    given = {GIVEN: Spec((1, *(FREE if size is None else size for size in shape)), dtype)}
    yield Traced(CLASSIFY, classify, given, {})
    if network.attention_heads:
        yield Traced(LOOK, look, given, {})
