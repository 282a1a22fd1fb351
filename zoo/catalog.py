"""Which animals there are, in which sizes, which trained ones are shipped. Imports no framework.

A family is a class of network; a preset is a size of it; a shipped model is a trained one.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Recurrent:
    """Hyper-parameters of the recurrent encoder-decoders (`simple-rnn`, `lstm`, `lstm-bahdanau`).

    Args:
        source_vocabulary, target_vocabulary: how many pieces each side has.
        shared_vocabulary: both sides use the same pieces, hence the same embedding.
        width: of the piece embeddings, and of the tied output.
        units: of the decoder's state; each direction of a bidirectional encoder has half.
        attention_units: of the hidden layer of additive attention; unused without attention.
        dropout: share of the embeddings and of the readout dropped while training.
    """

    source_vocabulary: int
    target_vocabulary: int
    shared_vocabulary: bool = False
    width: int = 256
    units: int = 512
    attention_units: int = 256
    dropout: float = 0.2


@dataclass(frozen=True)
class Transformer:
    """Hyper-parameters of the `transformer` encoder-decoder.

    Args:
        source_vocabulary, target_vocabulary: how many pieces each side has.
        shared_vocabulary: both sides use the same pieces, hence the same embedding.
        width: d_model, of the residual stream.
        heads: of every attention layer; must divide `width`.
        feedforward: the inner width of the position-wise network, usually four times `width`.
        encoder_layers, decoder_layers: how many blocks are stacked.
        dropout: share of embeddings, attention weights and block outputs dropped while training.
        positions: `sinusoidal`, `learned` or `none`.
        max_length: the longest source or target in pieces that has a position.
    """

    source_vocabulary: int
    target_vocabulary: int
    shared_vocabulary: bool = False
    width: int = 256
    heads: int = 4
    feedforward: int = 1024
    encoder_layers: int = 3
    decoder_layers: int = 3
    dropout: float = 0.1
    positions: str = "sinusoidal"
    max_length: int = 512


@dataclass(frozen=True)
class Family:
    """One kind of network: where its class lives and what its hyper-parameters are called."""

    description: str
    module: str
    class_name: str
    config: type
    attention: tuple[str, ...]
    """Which maps it returns: `encoder`, `decoder`, `cross`."""


MODELS: dict[str, Family] = {
    "simple-rnn": Family(
        "SimpleRNN encoder-decoder: one vector carries the whole sentence",
        "zoo.recurrent",
        "SimpleRNNSeq2Seq",
        Recurrent,
        (),
    ),
    "lstm": Family(
        "bidirectional LSTM encoder, LSTM decoder, no attention: the ablation",
        "zoo.recurrent",
        "LSTMSeq2Seq",
        Recurrent,
        (),
    ),
    "lstm-bahdanau": Family(
        "bidirectional LSTM encoder, LSTM decoder, additive attention (Bahdanau et al. 2015)",
        "zoo.recurrent",
        "BahdanauSeq2Seq",
        Recurrent,
        ("cross",),
    ),
    "transformer": Family(
        "Transformer encoder-decoder, pre-norm, self- and cross-attention (Vaswani et al. 2017)",
        "zoo.transformer",
        "TransformerSeq2Seq",
        Transformer,
        ("encoder", "decoder", "cross"),
    ),
}

PRESETS: dict[type, dict[str, dict[str, Any]]] = {
    Recurrent: {
        "nano": {"width": 16, "units": 24, "attention_units": 16},
        "tiny": {"width": 128, "units": 256, "attention_units": 128},
        "compact": {"width": 192, "units": 384, "attention_units": 192},
        "small": {"width": 256, "units": 512, "attention_units": 256},
        "base": {"width": 512, "units": 1024, "attention_units": 512},
    },
    Transformer: {
        "nano": {"width": 16, "heads": 2, "feedforward": 32, "encoder_layers": 2}
        | {"decoder_layers": 2},
        "tiny": {"width": 128, "heads": 4, "feedforward": 512},
        "compact": {"width": 192, "heads": 4, "feedforward": 768},
        "small": {"width": 256, "heads": 4, "feedforward": 1024},
        "base": {"width": 512, "heads": 8, "feedforward": 2048, "encoder_layers": 6}
        | {"decoder_layers": 6},
    },
}
"""Sizes by plain name: `nano` for tests, `tiny` for characters, `compact` for the shipped recurrent
translators, `small` for the shipped Transformer and a corpus of your own on a CPU, `base` (that of
Vaswani et al. 2017) for an accelerator."""

TASKS = {"en-es": "tatoeba/en-es", "dates": "dates", "pronounce": "pronounce"}
"""Tasks with shipped models, by the word their names begin with."""

SHIPPED: tuple[str, ...] = tuple(f"{task}-{model}" for task in TASKS for model in MODELS)


def family(model: str) -> Family:
    """The family called `model`. Raises ValueError with the known names."""
    if model not in MODELS:
        raise ValueError(f"Unknown model. Known: {', '.join(MODELS)}. Received: {model!r}")
    return MODELS[model]


def configuration(model: str, preset: str = "small", **overrides: Any) -> Any:
    """Hyper-parameters of `model` in size `preset`, some of them overridden.

    Raises:
        ValueError: unknown model, preset or hyper-parameter, or a value of another type.
    """
    kind = family(model).config
    presets = PRESETS[kind]
    if preset not in presets:
        raise ValueError(f"Unknown preset. Known: {', '.join(presets)}. Received: {preset!r}")
    return make_config(kind, {**presets[preset], **overrides})


def make_config(kind: type, values: dict[str, Any]) -> Any:
    """A config of `kind` from plain values, each checked by name and type."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name, value in values.items():
        if name not in fields:
            raise ValueError(
                f"Unknown hyper-parameter of {kind.__name__}. Known: {', '.join(fields)}. "
                f"Received: {name!r}"
            )
        wanted = fields[name].type
        right = {
            "int": isinstance(value, int) and not isinstance(value, bool) and value > 0,
            "float": isinstance(value, int | float) and 0 <= value < 1,
            "bool": isinstance(value, bool),
            "str": isinstance(value, str),
        }[wanted]
        if not right:
            raise ValueError(f"{name} must be a valid {wanted}. Received: {name}={value!r}")
    required = [name for name, f in fields.items() if f.default is dataclasses.MISSING]
    if missing := [name for name in required if name not in values]:
        raise ValueError(f"{kind.__name__} needs {', '.join(missing)}. Received: none")
    return kind(**values)


def build(model: str, config: Any, seed: int = 0, precision: str = "float32") -> Any:
    """A `zoo.seq2seq.Seq2Seq` of family `model` with fresh weights drawn from `seed`.

    `precision`: the dtype policy of its layers; Keras's global one and keras.json do not count.
    """
    import keras

    from zoo import defaults

    entry = family(model)
    if not isinstance(config, entry.config):
        raise ValueError(
            f"{model} is configured by {entry.config.__name__}. Received: {type(config).__name__}"
        )
    keras.utils.set_random_seed(seed)
    kind = getattr(importlib.import_module(entry.module), entry.class_name)
    with defaults.precision(precision):
        network = kind(config, name=model)
        network.build_variables()
    return network


def saved_models_path() -> Path:
    """The folder of shipped models; ZOO_SAVED_MODELS names another."""
    named = os.environ.get("ZOO_SAVED_MODELS")
    return Path(named) if named else Path(__file__).resolve().parent.parent / "saved_models"


def names() -> list[str]:
    """The shipped models that are there, in the order of the catalog."""
    return [name for name in SHIPPED if (saved_models_path() / name / "config.json").is_file()]
