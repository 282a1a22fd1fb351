"""nanoGPT: its own `model.py`, trained as its `train.py` does on a CPU, and its own `generate`.

The file is fetched by `benchmarks.speed.install`; it is no part of this project. Float32 and no
`torch.compile`, as its recipe for a computer without a GPU has it. It keeps no cache: for each
token all tokens are read again.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from benchmarks.speed import language_models
from benchmarks.speed.language_models import SIZES, TOP_K, VOCABULARY, WRITTEN
from benchmarks.speed.protocol import Block, cores, generation, serve, training
from benchmarks.speed.registry import ENVIRONMENTS, NANOGPT
from benchmarks.speed.workload import Workload


def module() -> Any:
    """nanoGPT's `model.py`.

    Raises:
        ValueError: it is another file than the one that was pinned.
    """
    path = ENVIRONMENTS / NANOGPT.path
    if hashlib.sha256(path.read_bytes()).hexdigest() != NANOGPT.sha256:
        raise ValueError(f"{path} is not the file of {NANOGPT.url}")
    spec = importlib.util.spec_from_file_location("nanogpt_model", path)
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found  # dataclasses look their module up
    spec.loader.exec_module(found)
    return found


def build(measure: str) -> Any:
    """A fresh network; neither dropout nor biases, as in its recipe."""
    torch.manual_seed(0)
    size, nanogpt = SIZES[measure], module()
    return nanogpt.GPT(
        nanogpt.GPTConfig(
            block_size=size.context,
            vocab_size=VOCABULARY,
            n_layer=size.layers,
            n_head=size.heads,
            n_embd=size.hidden_size,
            dropout=0.0,
            bias=False,
        )
    )


def train(measure: str, data: Workload, variant: str) -> Block:
    """Steps of AdamW, gradients clipped at norm 1."""
    model = build(measure).train()
    optimizer = model.configure_optimizers(
        weight_decay=language_models.WEIGHT_DECAY,
        learning_rate=language_models.LEARNING_RATE,
        betas=(0.9, 0.99),
        device_type="cpu",
    )

    def step(batch: tuple[torch.Tensor, torch.Tensor]) -> float:
        _, loss = model(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return training(step, windows(measure))


def windows(measure: str) -> Iterator[tuple[Any, int]]:
    """Windows that begin anywhere in the text."""
    size, ids = SIZES[measure], torch.from_numpy(language_models.stream().astype("int64"))
    while True:
        starts = torch.randint(len(ids) - size.context, (size.rows,))
        read, follow = (
            torch.stack([ids[at : at + size.context] for at in starts + shift]) for shift in (0, 1)
        )
        yield (read, follow), read.numel()


def generate(measure: str, data: Workload, variant: str) -> Block:
    """One text at a time."""
    model = build(measure).eval()
    read = torch.from_numpy(language_models.prompt()[None].astype("int64"))

    def write() -> int:
        found = model.generate(read, WRITTEN, language_models.TEMPERATURE, TOP_K)
        return found.shape[1] - read.shape[1]

    return generation(write, WRITTEN)


if __name__ == "__main__":
    torch.set_num_threads(cores())
    serve(
        {name: partial(train, name) for name in SIZES if name.startswith("train/")}
        | {"generate/gpt": partial(generate, "generate/gpt")},
        ("torch",),
    )
