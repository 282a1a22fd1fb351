"""Recurrent language models: SimpleRNN and LSTM layers, one on the other.

Axes: B batch, T tokens, D hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs.recurrent_language_model import RecurrentLanguageModel as Config
from zoo.kinds.base import Maps, Memory, State, Tensor
from zoo.kinds.language_model import LanguageModel, decode_from_empty
from zoo.layers.dropout import Dropout, in_training


class RecurrentLanguageModel(LanguageModel):
    """Recurrent layers, one on the other, with dropout between them (Zaremba et al. 2014).

    The state is one tuple of (B, D) a layer, as its cell has it. A subclass says which layer.
    """

    layer: type[keras.layers.RNN]
    carries_state = True
    tensors: int
    """How many (B, D) a layer's state has."""

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.recurrent = [
            self.layer(
                config.hidden_size, return_sequences=True, return_state=True, name=f"layer_{i}"
            )
            for i in range(config.layers)
        ]
        self.between = [Dropout(config.dropout) for _ in range(config.layers - 1)]

    def init_state(self, memory: Any, length: int) -> State:
        zeros = ops.zeros((memory, self.config.hidden_size), dtype=self.compute_dtype)  # (B, D)
        return tuple((zeros,) * self.tensors for _ in self.recurrent)

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        return decode_from_empty(self, target)

    def read(
        self, tokens: Tensor, state: State, index: Tensor, lengths: Tensor
    ) -> tuple[Tensor, State]:
        mask = ops.arange(ops.shape(tokens)[1])[None, :] < lengths[:, None]  # (B, T)
        return self._through(tokens, state, mask)

    def _through(self, tokens: Tensor, state: State, mask: Tensor | None) -> tuple[Tensor, State]:
        x, after = self.embed(tokens), []  # (B, T) -> (B, T, D)
        for i, (layer, before) in enumerate(zip(self.recurrent, state, strict=True)):
            x = x if i == 0 else self.between[i - 1](x)
            # (B, T, D), and the state after the last token, of (B, D)
            x, *ended = layer(x, mask=mask, initial_state=list(before))
            after.append(tuple(ended))
        return self.logits(x), tuple(after)  # (B, T, V)

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory | None = None
    ) -> tuple[Tensor, State]:
        x, after = self.embed(token), []  # (B,) -> (B, D)
        for i, (layer, before) in enumerate(zip(self.recurrent, state, strict=True)):
            x = x if i == 0 else self.between[i - 1](x)
            x, ended = layer.cell(x, list(before))  # (B, D)
            after.append(tuple(ended))
        return self.logits(x), tuple(after)  # (B, V)

    def call(self, tokens: Tensor, training: bool | None = None) -> Tensor:
        # Without a mask, which no training window needs: the layers are faster.
        carried = self.carried if training else None
        state = carried.read() if carried else self.init_state(ops.shape(tokens)[0], 0)
        with in_training(training):
            logits, after = self._through(tokens, state, None)
        if carried:
            carried.keep(after)
        return logits


class RNNLanguageModel(RecurrentLanguageModel):
    """Elman's network (1990): `h[t] = tanh(W x[t] + U h[t-1] + b)`; Mikolov et al. 2010.

    Example:
        >>> from zoo import building, registry
        >>> name, kind = "rnn", "language_model"
        >>> config = registry.configuration(name, "nano", kind=kind, vocabulary=9)
        >>> model = building.build(name, config, kind=kind)
        >>> tuple(model(ops.ones((2, 5), dtype="int32")).shape)
        (2, 5, 9)
    """

    layer, tensors = keras.layers.SimpleRNN, 1

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.scale = config.hidden_size**0.25  # sqrt(D) would saturate tanh


class LSTMLanguageModel(RecurrentLanguageModel):
    """LSTM layers (Hochreiter and Schmidhuber 1997), as Zaremba et al. 2014 stack them.

    Example:
        >>> from zoo import building, registry
        >>> name, kind = "lstm", "language_model"
        >>> config = registry.configuration(name, "nano", kind=kind, vocabulary=9)
        >>> model = building.build(name, config, kind=kind)
        >>> tuple(model(ops.ones((2, 5), dtype="int32")).shape)
        (2, 5, 9)
    """

    layer, tensors = keras.layers.LSTM, 2
