"""Small language models for the tests of pages: two tasks, their cards, and models that answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tests.apps.fake_saved_models import write
from training.tasks import language_modeling
from zoo import metric_info, registry, saving
from zoo.building import build
from zoo.models.ngram import KneserNey
from zoo.text_tokenizers import Characters, TextTokenizer, Words

TEXT = (
    "to be, or not to be: that is the question.\nwhether 'tis nobler in the mind to suffer\n" * 20
)
TOKENIZERS: dict[str, TextTokenizer] = {
    "shakespeare": Characters.learn(TEXT),
    "ptb": Words.learn(f"{TEXT}<unk>\n"),
}
FAMILIES = ("ngram", "lstm", "gpt")
NATS = {"ngram": 1.5, "lstm": 1.6, "gpt": 1.4}
"""Of the cards: the LSTM is worse than counting."""
RATE = {"ngram": 5_000, "lstm": 2_000, "gpt": 500}


def card(task: str, family: str) -> dict[str, Any]:
    """A card with what the pages read of it."""
    value = NATS[family]
    figures = {
        "nats": {"value": value, "low": value - 0.05, "high": value + 0.05},
        "perplexity": {"value": 4.0 * value, "low": 3.9 * value, "high": 4.1 * value},
    }
    return {
        "name": f"{task}-{family}",
        "parameters": 1_200_000,
        "main_metrics": ["nats" if task == "shakespeare" else "perplexity"],
        "metric_info": metric_info.records(figures),
        "metrics": {"1": {"examples": 5_000, **figures, "protocol": {"context": None}}},
        "training": {"cpu_minutes": 5.0, "device": "a test computer"},
        "speed": {
            "device": "a test computer",
            "tokens_per_second": RATE[family],
            "date": "2026-01-02",
        },
        "date": "2026-01-02",
    }


def make(root: Path) -> Path:
    """Folders of both tasks with JSON files and no weights."""
    for task, tokenizer in TOKENIZERS.items():
        for family in FAMILIES:
            folder = root / f"{task}-{family}"
            folder.mkdir(parents=True)
            write(folder / "config.json", config(task, family, tokenizer))
            write(folder / "card.json", card(task, family))
    return root


def config(task: str, family: str, tokenizer: TextTokenizer) -> dict[str, Any]:
    """The config.json of a model; `make_models` adds what belongs to it."""
    preset = "small" if family == "ngram" else "nano"
    sizes = registry.configuration(
        family, preset, kind="language_model", vocabulary=tokenizer.size, **_smaller(family)
    )
    return {
        "format": 2,
        "kind": "language_model",
        "name": f"{task}-{family}",
        "task": task,
        "model": family,
        "preset": preset,
        "hyperparameters": asdict(sizes),
        "tokenizers": {"text": "tokenizer.json"},
        "unit": tokenizer.unit,
        "task_info": asdict(language_modeling.make(task).info()),
        "prompts": ["to be", "whether"],
    }


def make_models(root: Path) -> Path:
    """The same with tables and random networks, which really answer."""
    make(root)
    for task, tokenizer in TOKENIZERS.items():
        for family in FAMILIES:
            _save(root / f"{task}-{family}", config(task, family, tokenizer), tokenizer, TEXT)
    return root


def make_shakespeare(root: Path, networks: Sequence[str] = ("gpt",), text: str = TEXT) -> Path:
    """Models of one task, without cards: two tables of counts, and a random network of each kind.

    Args:
        networks: their architectures.
        text: what is counted, and whose characters all models know.
    """
    tokenizer = Characters.learn(text)
    for name in ("ngram", "longer", *networks):
        family = name if name in networks else "ngram"
        about = config("shakespeare", family, tokenizer) | {"name": f"shakespeare-{name}"}
        if name == "longer":
            about["hyperparameters"]["order"] = 5
        _save(root / f"shakespeare-{name}", about, tokenizer, text)
    return root


def _save(folder: Path, about: dict[str, Any], tokenizer: TextTokenizer, text: str) -> None:
    """A model that answers, in `folder`."""
    files, family, sizes = {"tokenizer.json": tokenizer}, about["model"], about["hyperparameters"]
    if family == "ngram":
        allowed = np.ones(tokenizer.size, bool)
        allowed[list(tokenizer.excluded)] = False
        tables = KneserNey.fit(
            tokenizer.encode(text), sizes["order"], tokenizer.size, allowed=allowed
        )
        saving.save_tables(folder, tables, about, files)
        return
    made = registry.architecture(family, "language_model").config(**sizes)
    network = build(family, made, seed=1, kind="language_model")
    saving.save_folder(folder, saving.weight_arrays(network), about, files)


def _smaller(family: str) -> dict[str, Any]:
    return {"order": 3} if family == "ngram" else {}
