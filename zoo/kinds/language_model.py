"""The contract of networks that read tokens and say at each place what comes next.

Axes: B batch, T tokens, V vocabulary, C context, D hidden size.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

from keras import ops

from zoo.kinds.base import Autoregressive, Maps, Memory, State, Tensor
from zoo.layers.attention_hooks import without_maps
from zoo.layers.carried_state import CarriedState
from zoo.layers.dropout import Dropout, in_training
from zoo.layers.embedding import TiedEmbedding
from zoo.runtime import eight_bits

_places: contextvars.ContextVar[Tensor | None] = contextvars.ContextVar("places", default=None)


@contextlib.contextmanager
def logits_at(places: Tensor) -> Iterator[None]:
    """Within, `decode` gives logits (B, 1, V) of one place of each row, `places` (B,), and no more.

    The output matrix is most of the work of a small network, and is then used for one place only.
    """
    before = _places.set(places)
    try:
        yield
    finally:
        _places.reset(before)


class LanguageModel(Autoregressive):
    """A network that continues a sequence of tokens.

    - `decode(target, memory) -> logits, maps`: all places at once, from an empty state. The memory
      is {}. Row t of the logits (B, T, V) predicts what follows `target[:, t]`.
    - `init_state(memory, length) -> state`: an empty state; the memory is the number of rows B,
      `length` how many tokens it will read at most.
    - `read(tokens, state, index, lengths) -> logits, state`: goes on from a state with several
      tokens at once, of which row b has `lengths[b]` real ones after the `index[b]` it has read.
    - `step(token, index, state, memory)`: the same with one token a row; `index` is (B,) or a
      number.

    Tokens are int32 ids; nothing is masked by their value, so padding goes to the right.

    Args:
        config: the hyper-parameters; they have `vocabulary`, `hidden_size` and `dropout`.
    """

    def __init__(self, config: Any, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.scale = config.hidden_size**0.5
        self.embedding = TiedEmbedding(config.vocabulary, config.hidden_size, name="embedding")
        self.input_dropout = Dropout(config.dropout)
        self.output_dropout = Dropout(config.dropout)
        self.carried: CarriedState | None = None

    carries_state = False
    """Whether a state may be carried from one window of training to the next: `carry_state`."""

    def carry_state(self, rows: int) -> None:
        """From now on `call` goes on, in training, where it ended with `rows` rows of tokens."""
        self.carried = CarriedState(self.init_state(rows, 0), name="carried")

    @property
    def context(self) -> int | None:
        """How many tokens can be read at most; None: as many as there are."""
        return None

    def embed(self, tokens: Tensor) -> Tensor:
        """(...) ids -> (..., D)."""
        return self.input_dropout(self.embedding(tokens) * self.scale)

    def logits(self, x: Tensor) -> Tensor:
        """(..., D) -> (..., V) float32; (B, 1, V) of the places of `logits_at`."""
        if (places := _places.get()) is not None:
            x = ops.take_along_axis(x, places[:, None, None], axis=1)  # (B, 1, D)
        return eight_bits.product(self.embedding.scores, self.output_dropout(x))

    def read(
        self, tokens: Tensor, state: State, index: Tensor, lengths: Tensor
    ) -> tuple[Tensor, State]:
        raise NotImplementedError

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory | None = None
    ) -> tuple[Tensor, State]:
        rows = ops.shape(token)[0]
        index = ops.broadcast_to(ops.cast(index, "int32"), (rows,))
        logits, state = self.read(token[:, None], state, index, ops.ones_like(index))
        return logits[:, 0], state

    def call(self, tokens: Tensor, training: bool | None = None) -> Tensor:
        """(B, T) ids -> logits (B, T, V): what training runs."""
        with in_training(training), without_maps():
            if not (self.carried and training):
                return self.decode(tokens, {})[0]
            index = ops.zeros((ops.shape(tokens)[0],), dtype="int32")
            lengths = index + ops.shape(tokens)[1]
            logits, state = self.read(tokens, self.carried.read(), index, lengths)
            self.carried.keep(state)
            return logits

    def build_variables(self) -> None:
        self.call(ops.ones((1, 2), dtype="int32"))
        self.built = True


def decode_from_empty(network: LanguageModel, target: Tensor) -> tuple[Tensor, Maps]:
    """`decode` of a network whose `read` is as fast: (B, T) ids -> logits (B, T, V), no maps."""
    rows, length = ops.shape(target)[0], ops.shape(target)[1]
    index = ops.zeros((rows,), dtype="int32")
    state = network.init_state(rows, length)
    return network.read(target, state, index, index + length)[0], {}
