"""Models that are counted and not trained: the n-gram tables of a corpus, in seconds."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training import card_writer, paths, tasks
from training.config import TrainConfig
from training.progress import console
from zoo import registry, saved_tokenizers, saving
from zoo.models.ngram import KneserNey

if TYPE_CHECKING:
    from training.tasks.language_modeling import LanguageModeling
    from zoo.text_tokenizers import TextTokenizer


def count(folder: Path, config: TrainConfig, task: LanguageModeling, command: str) -> None:
    """Count the n-grams of a task's training text and leave the model in `folder`.

    Raises:
        ValueError: settings that make no sense for counting, or a text that is too short.
    """
    began, cpu = time.perf_counter(), time.process_time()
    text = task.text("train")
    tokenizer = task.learn_tokenizer(text, config.vocabulary)
    override = {"vocabulary": tokenizer.size, **config.override}
    sizes = registry.configuration(config.model, config.preset, kind=task.kind, **override)
    tables = tabulate(task, tokenizer, sizes)
    minutes = (time.perf_counter() - began) / 60
    file = f"tokenizer{tokenizer.suffix}"
    description = {
        "format": saving.FORMAT,
        "kind": task.kind,
        "name": folder.name,
        "task": paths.shown(task.name),
        "model": config.model,
        "preset": config.preset,
        "hyperparameters": asdict(sizes),
        "tokenizers": {"text": file},
        "unit": tokenizer.unit,
        "task_info": asdict(task.info()),
        "prompts": task.showcase(),
    }
    saving.save_tables(folder, tables, description, {file: tokenizer})
    config.write(folder)
    size = sum((folder / name).stat().st_size for name in (saving.TABLES, file))
    counts = {split: len(tokenizer.encode(task.text(split))) for split in tasks.base.SPLITS}
    card = card_writer.build(
        name=folder.name,
        task=task,
        model=config.model,
        preset=config.preset,
        parameters=sum(len(level.keys) for level in tables.levels),
        size=size,
        seed=config.seed,
        examples=counts,
        training={
            "minutes": round(minutes, 2),
            "cpu_minutes": round((time.process_time() - cpu) / 60, 2),
            "settings": {k: config.learned()[k] for k in ("task", "model", "preset", "override")},
            "command": command,
        },
    )
    card_writer.write(folder, card)
    console.print(f"{folder}: {card['parameters']:,} n-grams up to length {sizes.order}")


def tabulate(task: LanguageModeling, tokenizer: TextTokenizer, config: Any) -> KneserNey:
    """The tables of a task's training text."""
    ids = tokenizer.encode(task.text("train"))
    allowed = np.ones(tokenizer.size, bool)
    allowed[list(tokenizer.excluded)] = False
    stream = np.concatenate([[tokenizer.start], ids])
    return KneserNey.fit(stream, config.order, tokenizer.size, config.discounts, allowed)


def rebuild(folder: Path) -> None:
    """Count the tables of a model folder anew that was passed on without them.

    Raises:
        ValueError: the corpus is not that of the card, or cannot be read.
    """
    config = saving.read_config(folder)
    task = tasks.of_model(config)
    card = card_writer.read(folder)
    known, here = card.get("data", {}).get("sha256"), task.provenance().sha256
    if known and known != here:
        raise ValueError(
            f"{folder.name} was counted from another text: its SHA-256 was {known}, now it is "
            f"{here}"
        )
    tokenizer = saved_tokenizers.read_text_tokenizer(folder, config)
    tables = tabulate(task, tokenizer, saving.read_hyperparameters(folder, config))
    saving.write_tables(folder, tables)
