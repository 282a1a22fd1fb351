"""Networks and trained-looking model folders small enough to be made in every test run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zoo import registry, saving
from zoo.building import build
from zoo.tokenizer import BOS, EOS, PAD, Tokenizer, train_tokenizer

SOURCE_VOCABULARY, TARGET_VOCABULARY = 19, 17

COPYING = {"copying": True, "shared_vocabulary": True, "target_vocabulary": SOURCE_VOCABULARY}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{model: (model, {}) for model in registry.of_kind("seq2seq")},
    "transformer-learned-positions": ("transformer", {"positions": "learned"}),
    "transformer-no-positions": ("transformer", {"positions": "none"}),
    "transformer-copying": ("transformer", COPYING),
    "lstm-bahdanau-copying": ("lstm-bahdanau", COPYING),
    "lstm-bahdanau-coverage": ("lstm-bahdanau", {**COPYING, "coverage": True}),
}
"""Architectures and hyper-parameters that are held to the laws."""

APART = ("feed-forward", "lstm", "transformer")
"""Models that exports and backends are tried with two tokenizers for; the others have one."""

SENTENCES = [
    (f"{who} {does} the {what}.", f"{wer} {tut} {was}.")
    for who, wer in (("Tom", "Tomás"), ("my sister", "mi hermana"), ("she", "ella"))
    for does, tut in (("sees", "ve"), ("buys", "compra"), ("wants", "quiere"))
    for what, was in (("red car", "el coche rojo"), ("book", "el libro"), ("house", "la casa"))
]


def network(model: str, preset: str = "nano", **overrides: Any) -> Any:
    """A network whose every weight, biases included, is far from where it started.

    Fresh weights hide mistakes: zero biases add nothing and attention is nearly uniform.
    """
    sizes = {"source_vocabulary": SOURCE_VOCABULARY, "target_vocabulary": TARGET_VOCABULARY}
    config = registry.configuration(model, preset, **{**sizes, **overrides})
    made = build(model, config, seed=3)
    random = np.random.default_rng(5)
    for weight in made.trainable_variables:
        noise = random.normal(scale=0.3, size=tuple(weight.shape))
        weight.assign(np.asarray(weight) + noise.astype("float32"))
    return made


def attention_heads(model: str) -> dict[str, tuple[int, int]]:
    """Layers and heads by kind of what `network` makes, without making it."""
    sizes = {"source_vocabulary": SOURCE_VOCABULARY, "target_vocabulary": TARGET_VOCABULARY}
    return registry.configuration(model, "nano", **sizes).attention_heads()


def rows(lengths: list[int], vocabulary: int, width: int = 0, seed: int = 0) -> np.ndarray:
    """Random ids, each row of `lengths` pieces that end with EOS, padded to `width`."""
    random = np.random.default_rng(seed)
    array = np.full((len(lengths), max(width, *lengths)), PAD, "int32")
    for i, length in enumerate(lengths):
        array[i, :length] = [*random.integers(4, vocabulary, length - 1), EOS]
    return array


def shifted(target: np.ndarray) -> np.ndarray:
    """What the decoder reads to write `target`."""
    begin = np.full((len(target), 1), BOS, "int32")
    return np.where(target == PAD, PAD, np.concatenate([begin, target[:, :-1]], axis=1))


def tokenizers(shared: bool = True) -> dict[str, Tokenizer]:
    """By file name: one for both sides, or one each."""
    read, written = zip(*SENTENCES, strict=True)
    if shared:
        both = [*read, *written]
        made = train_tokenizer(both, model_type="unigram", vocabulary_size=60)
        return {"tokenizer.model": made}
    return {
        file: train_tokenizer(texts, model_type="char", vocabulary_size=60)
        for file, texts in (("source.model", read), ("target.model", written))
    }


def folder(
    path: Path,
    model: str = "transformer",
    shared: bool = True,
    pieces: dict[str, Tokenizer] | None = None,
    overrides: dict[str, Any] | None = None,
    **rest: Any,
) -> Path:
    """A model folder as training leaves it, with weights as `network` makes them."""
    pieces = pieces or tokenizers(shared)
    files = list(pieces)
    made = network(
        model,
        source_vocabulary=pieces[files[0]].size,
        target_vocabulary=pieces[files[-1]].size,
        shared_vocabulary=shared,
        **(overrides or {}),
    )
    config = saving.model_config(
        kind="seq2seq",
        name=path.name,
        task="tsv:sentences.tsv",
        model=model,
        preset="nano",
        network=made,
        tokenizers={"source": files[0], "target": files[-1]},
        **{"max_source_length": 24, "max_target_length": 16, "unit": "word", **rest},
    )
    saving.save_folder(path, saving.weight_arrays(made), config, pieces)
    return path
