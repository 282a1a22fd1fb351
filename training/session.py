"""One run of training: data, tokenizers, network, loop, and the model it leaves."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training import cards, checkpoint, devices, tasks
from training.batches import Batches
from training.checkpoint import CheckpointError
from training.loop import RunStoppedError, Schedule, Trainer, trace_steps
from training.objective import SmoothedCrossEntropy, make_optimizer
from training.tasks.base import Example, Task
from zoo import catalog, saving
from zoo.loaded import LoadedModel
from zoo.tokenizer import Tokenizer, train_tokenizer

STATE = "training"
"""The folder, inside the model's, that holds what only training needs."""

console = Console(stderr=True)


def train(
    folder: Path,
    settings: dict[str, Any],
    patience: int,
    checkpoint_every: int,
    fresh: bool,
    command: str,
) -> None:
    """Train, or go on training, the model in `folder`.

    Args:
        folder: where the model goes; its subfolder `training` holds the run's state.
        settings: everything that decides what is learned; see `training.train`.
        patience, checkpoint_every: see `training.loop.Schedule`.
        fresh: forget an earlier run.
        command: for the card.

    Raises:
        ValueError, CheckpointError, DownloadError: each with a sentence for the user.
    """
    progress = read_progress(folder, settings, fresh)
    if progress.finished:
        console.print(f"{folder} is finished (step {progress.step}); --fresh starts anew.")
        return
    task = tasks.get(settings["task"])
    # Checked before the data is read: a typing error should not take a minute to show.
    check(settings, task)
    with console.status(f"Reading {task.name}"):
        examples = task.examples("train")
        if settings["limit"]:
            examples = examples[: settings["limit"]]
        tokenizers = make_tokenizers(task, examples, folder / STATE)
        batches = encode(task, examples, tokenizers, settings)
        valid = task.examples("valid")[: settings["validate_on"]]
    per_epoch = batches.count()
    schedule = Schedule(
        steps=settings["steps"] or max(math.ceil(settings["epochs"] * per_epoch), 1),
        validate=settings["validate_every"] or per_epoch,
        checkpoint=checkpoint_every,
        patience=patience,
    )
    network, probe = make_networks(folder, task, tokenizers, settings)
    make_ready(network, settings, schedule.steps)
    if progress.step:
        checkpoint.restore(folder / STATE, network)
        console.print(f"Going on at step {progress.step} of {schedule.steps}.")
    console.print(
        f"{settings['model']} {settings['preset']}: {network.count_params():,} parameters, "
        f"{len(examples):,} pairs, {per_epoch} batches an epoch, {schedule.steps} steps, "
        f"{settings['precision']} on {devices.device_name()} ({keras.backend.backend()})"
    )
    with shown(schedule.steps, progress.step) as report:
        trainer = Trainer(
            network, probe, batches, task, valid, schedule, folder / STATE, progress, report
        )
        try:
            trainer.run()
        except RunStoppedError:
            console.print("Stopped and saved; the same command goes on from here.")
            raise SystemExit(130) from None
    leave_model(folder, trainer, task, examples, command)
    # Only now: a run that is killed while it writes its model writes it again.
    trainer.finish()
    console.print(f"{folder}: best {task.metric} {progress.best} at step {progress.best_step}")


def read_progress(folder: Path, settings: dict[str, Any], fresh: bool) -> checkpoint.Progress:
    """Where the run in `folder` is, or a new one. Raises CheckpointError: other settings."""
    state = folder / STATE
    progress = None if fresh else checkpoint.read_progress(state)
    if progress is None:
        # Also what a run left that was killed before its first checkpoint: it may be another's.
        checkpoint.forget(state)
        progress = checkpoint.Progress(settings=settings)
    if progress.settings != settings:
        other = sorted(k for k in settings if progress.settings.get(k) != settings[k])
        raise CheckpointError(
            f"{folder} holds a run with other settings ({', '.join(other)}). "
            "Choose another --out, or start anew with --fresh."
        )
    return progress


def check(settings: dict[str, Any], task: Task) -> None:
    """Raises ValueError where the settings cannot be trained with; reads no data."""
    if settings["precision"] not in ("float32", "mixed_bfloat16"):
        raise ValueError(
            f"precision must be float32 or mixed_bfloat16. Received: {settings['precision']}"
        )
    override = {"source_vocabulary": 4, "target_vocabulary": 4, **settings["override"]}
    config = catalog.configuration(settings["model"], settings["preset"], **override)
    longest = max(task.max_source_length, task.max_target_length)
    if longest > getattr(config, "max_length", longest):
        raise ValueError(
            f"{task.name} has up to {longest} pieces, and a position is needed for each. "
            f"Received: max_length={config.max_length}"
        )


def make_ready(network: Any, settings: dict[str, Any], steps: int) -> None:
    """Give the network its optimizer and loss, and trace its steps."""
    optimizer = make_optimizer(
        learning_rate=settings["learning_rate"],
        warmup=settings["warmup"],
        steps=steps,
        clip=settings["clip"],
        averaging=settings["averaging"],
    )
    network.compile(
        optimizer=optimizer,
        loss=SmoothedCrossEntropy(settings["smoothing"]),
        jit_compile=devices.compiles_steps(),
    )
    optimizer.build(network.trainable_variables)
    trace_steps(network)


class shown:  # noqa: N801 - reads as a statement
    """A progress bar; gives the function that the trainer reports to."""

    def __init__(self, steps: int, start: int):
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
        )
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


def make_tokenizers(task: Task, examples: list[Example], state: Path) -> dict[str, Tokenizer]:
    """The task's tokenizers by file name, learnt on the training side; kept in `state`."""
    specs = task.tokenizers()
    shared = specs["source"].shared
    files = {"tokenizer.model": None} if shared else {"source.model": 0, "target.model": 1}
    found = {}
    for file, side in files.items():
        if (state / file).exists():
            found[file] = Tokenizer.load(state / file)
            continue
        pairs = ((e.source, e.references[0]) for e in examples)
        texts = [t for p in pairs for t in p] if side is None else [p[side] for p in pairs]
        spec = specs["target" if side == 1 else "source"]
        size = spec.vocabulary_size or whole_vocabulary(texts, spec.model_type)
        # Equal texts teach nothing more, and a source may stand in many pairs.
        found[file] = train_tokenizer(
            dict.fromkeys(texts), model_type=spec.model_type, vocabulary_size=size
        )
        saving.write_aside(state / file, found[file].bytes)
    return found


def whole_vocabulary(texts: list[str], model_type: str) -> int:
    """How many pieces keep every character or word there is; four more are special."""
    units = {unit for text in texts for unit in (text.split() if model_type == "word" else text)}
    return len(units) + 5


def sides(tokenizers: dict[str, Tokenizer]) -> tuple[Tokenizer, Tokenizer]:
    """Source and target tokenizer of what `make_tokenizers` gives."""
    both = list(tokenizers.values())
    return both[0], both[-1]


def encode(
    task: Task, examples: list[Example], tokenizers: dict[str, Tokenizer], settings: dict[str, Any]
) -> Batches:
    """The training side as ids; pairs that are too long are left out and counted."""
    source_tokenizer, target_tokenizer = sides(tokenizers)
    pairs = [
        (source_tokenizer.encode(e.source), target_tokenizer.encode(e.references[0]))
        for e in examples
    ]
    kept = [
        (s, t)
        for s, t in pairs
        if len(s) <= task.max_source_length and len(t) <= task.max_target_length
    ]
    if len(kept) < len(pairs):
        console.print(f"Left out {len(pairs) - len(kept)} pairs longer than the model reads.")
    if not kept:
        raise ValueError(f"{task.name} has no training pair that is short enough")
    sources, targets = zip(*kept, strict=True)
    return Batches(sources, targets, settings["batch_tokens"], settings["seed"])


def make_networks(
    folder: Path, task: Task, tokenizers: dict[str, Tokenizer], settings: dict[str, Any]
) -> tuple[Any, LoadedModel]:
    """The network to train, and a full-precision one to validate with."""
    source_tokenizer, target_tokenizer = sides(tokenizers)
    config = catalog.configuration(
        settings["model"],
        settings["preset"],
        source_vocabulary=source_tokenizer.size,
        target_vocabulary=target_tokenizer.size,
        shared_vocabulary=len(tokenizers) == 1,
        **settings["override"],
    )
    keras.config.set_dtype_policy("float32")
    probe = catalog.build(settings["model"], config)
    keras.config.set_dtype_policy(settings["precision"])
    network = catalog.build(settings["model"], config, seed=settings["seed"])
    files = list(tokenizers)
    description = saving.model_config(
        name=folder.name,
        task=task.name,
        model=settings["model"],
        preset=settings["preset"],
        network=probe,
        tokenizers={"source": files[0], "target": files[-1]},
        max_source_length=task.max_source_length,
        max_target_length=task.max_target_length,
        unit=task.unit,
    )
    return network, LoadedModel(
        folder.name, probe, source_tokenizer, target_tokenizer, description, path=folder
    )


def leave_model(
    folder: Path, trainer: Trainer, task: Task, examples: list[Example], command: str
) -> None:
    """Write the model with its best weights, and the part of its card that training knows."""
    probe, progress = trainer.probe, trainer.progress
    arrays = checkpoint.read_best(trainer.folder) or trainer.averaged()
    config = probe.config
    files = {config["tokenizers"]["source"]: probe.source_tokenizer}
    files[config["tokenizers"]["target"]] = probe.target_tokenizer
    saving.save_folder(folder, arrays, config, files)
    size = sum(p.stat().st_size for p in (folder / saving.WEIGHTS, *(folder / f for f in files)))
    settings = progress.settings
    card = cards.build(
        name=folder.name,
        task=task,
        model=config["model"],
        preset=config["preset"],
        parameters=probe.parameters,
        size=size,
        seed=settings["seed"],
        examples={
            "train": len(examples),
            "valid": len(task.examples("valid")),
            "test": len(task.examples("test")),
        },
        training={
            "minutes": round(progress.minutes, 1),
            "cpu_minutes": round(progress.cpu_minutes, 1),
            "device": devices.device_name(),
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
    cards.write(folder, card)
