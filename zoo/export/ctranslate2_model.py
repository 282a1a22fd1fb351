"""The network `transformer` in CTranslate2's own files: model.bin, config.json, vocabularies.

Layers are read from the network as it stands, so what one of them does otherwise (another
activation, no biases, another scale) is written as it is, or refused by name. Axes: D width, F
inner width, V vocabulary.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.layers.positions import Positions, sinusoids
from zoo.runtime.litert import PRECISIONS
from zoo.tokenizer import BOS, EOS, PAD, UNK

if TYPE_CHECKING:
    from zoo.kinds.seq2seq import Seq2Seq

MISSING = "CTranslate2 is not installed, and its files are written with it: pip install ctranslate2"
NEVER = -1e4
"""Added to the logits of tokens that are no answer: nothing in half precision is infinite then."""
OPTIONS = frozenset(
    "source_vocabulary target_vocabulary shared_vocabulary hidden_size heads feed_forward_size "
    "encoder_layers decoder_layers dropout positions max_length".split()
)
"""Hyper-parameters that are written here, or that have no part in answering."""
POSITIONS = ("sinusoidal", "learned", "none")
ACTIVATIONS = {"relu": "RELU", "gelu": "GELU", "silu": "SWISH", "tanh": "Tanh"}
"""Keras's name of an activation, and CTranslate2's."""


class CTranslate2Error(ValueError):
    """A model that cannot be written for CTranslate2; the message says why and what to do."""


def write(
    network: Seq2Seq,
    folder: Path,
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    precision: str = "float32",
) -> None:
    """Write the files that `ctranslate2.Translator` opens.

    Args:
        network: a `TransformerSeq2Seq`.
        folder: there already, and without such files.
        source_tokens, target_tokens: the token behind each id, V of each side.
        precision: of the weights, "float32" or "int8".

    Raises:
        CTranslate2Error: CTranslate2 is not installed, does not hold something that the network
            has, or another precision is asked for.
    """
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise CTranslate2Error(f"precision is one of {known}. Received: precision={precision!r}")
    spec = _Writer(network).specification()
    spec.register_source_vocabulary(list(source_tokens))
    spec.register_target_vocabulary(list(target_tokens))
    spec.config.unk_token = source_tokens[UNK]
    spec.config.bos_token = spec.config.decoder_start_token = target_tokens[BOS]
    spec.config.eos_token = target_tokens[EOS]
    spec.validate()
    spec.optimize(quantization=precision)
    spec.save(str(folder))


class _Writer:
    """Fills in a specification, and knows which weights it has not written yet."""

    def __init__(self, network: Seq2Seq):
        self.network = network
        config = network.config
        for field in dataclasses.fields(config):
            value = getattr(config, field.name)
            if field.name not in OPTIONS and value != field.default:
                raise _not_held(f"{field.name}={value!r}")
        if config.positions not in POSITIONS:
            raise _not_held(f"positions={config.positions!r}")
        self.left = {id(weight): weight.path for weight in network.weights}

    def specification(self) -> Any:
        """All layers of the network; without vocabularies."""
        try:
            from ctranslate2.specs import TransformerSpec, common_spec
        except ImportError as error:
            raise CTranslate2Error(MISSING) from error
        network = self.network
        blocks = [*network.encoder_layers, *network.decoder_layers]
        spec = TransformerSpec.from_config(
            (len(network.encoder_layers), len(network.decoder_layers)),
            self.same("heads", [block.attention.heads for block in blocks]),
            pre_norm=True,
            activation=common_spec.Activation[
                self.same("activations", [_activation(block.feedforward) for block in blocks])
            ],
        )
        norms = [layer for layer in network._flatten_layers() if hasattr(layer, "epsilon")]
        epsilon = self.same("epsilons", [norm.epsilon for norm in norms])
        spec.config.layer_norm_epsilon = epsilon
        sides = (
            (spec.encoder, network.source_positions, network.encoder_norm),
            (spec.decoder, network.target_positions, network.decoder_norm),
        )
        for side, positions, closing in sides:
            side.scale_embeddings = float(network.scale)
            side.position_encodings.encodings = self.positions(positions)
            self.norm(side.layer_norm, closing)
        spec.encoder.embeddings[0].weight = self.array(network.source_embedding.embeddings)
        table = self.array(network.target_embedding.embeddings)  # (V, D)
        spec.decoder.embeddings.weight = spec.decoder.projection.weight = table
        # Padding, begin and unknown tokens are never written, whatever the decoding options.
        bias = np.zeros(len(table), "float32")
        bias[[PAD, BOS, UNK]] = NEVER
        spec.decoder.projection.bias = bias
        for layer, block in zip(spec.encoder.layer, network.encoder_layers, strict=True):
            self.self_attention(layer.self_attention, block)
            self.feed_forward(layer.ffn, block)
        for layer, block in zip(spec.decoder.layer, network.decoder_layers, strict=True):
            self.self_attention(layer.self_attention, block)
            self.norm(layer.attention.layer_norm, block.cross_norm)
            cross = block.cross
            dense = (cross.query_projection, cross.memory_projection, cross.output_projection)
            for linear, one in zip(layer.attention.linear, dense, strict=True):
                self.linear(linear, one)
            self.feed_forward(layer.ffn, block)
        if self.left:
            raise _not_held(f"the weight {next(iter(self.left.values()))}")
        return spec

    def self_attention(self, spec: Any, block: Any) -> None:
        """Queries, keys and values are one product there, and two here."""
        attention = block.attention
        if attention.rotary is not None:
            raise _not_held("rotary positions")
        self.norm(spec.layer_norm, block.attention_norm)
        self.linear(spec.linear[0], attention.query_projection, attention.memory_projection)
        self.linear(spec.linear[1], attention.output_projection)

    def feed_forward(self, spec: Any, block: Any) -> None:
        """D to F to D."""
        self.norm(spec.layer_norm, block.feedforward_norm)
        self.linear(spec.linear_0, block.feedforward.inner)
        self.linear(spec.linear_1, block.feedforward.outer)

    def linear(self, spec: Any, *dense: Any) -> None:
        """Dense layers of one input side by side: weight (outputs, inputs), bias (outputs,)."""
        spec.weight = np.concatenate([self.array(one.kernel).T for one in dense])
        if any(one.use_bias for one in dense):
            spec.bias = np.concatenate(
                [
                    self.array(one.bias) if one.use_bias else np.zeros(one.units, "float32")
                    for one in dense
                ]
            )

    def norm(self, spec: Any, layer: Any) -> None:
        """Layer normalisation; where it does not scale or shift, by 1 and 0."""
        width = self.network.config.hidden_size
        gamma, beta = getattr(layer, "gamma", None), getattr(layer, "beta", None)
        spec.gamma = np.ones(width, "float32") if gamma is None else self.array(gamma)
        spec.beta = np.zeros(width, "float32") if beta is None else self.array(beta)

    def positions(self, layer: Positions) -> np.ndarray:
        """(length, D): a table of whatever kind, so that none is CTranslate2's own."""
        if layer.kind == "learned":
            return self.array(layer.table)
        if layer.kind == "none":
            return np.zeros((layer.length, layer.width), "float32")
        return sinusoids(layer.length, layer.width)

    def array(self, weight: Any) -> np.ndarray:
        """The value of a weight of the network, which is then no longer left."""
        self.left.pop(id(weight), None)
        return np.asarray(weight).astype("float32")

    def same(self, what: str, values: Sequence[Any]) -> Any:
        """The one value that all layers have."""
        if len(set(values)) > 1:
            raise _not_held(f"different {what} ({', '.join(map(str, sorted(set(values))))})")
        return values[0]


def _activation(feedforward: Any) -> str:
    """CTranslate2's name of what is between the two layers."""
    name = getattr(feedforward.inner.activation, "__name__", "of another kind")
    if name not in ACTIVATIONS:
        raise _not_held(f"the activation {name}")
    return ACTIVATIONS[name]


def _not_held(what: str) -> CTranslate2Error:
    return CTranslate2Error(
        f"this Transformer has {what}, which cannot be written for CTranslate2: "
        "--format litert or saved_model exports it"
    )
