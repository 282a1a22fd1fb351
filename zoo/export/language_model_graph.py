"""What an exported `language_model` computes of ids: reading, writing on, attention.

Plain TensorFlow operations, for prompts of any lengths together.

Axes: B batch, P tokens of a prompt, T tokens written, N tokens looked at, C context, V vocabulary,
L layers, H heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import tensorflow as tf

from zoo.export.text_operations import dense
from zoo.export.versions import Answer, function
from zoo.inference import writing
from zoo.inference.language_model import read_on
from zoo.inference.search import argmax, sample
from zoo.tokenizer import PAD

if TYPE_CHECKING:
    from zoo.kinds.base import State
    from zoo.kinds.language_model import LanguageModel
    from zoo.text_tokenizers import TextTokenizer

CHUNK = 32
"""Tokens that a network without a context reads at a time."""


class Written(NamedTuple):
    """What was written; a row ends after its length, then PAD and 0."""

    ids: tf.Tensor
    """(B, T) int32."""
    log_probs: tf.Tensor
    """(B, T) float32, before temperature, top-k and top-p."""
    lengths: tf.Tensor
    """(B,) int32."""


class Writer:
    """A language model that reads and writes in plain TensorFlow, rows of any lengths together.

    Args:
        network: the language model.
        tokenizer: of its text.
    """

    def __init__(self, network: LanguageModel, tokenizer: TextTokenizer):
        self.network, self.context = network, network.context
        self.size, self.start = tokenizer.size, tokenizer.start
        self._excluded = writing.exclusion(tokenizer.size, tokenizer.excluded)
        # Functions, each of which the graph has once, whatever calls it.
        rows, table = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None, None], tf.int32)
        floats, draws = tf.TensorSpec([None]), tf.TensorSpec([None, None])
        self.prefill = function(self._prefill, table, rows)
        self._write = function(self._written, table, rows, rows, draws, floats, rows, floats)
        self._maps = function(lambda tokens: network.decode(tokens, {})[1], table)

    def as_read(self, prompts: tf.RaggedTensor) -> tf.RaggedTensor:
        """What `predict` reads of prompts (B, P): the last tokens; the start, where it has room."""
        room = self.context - 1 if self.context else None
        counts = prompts.row_lengths()
        begins = tf.ones_like(counts)
        if room:
            prompts = prompts[:, -room:]
            begins = tf.cast(counts < room, counts.dtype)
        start = tf.fill([tf.reduce_sum(begins)], self.start)
        return tf.concat([tf.RaggedTensor.from_row_lengths(start, begins), prompts], axis=1)

    def check_prompts(self, tokens: tf.Tensor, lengths: tf.Tensor) -> list[tf.Operation]:
        """Fail where a prompt is empty or longer than what is there, or than the context."""
        most = tf.shape(tokens)[1]
        said = "each length must be from 1 to the number of columns"
        if self.context:
            most = tf.minimum(most, self.context)
            said += f" and to the context, {self.context}"
        right = tf.reduce_all((lengths >= 1) & (lengths <= most))
        return [tf.debugging.Assert(right, [f"{said}; received:", lengths])]

    def check_index(self, index: tf.Tensor) -> list[tf.Operation]:
        """Fail where the context is full."""
        if not self.context:
            return []
        right = tf.reduce_all((index >= 0) & (index < self.context))
        said = f"index must be below the context, {self.context}; received:"
        return [tf.debugging.Assert(right, [said, index])]

    def _prefill(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tuple[tf.Tensor, State]:
        """Read tokens (B, P), of `lengths` (B,): logits (B, V) of what is next, and the state."""
        if self.context:
            tokens = tokens[:, : self.context]
            return writing.prefill(self.network, tokens, lengths, room=self.context)
        rows, width = tf.unstack(tf.shape(tokens))
        count = (width + CHUNK - 1) // CHUNK
        tokens = tf.pad(tokens, [[0, 0], [0, count * CHUNK - width]])
        first = self.network.init_state(rows, CHUNK)

        def read(number: tf.Tensor, logits: tf.Tensor, state: State) -> tuple[Any, ...]:
            at = number * CHUNK
            part = tf.ensure_shape(tokens[:, at : at + CHUNK], [None, CHUNK])
            some = tf.clip_by_value(lengths - at, 0, CHUNK)
            logits, after = read_on(self.network, part, some, logits, state)
            return number + 1, logits, like(after, first)

        _, logits, state = tf.while_loop(
            lambda number, *_: number < count, read, (0, tf.zeros([rows, self.size]), first)
        )
        return logits, state

    def go_on(
        self,
        read: tf.RaggedTensor,
        limits: tf.Tensor | int,
        uniform: tf.Tensor | None = None,
        temperature: tf.Tensor | None = None,
        top_k: tf.Tensor | None = None,
        top_p: tf.Tensor | None = None,
    ) -> Written:
        """Go on from what was read (B, P), `limits` tokens each.

        By the draws `uniform` (B, T) where the temperature (B,) is above 0; else, and where there
        are none, each time with the likeliest.
        """
        rows = read.nrows()
        chance = (uniform, temperature, top_k, top_p)
        if uniform is None:
            cold = tf.zeros([rows])
            chance = (cold[:, None], cold, tf.zeros([rows], tf.int32), cold)
        limits = tf.broadcast_to(limits, [rows])
        lengths = tf.cast(read.row_lengths(), tf.int32)
        return Written(*self._write(dense(read), lengths, limits, *chance), limits)

    def _written(
        self,
        tokens: tf.Tensor,
        lengths: tf.Tensor,
        limits: tf.Tensor,
        uniform: tf.Tensor,
        temperature: tf.Tensor,
        top_k: tf.Tensor,
        top_p: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The ids (B, T) of `go_on` and their log-probabilities.

        A row whose context is full goes on from its second half, as in `predict`.
        """
        logits, first = self.prefill(tokens, lengths)
        kept = self.context // 2 if self.context else 1
        places = tf.maximum(lengths[:, None] - kept + tf.range(kept), 0)
        recent = tf.gather(tokens, places, batch_dims=1)  # (B, C / 2)
        # An empty batch has a column too.
        longest = tf.maximum(tf.reduce_max(limits), 1)
        columns = tf.range(longest)

        def step(
            number: tf.Tensor,
            logits: tf.Tensor,
            state: State,
            index: tf.Tensor,
            recent: tf.Tensor,
            ids: tf.Tensor,
            log_probs: tf.Tensor,
        ) -> tuple[Any, ...]:
            going = number < limits
            if self.context:
                logits, state, index = self._slid(going, recent, logits, state, index)
            allowed = logits + self._excluded
            token = _chosen(allowed, number, uniform, temperature, top_k, top_p)
            log_prob = tf.gather(tf.nn.log_softmax(logits), token, batch_dims=1)
            here = (columns == number)[None] & going[:, None]  # (B, T)
            ids = tf.where(here, token[:, None], ids)
            log_probs = tf.where(here, log_prob[:, None], log_probs)
            recent = tf.concat([recent[:, 1:], token[:, None]], axis=1)
            logits, after = self.network.step(token, index, state)
            index = tf.where(going, index + 1, index)
            return number + 1, logits, like(after, first), index, recent, ids, log_probs

        shape = tf.stack([tf.shape(tokens)[0], longest])
        start = (0, logits, first, lengths, recent, tf.fill(shape, PAD), tf.zeros(shape))
        *_, ids, log_probs = tf.while_loop(
            lambda number, *_: number < tf.reduce_max(limits), step, start
        )
        return ids, log_probs

    def _slid(
        self,
        going: tf.Tensor,
        recent: tf.Tensor,
        logits: tf.Tensor,
        state: State,
        index: tf.Tensor,
    ) -> tuple[tf.Tensor, State, tf.Tensor]:
        """Logits, state and index; new ones in rows that go on and whose context is full."""
        full = going & (index >= self.context)
        kept = self.context // 2

        def again() -> tuple[tf.Tensor, State, tf.Tensor]:
            counts = tf.fill(tf.shape(index), kept)
            new_logits, new_state = self.prefill(recent, counts)

            def picked(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
                return tf.where(tf.reshape(full, [-1, *[1] * (len(old.shape) - 1)]), new, old)

            slid = keras.tree.map_structure(picked, new_state, state)
            return picked(new_logits, logits), slid, picked(counts, index)

        return tf.cond(tf.reduce_any(full), again, lambda: (logits, state, index))

    def look(self, read: tf.RaggedTensor, written: Written) -> tuple[tf.RaggedTensor, Answer]:
        """The last C of the tokens read and of all written but the last; where each looked.

        Maps are (B, L, H, N, N) float32, 0 where a row has ended; {} without attention.
        """
        before = tf.RaggedTensor.from_tensor(written.ids, tf.maximum(written.lengths - 1, 0))
        shown = tf.concat([read, before], axis=1)
        if not self.network.attention_heads:
            return shown, {}
        shown = shown[:, -self.context :]
        tokens = dense(shown)
        real = tf.sequence_mask(shown.row_lengths(), tf.shape(tokens)[1])
        return shown, {
            f"attention_{site}": tf.where(real[:, None, None, :, None], weights, 0.0)
            for site, weights in self._maps(tokens).items()
        }


def _chosen(
    logits: tf.Tensor,
    number: tf.Tensor,
    uniform: tf.Tensor,
    temperature: tf.Tensor,
    top_k: tf.Tensor,
    top_p: tf.Tensor,
) -> tf.Tensor:
    """(B,) int32: the likeliest of logits (B, V), or drawn where the temperature is above 0.

    `number`: of the token among those written, and so the column of the draws `uniform` (B, T).
    """
    warm, likeliest = temperature > 0, argmax(logits)

    def by_chance() -> tf.Tensor:
        settings = tf.where(warm, temperature, 1.0), top_k, top_p
        found = sample(logits, uniform[:, number], *(setting[:, None] for setting in settings))
        return tf.where(warm, tf.cast(found, tf.int32), likeliest)

    return tf.cond(tf.reduce_any(warm), by_chance, lambda: likeliest)


def named(state: State) -> Answer:
    """The tensors of a state by name, in order: `state_00`, `state_01`, ..."""
    return {f"state_{i:02}": tensor for i, tensor in enumerate(keras.tree.flatten(state))}


def like(after: State, before: State) -> State:
    """A state with the types and shapes of the one before, as loops need."""
    return keras.tree.map_structure(
        lambda x, y: tf.ensure_shape(tf.cast(x, y.dtype), [None, *y.shape[1:]]), after, before
    )
