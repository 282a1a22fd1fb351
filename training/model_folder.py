"""The model that a run leaves: weights, files beside them, and the part of its card it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training import card_writer
from training.objectives.base import Objective
from zoo import adapters, saving


def write(
    folder: Path,
    probe: Any,
    arrays: dict[str, np.ndarray],
    objective: Objective,
    count: int,
    training: dict[str, Any],
) -> dict[str, Any]:
    """Write a model that `zoo.load` reads, and its card without metrics.

    Args:
        folder: where it goes.
        probe: a predictor of the same network, for its config and size.
        arrays: the weights by name; of an adapter, those of its base are left out.
        objective: of the task, after `prepare`.
        count: of how much the training side is made.
        training: what the card says of the training; with the run's `settings`.

    Returns:
        the card.
    """
    config, files = probe.config, objective.files(probe)
    if config.get("adapter"):
        kept = adapters.own(saving.named_weights(probe.model))
        arrays = {name: arrays[name] for name in kept}
        training = training | {"trained_parameters": sum(array.size for array in arrays.values())}
    saving.save_folder(folder, arrays, config, files)
    written = (folder / saving.WEIGHTS, *(folder / name for name in files))
    card = card_writer.build(
        name=folder.name,
        task=objective.task,
        model=config["model"],
        preset=config["preset"],
        parameters=probe.parameters,
        size=sum(path.stat().st_size for path in written),
        seed=training["settings"]["seed"],
        examples={"train": count, **objective.counts()},
        training=training,
    )
    card_writer.write(folder, card)
    return card
