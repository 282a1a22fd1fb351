"""A language model of minimal gated recurrent units, trained by a parallel scan.

Feng et al. 2024, "Were RNNs all we needed?" (arXiv:2410.01201). Axes: B batch, T tokens,
D hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs.recurrent_language_model import RecurrentLanguageModel as Config
from zoo.kinds.base import Maps, Memory, State, Tensor
from zoo.kinds.language_model import LanguageModel, decode_from_empty
from zoo.layers.dropout import Dropout
from zoo.layers.transformer import FeedForward, layer_norm


class MinGRU(keras.layers.Layer):
    """`z = sigmoid(W_z x[t])`, `h[t] = (1 - z) h[t-1] + z (W_h x[t])`: section 3.1.3.

    The gates depend on the input alone, not on the state before: all steps are one scan.

    Args:
        units: D.

    Call arguments:
        x: (B, T, D).
        state: (B, D), before the first step.
        mask: (B, T) bool; where it is False the state stays as it is.

    Returns:
        states (B, T, D), one after each step.

    Example:
        >>> tuple(MinGRU(8)(ops.ones((2, 5, 8)), state=ops.zeros((2, 8))).shape)
        (2, 5, 8)
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.gates = keras.layers.Dense(2 * units, name="gates")

    def call(self, x: Tensor, state: Tensor, mask: Tensor | None = None) -> Tensor:
        # (B, T, D) -> (B, T, 2 D) -> (B, T, D) each
        gate, candidate = ops.split(ops.cast(self.gates(x), "float32"), 2, axis=-1)
        gate = ops.sigmoid(gate)
        if mask is not None:
            gate = ops.where(mask[..., None], gate, 0.0)
        states = linear_scan(1.0 - gate, gate * candidate, ops.cast(state, "float32"))
        return ops.cast(states, self.compute_dtype)


def linear_scan(decay: Tensor, added: Tensor, first: Tensor) -> Tensor:
    """`h[t] = decay[t] h[t-1] + added[t]` for all t at once, in log2(T) rounds.

    Hillis and Steele 1986: after round k every place holds the sum over 2^k steps up to it.

    Args:
        decay, added: (B, T, D); T is known when the program is made.
        first: (B, D), before the first step.

    Returns:
        (B, T, D).
    """
    length, distance = decay.shape[1], 1
    # (B, 1, D) and (B, T - 1, D) -> (B, T, D)
    added = ops.concatenate([(decay[:, 0] * first + added[:, 0])[:, None], added[:, 1:]], axis=1)
    while distance < length:
        # (B, T - distance, D) -> (B, T, D)
        before = ops.pad(added[:, :-distance], ((0, 0), (distance, 0), (0, 0)))
        factor = ops.pad(decay[:, :-distance], ((0, 0), (distance, 0), (0, 0)), constant_values=1.0)
        added, decay, distance = added + decay * before, decay * factor, 2 * distance
    return added


class MinGRUBlock(keras.layers.Layer):
    """A minimal gated recurrent unit, then feed-forward, each added to what came in.

    A Transformer's block with the recurrence where attention was.

    Call arguments:
        x (B, T, D), state (B, D) and mask (B, T), as `MinGRU` takes them.

    Returns:
        x (B, T, D) and the states (B, T, D).
    """

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(**kwargs)
        width = config.hidden_size
        self.recurrent_norm, self.feedforward_norm = (
            layer_norm(f"{part}_norm") for part in ("recurrent", "feedforward")
        )
        self.recurrent = MinGRU(width, name="recurrent")
        self.output_projection = keras.layers.Dense(width, name="output")
        self.feedforward = FeedForward(4 * width, width, "gelu", name="feedforward")
        self.dropout = Dropout(config.dropout)

    def call(self, x: Tensor, state: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        states = self.recurrent(self.recurrent_norm(x), state, mask)
        x = x + self.dropout(self.output_projection(states))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x))), states


class MinGRULanguageModel(LanguageModel):
    """Blocks of minimal gated recurrent units; the state is one (B, D) a block.

    Example:
        >>> from zoo import building, registry
        >>> name, kind = "min-gru", "language_model"
        >>> config = registry.configuration(name, "nano", kind=kind, vocabulary=9)
        >>> model = building.build(name, config, kind=kind)
        >>> tuple(model(ops.ones((2, 5), dtype="int32")).shape)
        (2, 5, 9)
    """

    carries_state = True

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.blocks = [MinGRUBlock(config, name=f"block_{i}") for i in range(config.layers)]
        self.norm = layer_norm("norm")

    def init_state(self, memory: Any, length: int) -> State:
        zeros = ops.zeros((memory, self.config.hidden_size), dtype=self.compute_dtype)  # (B, D)
        return tuple(zeros for _ in self.blocks)

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        return decode_from_empty(self, target)

    def read(
        self, tokens: Tensor, state: State, index: Tensor, lengths: Tensor
    ) -> tuple[Tensor, State]:
        mask = ops.arange(ops.shape(tokens)[1])[None, :] < lengths[:, None]  # (B, T)
        x, after = self.embed(tokens), []  # (B, T, D)
        for block, before in zip(self.blocks, state, strict=True):
            x, states = block(x, before, mask)  # (B, T, D) each
            after.append(states[:, -1])  # (B, D): where a row has ended its state stays
        return self.logits(self.norm(x)), tuple(after)  # (B, T, V)
