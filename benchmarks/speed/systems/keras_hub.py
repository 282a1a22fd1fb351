"""keras-hub's layers put together as its translation example does, in our sizes."""

from __future__ import annotations

from typing import Any

import keras
from keras_hub.layers import TokenAndPositionEmbedding, TransformerDecoder, TransformerEncoder

from benchmarks.speed.protocol import Block, serve
from benchmarks.speed.systems import keras_training
from benchmarks.speed.workload import Workload

WIDTH, HEADS, INNER, LAYERS, DROPOUT = 256, 4, 1_024, 3, 0.1


def build(vocabulary: int) -> keras.Model:
    """Source and target ids -> logits (B, T, V); post-norm, learned positions, tied weights."""
    length = keras_training.LENGTH
    embedding = TokenAndPositionEmbedding(
        vocabulary, length, WIDTH, tie_weights=True, mask_zero=True
    )

    def dropped(ids: Any) -> Any:
        return keras.layers.Dropout(DROPOUT)(embedding(ids))

    source = keras.Input((length,), dtype="int32", name="source")
    target = keras.Input((length,), dtype="int32", name="target")
    context = dropped(source)
    for _ in range(LAYERS):
        context = TransformerEncoder(INNER, HEADS, dropout=DROPOUT)(context)
    x = dropped(target)
    for _ in range(LAYERS):
        x = TransformerDecoder(INNER, HEADS, dropout=DROPOUT)(x, context)
    logits = embedding.token_embedding(x, reverse=True)
    return keras.Model({"source": source, "target": target}, logits)


def train(data: Workload, variant: str) -> Block:
    """Steps at batch 64, length 64."""
    return keras_training.train(build(data.vocabulary), data)


if __name__ == "__main__":
    serve({"train/transformer": train}, ("tensorflow", "keras", "keras-hub"))
