"""One curve, measured: reading, answering, training, memory and throughput of one network.

Every curve is measured in a process of its own (`benchmarks.speed.curves` starts it), so that no
other network's memory, threads or compiled programs are in its way.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.protocol import PIECES
from benchmarks.speed.rows import digits
from benchmarks.speed.workload import EOS
from zoo import registry
from zoo.building import build

BATCH_LENGTH = 16
"""Tokens of each source of a batch."""
LEAST = 5
"""How often a point is measured at least."""
TAILS = (0.1, 0.9)
"""A point's `low` and `high`: these quantiles of its single runs."""
WITH_MAPS = "with maps"

Config = Mapping[str, Any]
Call = Callable[[], Any]
"""Does what is measured, once; returns when it is done."""


@dataclass(frozen=True)
class Measure:
    """What a curve shows: its title, the names of both axes, which way is better, and a note."""

    title: str
    x: str
    unit: str
    higher_is_better: bool
    note: str


def _by_length(title: str, unit: str, note: str) -> Measure:
    return Measure(f"{title}, by the length of the source", "source tokens", unit, False, note)


MEASURES: dict[str, Measure] = {
    "encode/source-length": _by_length(
        "Reading one source", "ms", "The encoder by itself, compiled; one row, no padding."
    ),
    "latency/source-length": _by_length(
        f"Answering with {PIECES} tokens",
        "ms",
        f"Greedy, one row, no padding; exactly {PIECES} tokens are written.",
    ),
    "train/source-length": _by_length(
        f"A step of training on one pair with {PIECES} target tokens",
        "ms",
        "Forward, backward and the optimizer (the same at every length), with the defaults of "
        "`training.train`.",
    ),
    "memory/source-length": _by_length(
        f"Memory to answer with {PIECES} tokens",
        "MB",
        "What XLA's buffer plan of the whole program sets aside for what is in between and for "
        "what comes out; weights and compiled code are not counted.",
    ),
    "throughput/batch": Measure(
        "Answers a second, by the size of the batch",
        "batch",
        "sentences/s",
        True,
        f"Greedy; sources of {BATCH_LENGTH} tokens, exactly {PIECES} tokens are written of each.",
    ),
}


MAPS_NOTES = {
    "encode/source-length": "The same, giving out the encoder's attention maps.",
    "memory/source-length": "The pass that follows such an answer where its maps are wanted: the "
    "source and all that was written at once, giving out every map; counted alike.",
}
"""What is measured beside, of networks whose encoder has maps."""


@dataclass(frozen=True)
class Curve:
    """One network's curve of one measure; `variant` is "" or `WITH_MAPS`."""

    measure: str
    model: str
    variant: str = ""

    def __str__(self) -> str:
        return ", ".join(filter(None, (f"{self.measure} {self.model}", self.variant)))


def curves(config: Config) -> list[Curve]:
    """All there are: each measure of each model; what maps cost, where an encoder has them."""
    found = []
    for measure in MEASURES:
        found += [Curve(measure, model) for model in config["models"]]
        if measure in MAPS_NOTES:
            found += [
                Curve(measure, model, WITH_MAPS)
                for model in config["models"]
                if "encoder" in _attention_heads(model)
            ]
    return found


def _attention_heads(model: str) -> dict[str, tuple[int, int]]:
    """By kind, in the smallest size: every size has the same kinds."""
    smallest = {"source_vocabulary": 1, "target_vocabulary": 1}
    return registry.configuration(model, "nano", **smallest).attention_heads()


def measure(curve: Curve, config: Config) -> tuple[list[dict[str, float]], str]:
    """The points of one curve, and a note on how they were measured.

    Where a point fails (memory, mostly), those before it are kept and the note says so.

    Args:
        curve: what to measure.
        config: `preset`, `vocabulary`, `lengths`, `batches`, `seconds` (spent on each point).

    Raises:
        RuntimeError: the first point failed.
    """
    found = (memory if curve.measure == "memory/source-length" else timed)(curve, config)
    note = MAPS_NOTES[curve.measure] if curve.variant else MEASURES[curve.measure].note
    if curve.measure == "train/source-length":
        from training.distributed.devices import ONE

        note += f" In {ONE.precision()}."
    points: list[dict[str, float]] = []
    try:
        for point in found:
            points.append({name: digits(value) for name, value in point.items()})
    except Exception as error:  # whatever a backend raises: not all of it survives the way back
        if not points:
            raise RuntimeError(f"{type(error).__name__}: {error}"[:500]) from error
        note += f" Not measured beyond {points[-1]['x']:,.0f}: {type(error).__name__}."
    return points, note


def timed(curve: Curve, config: Config) -> Iterator[dict[str, float]]:
    """Points in ms, or in rows a second."""
    from training.distributed.devices import prepare

    prepare(0)
    if curve.measure == "throughput/batch":
        calls = answering(curve.model, config)
        for batch in config["batches"]:
            times = durations(calls(batch, BATCH_LENGTH), config["seconds"])
            yield point(batch, [batch / spent for spent in times])
        return
    make = {
        "encode/source-length": partial(reading, maps=curve.variant == WITH_MAPS),
        "latency/source-length": answering,
        "train/source-length": training,
    }[curve.measure]
    calls = make(curve.model, config)
    for length in config["lengths"]:
        yield point(
            length, [1e3 * spent for spent in durations(calls(1, length), config["seconds"])]
        )


def point(x: float, values: list[float]) -> dict[str, float]:
    """The median of some values at x, and how far most of them spread."""
    low, high = np.quantile(values, TAILS).tolist()
    return {"x": x, "value": statistics.median(values), "low": low, "high": high}


def durations(call: Call, seconds: float) -> list[float]:
    """How long each call took, for as long as `seconds` and at least `LEAST` calls.

    Two calls before that compile it and fill the caches.
    """
    for _ in range(2):
        call()
    spent: list[float] = []
    began = time.perf_counter()
    while len(spent) < LEAST or time.perf_counter() - began < seconds:
        since = time.perf_counter()
        call()
        spent.append(time.perf_counter() - since)
    return spent


def longest(config: Config) -> int:
    """How many positions a network needs."""
    return max(512, BATCH_LENGTH, *config["lengths"])


def positions(model: str, config: Config) -> dict[str, int]:
    """What a network that knows positions must be told, to have one for each token."""
    known = {field.name for field in fields(registry.architecture(model).config)}
    return {"max_length": longest(config)} if "max_length" in known else {}


def network(model: str, config: Config) -> Any:
    """A fresh network that never ends its answers."""
    from benchmarks.speed.systems.zoo import never_end

    size = config["vocabulary"]
    sizes = {"source_vocabulary": size, "target_vocabulary": size, "shared_vocabulary": True}
    sizes |= positions(model, config)
    made = build(model, registry.configuration(model, config["preset"], **sizes), seed=1)
    never_end(made)
    return made


def sources(rows: int, length: int, vocabulary: int) -> np.ndarray:
    """(B, S) random ids, each row closed by EOS."""
    found = np.random.default_rng(length).integers(EOS + 2, vocabulary, (rows, length))
    found[:, -1] = EOS
    return found.astype("int32")


def reading(model: str, config: Config, maps: bool) -> Callable[[int, int], Call]:
    """By rows and length: the encoder alone."""
    from zoo.inference.profiling import reader

    made = network(model, config)
    return lambda rows, length: reader(made, sources(rows, length, config["vocabulary"]), maps)


def answering(model: str, config: Config) -> Callable[[int, int], Call]:
    """By rows and length: a greedy answer of `PIECES` tokens, checked to have as many."""
    from zoo.inference.generation import generate

    made = network(model, config)

    def answer(source: np.ndarray) -> None:
        lengths = generate(made, source, length=PIECES).lengths
        if (lengths != PIECES).any():
            raise ValueError(f"every row must be {PIECES} tokens long. Received: {lengths}")

    return lambda rows, length: partial(answer, sources(rows, length, config["vocabulary"]))


def training(model: str, config: Config) -> Callable[[int, int], Call]:
    """By rows and length: a step of training with the defaults of `training.train`."""
    from benchmarks.speed.systems.zoo import settings, trainable, without_text
    from training.data.batches import make_batch
    from training.distributed.devices import ONE
    from training.loop import step

    vocabulary = config["vocabulary"]
    override = {"dropout": 0.1, **positions(model, config)}
    asked = settings(model, preset=config["preset"], precision=ONE.precision(), override=override)
    made = trainable(asked, *without_text(vocabulary, longest(config), PIECES))

    def call(rows: int, length: int) -> Call:
        read, written = (sources(rows, size, vocabulary) for size in (length, PIECES))
        return partial(step, made, make_batch(read, written))

    return call


def memory(curve: Curve, config: Config) -> Iterator[dict[str, float]]:
    """Points in MB, from the plan of buffers that XLA leaves where it is told to.

    The same on both backends, and free of the compiler's own memory, which a process's peak would
    be full of. XLA reads its flags once: this needs a process that has not compiled anything.

    Raises:
        RuntimeError: XLA left no plan.
    """
    if {"tensorflow", "jax"} & sys.modules.keys():
        raise RuntimeError("Memory is measured in a process of its own")
    with tempfile.TemporaryDirectory() as folder:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_dump_to={folder}".strip()
        # What is found compiled is not planned again.
        os.environ["ZOO_CACHE_DIR"] = "off"
        from training.distributed.devices import prepare

        prepare(0)
        make = with_maps if curve.variant == WITH_MAPS else answering
        calls = make(curve.model, config)
        known: set[Path] = set()
        for length in config["lengths"]:
            calls(1, length)()
            new = set(Path(folder).glob("*buffer-assignment.txt")) - known
            known |= new
            plans = [planned(path.read_text()) for path in new]
            if not plans:
                raise RuntimeError("XLA left no plan of its buffers")
            # Others are of small conversions on the way.
            value = max(plans) / 1e6
            yield {"x": length, "value": value, "low": value, "high": value}


def with_maps(model: str, config: Config) -> Callable[[int, int], Call]:
    """By rows and length: the pass that fetches all maps of an answer of `PIECES` tokens."""
    from zoo.inference.scoring import score
    from zoo.runtime import backend

    made = network(model, config)
    written = sources(1, PIECES, config["vocabulary"])
    program = backend.compiled(made, score)
    return lambda rows, length: (
        lambda: program(
            sources(rows, length, config["vocabulary"]), *[np.repeat(written, rows, axis=0)] * 2
        )
    )


def planned(plan: str) -> int:
    """Bytes that a plan of XLA's has for temporaries and results: not parameters or constants."""
    found = re.findall(r"^allocation \d+: size (\d+), (.*)$", plan, flags=re.MULTILINE)
    return sum(
        int(size)
        for size, kind in found
        if not kind.startswith(("parameter", "constant", "thread"))
    )
