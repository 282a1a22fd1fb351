"""One run of training: data, tokenizers, network, loop, and the model it leaves."""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from training import (
    card_writer,
    checkpoint,
    folder_lock,
    networks,
    objectives,
    paths,
    start_from,
    tasks,
    validating,
)
from training.checkpoint import CheckpointError
from training.config import TrainConfig
from training.distributed import devices
from training.distributed.devices import Devices
from training.loop import Place, RunStoppedError, Schedule, Trainer
from training.objectives.base import Objective
from training.progress import console, progress_bar
from training.start_from import Start
from zoo import registry, saving

STATE = "training"
"""The folder, inside the model's, that holds what only training needs."""


def train(config: TrainConfig, command: str, on: Devices = devices.ONE) -> None:
    """Train, or go on training, the model in the folder that `config` says.

    Its subfolder `training` holds the run's state, config.yaml its settings.

    Args:
        config: what is asked for.
        command: for the card.
        on: what to train on. Every process of a run calls this, with the same arguments.

    Raises:
        ValueError, CheckpointError, DownloadError: each with a sentence for the user.
    """
    console.quiet = not on.processes.first
    task = tasks.get(config.task)
    objective, folder, start = objectives.of_task(task), config.folder(), None
    if config.smoothing is None:
        config = config.changed(smoothing=objective.smoothing)
    if config.start_from:
        start = start_from.read(config.start_from, folder)
        config = start.configured(config)
        start.fit(task)
    # Checked before the data is read: a typing error should not take a minute to show, nor should
    # it cost an earlier run.
    check(config, objective, start)
    with on.processes.in_turn(), console.status(f"Reading {task.name}"):
        corpus = task.provenance().sha256
    if not start and registry.architecture(config.model, objective.kind).counted:
        if on.processes.first:
            from training import counting

            counting.count(folder, config, task, command)
        return
    # One process holds the folder for all.
    with folder_lock.owned(folder / STATE) if on.processes.first else nullcontext():
        Run(config, objective, start, corpus, command, on).go()


@dataclass
class Run:
    """One run, in a folder that no other has.

    Args:
        config: what is asked for.
        objective: how a network of this kind is trained on this task.
        start: the model it begins from, if any.
        corpus: the checksum of the data.
        command: for the card.
        on: what to train on.
    """

    config: TrainConfig
    objective: Objective
    start: Start | None
    corpus: str
    command: str
    on: Devices

    def go(self) -> None:
        """From wherever it is to its end; does nothing where it has ended."""
        folder, objective, on, start = self.config.folder(), self.objective, self.on, self.start
        first = on.processes.first
        learned = settings(self.config, start)
        fresh = self.config.fresh
        found = None
        if first:
            decoder = validating.choose(self.config.validate_with, objective.kind, on)
            found = asdict(read_progress(folder, learned, fresh, on, self.corpus, decoder))
        progress = checkpoint.Progress(**on.processes.tell(found))
        learned = progress.settings
        config = self.config.changed(precision=learned["precision"])
        if progress.finished:
            console.print(f"{folder} is finished (step {progress.step}); --fresh starts anew.")
            return
        if first:
            self.config.write(folder)
        with on.processes.in_turn(), console.status(f"Reading {objective.task.name}"):
            data = objective.prepare(folder / STATE, config, start, progress, on)
        per_epoch = data.batches.count()
        same = digest([learned, self.corpus], data.identity, len(data.batches), per_epoch)
        on.processes.check_same("options, data and tokenizers", same)
        schedule = Schedule(
            steps=config.steps or max(math.ceil(config.epochs * per_epoch), 1),
            validate=config.validate_every or per_epoch,
            checkpoint=config.checkpoint_every,
            patience=config.patience,
            first=start is not None,
            keep=config.keep,
        )
        network, probe = objective.build(folder, config, start, on)
        answering = validating.answering(folder / STATE, config, progress, probe, on)
        networks.make_ready(network, objective, config, schedule.steps, on)
        shapes = networks.make_shapes(data.batches, on)
        if progress.step:
            checkpoint.restore(folder / STATE, network, progress.step)
            console.print(f"Going on at step {progress.step} of {schedule.steps}.")
        elif start:
            saving.set_weight_arrays(network, start.arrays)
            start.arrays.clear()  # they need as much memory as the network
            console.print(f"Starting from the weights and tokenizers of {start.name}.")
        console.print(
            f"{config.model} {config.preset}: {network.count_params():,} parameters, "
            f"{data.said}, {per_epoch} batches an epoch, {schedule.steps} steps, "
            f"{config.precision} on {on} ({keras.backend.backend()})"
        )
        if shapes:
            console.print(f"Steps are compiled, for at most {len(shapes)} shapes of batch.")
        with shown(schedule.steps, progress.step) as report:
            place = Place(folder / STATE, progress, report, on)
            trainer = Trainer(
                network, probe, data.batches, objective, schedule, place, shapes, answering
            )
            try:
                trainer.run()
            except RunStoppedError:
                console.print("Stopped and saved; the same command goes on from here.")
                raise SystemExit(130) from None
        with on.processes.in_turn():
            if first:
                leave_model(folder, trainer, objective, data.count, self.command, start)
            # Only now: a run that is killed while it writes its model writes it again.
            trainer.finish()
        self.tell_best(progress)

    def tell_best(self, progress: checkpoint.Progress) -> None:
        """Say which validation was the best, at the end."""
        folder, start, metric = self.config.folder(), self.start, self.objective.task.metric
        console.print(f"{folder}: best {metric} {progress.best} at step {progress.best_step}")
        if start and not progress.best_step:
            console.print(
                f"No step made it better on the validation side: {folder} has the weights of "
                f"{start.name}. Try a lower --learning-rate, or fewer --epochs."
            )


def settings(config: TrainConfig, start: Start | None = None) -> dict[str, Any]:
    """What decides what is learned, as JSON; of a start, its name and its weights' checksum."""
    found = config.learned()
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
) -> checkpoint.Progress:
    """Where the run in `folder` is, or a new one. Raises CheckpointError: other settings or data.

    The precision `auto` is that of the run, or for a new one the fastest `on` these devices.
    `corpus`: the checksum of the data. `decoder`: what validation decodes with in a new run, if
    the settings leave it open.
    """
    state = folder / STATE
    progress = None if fresh else checkpoint.read_progress(state)
    if settings["precision"] == "auto":
        known = progress.settings["precision"] if progress else on.precision()
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


def check(config: TrainConfig, objective: Objective, start: Start | None = None) -> None:
    """Raises ValueError where the settings cannot be trained with; reads no data."""
    if start and start.config["kind"] != objective.kind:
        raise ValueError(
            f"--start-from {start.name} is a {start.config['kind']}, and "
            f"{paths.shown(config.task)} is a task for a {objective.kind}"
        )
    if not start:
        registry.architecture(config.model, objective.kind)
    objective.check(config, start)


def digest(known: Any, identity: tuple[bytes, ...], *sizes: int) -> str:
    """A few letters that differ where a run would; `known` is anything that JSON holds."""
    parts = [json.dumps([known, sizes]).encode(), *identity]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


class shown:  # noqa: N801 - reads as a statement
    """A progress bar; gives the function that the trainer reports to."""

    def __init__(self, steps: int, start: int):
        self.bar = progress_bar()
        self.job = self.bar.add_task("training", total=steps, completed=start)

    def __enter__(self) -> Any:
        self.bar.start()
        return self.report

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def report(self, progress: checkpoint.Progress, row: dict[str, Any]) -> None:
        """Move the bar; print a line where there was a validation."""
        self.bar.update(self.job, completed=progress.step)
        if any(name.startswith("valid_") for name in row):
            figures = " ".join(f"{name} {value}" for name, value in row.items())
            console.print(figures, highlight=False)
        elif row and not console.is_terminal and progress.step % 500 == 0:
            console.print(f"step {row['step']} loss {row['loss']}", highlight=False)


def leave_model(
    folder: Path,
    trainer: Trainer,
    objective: Objective,
    count: int,
    command: str,
    start: Start | None = None,
) -> None:
    """Write the model with its best weights, and the part of its card that training knows."""
    probe, progress, task = trainer.probe, trainer.progress, objective.task
    arrays = checkpoint.read_best(trainer.folder) or trainer.averaged()
    config = probe.config
    files = objective.files(probe)
    saving.save_folder(folder, arrays, config, files)
    size = sum(p.stat().st_size for p in (folder / saving.WEIGHTS, *(folder / f for f in files)))
    settings = progress.settings
    card = card_writer.build(
        name=folder.name,
        task=task,
        model=config["model"],
        preset=config["preset"],
        parameters=probe.parameters,
        size=size,
        seed=settings["seed"],
        examples={"train": count, **objective.counts()},
        training={
            "minutes": round(progress.minutes, 1),
            "cpu_minutes": round(progress.cpu_minutes, 1),
            **total_minutes(progress.cpu_minutes, start),
            "peak_memory_mb": round(progress.peak_memory),
            "device": str(trainer.on),
            "threads": settings["threads"] or None,
            "precision": settings["precision"],
            "backend": keras.backend.backend(),
            "steps": progress.step,
            "epochs": round(progress.epoch + progress.batch / trainer.batches.count(), 2),
            "target_tokens": progress.tokens,
            "tokens_per_second": round(progress.tokens / max(progress.minutes * 60, 1e-9)),
            "best_step": progress.best_step,
            "valid": {task.metric: progress.best},
            "settings": settings,
            "command": command,
        },
    )
    card_writer.write(folder, card)


def total_minutes(own: float, start: Start | None) -> dict[str, float]:
    """The processor minutes with those of the model a run began from, where they are known."""
    if not start or start.minutes is None:
        return {}
    return {"total_cpu_minutes": round(start.minutes + own, 1)}
