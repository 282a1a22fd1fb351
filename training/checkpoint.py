"""The state of a training run in one file, so that a killed run goes on as if nothing had happened.

One safetensors file holds every variable of model and optimizer (weights, dropout seeds, moments,
averages) and, as metadata, where in the data the run was. Being one file it is never half new.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training.commands import CommandError
from zoo.saving import write_aside

FILE = "last.safetensors"
BEST = "best.safetensors"


class CheckpointError(CommandError):
    """A checkpoint is damaged or belongs to another run; the message says which and what to do."""


@dataclass
class Progress:
    """Where a run is. Minutes and tokens count over all its parts, breaks left out."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """How many batches of `epoch` are done."""
    minutes: float = 0.0
    cpu_minutes: float = 0.0
    peak_memory: float = 0.0
    """The most memory that a part of it took, in MB."""
    tokens: int = 0
    best: float | None = None
    """The task's metric at the best validation."""
    best_certain: float | None = None
    """The same without smoothing, which is compared; None in older runs."""
    best_loss: float | None = None
    """The validation loss there, which decides between equal metrics; None in older runs."""
    best_step: int = 0
    since_best: int = 0
    """Validations since the best one."""
    losses: list[float] = field(default_factory=list)
    """Of the steps since the last row of the curve."""
    finished: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    """What the run was asked to do; another request must not go on from here."""
    corpus: str = ""
    """The checksum of its data; with other data it must not go on either."""
    samples: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of a run that began from a model: what it wrote "before", and what the best one wrote."""
    scoring: dict[str, Any] | None = None
    """How its task's figures are counted, chosen as it began; see `training.metrics.scoring`."""


def variables(network: Any) -> list[Any]:
    """Every variable of model and optimizer: all that decides how training goes on."""
    return [*network.variables, *network.optimizer.variables]


def save(folder: Path, network: Any, progress: Progress) -> None:
    """Write model, optimizer and progress into `folder`, in one atomic step."""
    values = {f"{i:05d}": v for i, v in enumerate(variables(network))}
    write_aside(folder / FILE, packed(values, {"progress": json.dumps(asdict(progress))}))


def packed(values: dict[str, Any], metadata: dict[str, str] | None = None) -> Iterator[bytes]:
    """Variables or arrays by name, as the parts of a safetensors file, one value at a time.

    The library wants all of them at once and copies them twice, which with the optimizer's moments
    is hundreds of megabytes at a moment when training needs most.
    """
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, value in values.items():
        dtype = np.dtype(keras.backend.standardize_dtype(value.dtype))
        kind = "BOOL" if dtype.kind == "b" else f"{dtype.kind.upper()}{8 * dtype.itemsize}"
        start, end = end, end + dtype.itemsize * math.prod(value.shape)
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # what follows begins at a multiple of eight
    yield len(text).to_bytes(8, "little") + text
    for value in values.values():
        yield np.asarray(value).tobytes()


def forget(folder: Path) -> None:
    """Remove what a run left in `folder`: its state, its tokenizers, its TensorBoard events.

    By name, and nothing else: the folder may be one that also holds other things.
    """
    for name in (FILE, BEST, "*.model", "tokenizer.json", "tensorboard/events.out.tfevents.*"):
        for path in folder.glob(name):
            path.unlink()


def read_progress(folder: Path) -> Progress | None:
    """Where the run in `folder` is, or None when there is none. Raises CheckpointError."""
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="np") as file:
            return Progress(**json.loads(file.metadata()["progress"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged ({error}). Remove it, or start anew with --fresh."
        ) from error


def restore(folder: Path, network: Any, step: int | None = None) -> None:
    """Give model and optimizer the values saved in `folder`, after `step` if that is given.

    Raises:
        CheckpointError: damaged, of another model, or of another step than process 0 read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = folder / FILE
    wanted = variables(network)
    there = None if step is None else read_progress(folder)
    if step is not None and (there is None or there.step != step):
        raise CheckpointError(
            f"{path} is not the one of step {step}. All processes must share one folder."
        )
    try:
        values = load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    fits = len(values) == len(wanted) and all(
        tuple(values[f"{i:05d}"].shape) == tuple(v.shape) for i, v in enumerate(wanted)
    )
    if not fits:
        raise CheckpointError(f"{path} belongs to another model. Choose another --out.")
    for i, variable in enumerate(wanted):
        variable.assign(values[f"{i:05d}"])


def write_best(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Keep the weights of the best validation so far, in full precision."""
    write_aside(folder / BEST, packed(arrays))


def read_best(folder: Path) -> dict[str, np.ndarray] | None:
    """The weights of the best validation, or None when there was none yet."""
    from safetensors import SafetensorError, safe_open

    path = folder / BEST
    if not path.exists():
        return None
    try:
        # One after the other: the whole file would be in memory beside them.
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}). Start anew with --fresh.") from error
