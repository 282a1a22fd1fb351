"""A small saved_models folder for the tests: every shipped name, made up in a second."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from training import tasks
from zoo import registry
from zoo.prediction import AXES

FAMILIES = ("simple-rnn", "lstm", "lstm-bahdanau", "transformer")
"""The architectures of the folders that are made up."""
TASKS = {"en-es": "tatoeba/en-es", "dates": "dates", "pronounce": "pronounce"}
SENTENCES = {
    "en-es": ("the cat sleeps", "el gato duerme"),
    "dates": ("3 May 2021", "2021-05-03"),
    "pronounce": ("zoo", "Z UW"),
}
SECOND = {
    "en-es": ("good morning", "buenos días"),
    "dates": ("Dec 1 1999", "1999-12-01"),
    "pronounce": ("cat", "K AE T"),
}
QUALITY = {"simple-rnn": 40.0, "lstm": 55.0, "lstm-bahdanau": 70.0, "transformer": 75.0}
FIGURE = {"en-es": "chrf", "dates": "exact_match", "pronounce": "wer"}


def pieces(text: str, *, characters: bool) -> list[str]:
    """`text` as its tokenizer would cut it, closed by the end of the sequence."""
    if characters:
        return [*text.replace(" ", "▁"), "</s>"]
    return [*(f"▁{word}" for word in text.split()), "</s>"]


def attention(family: str, source: int, target: int) -> dict[str, Any]:
    """Random rows that sum to one, in the kinds and shapes the family has."""
    rng = np.random.default_rng(source * 31 + target)
    sizes = {"source": source, "target": target}
    found = {}
    for kind, (layers, heads) in hyperparameters(family).attention_heads().items():
        rows, columns = (sizes[side] for side in AXES[kind])
        weights = rng.dirichlet(np.full(columns, 0.3), (layers, heads, rows))
        found[kind] = weights.round(3).tolist()
    return found


def hyperparameters(family: str) -> Any:
    """The smallest ones of the family."""
    return registry.configuration(family, "nano", source_vocabulary=60, target_vocabulary=60)


def example(task: str, family: str, pair: tuple[str, str]) -> dict[str, Any]:
    """One record of examples.json."""
    source, target = pair
    if family == "simple-rnn":
        target = target[: len(target) - 2] + "xx"  # so that outputs differ
    read = pieces(source, characters=task != "en-es")
    written = pieces(target, characters=task == "dates")
    maps = attention(family, len(read), len(written))
    rng = np.random.default_rng(len(source))
    saliency = rng.dirichlet(np.ones(len(read)), len(written)).round(3).tolist()
    return {
        "source": source,
        "beams": 1,
        "text": target,
        "source_pieces": read,
        "target_pieces": written,
        "log_probs": [round(-0.1 * (i % 4), 2) for i in range(len(written))],
        "attention": maps,
        "saliency": None if maps else saliency,
        "ms": {"median": 10.0 + len(family), "runs": [9.0 + len(family), 10.0 + len(family)]},
        "tokens_per_second": 300,
        "alternatives": [],
        "device": "a test computer",
        "date": "2026-01-02",
    }


def card(task: str, family: str) -> dict[str, Any]:
    """A card with what the pages read of it."""
    value = QUALITY[family] if FIGURE[task] != "wer" else 100 - QUALITY[family]
    figures = {FIGURE[task]: {"value": value, "low": value - 1, "high": value + 1}}
    lengths = [
        {
            "label": label,
            "count": 50,
            FIGURE[task]: value - i,
            "intervals": {FIGURE[task]: [value - i - 2, value - i + 2]},
        }
        for i, label in enumerate(("1-5", "6-9"))
    ]
    return {
        "name": f"{task}-{family}",
        "task": TASKS[task],
        "model": family,
        "preset": "nano",
        "parameters": 1_200_000,
        "metrics": {"1": {"examples": 100, **figures, "by_length": lengths}},
        "training": {"cpu_minutes": 5.0, "device": "a test computer"},
        "speed": {"device": "a test computer", "ms_per_sentence": 12.0, "tokens_per_second": 500},
        "date": "2026-01-02",
    }


def config(task: str, family: str) -> dict[str, Any]:
    """The part of config.json that pages read; no model can be built from it."""
    return {
        "format": 1,
        "task": TASKS[task],
        "model": family,
        "hyperparameters": asdict(hyperparameters(family)),
        "max_target_length": 32,
        "unit": "word" if task == "en-es" else "character",
        "task_info": asdict(tasks.get(TASKS[task]).info()),
    }


def make(root: Path) -> Path:
    """Every shipped model's folder with JSON files and no weights: what stored answers need."""
    for task in TASKS:
        for family in FAMILIES:
            folder = root / f"{task}-{family}"
            folder.mkdir(parents=True)
            records = [example(task, family, pair[task]) for pair in (SENTENCES, SECOND)]
            tests = [
                {
                    "source": record["source"],
                    "references": [pair[task][1]],
                    "prediction": record["text"],
                    "log_prob": -1.0,
                    **({"chrf": 50.0} if task == "en-es" else {"correct": family != "simple-rnn"}),
                }
                for record, pair in zip(records, (SENTENCES, SECOND), strict=True)
            ]
            write(folder / "config.json", config(task, family))
            write(folder / "card.json", card(task, family))
            write(folder / "examples.json", records)
            write(folder / "predictions.json", tests)
    return root


def make_networks(root: Path, task: str) -> None:
    """Give the folders of `task` random networks of the smallest size, so that they answer."""
    from zoo import saving
    from zoo.building import build
    from zoo.tokenizer import train_tokenizer

    pairs = [SENTENCES[task], SECOND[task]] * 20
    kind = {"en-es": ("bpe", "bpe"), "dates": ("char", "char"), "pronounce": ("char", "word")}[task]
    sides = [
        train_tokenizer(side, model_type=model_type, vocabulary_size=60)
        for side, model_type in zip(zip(*pairs, strict=True), kind, strict=True)
    ]
    for family in FAMILIES:
        sizes = {"source_vocabulary": sides[0].size, "target_vocabulary": sides[1].size}
        network = build(family, registry.configuration(family, "nano", **sizes), seed=1)
        name = f"{task}-{family}"
        saving.save_folder(
            root / name,
            saving.weight_arrays(network),
            saving.model_config(
                name=name,
                task=TASKS[task],
                model=family,
                preset="nano",
                network=network,
                tokenizers={"source": "source.model", "target": "target.model"},
                max_source_length=64,
                max_target_length=32,
                unit="word" if task == "en-es" else "character",
                task_info=asdict(tasks.get(TASKS[task]).info()),
            ),
            {"source.model": sides[0], "target.model": sides[1]},
        )


def write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")
