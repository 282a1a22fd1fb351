"""The network of a run: built, given its optimizer and loss, and the shapes of its steps."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from training import paths
from training.data import prepare
from training.data.batches import Batches
from training.data.buckets import Shape, ladder
from training.data.subword_regularization import SampledBatches
from training.distributed import devices
from training.distributed.devices import Devices
from training.objectives.cross_entropy import SmoothedCrossEntropy, make_optimizer
from training.start_from import Start
from training.tasks.base import Task
from training.tf_tracing import trace_step
from zoo import registry, saving
from zoo.inference.seq2seq import Seq2SeqPredictor
from zoo.task_info import TaskInfo
from zoo.tokenizer import Tokenizer

LONGEST_HINT = 100
"""Characters of an input that a page may open with."""


def _told(task: Task) -> TaskInfo:
    """What pages say of the task; where it names no example, a short one of the validation side."""
    info = task.info()
    if info.hint:
        return info
    sources = (example.source for example in task.examples("valid"))
    return replace(info, hint=next((one for one in sources if len(one) <= LONGEST_HINT), ""))


def make_networks(
    folder: Path,
    task: Task,
    tokenizers: dict[str, Tokenizer],
    settings: dict[str, Any],
    on: Devices = devices.ONE,
    start: Start | None = None,
) -> tuple[Any, Seq2SeqPredictor]:
    """The network to train, on all devices, and a full-precision one to validate with, on one.

    Both have fresh weights; those of `start` fit them.
    """
    source_tokenizer, target_tokenizer = prepare.sides(tokenizers)
    prepared: dict[str, Any] = {
        "tokenizers": prepare.file_names(tokenizers),
        "normalizers": {side: t.normalizer.steps for side, t in tokenizers.items()},
        "checks": dict(task.checks),
        "max_source_length": task.max_source_length,
        "max_target_length": task.max_target_length,
        "unit": task.unit,
        "task_info": asdict(_told(task)),
    }
    if start:
        config, prepared = start.changed(settings["override"]), start.inherited()
    else:
        config = registry.configuration(
            settings["model"],
            settings["preset"],
            source_vocabulary=source_tokenizer.size,
            target_vocabulary=target_tokenizer.size,
            shared_vocabulary=source_tokenizer.bytes == target_tokenizer.bytes,
            **settings["override"],
        )
    probe = registry.build(settings["model"], config)
    with on.scope():
        network = registry.build(
            settings["model"], config, seed=settings["seed"], precision=settings["precision"]
        )
    description = saving.model_config(
        name=folder.name,
        task=paths.shown(task.name),
        model=settings["model"],
        preset=settings["preset"],
        network=probe,
        **prepared,
    )
    return network, Seq2SeqPredictor(
        folder.name, probe, source_tokenizer, target_tokenizer, description, path=folder
    )


def make_ready(
    network: Any, settings: dict[str, Any], steps: int, on: Devices = devices.ONE
) -> None:
    """Give the network its optimizer and loss, and trace its steps."""
    with on.scope():
        optimizer = make_optimizer(
            learning_rate=settings["learning_rate"],
            warmup=settings["warmup"],
            steps=steps,
            clip=settings["clip"],
            averaging=settings["averaging"],
            weight_decay=settings["weight_decay"],
        )
        network.compile(
            optimizer=optimizer,
            loss=SmoothedCrossEntropy(settings["smoothing"]),
            jit_compile=on.compiles_steps(),
        )
        optimizer.build(network.trainable_variables)
    on.spread(network)
    trace_step(network, on)


def make_shapes(batches: Batches | SampledBatches, on: Devices) -> tuple[Shape, ...]:
    """The shapes that compiled steps get; none where any shape will do."""
    if not on.compiles_steps():
        return ()
    return ladder(
        *batches.lengths(),
        batches.tokens,
        rows=on.count,
        # Tensor cores work on eights; a CPU would only have more padding to multiply.
        lengths=8 if on.accelerated() else 1,
    )
