"""Small classifiers for the tests of pages: texts, images and series, with scored test sides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tests.zoo import tiny_classifiers as tiny
from training.data.labelled import Labelled, Splits
from training.evaluate import update_card
from training.evaluate_labels import evaluate_labels
from training.tasks.base import Provenance
from training.tasks.classification import Classification, Source
from zoo import saving, shipped
from zoo.task_info import TaskInfo

FAMILIES = {
    "text": ("naive-bayes", "feed-forward", "lstm-bahdanau", "bert"),
    "image": ("knn", "cnn", "vit"),
    "series": ("transformer",),
}
NAMES = {"text": "labels:moods.tsv", "image": "images:moods", "series": "arrowhead"}
SHOWCASE = ("lake hill", "a bad cake")
COUNT = 24
"""Examples of a test side."""


def short(reads: str) -> str:
    """What an address calls the task."""
    return shipped.short_task(NAMES[reads])


def task(reads: str) -> Classification:
    """A task of made-up examples, which no network was trained on."""
    random = np.random.default_rng(2)
    labels = (np.arange(COUNT) % 3).astype("int32")
    if reads == "text":
        letters = list("abcdefghijkl ")
        inputs: Any = ["".join(random.choice(letters, 12)).strip() or "a" for _ in range(COUNT)]
    else:
        shape = tiny.IMAGE if reads == "image" else tiny.SERIES
        inputs = random.uniform(size=(COUNT, *shape)).astype("float32")
    side = Labelled(inputs, labels)
    splits = Splits(tiny.CLASSES, side, side, side, "made up")
    origin = Provenance("made up", "https://example.org", "", "CC0", "nobody", "")
    info = TaskInfo(f"Moods of {reads}s", f"A {reads}", "lake hill" if reads == "text" else "")
    return Classification(NAMES[reads], Source(reads, lambda: (splits, origin), info))


def make(root: Path, families: Sequence[str] | None = None) -> Path:
    """Models that answer, with cards and predictions of their own; `families`: these alone."""
    for reads, every in FAMILIES.items():
        known = task(reads)
        for family in every:
            if families is not None and family not in families:
                continue
            folder = root / f"{short(reads)}-{family}"
            network = tiny.network(family)
            about = {
                **tiny.config(folder.name, family, network),
                "showcase": list(SHOWCASE) if reads == "text" else [],
                "task_info": asdict(known.info()),
            }
            file = about["tokenizers"]["input"]
            saving.save_folder(
                folder, saving.weight_arrays(network), about, {file: tiny.reader(family)}
            )
            card = {
                "name": folder.name,
                "parameters": 1_200,
                "main_metrics": list(Classification.main_metrics),
                "speed": {"device": "a test computer", "ms_per_input": 1.5, "date": "2026-01-02"},
                "data": {"sha256": f"{reads:0>64}", "corpus": "made up"},
                "date": "2026-01-02",
            }
            (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
            model = tiny.predictor(family)
            update_card(folder, 1, *evaluate_labels(model, known))
    return root
