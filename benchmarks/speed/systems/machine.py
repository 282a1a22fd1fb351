"""The machine itself: what no toolkit can beat, and whether something else is using it.

With PyTorch where it is installed (its matrix products are oneDNN's), else with NumPy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.speed.protocol import PIECES, Block, cores, serve
from benchmarks.speed.workload import Workload

try:
    import torch
except ImportError:
    torch = None

SIDE = 2_048
BYTES = 1 << 28


def best(run: Callable[[], Any]) -> Callable[[float], float]:
    """The shortest of as many runs as fit into so many seconds, at least three, in seconds."""

    def block(seconds: float) -> float:
        shortest, times, began = float("inf"), 0, time.perf_counter()
        while times < 3 or time.perf_counter() - began < seconds:
            since = time.perf_counter()
            run()
            shortest, times = min(shortest, time.perf_counter() - since), times + 1
        return shortest

    run()
    return block


def matmul(kind: str, data: Workload, variant: str) -> Block:
    """GFLOP/s of a square product of side `SIDE`."""
    left, right = matrix(kind, SIDE, SIDE), matrix(kind, SIDE, SIDE)
    timed = best(lambda: left @ right)
    return lambda seconds: {"value": 2 * SIDE**3 / timed(seconds) / 1e9}


def bandwidth(data: Workload, variant: str) -> Block:
    """GB/s of a copy, read and written bytes together."""
    here = matrix("float32", BYTES // 4_096, 1_024)
    there = matrix("float32", BYTES // 4_096, 1_024)
    copy = partial(np.copyto, there, here) if torch is None else partial(there.copy_, here)
    timed = best(copy)
    return lambda seconds: {"value": 2 * BYTES / timed(seconds) / 1e9}


def decoder_floor(kind: str, data: Workload, variant: str) -> Block:
    """ms of the matrix products alone that writing `PIECES` tokens, one row, cannot do without."""
    width, inner = 256, 1_024
    layer = [(width, 3 * width), *[(width, width)] * 3, (width, inner), (inner, width)]
    shapes = [*layer * 3, (width, data.vocabulary)]
    weights = [matrix(kind, rows, columns) for rows, columns in shapes]
    inputs = {rows: matrix(kind, 1, rows) for rows in (width, inner)}

    def run() -> None:
        for _ in range(PIECES):
            for weight in weights:
                inputs[weight.shape[0]] @ weight

    timed = best(run)
    return lambda seconds: {"value": 1e3 * timed(seconds)}


def matrix(kind: str, rows: int, columns: int) -> Any:
    """Random numbers. Raises ValueError: NumPy has no bfloat16."""
    if torch is not None:
        return torch.randn(rows, columns).to(getattr(torch, kind))
    if kind != "float32":
        raise ValueError(f"measured with PyTorch only. Received: {kind}")
    return np.random.default_rng(0).standard_normal((rows, columns), dtype="float32")


if __name__ == "__main__":
    if torch is not None:
        torch.set_num_threads(cores())
        torch.set_grad_enabled(False)
    serve(
        {
            "ceiling/matmul-float32": partial(matmul, "float32"),
            "ceiling/matmul-bfloat16": partial(matmul, "bfloat16"),
            "ceiling/memory-bandwidth": bandwidth,
            "ceiling/greedy-b1-float32": partial(decoder_floor, "float32"),
            "ceiling/greedy-b1-bfloat16": partial(decoder_floor, "bfloat16"),
        },
        ("torch", "numpy"),
    )
