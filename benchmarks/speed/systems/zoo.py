"""The zoo itself: its own training step with the defaults of `training.train`, its own decoding."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.speed.protocol import PIECES, Block, decoding, serve, shape, training
from benchmarks.speed.registry import DECODE, MORE, TRAIN
from benchmarks.speed.workload import EOS, TOKENS, Workload, pad

STEPS = 10_000
"""Of the learning rate's schedule; it costs the same wherever it is."""


def train(model: str, data: Workload, precision: str) -> Block:
    """Steps of `training.loop.step` on the network that `training.networks` makes ready."""
    from training.distributed.devices import ONE, prepare

    prepare(0)
    from training import networks
    from training.data.batches import Batches
    from training.loop import step

    settings = defaults() | {"task": "benchmark", "model": model, "preset": "small"}
    settings |= {"batch_tokens": TOKENS, "override": {"dropout": 0.1}}
    settings["precision"] = precision or ONE.precision()
    task, tokenizers = without_text(data.vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        network, _ = networks.make_networks(Path(folder), task, tokenizers, settings)
    networks.make_ready(network, settings, STEPS)
    batches = Batches(data.sources, data.targets, TOKENS, settings["seed"], multiple=ONE.rounding())
    shapes = networks.make_shapes(batches, ONE)
    # Compiled steps have few shapes, each of which must have been seen before it counts.
    return training(partial(step, network), feed(batches, shapes), 6 if not shapes else 40)


def without_text(
    vocabulary: int, longest_source: int = 128, longest_target: int = 128
) -> tuple[Any, dict[str, Any]]:
    """What `networks.make_networks` asks of a task and of the tokenizers of both its sides."""
    from zoo.normalizer import Normalizer
    from zoo.task_info import TaskInfo

    task = SimpleNamespace(
        info=lambda: TaskInfo(label="speed"),
        name="benchmark",
        unit="word",
        max_source_length=longest_source,
        max_target_length=longest_target,
        checks={},
    )
    tokenizer = SimpleNamespace(size=vocabulary, bytes=b"", normalizer=Normalizer())
    return task, {"source": tokenizer, "target": tokenizer}


def defaults() -> dict[str, Any]:
    """What `training.train` does unless told otherwise."""
    from training import train

    found = {name: p.default for name, p in inspect.signature(train.main).parameters.items()}
    return {name: value for name, value in found.items() if value is not inspect.Parameter.empty}


def feed(batches: Any, shapes: tuple[Any, ...]) -> Iterator[tuple[Any, int]]:
    """What a `training.loop.Trainer` gives its steps: made ahead, filled up where it must be."""
    from training.data.batches import prefetch
    from training.data.buckets import fit

    for epoch in count():
        for batch in prefetch(batches.epoch(epoch)):
            yield fit(batch, shapes) if shapes else batch, batch.tokens


def decode(measure: str, data: Workload, model: str) -> Block:
    """`zoo.inference.generation.generate` on a fresh network of the zoo, size `small`."""
    from training.distributed.devices import prepare

    prepare(0)
    from zoo import registry
    from zoo.building import build
    from zoo.inference.generation import generate
    from zoo.padding import LENGTHS

    model = model or "transformer"
    config = registry.configuration(
        model,
        source_vocabulary=data.vocabulary,
        target_vocabulary=data.vocabulary,
        shared_vocabulary=True,
    )
    network = build(model, config, seed=1)
    never_end(network)
    beams, rows = shape(measure)

    def answer(source: np.ndarray) -> np.ndarray:
        # The best hypothesis; `generate` has copied its arrays to NumPy, so all work is done.
        return generate(network, source, length=PIECES, beams=beams).lengths[:, 0]

    groups = [[row] for row in data.decode[:8]] if rows == 1 else [data.decode[:rows]]
    # Padded as `zoo.load` pads what it reads, so that few programs are compiled.
    lengths = [min(n for n in LENGTHS if n >= max(map(len, group))) for group in groups]
    sources = [pad(group, n) for group, n in zip(groups, lengths, strict=True)]
    return decoding(answer, sources, rows)


def never_end(network: Any) -> None:
    """Change weights, not the computation, so that EOS is always the least likely piece.

    What is scored against the embeddings is pushed in a direction that EOS's row is opposed to.
    """
    import keras

    table = network.target_embedding.embeddings
    width = table.shape[1]
    direction = np.random.default_rng(0).choice([-1.0, 1.0], width).astype("float32")
    closing = getattr(network, "decoder_norm", None)
    bias = closing.beta if closing is not None else network.readout.bias
    bias.assign(2 * direction)
    values = np.array(keras.ops.convert_to_numpy(table))
    values[EOS] = -direction / width**0.5
    table.assign(values)


if __name__ == "__main__":
    trained = {name: partial(train, name.removeprefix("train/")) for name in (*TRAIN, *MORE)}
    serve(
        trained | {name: partial(decode, name) for name in DECODE},
        ("tensorflow", "keras", "jax"),
    )
