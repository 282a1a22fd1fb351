"""Where the run in a folder is, and whether it is the run that is asked for now."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from training import card_writer, checkpoint, paths, teacher, validating
from training.checkpoint import CheckpointError
from training.config import TrainConfig
from training.distributed import devices
from training.distributed.devices import Devices
from training.start_from import Start
from zoo import registry

STATE = "training"
"""The folder, inside the model's, that holds what only training needs."""


def settings(config: TrainConfig, start: Start | None = None) -> dict[str, Any]:
    """What decides what is learned, as JSON; of a start and of teachers, name and checksum."""
    found = config.learned()
    if config.teacher:
        found["teacher"] = teacher.origins(config.teacher)
    if start:
        return {**found, "start_from": start.origin}
    del found["start_from"]
    return found


def read_progress(
    folder: Path,
    settings: dict[str, Any],
    fresh: bool,
    on: Devices = devices.ONE,
    corpus: str = "",
    decoder: str = validating.KERAS,
    narrow: bool = False,
) -> checkpoint.Progress:
    """Where the run in `folder` is, or a new one. Raises CheckpointError: other settings or data.

    The precision `auto` is that of the run, or for a new one the fastest `on` these devices, of
    `narrow` networks too.
    `corpus`: the checksum of the data. `decoder`: what validation decodes with in a new run, if
    the settings leave it open.
    """
    state = folder / STATE
    progress = None if fresh else checkpoint.read_progress(state)
    if settings["precision"] == "auto":
        fastest = "float32" if narrow and not on.accelerated() else on.precision()
        known = progress.settings["precision"] if progress else fastest
        settings = settings | {"precision": known}
    if settings.get("validate_with") == validating.AUTO:
        known = decoded_before(progress.settings) if progress else decoder
        settings = settings | {"validate_with": known}
    if progress is None:
        # Also what a run left that was killed before its first checkpoint: it may be another's.
        checkpoint.forget(state)
        progress = checkpoint.Progress(settings=settings)
    check_same_settings(folder, progress, settings)
    # A run of an earlier version has its checksum in the card alone.
    known = progress.corpus
    if progress.step and not known:
        known = card_writer.read(folder).get("data", {}).get("sha256", "")
    if known and known != corpus:
        raise CheckpointError(
            f"{folder} holds a run on other data under the same name, {settings['task']}: their "
            f"SHA-256 was {known}, now it is {corpus}. Choose another --out (with --start-from "
            "a finished model goes on from there), or start anew with --fresh."
        )
    progress.corpus, progress.settings = corpus, settings
    return progress


def decoded_before(settings: dict[str, Any]) -> str:
    """What validation decoded with in a run of these settings; earlier versions knew one way."""
    return settings.get("validate_with", validating.KERAS)


def check_same_settings(folder: Path, progress: checkpoint.Progress, asked: dict[str, Any]) -> None:
    """Raises CheckpointError where the run was asked for something else than it is `asked` now."""
    before = dict(progress.settings)
    # As earlier versions wrote them: the whole path, another name.
    if "task" in before:
        before["task"] = paths.shown(before["task"])
    if "sampling" in before:
        before["subword_regularization"] = before.pop("sampling")
    if "validate_with" in asked:
        before["validate_with"] = decoded_before(before)
    if before.get("override"):
        former = registry.former_names(before.get("model") or "")
        before["override"] = {former.get(k, k): v for k, v in before["override"].items()}
    # What an earlier version did not know of was not asked for.
    usual = settings(TrainConfig(task=asked.get("task", "")))
    other = sorted(
        k
        for k in {*before, *asked}
        if (before.get(k, usual.get(k)) or 0) != (asked.get(k, usual.get(k)) or 0)
    )
    if not other:
        return
    longer = [k for k in ("epochs", "steps") if asked.get(k, 0) > before.get(k, 0)]
    if progress.finished and other == longer:
        raise CheckpointError(
            f"{folder} is finished (step {progress.step}) and its learning rate has run out. To "
            f"train its model for longer, begin a new run with it: --start-from {folder} "
            "--out ANOTHER_FOLDER."
        )
    raise CheckpointError(
        f"{folder} holds a run with other settings ({', '.join(other)}). "
        "Choose another --out, or start anew with --fresh."
    )


def digest(known: Any, identity: tuple[bytes, ...], *sizes: int) -> str:
    """A few letters that differ where a run would; `known` is anything that JSON holds."""
    parts = [json.dumps([known, sizes]).encode(), *identity]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]
