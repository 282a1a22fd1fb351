"""One run of training: data, tokenizers, network, loop, and the model it leaves."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras

from training import (
    checkpoint,
    folder_lock,
    model_folder,
    networks,
    objectives,
    paths,
    start_from,
    tasks,
    validating,
)
from training.config import TrainConfig
from training.distributed import devices
from training.distributed.devices import Devices
from training.loop import Place, RunStoppedError, Schedule, Trainer
from training.objectives.base import Objective
from training.progress import console, progress_bar
from training.run_progress import STATE, digest, read_progress, settings
from training.start_from import Start
from zoo import registry, saving


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
        start = start_from.read(config, folder)
        config = start.configured(config)
        start.fit(task)
    # Checked before the data is read: a typing error should not take a minute to show, nor should
    # it cost an earlier run.
    check(config, objective, start)
    task = objective.task  # as the settings have it
    with on.processes.in_turn(), console.status(f"Reading {task.name}"):
        corpus = task.provenance().sha256
    entry = None if start else registry.architecture(config.model, objective.kind)
    if entry and entry.floor:
        if on.processes.first:
            from training import counting, fitting

            if entry.counted:
                counting.count(folder, config, task, command)
            else:
                fitting.fit(folder, config, objective, command)
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
        progress = self._progress(folder)
        learned = progress.settings
        config = self.config.changed(precision=learned["precision"])
        if progress.finished:
            console.print(f"{folder} is finished (step {progress.step}); --fresh starts anew.")
            return
        if on.processes.first:
            self.config.write(folder)
        with on.processes.in_turn(), console.status(f"Reading {objective.task.name}"):
            data = objective.prepare(folder / STATE, config, start, progress, on)
        per_epoch = data.batches.count()
        same = digest([learned, self.corpus], data.identity, len(data.batches), per_epoch)
        on.processes.check_same("options, data and tokenizers", same)
        schedule = _schedule(config, per_epoch, start)
        network, probe = objective.build(folder, config, start, on)
        answering = validating.answering(folder / STATE, config, progress, probe, on)
        networks.make_ready(network, objective, config, schedule.steps, on)
        shapes = networks.make_shapes(data.batches, on)
        self._set_weights(folder, network, progress.step, schedule.steps)
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
            if on.processes.first:
                arrays = checkpoint.read_best(trainer.folder) or trainer.averaged()
                training = self._training(trainer)
                model_folder.write(folder, probe, arrays, objective, data.count, training)
            # Only now: a run that is killed while it writes its model writes it again.
            trainer.finish()
        self.tell_best(progress)

    def tell_best(self, progress: checkpoint.Progress) -> None:
        """Say which validation was the best, at the end."""
        folder, start, metric = self.config.folder(), self.start, self.objective.task.metric
        console.print(f"{folder}: best {metric} {progress.best} at step {progress.best_step}")
        for when, sample in progress.samples.items():
            said = f"{when.capitalize()}: {sample['prompt']} ... {sample['text']}"
            console.print(said, markup=False, highlight=False)
        if start and not progress.best_step:
            console.print(
                f"No step made it better on the validation side: {folder} has the weights of "
                f"{start.name}. Try a lower --learning-rate, or fewer --epochs."
            )

    def _training(self, trainer: Trainer) -> dict[str, Any]:
        """What the card says of the training."""
        progress = trainer.progress
        settings = progress.settings
        return {
            "minutes": round(progress.minutes, 1),
            "cpu_minutes": round(progress.cpu_minutes, 1),
            **total_minutes(progress.cpu_minutes, self.start),
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
            "valid": {self.objective.task.metric: progress.best},
            **({"samples": progress.samples} if progress.samples else {}),
            "settings": settings,
            "command": self.command,
        }

    def _progress(self, folder: Path) -> checkpoint.Progress:
        """Where the run in `folder` is, as the first process finds it, told to all."""
        found = None
        if self.on.processes.first:
            learned = settings(self.config, self.start)
            fresh = self.config.fresh
            adapted = bool(self.start and self.start.adapter)
            decoder = validating.choose(
                self.config.validate_with, self.objective.kind, self.on, adapted
            )
            narrow = self.objective.narrow
            found = asdict(
                read_progress(folder, learned, fresh, self.on, self.corpus, decoder, narrow)
            )
        return checkpoint.Progress(**self.on.processes.tell(found))

    def _set_weights(self, folder: Path, network: keras.Model, step: int, steps: int) -> None:
        """Those of the checkpoint at `step`, or where there is none of the model to start from."""
        start = self.start
        if step:
            checkpoint.restore(folder / STATE, network, step)
            console.print(f"Going on at step {step} of {steps}.")
        elif start:
            # What the model has not, an adapter or a head, is as it was drawn.
            saving.set_weight_arrays(network, saving.weight_arrays(network) | start.arrays)
            start.arrays.clear()  # they need as much memory as the network
            console.print(f"Starting from the weights and tokenizers of {start.name}.")


def _schedule(config: TrainConfig, per_epoch: int, start: Start | None) -> Schedule:
    """When what is done, in steps; `per_epoch`: the batches of an epoch."""
    return Schedule(
        steps=config.steps or max(math.ceil(config.epochs * per_epoch), 1),
        validate=config.validate_every or per_epoch,
        checkpoint=config.checkpoint_every,
        patience=config.patience,
        first=start is not None,
        keep=config.keep,
    )


def check(config: TrainConfig, objective: Objective, start: Start | None = None) -> None:
    """Raises ValueError where the settings cannot be trained with; reads no data."""
    if start and start.config["kind"] != objective.kind:
        raise ValueError(
            f"--start-from {start.name} is a {start.config['kind']}, and "
            f"{paths.shown(config.task)} is a task for a {objective.kind}"
        )
    if config.adapt != "full" and not start:
        raise ValueError(f"--adapt {config.adapt} needs the model whose weights stay: --start-from")
    if not start:
        registry.architecture(config.model, objective.kind)
    if config.augment and objective.kind != "classifier":
        raise ValueError(
            f"--augment is for images and series, and {paths.shown(config.task)} has none"
        )
    if config.teacher and objective.kind != "classifier":
        raise ValueError(
            f"--teacher is for classifiers, and {paths.shown(config.task)} is a task for a "
            f"{objective.kind}"
        )
    objective.check(config, start)


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


def total_minutes(own: float, start: Start | None) -> dict[str, float]:
    """The processor minutes with those of the model a run began from, where they are known."""
    if not start or start.minutes is None:
        return {}
    return {"total_cpu_minutes": round(start.minutes + own, 1)}
