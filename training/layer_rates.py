"""A learning rate for each layer, lower the nearer it is to the input (`--layer-decay`).

What reads words serves any task, what is near the answer is the old task's: Howard and Ruder 2018
(arXiv:1801.06146, section 3.1) call it discriminative fine-tuning, and divide by 2.6 from layer to
layer; ELECTRA (Clark et al. 2020, arXiv:2003.10555, appendix B) multiplies by 0.8.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import keras

Tensor = Any

NUMBERED = re.compile(r"(?:^|/)(?:block|layer|convolution|inner|encoder|decoder)_(\d+)/")
AT_INPUT = {"embedding", "source_embedding", "target_embedding", "positions", "projection"}


def multipliers(paths: Iterable[str], decay: float, norm: str = "pre") -> dict[str, float]:
    """What the learning rate of every weight is multiplied by, by its path.

    The top, which gives the answers, has 1; block i of L has `decay` to the power of L - i, i from
    0; embeddings and positions have `decay` to the power of L + 1. An encoder's and a decoder's
    blocks are counted apart.

    Args:
        paths: of the trained weights, as `keras.Variable.path` has them.
        decay: from a layer to the one below it, from 0 (the top alone is trained) to 1.
        norm: where blocks have their norms, "pre" or "post"; the one outside of all blocks is then
            after them, or before.

    Raises:
        ValueError: the network has no numbered blocks.

    Example:
        >>> multipliers(["embedding/embeddings", "block_0/kernel", "head/kernel"], 0.5)
        {'embedding/embeddings': 0.25, 'block_0/kernel': 0.5, 'head/kernel': 1.0}
    """
    paths = list(paths)
    numbers = {path: int(found[1]) for path in paths if (found := NUMBERED.search(path))}
    if not numbers:
        raise ValueError("--layer-decay is for networks of several blocks, and this one has none")
    layers = max(numbers.values()) + 1
    lowest = AT_INPUT | ({"norm"} if norm == "post" else set())

    def below(path: str) -> int:
        if path in numbers:
            return layers - numbers[path]
        return layers + 1 if lowest & set(path.split("/")) else 0

    return {path: decay ** below(path) for path in paths}


@functools.cache
def by_layer(kind: type[keras.optimizers.Optimizer]) -> type[keras.optimizers.Optimizer]:
    """An optimizer like `kind` that multiplies each weight's learning rate by `self.rates`.

    Weight decay, which is apart from the step, stays as it is.
    """

    class ByLayer(kind):
        rates: Mapping[str, float] = {}

        def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
            path = self._trainable_variables[self._get_variable_index(variable)].path
            super().update_step(gradient, variable, learning_rate * self.rates.get(path, 1.0))

    return ByLayer
