"""A stack of a Transformer's blocks in which every place sees every real one.

Axes: B batch, T tokens or patches, D hidden size, L layers, H heads.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.attention_hooks import maps_wanted
from zoo.layers.dropout import Dropout
from zoo.layers.positions import Positions
from zoo.layers.transformer import EPSILON, SelfAttentionBlock, layer_norm

Tensor = Any


class Encoder(keras.layers.Layer):
    """Positions, then blocks of self-attention over all that the mask shows.

    With the norm of each block before its parts ("pre") one more comes last; with it after them
    ("post", as in BERT) one comes first, after the positions.

    Args:
        config: hyper-parameters with `hidden_size`, `heads`, `layers`, `feed_forward_size` and
            `dropout`.
        length: the most places there are.
        positions: `learned`, `sinusoidal` or `none`.
        norm: `pre` or `post`.
        epsilon: added to a variance.

    Call arguments:
        x: (B, T, D), without positions.
        mask: (B, T) bool, True at real places.

    Returns:
        (B, T, D) and {"encoder": (B, L, H, T, T)} float32, {} within `without_maps`.

    Raises:
        ValueError: `hidden_size` is no multiple of `heads`.
    """

    def __init__(
        self,
        config: Any,
        length: int,
        positions: str = "learned",
        norm: str = "pre",
        epsilon: float = EPSILON,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if config.hidden_size % config.heads:
            raise ValueError(
                "hidden_size must be a multiple of heads. "
                f"Received: hidden_size={config.hidden_size}, heads={config.heads}"
            )
        self.positions = Positions(positions, length, config.hidden_size, name="positions")
        self.dropout = Dropout(config.dropout)
        self.blocks = [
            SelfAttentionBlock(
                config.hidden_size,
                config.heads,
                config.feed_forward_size,
                config.dropout,
                activation="gelu",
                norm=norm,
                epsilon=epsilon,
                name=f"block_{i}",
            )
            for i in range(config.layers)
        ]
        for i, block in enumerate(self.blocks):
            block.attention.site = ("encoder", i)
        self.norm_first = norm == "pre"
        self.norm = layer_norm("norm", epsilon)

    def call(self, x: Tensor, mask: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        if self.positions.kind != "none":
            x = x + self.positions(ops.arange(ops.shape(x)[1]))  # (T, D) is added to every row
        x = self.dropout(x if self.norm_first else self.norm(x))
        maps = []
        for block in self.blocks:
            x, weights = block(x, mask[:, None, None])  # (B, T, D), (B, H, T, T)
            maps.append(weights)
        x = self.norm(x) if self.norm_first else x
        # maps (B, L, H, T, T)
        return x, {"encoder": ops.stack(maps, axis=1)} if maps_wanted() else {}
