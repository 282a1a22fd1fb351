"""A system that measures nothing: answers with what it was asked, fails when it is told to."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.speed.protocol import Block, serve
from benchmarks.speed.workload import Workload


def steady(data: Workload, variant: str) -> Block:
    print("a toolkit greets everyone on standard output")
    blocks = 0

    def block(seconds: float) -> dict[str, Any]:
        nonlocal blocks
        blocks += 1
        print("and goes on talking")
        return {"value": float(variant) * blocks, "seconds": seconds, "rows": len(data.sources)}

    return block


def wrong(data: Workload, variant: str) -> Block:
    raise ValueError("cannot be built")


def dies(data: Workload, variant: str) -> Block:
    def block(seconds: float) -> dict[str, Any]:
        os.write(2, b"last words\n")
        os._exit(3)

    return block


if __name__ == "__main__":
    serve(
        {"greedy/b1": steady, "train/transformer": steady, "beam5/b1": wrong, "beam5/b32": dies}
        | {"train/gpt": steady, "generate/gpt": steady},
        ("numpy", "not-a-package"),
    )
