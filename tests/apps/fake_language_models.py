"""Model folders of small language models of one text: two that are counted, networks untrained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from training.tasks import language_modeling
from zoo import registry, saving
from zoo.building import build
from zoo.models.ngram import KneserNey
from zoo.text_tokenizers import Characters

TEXT = (
    "to be, or not to be: that is the question.\nwhether 'tis nobler in the mind to suffer\n" * 20
)
ORDERS = {"ngram": 3, "longer": 5}


def make(root: Path, networks: Sequence[str] = ("gpt",), text: str = TEXT) -> Path:
    """`shakespeare-ngram`, `shakespeare-longer` and a network of each architecture, in `root`."""
    tokenizer = Characters.learn(text)
    common = {
        "kind": "language_model",
        "task": "shakespeare",
        "tokenizers": {"text": "tokenizer.json"},
        "unit": "character",
        "task_info": asdict(language_modeling.make("shakespeare").info()),
        "prompts": ["to be", "whether"],
    }
    files = {"tokenizer.json": tokenizer}
    ids = tokenizer.encode(text)
    allowed = np.ones(tokenizer.size, bool)
    allowed[list(tokenizer.excluded)] = False
    for name, order in ORDERS.items():
        config = {"format": 2, "name": f"shakespeare-{name}", "model": "ngram", "preset": "small"}
        config["hyperparameters"] = {"vocabulary": tokenizer.size, "order": order}
        tables = KneserNey.fit(ids, order, tokenizer.size, allowed=allowed)
        saving.save_tables(root / f"shakespeare-{name}", tables, config | common, files)
    for model in networks:
        sizes = registry.configuration(
            model, "nano", kind="language_model", vocabulary=tokenizer.size
        )
        network = build(model, sizes, seed=1, kind="language_model")
        name = f"shakespeare-{model}"
        config = saving.model_config(
            name=name, model=model, preset="nano", network=network, **common
        )
        saving.save_folder(root / name, saving.weight_arrays(network), config, files)
    return root
