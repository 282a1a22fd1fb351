"""The way of TensorFlow's tutorial "Neural machine translation with a Transformer and Keras".

Keras's `MultiHeadAttention` in post-norm blocks, batches of 64 sentences padded to one length, and
a translator that runs the whole model eagerly for every token, without a cache. The sizes are
ours; the output shares the embedding's weights, as ours does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.speed.protocol import PIECES, Block, decoding, serve, shape
from benchmarks.speed.systems import keras_training
from benchmarks.speed.workload import BOS, EOS, PAD, Workload, pad

WIDTH, HEADS, INNER, LAYERS, DROPOUT = 256, 4, 1_024, 3, 0.1


def positions(length: int) -> np.ndarray:
    """(length, WIDTH) sines and cosines, side by side as in the tutorial."""
    depth = np.arange(WIDTH // 2) / (WIDTH // 2)
    angles = np.arange(length)[:, None] / 10_000**depth
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=-1).astype("float32")


class PositionalEmbedding(keras.layers.Layer):
    """Tokens scaled and with their positions; the embedding's mask goes on."""

    def __init__(self, table: keras.layers.Embedding, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.table = table
        self.positions = tf.constant(positions(512))
        self.dropout = keras.layers.Dropout(DROPOUT)

    def compute_mask(self, ids: Any, previous: Any = None) -> Any:
        return self.table.compute_mask(ids)

    def call(self, ids: Any) -> Any:
        x = self.table(ids) * WIDTH**0.5
        return self.dropout(x + self.positions[None, : tf.shape(ids)[1]])


class Layer(keras.layers.Layer):
    """One block: self-attention, cross-attention in a decoder, feed-forward; norms come last."""

    def __init__(self, decoder: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.decoder = decoder

        def attention() -> keras.layers.Layer:
            return keras.layers.MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=DROPOUT)

        self.attention = attention()
        self.cross = attention() if decoder else None
        self.norms = [keras.layers.LayerNormalization() for _ in range(3 if decoder else 2)]
        self.inner = keras.layers.Dense(INNER, activation="relu")
        self.outer = keras.layers.Dense(WIDTH)
        self.dropout = keras.layers.Dropout(DROPOUT)

    def call(self, x: Any, context: Any = None) -> Any:
        x = self.norms[0](x + self.attention(query=x, value=x, key=x, use_causal_mask=self.decoder))
        if self.decoder:
            x = self.norms[1](x + self.cross(query=x, key=context, value=context))
        return self.norms[-1](x + self.dropout(self.outer(self.inner(x))))


class Transformer(keras.Model):
    """Source and target ids -> logits (B, T, V)."""

    def __init__(self, vocabulary: int):
        super().__init__()
        self.table = keras.layers.Embedding(vocabulary, WIDTH, mask_zero=True)
        self.read = PositionalEmbedding(self.table)
        self.write = PositionalEmbedding(self.table)
        self.encoder = [Layer(decoder=False) for _ in range(LAYERS)]
        self.decoder = [Layer(decoder=True) for _ in range(LAYERS)]

    def call(self, inputs: dict[str, Any]) -> Any:
        context = self.read(inputs["source"])
        for layer in self.encoder:
            context = layer(context)
        x = self.write(inputs["target"])
        for layer in self.decoder:
            x = layer(x, context)
        return keras.ops.matmul(x, keras.ops.transpose(self.table.embeddings))


def train(data: Workload, variant: str) -> Block:
    """Steps at batch 64, length 64."""
    return keras_training.train(Transformer(data.vocabulary), data)


def decode(measure: str, data: Workload, variant: str) -> Block:
    """The tutorial's loop: the whole model, eagerly, for every token."""
    model = Transformer(data.vocabulary)
    _, rows = shape(measure)

    def answer(source: tf.Tensor) -> np.ndarray:
        written = tf.fill((rows, 1), BOS)
        for _ in range(PIECES):
            logits = model({"source": source, "target": written}, training=False)[:, -1]
            # Neither padding nor an end, so that every row is as long as asked.
            forbidden = tf.reduce_sum(tf.one_hot([PAD, EOS], data.vocabulary), axis=0) * -1e9
            chosen = tf.argmax(logits + forbidden, axis=-1, output_type=tf.int32)
            written = tf.concat([written, chosen[:, None]], axis=1)
        return np.count_nonzero(written.numpy()[:, 1:] != PAD, axis=1)

    # Few: a request takes seconds.
    groups = [[row] for row in data.decode[:2]] if rows == 1 else [data.decode[:rows]]
    return decoding(answer, [tf.constant(pad(group)) for group in groups], rows)


if __name__ == "__main__":
    serve(
        {
            "train/transformer": train,
            "greedy/b1": partial(decode, "greedy/b1"),
            "greedy/b32": partial(decode, "greedy/b32"),
        },
        ("tensorflow", "keras"),
    )
