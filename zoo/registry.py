"""Which architectures there are and in which sizes. Imports no framework.

An architecture is a network that keeps the contract of a kind; a preset is a size of it; a model is
a trained one, in a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.configs import recurrent, transformer
from zoo.configs.base import make_config


@dataclass(frozen=True)
class Architecture:
    """An entry of the registry.

    Args:
        name: in commands, cards and addresses.
        kind: the contract of its inputs and answers.
        label: its name on a page.
        summary: what it does, in a sentence for readers.
        description: what it is, in a phrase for engineers, with the paper.
        network: module and class, "zoo.models.transformer_seq2seq:TransformerSeq2Seq".
        config: the class of its hyper-parameters.
        presets: its sizes.
    """

    name: str
    kind: str
    label: str
    summary: str
    description: str
    network: str
    config: type
    presets: Mapping[str, Mapping[str, Any]]


ARCHITECTURES: dict[str, Architecture] = {
    entry.name: entry
    for entry in (
        Architecture(
            name="simple-rnn",
            kind="seq2seq",
            label="Simple RNN",
            summary="Reads and writes word by word; one vector carries the whole input.",
            description="SimpleRNN encoder-decoder: one vector carries the whole sentence",
            network="zoo.models.recurrent_seq2seq:SimpleRNNSeq2Seq",
            config=recurrent.Recurrent,
            presets=recurrent.PRESETS,
        ),
        Architecture(
            name="lstm",
            kind="seq2seq",
            label="LSTM",
            summary="Its gates remember for longer; still one vector, no attention.",
            description="bidirectional LSTM encoder, LSTM decoder, no attention: the ablation",
            network="zoo.models.recurrent_seq2seq:LSTMSeq2Seq",
            config=recurrent.Recurrent,
            presets=recurrent.PRESETS,
        ),
        Architecture(
            name="lstm-bahdanau",
            kind="seq2seq",
            label="LSTM + attention",
            summary="Looks back at the input before each step (Bahdanau et al. 2015).",
            description="bidirectional LSTM encoder, LSTM decoder, additive attention "
            "(Bahdanau et al. 2015)",
            network="zoo.models.recurrent_seq2seq:BahdanauSeq2Seq",
            config=recurrent.RecurrentWithAttention,
            presets=recurrent.PRESETS,
        ),
        Architecture(
            name="transformer",
            kind="seq2seq",
            label="Transformer",
            summary="Attention in every layer, no recurrence (Vaswani et al. 2017).",
            description="Transformer encoder-decoder, pre-norm, self- and cross-attention "
            "(Vaswani et al. 2017)",
            network="zoo.models.transformer_seq2seq:TransformerSeq2Seq",
            config=transformer.Transformer,
            presets=transformer.PRESETS,
        ),
    )
}


def architecture(name: str) -> Architecture:
    """The architecture called `name`. Raises ValueError with the known names."""
    if name not in ARCHITECTURES:
        raise ValueError(f"Unknown model. Known: {', '.join(ARCHITECTURES)}. Received: {name!r}")
    return ARCHITECTURES[name]


def configuration(name: str, preset: str = "small", **overrides: Any) -> Any:
    """Hyper-parameters of the architecture `name` in size `preset`, some of them overridden.

    Raises:
        ValueError: unknown architecture, preset or hyper-parameter, or a value it cannot have.
    """
    entry = architecture(name)
    if preset not in entry.presets:
        raise ValueError(f"Unknown preset. Known: {', '.join(entry.presets)}. Received: {preset!r}")
    return make_config(entry.config, {**entry.presets[preset], **overrides})


def attention_heads(name: str, hyperparameters: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Layers and heads of attention by kind, as the built network's `attention_heads` gives them.

    Args:
        name: a key of `ARCHITECTURES`.
        hyperparameters: as a model folder's `config.json` holds them.

    Raises:
        ValueError: unknown architecture or hyper-parameter, or a value it cannot have.

    Example:
        >>> sizes = {"source_vocabulary": 9, "target_vocabulary": 9, "decoder_layers": 2}
        >>> attention_heads("transformer", sizes)
        {'cross': (2, 4), 'encoder': (3, 4), 'decoder': (2, 4)}
        >>> attention_heads("lstm", {"source_vocabulary": 9, "target_vocabulary": 9})
        {}
    """
    return make_config(architecture(name).config, hyperparameters).attention_heads()
