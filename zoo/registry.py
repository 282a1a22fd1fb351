"""Which architectures there are and in which sizes. Imports no framework.

An architecture is a network that keeps the contract of a kind; a preset is a size of it; a model is
a trained one, in a folder.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.architectures import classifier, forecaster, language_model, seq2seq
from zoo.architectures.entry import Architecture
from zoo.configs.base import make_config, renamed


@dataclass(frozen=True)
class Kind:
    """A contract of inputs and answers.

    Args:
        name: in commands and in config.json.
        predictor: module and class that a trained model of it is loaded as.
        tokenizers: the names of the tokenizers that a model of it has.
        files: how their files may end.
        exporter: module and function that writes a SavedModel of one; "": there is none.
        graphs: module and function that gives the LiteRT graphs of a network; "": there are none.
        on_litert: module and class that a trained model of it is loaded as, to run on LiteRT.

    Example:
        >>> KINDS["language_model"].tokenizers
        ('text',)
    """

    name: str
    predictor: str
    tokenizers: tuple[str, ...]
    files: tuple[str, ...]
    exporter: str = ""
    graphs: str = ""
    on_litert: str = ""


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="seq2seq",
            predictor="zoo.inference.seq2seq:Seq2SeqPredictor",
            tokenizers=("source", "target"),
            files=(".model",),
            exporter="zoo.export.saved_model:export",
            graphs="zoo.inference.litert_graphs:graphs",
            on_litert="zoo.inference.litert_seq2seq:LiteRTSeq2Seq",
        ),
        Kind(
            name="language_model",
            predictor="zoo.inference.language_model:LanguageModelPredictor",
            tokenizers=("text",),
            files=(".json", ".model"),
            exporter="zoo.export.language_model:export",
            graphs="zoo.inference.litert_language_graphs:graphs",
            on_litert="zoo.inference.litert_language_model:LiteRTLanguageModel",
        ),
        Kind(
            name="forecaster",
            predictor="zoo.inference.forecaster:ForecasterPredictor",
            tokenizers=("scaler",),
            files=(".json",),
            exporter="zoo.export.forecaster:export",
            graphs="zoo.inference.litert_forecast_graphs:graphs",
            on_litert="zoo.inference.litert_forecaster:LiteRTForecaster",
        ),
        Kind(
            name="classifier",
            predictor="zoo.inference.classifier:ClassifierPredictor",
            tokenizers=("input",),
            files=(".json", ".model"),
            exporter="zoo.export.classifier:export",
            graphs="zoo.inference.litert_class_graphs:graphs",
            on_litert="zoo.inference.litert_classifier:LiteRTClassifier",
        ),
    )
}


ARCHITECTURES: dict[tuple[str, str], Architecture] = {
    (entry.kind, entry.name): entry
    for entries in (seq2seq, language_model, forecaster, classifier)
    for entry in entries.ARCHITECTURES
}


def named(place: str) -> Any:
    """What a place such as "zoo.models.gpt:GPT" names; its module is imported now."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def of_kind(kind: str, counted: bool = False) -> dict[str, Architecture]:
    """The architectures of a kind by name; those without a network only if `counted`.

    Example:
        >>> list(of_kind("language_model"))
        ['feed-forward', 'rnn', 'lstm', 'min-gru', 'gpt']
    """
    return {
        entry.name: entry
        for entry in ARCHITECTURES.values()
        if entry.kind == kind and (counted or not entry.counted)
    }


def architecture(name: str, kind: str = "seq2seq") -> Architecture:
    """The architecture called `name` of a kind. Raises ValueError with the known names."""
    known = of_kind(kind, counted=True)
    if name not in known:
        others = [entry.kind for entry in ARCHITECTURES.values() if entry.name == name]
        what = f"Unknown model. {name} is a {others[0]}" if others else "Unknown model"
        said = f", and a {kind} is wanted" if others else ""
        raise ValueError(f"{what}{said}. Known: {', '.join(known)}. Received: {name!r}")
    return known[name]


def without_graphs(config: Mapping[str, Any]) -> str:
    """Why there are no LiteRT graphs of a model with this config.json; "" where there are."""
    kind, model = config["kind"], config["model"]
    if not KINDS[kind].graphs:
        return f"there are no LiteRT graphs of the kind {kind}"
    if architecture(model, kind).counted:
        return f"there are no LiteRT graphs of a {model} model: it has counts and no network"
    return ""


def former_names(name: str) -> dict[str, str]:
    """What hyper-parameters of the architecture `name`, of any kind, were called, and are now."""
    found: dict[str, str] = {}
    for entry in ARCHITECTURES.values():
        if entry.name == name:
            found.update(getattr(entry.config, "former_names", {}))
    return found


def configuration(name: str, preset: str = "small", kind: str = "seq2seq", **overrides: Any) -> Any:
    """Hyper-parameters of the architecture `name` in size `preset`, some of them overridden.

    Raises:
        ValueError: unknown architecture, preset or hyper-parameter, or a value it cannot have.
    """
    entry = architecture(name, kind)
    if preset not in entry.presets:
        raise ValueError(f"Unknown preset. Known: {', '.join(entry.presets)}. Received: {preset!r}")
    return make_config(entry.config, entry.presets[preset] | renamed(entry.config, overrides))


def attention_heads(
    name: str, hyperparameters: Mapping[str, Any], kind: str = "seq2seq"
) -> dict[str, tuple[int, int]]:
    """Layers and heads of attention by kind, as the built network's `attention_heads` gives them.

    Args:
        name: of the architecture.
        hyperparameters: as a model folder's `config.json` holds them.
        kind: the architecture's.

    Raises:
        ValueError: unknown architecture or hyper-parameter, or a value it cannot have.

    Example:
        >>> sizes = {"source_vocabulary": 9, "target_vocabulary": 9, "decoder_layers": 2}
        >>> attention_heads("transformer", sizes)
        {'cross': (2, 4), 'encoder': (3, 4), 'decoder': (2, 4)}
        >>> attention_heads("lstm", {"source_vocabulary": 9, "target_vocabulary": 9})
        {}
    """
    return make_config(architecture(name, kind).config, hyperparameters).attention_heads()
