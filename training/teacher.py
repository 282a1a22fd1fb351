"""What trained models say of the training side, to be learned beside its labels (`--teacher`).

Distillation (Hinton et al. 2015, arXiv:1503.02531): how likely a teacher finds the other classes
says more of an example than its label does. Several teachers are averaged. A small network comes
nearer to a large one so (Tang et al. 2019, arXiv:1903.12136), and a network of the teachers' own
size nearer to all of them together (Furlanello et al. 2018, arXiv:1805.04770).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from training import paths, start_from
from training.evaluate_labels import check_classes
from training.progress import console, progress_bar
from training.tasks.classification import Classification
from zoo import loading, saving, shipped
from zoo.pretrained.base import sum_of
from zoo.runtime.devices import cores

CHUNK = 256
"""Examples that are answered between two steps of the progress bar."""


def names(given: str) -> list[str]:
    """The teachers that an option names, with commas between them.

    Raises:
        ValueError: there is none between two commas.

    Example:
        >>> names("sst2-minilm, runs/mine")
        ['sst2-minilm', 'runs/mine']
    """
    found = [name.strip() for name in given.split(",")]
    if not all(found):
        raise ValueError(f"--teacher takes names with commas between them. Received: {given!r}")
    return found


def origins(given: str) -> list[dict[str, str]]:
    """The name of each teacher and the SHA-256 of its weights: a run goes on only with the same.

    Raises:
        ValueError: one is not there.
    """
    return [{"name": one.name, "weights": sum_of(one / saving.WEIGHTS)} for one in _folders(given)]


def load(given: str, task: Classification) -> list[Any]:
    """The teachers, which must answer the same question.

    Raises:
        ValueError: one is not there, is damaged, or is for other inputs or classes.
    """
    return [_loaded(folder, task) for folder in _folders(given)]


def _folders(given: str) -> list[Path]:
    found = []
    for name in names(given):
        place = start_from.folder(name)
        folder = shipped.saved_models_path() / place if isinstance(place, str) else place
        if not (folder / saving.WEIGHTS).is_file():
            raise ValueError(f"--teacher: there is no trained model {paths.shown(name)}")
        found.append(folder)
    return found


def _loaded(folder: Path, task: Classification) -> Any:
    try:
        model = loading.load(folder)
        if model.config["kind"] != "classifier" or model.reads != task.reads:
            raise ValueError(f"it is no classifier of {task.reads} inputs")
        check_classes(tuple(model.classes), task)
    except ValueError as error:
        raise ValueError(f"--teacher {folder.name}: {error}") from error
    return model


def chances(teachers: Sequence[Any], inputs: Sequence[Any], state: Path) -> np.ndarray:
    """The mean of their probabilities of each class, (N, C) float32; kept in the folder `state`."""
    known = hashlib.sha256()
    for model in teachers:
        known.update(sum_of(model.path / saving.WEIGHTS).encode())
    for one in inputs:
        known.update(one.encode() if isinstance(one, str) else one.tobytes())
    kept = state / f"teacher-{known.hexdigest()[:16]}.npy"
    if kept.exists():
        return np.load(kept, allow_pickle=False)
    console.print(f"Asking the teachers: {', '.join(model.name for model in teachers)}.")
    total = np.zeros((len(inputs), len(teachers[0].classes)), "float32")
    # A run that trains on parts of a batch side by side has one thread for each operation.
    with progress_bar() as bar, ThreadPoolExecutor(cores()) as pool:
        job = bar.add_task("asking", total=len(teachers) * len(inputs))
        for model in teachers:
            reads = [model.reader.read(one) for one in inputs]
            order = np.argsort([len(read.array) for read in reads], kind="stable")
            chunks = np.array_split(order, -(-len(order) // CHUNK))
            parts = [[reads[row] for row in rows] for rows in chunks]
            for rows, found in zip(chunks, pool.map(model.log_probs_of, parts), strict=True):
                total[rows] += np.exp(found)
                bar.advance(job, len(rows))
    total /= len(teachers)
    written = io.BytesIO()
    np.save(written, total, allow_pickle=False)
    saving.write_aside(kept, written.getvalue())
    return total


def targets(
    labels: np.ndarray, chances: np.ndarray, weight: float, smoothing: float = 0.0
) -> np.ndarray:
    """What each class is to get: a mixture of the label and of what the teachers say.

    Args:
        labels: (N,) numbers of classes.
        chances: (N, C) probabilities of the teachers.
        weight: of the teachers, from 0 to 1; the labels have the rest.
        smoothing: of the labels.

    Returns:
        (N, C) float32 that sum up to 1.

    Example:
        >>> targets(np.array([1]), np.array([[0.5, 0.5]]), weight=0.5).tolist()
        [[0.25, 0.75]]
    """
    classes = chances.shape[1]
    own = np.eye(classes)[labels] * (1.0 - smoothing) + smoothing / classes
    return ((1.0 - weight) * own + weight * chances).astype("float32")
