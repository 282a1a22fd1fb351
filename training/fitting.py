"""Models whose weights are computed from the data and not trained: floors, in seconds."""

from __future__ import annotations

import time
from pathlib import Path

from training import folder_lock, model_folder
from training.checkpoint import Progress
from training.config import TrainConfig
from training.objectives.base import Objective
from training.progress import console
from training.run_progress import STATE
from zoo import saving


def fit(folder: Path, config: TrainConfig, objective: Objective, command: str) -> None:
    """Compute the weights of a network from a task's training side; leave the model in `folder`.

    Raises:
        ValueError: settings that make no sense, or data that cannot be computed with.
    """
    began, cpu = time.perf_counter(), time.process_time()
    config = config.changed(precision="float32")
    with folder_lock.owned(folder / STATE):
        config.write(folder)
        with console.status(f"Reading {objective.task.name}"):
            data = objective.prepare(folder / STATE, config, None, Progress())
        _, probe = objective.build(folder, config, None)
        with console.status("Computing the weights"):
            objective.fit(probe.model, config)
        training = {
            "minutes": round((time.perf_counter() - began) / 60, 2),
            "cpu_minutes": round((time.process_time() - cpu) / 60, 2),
            "settings": config.learned(),
            "command": command,
        }
        arrays = saving.weight_arrays(probe.model)
        model_folder.write(folder, probe, arrays, objective, data.count, training)
    console.print(f"{folder}: {probe.parameters:,} weights computed from {data.said}")
