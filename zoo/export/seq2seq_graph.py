"""What an exported `seq2seq` model computes of ids: greedy search, beam search, attention.

Plain TensorFlow operations, for batches and texts of any size. XLA, which compiles the same search
for `predict`, is no part of it: TensorFlow Serving runs no XLA on a processor unless it is started
with a flag, and each shape would be compiled when it is first asked for.

Axes: B batch, S read tokens, T written tokens, N beams, L layers, H heads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from zoo.export.versions import Answer
from zoo.inference import generation
from zoo.inference.litert_graphs import shapes
from zoo.layers.attention_hooks import without_maps
from zoo.padding import ROWS
from zoo.tokenizer import BOS, EOS, PAD

if TYPE_CHECKING:
    from zoo.kinds.base import Memory, State
    from zoo.kinds.seq2seq import Seq2Seq

BEAMS = 4
"""N of the signature `beam`."""
FIRST_ROOM = 16
"""Tokens that a cache has room for at first; whenever it is full, twice as many."""
MAP_VALUES = 2**25
"""The most weights of attention that are held at once: 128 MB."""


def most_rows(network: Seq2Seq, source: int, target: int, *, maps: bool = False) -> int:
    """How many texts one request may have: as many as `predict` answers at once.

    Args:
        network: the model's.
        source, target: the most tokens of either.
        maps: whether attention is asked for, which takes memory.
    """
    layers, heads = network.attention_heads.get("cross", (1, 1))
    fitting = MAP_VALUES // (layers * heads * source * target)
    return max(1, min(ROWS[-1], fitting)) if maps else ROWS[-1]


def bounded(rows: tf.Tensor, most: int, what: str) -> tf.Tensor:
    """`rows` (B, ...), or an error where there are more than `most`."""
    count = tf.shape(rows)[0]
    said = f"one request may have at most {most} {what}: send them in several; received:"
    with tf.control_dependencies([tf.debugging.Assert(count <= most, [said, count])]):
        return tf.identity(rows)


class Writer:
    """The search of a network over ids; what is saved must own its `output_matrix`.

    Args:
        network: the model's.
        longest: the most tokens of an answer.

    Call arguments: `source` (B, S), each row closed by EOS and padded with PAD.
    """

    def __init__(self, network: Seq2Seq, longest: int):
        self._network, self._longest = network, longest
        self._axes = shapes(network)[2]
        # Kept as it is read: transposing the largest matrix takes a tenth of a short answer's time.
        self.output_matrix = tf.Variable(network.output_matrix(), trainable=False)
        # Traced once for all signatures.
        self._encoded = tf.function(self._encoded, autograph=False)
        self._written = tf.function(self._written, autograph=False)

    def greedy(self, source: tf.Tensor) -> Answer:
        """`ids`, `log_probs` (B, T) and `lengths` (B,) of the likeliest token after each other."""
        return self._written(*self._encoded(source))

    def beam(self, source: tf.Tensor) -> Answer:
        """`ids`, `log_probs` (B, N, T), `lengths`, `scores` (B, N) and `counts` (B,) hypotheses."""
        source, memory = self._encoded(source)
        with without_maps():
            made = generation.search(
                self._growing(memory), source, length=self._longest, beams=BEAMS
            )
        real = tf.math.is_finite(made.scores)
        written = _at_least_one(made.lengths)
        return {
            "ids": made.tokens[:, :, :written],
            "log_probs": made.log_probs[:, :, :written],
            "lengths": made.lengths,
            "scores": tf.where(real & (made.lengths > 0), made.scores, 0.0),
            # An empty text has one hypothesis, of nothing.
            "counts": tf.maximum(tf.reduce_sum(tf.cast(real, tf.int32), axis=1), 1),
        }

    def attention(self, source: tf.Tensor) -> Answer:
        """What `greedy` gives, and where each row looked, as bytes without padding."""
        read = tf.math.count_nonzero(source, axis=1, dtype=tf.int32)  # (B,)
        source, memory = self._encoded(source)
        made = self._written(source, memory)
        lengths = made["lengths"]
        if "cross" not in self._network.attention_heads:
            nothing = tf.zeros_like(lengths)
            shape = tf.stack([nothing, nothing, lengths, read], axis=1)
            empty = tf.fill([tf.size(lengths)], "")
            return made | _named(empty, empty, shape)
        tokens = made["ids"]
        begin = tf.fill([tf.shape(tokens)[0], 1], BOS)
        _, maps = self._network.decode(tf.concat([begin, tokens[:, :-1]], axis=1), memory)
        cross = tf.cast(maps["cross"], tf.float32)  # (B, L, H, T, S)

        def row(given: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
            weights, target, source = given  # (L, H, T, S)
            heads = weights[:, :, :target, :source]
            mean = tf.reduce_mean(heads, axis=[0, 1])
            return _little_endian(mean), _little_endian(heads), tf.shape(heads)

        types = (tf.string, tf.string, tf.int32)
        found = tf.map_fn(row, (cross, lengths, read), fn_output_signature=types)
        made |= _named(*found)
        if "copy" in maps:
            copied = (tf.cast(maps["copy"][:, 0, 0], tf.float32), lengths, read)  # (B, T, S), (B,)
            made["copied_bytes"] = tf.map_fn(
                lambda one: _little_endian(one[0][: one[1], : one[2]]),
                copied,
                fn_output_signature=tf.string,
            )
        return made

    def _encoded(self, source: tf.Tensor) -> tuple[tf.Tensor, Memory]:
        """The source that is searched for, and what the network reads of it."""
        # A source of nothing but its end is answered with nothing, without the model.
        source = tf.where(source[:, :1] == EOS, PAD, source)
        with without_maps():
            return source, self._network.encode(source)

    def _written(self, source: tf.Tensor, memory: Memory) -> Answer:
        with without_maps():
            known = {**memory, "output": self.output_matrix}
            made = generation.search(self._growing(known), source, length=self._longest)
        lengths = made.lengths[:, 0]
        written = _at_least_one(lengths)
        return {
            "ids": made.tokens[:, 0, :written],
            "log_probs": made.log_probs[:, 0, :written],
            "lengths": lengths,
        }

    def _growing(self, memory: Memory) -> _Growing:
        return _Growing(self._network, memory, self._axes, self.output_matrix)


class _Growing:
    """A network that has read its source, with a cache as long as what it wrote so far needs.

    The methods that `generation.search` uses. A step copies the whole cache, so that one with room
    for the longest answer from the beginning would cost most of the time of short ones.

    Args:
        network: the model's.
        memory: of its `encode`.
        axes: which axis of each tensor of a state grows; -1: none.
        output: what scores every token, (D, V).
    """

    def __init__(self, network: Seq2Seq, memory: Memory, axes: list[int], output: tf.Variable):
        self._network, self._memory, self._axes = network, memory, axes
        self._growing = [i for i, axis in enumerate(axes) if axis >= 0]
        self._output = output

    def output_matrix(self) -> tf.Variable:
        return self._output

    def encode(self, source: tf.Tensor) -> Memory:
        return self._memory

    def init_state(self, memory: Memory, length: int) -> State:
        self._longest = length
        state = self._network.init_state(memory, min(length, FIRST_ROOM))
        flat = keras.tree.flatten(state)
        for i in self._growing:
            # The loop must not take the size that there is now for that of every step.
            shape = flat[i].shape.as_list()
            shape[self._axes[i]] = None
            flat[i] = tf.compat.v1.placeholder_with_default(flat[i], shape)
        return keras.tree.pack_sequence_as(state, flat)

    def step(
        self, token: tf.Tensor, index: tf.Tensor, state: State, memory: Memory
    ) -> tuple[tf.Tensor, State]:
        if self._growing:
            state = self._with_room(index, state)
        return self._network.step(token, index, state, memory)

    def _with_room(self, index: tf.Tensor, state: State) -> State:
        """The state, widened where it has no place `index`."""
        flat = keras.tree.flatten(state)
        first = self._growing[0]
        room = tf.shape(flat[first])[self._axes[first]]

        def wider() -> list[tf.Tensor]:
            more = tf.minimum(room, self._longest - room)
            return [_widened(flat[i], self._axes[i], more) for i in self._growing]

        def same() -> list[tf.Tensor]:
            return [tf.identity(flat[i]) for i in self._growing]

        for i, x in zip(self._growing, tf.cond(index < room, same, wider), strict=True):
            flat[i] = x
        return keras.tree.pack_sequence_as(state, flat)


def _widened(x: tf.Tensor, axis: int, more: tf.Tensor) -> tf.Tensor:
    """`x` with `more` zeros at the end of an axis."""
    return tf.pad(x, [[0, more if i == axis else 0] for i in range(len(x.shape))])


def _at_least_one(lengths: tf.Tensor) -> tf.Tensor:
    """The largest of `lengths`, but 1 at least: no client gets an axis of size 0."""
    return tf.maximum(tf.reduce_max(lengths), 1)


def _little_endian(values: tf.Tensor) -> tf.Tensor:
    """float32 of any shape -> the bytes of all of them in order, a string."""
    # Content is the last field of a TensorProto.
    message = tf.io.serialize_tensor(values)
    size = 4 * tf.size(values)
    return tf.strings.substr(message, tf.strings.length(message) - size, size)


def _named(mean: tf.Tensor, heads: tf.Tensor, shape: tf.Tensor) -> dict[str, Any]:
    # TensorFlow Serving writes what ends in `_bytes` as base64 into JSON.
    return {
        "attention_cross_bytes": mean,
        "attention_cross_heads_bytes": heads,
        "attention_shape": shape,
    }
