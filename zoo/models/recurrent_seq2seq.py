"""Recurrent encoder-decoders: SimpleRNN and LSTM, without and with attention.

Axes: B batch, S source tokens, T target tokens, D embedding width, U state units, A attention
units, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs.recurrent import Recurrent, RecurrentWithAttention
from zoo.kinds.base import Maps, Memory, State, Tensor
from zoo.kinds.seq2seq import Seq2Seq, source_mask
from zoo.layers.attention import AdditiveAttention
from zoo.layers.attention_hooks import current_hook, query_at
from zoo.layers.dropout import Dropout, is_training
from zoo.layers.recurrent import BidirectionalEncoder, forget_bias
from zoo.runtime import backend
from zoo.tokenizer import PAD


class RecurrentSeq2Seq(Seq2Seq):
    """What recurrent encoder-decoders share: a tied readout, dropout.

    The readout is `tanh(W [what the decoder knows])` in embedding width, scored against the
    target embedding (tied weights, Press and Wolf 2017).
    """

    def __init__(self, config: Recurrent, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.readout = keras.layers.Dense(config.embedding_size, activation="tanh", name="readout")
        self.readout_dropout = Dropout(config.dropout)

    def embed_source(self, source: Tensor) -> Tensor:
        """(B, S) -> (B, S, D)."""
        return self.source_dropout(self.source_embedding(source) * self.scale)

    def embed_target(self, target: Tensor) -> Tensor:
        """(B, T) -> (B, T, D)."""
        return self.target_dropout(self.target_embedding(target) * self.scale)

    def logits(self, *known: Tensor, output: Tensor | None = None) -> Tensor:
        """(B, ..., U), ... -> (B, ..., V): scores every token from all that is known."""
        read = self.readout(self.joined(*known))  # (B, ..., all units) -> (B, ..., D)
        return self.target_embedding.scores(self.readout_dropout(read), output)

    def joined(self, *known: Tensor) -> Tensor:
        """(B, ..., U), ... -> (B, ..., all units), in the computing type."""
        return ops.concatenate([ops.cast(x, self.compute_dtype) for x in known], axis=-1)


class BottleneckSeq2Seq(RecurrentSeq2Seq):
    """An encoder-decoder whose decoder knows of the source only its starting state.

    Sutskever, Vinyals and Le 2014 (arXiv:1409.3215): the whole source must fit into one vector.
    A subclass makes `self.decoder`, a Keras recurrent layer, and writes `encode`, which puts the
    starting state into `memory["state"]`, a tuple as the decoder's cell wants it.
    """

    decoder: keras.layers.RNN

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        embedded = self.embed_target(target)  # (B, T) -> (B, T, D)
        hidden = self.decoder(embedded, initial_state=list(memory["state"]))  # (B, T, U)
        return self.logits(hidden, embedded), {}  # (B, T, V)

    def init_state(self, memory: Memory, length: int) -> State:
        return tuple(memory["state"])

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State]:
        embedded = self.embed_target(token)  # (B,) -> (B, D)
        hidden, state = self.decoder.cell(embedded, list(state))  # (B, U)
        # (B, V)
        return self.logits(hidden, embedded, output=memory.get("output")), tuple(state)


class SimpleRNNSeq2Seq(BottleneckSeq2Seq):
    """Elman's network (1990) on both sides: `h[t] = tanh(W x[t] + U h[t-1] + b)`.

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "simple-rnn", {"source_vocabulary": 9, "target_vocabulary": 7}
        >>> model = building.build(name, registry.configuration(name, "nano", **sizes))
        >>> source, target = ops.ones((2, 5), dtype="int32"), ops.ones((2, 4), dtype="int32")
        >>> tuple(model((source, target)).shape)
        (2, 4, 7)
    """

    def __init__(self, config: Recurrent, **kwargs: Any):
        super().__init__(config, **kwargs)
        # sqrt(D) would saturate tanh, which then passes no gradient to earlier steps; 1 leaves
        # rare tokens without any effect (measured on dates and on en-es).
        self.scale = config.embedding_size**0.25
        self.encoder = keras.layers.SimpleRNN(config.hidden_size, return_state=True, name="encoder")
        self.decoder = keras.layers.SimpleRNN(
            config.hidden_size, return_sequences=True, name="decoder"
        )

    def encode(self, source: Tensor) -> Memory:
        mask = source_mask(source)  # (B, S)
        _, state = self.encoder(self.embed_source(source), mask=mask)  # (B, S, D) -> (B, U)
        return {"mask": mask, "state": (state,)}


class LSTMSeq2Seq(BottleneckSeq2Seq):
    """LSTM (Hochreiter and Schmidhuber 1997) on both sides, the encoder bidirectional.

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "lstm", {"source_vocabulary": 9, "target_vocabulary": 7}
        >>> model = building.build(name, registry.configuration(name, "nano", **sizes))
        >>> source, target = ops.ones((2, 5), dtype="int32"), ops.ones((2, 4), dtype="int32")
        >>> tuple(model((source, target)).shape)
        (2, 4, 7)
    """

    def __init__(self, config: Recurrent, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.encoder = BidirectionalEncoder(config.hidden_size, name="encoder")
        self.decoder = keras.layers.LSTM(config.hidden_size, return_sequences=True, name="decoder")

    def encode(self, source: Tensor) -> Memory:
        mask = source_mask(source)  # (B, S)
        # (B, S, D) -> two of (B, U): hidden and cell
        _, state = self.encoder(self.embed_source(source), mask=mask)
        return {"mask": mask, "state": state}


class BahdanauSeq2Seq(RecurrentSeq2Seq):
    """An LSTM decoder that attends to the source at each step.

    Bahdanau et al. 2015, section 3.1 and appendix A: the context is weighted by the decoder's
    *previous* state, then read together with the previous token. Steps therefore follow one
    another also in training; all that does not depend on the state is computed before the loop.

    With `copying` it may write what it looks at; with `coverage` it knows where it has looked
    (See, Liu and Manning 2017, sections 2.2 and 2.3): a pointer-generator.

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "lstm-bahdanau", {"source_vocabulary": 9, "target_vocabulary": 7}
        >>> model = building.build(name, registry.configuration(name, "nano", **sizes))
        >>> source, target = ops.ones((2, 5), dtype="int32"), ops.ones((2, 4), dtype="int32")
        >>> tuple(model((source, target)).shape)
        (2, 4, 7)
    """

    def __init__(self, config: RecurrentWithAttention, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.encoder = BidirectionalEncoder(config.hidden_size, name="encoder")
        self.coverage = config.coverage
        self.attention = AdditiveAttention(
            config.attention_size, coverage=config.coverage, name="attention"
        )
        # One LSTM cell's matrices, apart: the input's half runs once for all steps.
        self.input_gates = keras.layers.Dense(
            4 * config.hidden_size, bias_initializer=forget_bias, name="input_gates"
        )
        self.state_gates = keras.layers.Dense(
            4 * config.hidden_size, use_bias=False, name="state_gates"
        )

    def build_variables(self) -> None:
        # By one step: what JAX makes within the scan of `decode` cannot leave it.
        ids = ops.ones((1, 1), dtype="int32")
        memory = self.encode(ids)
        self.step(ids[:, 0], 0, self.init_state(memory, 1), memory)
        self.built = True

    def encode(self, source: Tensor) -> Memory:
        mask = source_mask(source)  # (B, S)
        # (B, S, D) -> (B, S, U), (B, U), (B, U)
        values, (hidden, cell) = self.encoder(self.embed_source(source), mask=mask)
        return {
            "mask": mask,
            "values": values,
            "keys": self.attention.project_keys(values),  # (B, S, A)
            # The cell sums over many steps: half precision would lose it.
            "state": (hidden, ops.cast(cell, "float32")),
            **({"source": source} if self.copying else {}),
        }

    def advance(self, gates: Tensor, state: State, memory: Memory) -> tuple[State, Tensor, Tensor]:
        """One step of the decoder: gates of the input (B, 4U), state -> state, context, weights.

        Context is (B, U), weights (B, S).
        """
        hidden, cell, *covered = state  # (B, U) each, (B, S)
        # One query: (B, 1, U), (B, 1, 1, S)
        context, weights = self.attention(
            hidden[:, None], memory["keys"], memory["values"], memory["mask"], *covered
        )
        context, weights = context[:, 0], weights[:, 0, 0]  # (B, U), (B, S)
        # (B, 2U) -> (B, 4U)
        gates = gates + self.state_gates(ops.concatenate([context, hidden], axis=-1))
        into, forget, new, out = ops.split(ops.cast(gates, "float32"), 4, axis=-1)  # (B, U) each
        cell = ops.sigmoid(forget) * cell + ops.sigmoid(into) * ops.tanh(new)
        next_hidden = ops.cast(ops.sigmoid(out) * ops.tanh(cell), hidden.dtype)
        return (next_hidden, cell, *(one + weights for one in covered)), context, weights

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        embedded = self.embed_target(target)  # (B, T) -> (B, T, D)
        gates = ops.transpose(self.input_gates(embedded), (1, 0, 2))  # (T, B, 4U)
        positions = ops.arange(ops.shape(target)[1])  # (T,)

        def ahead(carry: tuple[Tensor, ...], inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
            step_gates, index = inputs
            with query_at(index):
                state, context, weights = self.advance(step_gates, carry[:-2], memory)
            return (*state, context, weights)

        mask = ops.cast(memory["mask"], "float32")  # (B, S)
        # What is carried: the state, context (B, U), weights (B, S)
        nothing = (ops.zeros_like(memory["values"][:, 0]), ops.zeros_like(mask))
        first = (*self.init_state(memory, 0), *nothing)
        # (T, B, U), ..., (T, B, U), (T, B, S)
        hidden, *_, context, weights = backend.scan(ahead, first, (gates, positions))
        hidden, context = (ops.transpose(x, (1, 0, 2)) for x in (hidden, context))  # (B, T, U)
        weights = ops.transpose(weights, (1, 0, 2))  # (T, B, S) -> (B, T, S)
        if hook := current_hook():
            # Told here: nothing made within the loop can leave it. A step's query is the state
            # before it: (B, 1, U) and (B, T - 1, U) -> (B, T, U).
            before = ops.concatenate([memory["state"][0][:, None], hidden[:, :-1]], axis=1)
            hook.observe(
                self.attention.site,
                self.attention,
                query=self.attention.query_projection(before),
                key=memory["keys"],
                value=memory["values"],
                **({"covered": earlier(weights)} if self.coverage else {}),
            )
        maps = {"cross": weights[:, None, None]}  # (B, 1, 1, T, S)
        logits = self.logits(hidden, context, embedded)  # (B, T, V)
        if self.coverage and is_training():
            self.add_loss(repeated(weights, ops.not_equal(target, PAD)))
        if self.copying:
            known = self.joined(hidden, context, embedded)  # (B, T, all units)
            logits, copied = self.copying(logits, weights, memory["source"], known)
            maps["copy"] = copied[:, None, None]  # (B, 1, 1, T, S)
        return logits, maps

    def init_state(self, memory: Memory, length: int) -> State:
        # Hidden and cell (B, U), and the weights of all steps so far (B, S).
        covered = (ops.zeros_like(memory["mask"], dtype="float32"),) if self.coverage else ()
        return (*memory["state"], *covered)

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State]:
        embedded = self.embed_target(token)  # (B,) -> (B, D)
        # State and context (B, U), weights (B, S)
        state, context, weights = self.advance(self.input_gates(embedded), state, memory)
        known = (state[0], context, embedded)
        logits = self.logits(*known, output=memory.get("output"))  # (B, V)
        if self.copying:
            steps = (x[:, None] for x in (logits, weights))  # (B, 1, V) and (B, 1, S)
            all_known = self.joined(*known)[:, None]  # (B, 1, all units)
            logits = self.copying(*steps, memory["source"], all_known)[0][:, 0]  # (B, V)
        return logits, state


def repeated(weights: Tensor, real: Tensor) -> Tensor:
    """How much a decoder looks where it has looked before, on the mean over its steps.

    See, Liu and Manning 2017, equation 12: `sum_i min(weights[t, i], coverage[t, i])`, where
    coverage is the sum of the weights of all steps before.

    Args:
        weights: (B, T, S) float32, rows sum to 1.
        real: (B, T) bool, False at padding.

    Returns:
        a number between 0 and 1.

    Example:
        >>> weights = ops.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
        >>> round(float(repeated(weights, ops.ones((1, 3), "bool"))), 2)
        0.33
    """
    again = ops.sum(ops.minimum(weights, earlier(weights)), axis=-1)  # (B, T)
    real = ops.cast(real, "float32")
    return ops.sum(again * real) / ops.maximum(ops.sum(real), 1.0)


def earlier(weights: Tensor) -> Tensor:
    """(B, T, S): at each step the sum of the weights of all steps before it."""
    return ops.cumsum(weights, axis=1) - weights
