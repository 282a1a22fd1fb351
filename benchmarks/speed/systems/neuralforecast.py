"""neuralforecast: the network of its `PatchTST` (Nixtla, PyTorch), and its own quantile loss.

Its network and loss alone are trained, by PyTorch's Adam: what Lightning does around a step is not
measured, to its advantage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.speed import forecasters
from benchmarks.speed.forecasters import LEARNING_RATE, LEVELS, MEASURE, SIZE
from benchmarks.speed.protocol import Block, cores, serve, training
from benchmarks.speed.workload import Workload


def build() -> Any:
    """A fresh network with its loss."""
    from neuralforecast.losses.pytorch import MQLoss
    from neuralforecast.models import PatchTST

    torch.manual_seed(0)
    return PatchTST(
        h=SIZE.horizon,
        input_size=SIZE.lookback,
        encoder_layers=SIZE.layers,
        n_heads=SIZE.heads,
        hidden_size=SIZE.hidden_size,
        linear_hidden_size=SIZE.feed_forward_size,
        dropout=0.0,
        fc_dropout=0.0,
        attn_dropout=0.0,
        head_dropout=0.0,
        patch_len=SIZE.patch,
        stride=SIZE.stride,
        revin=True,
        loss=MQLoss(quantiles=list(LEVELS)),
        max_steps=1,
    )


def train(data: Workload, variant: str) -> Block:
    """Steps of Adam, gradients clipped at norm 1."""
    model = build().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)

    def step(batch: tuple[torch.Tensor, torch.Tensor]) -> float:
        read, follow = batch
        found = model({"insample_y": read})
        loss = model.loss(y=follow, y_hat=found, mask=torch.ones_like(follow), y_insample=read)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return training(step, windows())


def windows() -> Iterator[tuple[Any, int]]:
    """Windows that begin anywhere; every series is a row of its own, as it reads them."""
    values, generator = forecasters.series(), np.random.default_rng(0)
    length = SIZE.lookback + SIZE.horizon
    while True:
        begins = generator.integers(0, len(values) - length, SIZE.rows)
        both = np.stack([values[at : at + length] for at in begins])  # (B, L + H, C)
        rows = torch.from_numpy(both.transpose(0, 2, 1).reshape(-1, length, 1).copy())
        yield (rows[:, : SIZE.lookback], rows[:, SIZE.lookback :]), SIZE.rows


if __name__ == "__main__":
    torch.set_num_threads(cores())
    serve({MEASURE: train}, ("neuralforecast", "torch"))
