"""What every network of the zoo is, and what those that write token by token have in common.

Axes: B batch, T tokens, S memory tokens, V vocabulary, L layers, H heads.
"""

from __future__ import annotations

import inspect
from typing import Any

import keras

Tensor = Any
Memory = dict[str, Tensor]
State = Any
Maps = dict[str, Tensor]


class Network(keras.Model):
    """A network with its hyper-parameters and a list of the attention it has.

    Args:
        config: the hyper-parameters, a dataclass of `zoo.configs`.

    Raises:
        TypeError: its `call` does not take `training`: Keras would never switch dropout on.
    """

    def __init__(self, config: Any, **kwargs: Any):
        super().__init__(**kwargs)
        if "training" not in inspect.signature(self.call).parameters:
            raise TypeError(
                f"{type(self).__name__}.call must take `training`, which Keras passes to a call "
                "that names it, and decode within `zoo.layers.dropout.in_training(training)`: "
                "or dropout stays off."
            )
        self.config = config

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        return self.config.attention_heads()

    def build_variables(self) -> None:
        """Create all variables, by one small call."""
        raise NotImplementedError


class Autoregressive(Network):
    """A network that writes one token after the other.

    - `decode(target, memory) -> logits, maps`: all steps at once, for training, for scoring and
      for reading attention after the fact. Logits (B, T, V) float32: row t predicts what follows
      `target[:, t]`. Maps are (B, L, H, T, S) float32 by kind, none within `without_maps`.
    - `init_state(memory, length) -> state`: a KV cache for `length` tokens or a recurrent state,
      nested, batch first.
    - `step(token, index, state, memory) -> logits, state`: one step of generation. Token (B,)
      ids, index the 0-based position as a scalar, logits (B, V) float32.

    `zoo.inference.search` writes with any of them.
    """

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        raise NotImplementedError

    def init_state(self, memory: Memory, length: int) -> State:
        raise NotImplementedError

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State]:
        raise NotImplementedError
