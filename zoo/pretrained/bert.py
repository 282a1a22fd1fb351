"""BERT's weights for the zoo's encoder, from a folder as Hugging Face writes it, or from KerasHub.

Devlin et al. 2019 (arXiv:1810.04805). Of its two token types, the second is for the other text of
a pair: a single text has the first, which is added to every position here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo.pretrained.base import (
    Held,
    PretrainedError,
    array_of,
    check_fields,
    read_config,
    read_weights,
    sizes_of,
    sum_of,
)
from zoo.wordpieces import WordPieces

CONFIG, WEIGHTS, VOCABULARY = "config.json", "model.safetensors", "vocab.txt"
FILES = (CONFIG, WEIGHTS, VOCABULARY)
SIZES = {
    "vocab_size": "vocabulary",
    "hidden_size": "hidden_size",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "intermediate_size": "feed_forward_size",
    "max_position_embeddings": "max_length",
}
"""What the sizes are called there and here."""
AS_WRITTEN: tuple[Mapping[str, Any], ...] = (
    # Corpora whose words are set apart, as the Penn Treebank: BERT has read text as people write.
    {"replace": {"-lrb-": "(", "-rrb-": ")", " n't": "n't", "``": '"', " ''": '"'}},
)
"""What a text goes through before the tokenizer."""


class BertFolder:
    """A folder with config.json, model.safetensors and vocab.txt of a BERT.

    Args:
        folder: that has them.
        name: what it is called.
        pooling: "mean" or "first": what of its states says most of a text.

    Raises:
        PretrainedError: a file is missing or damaged, or of another architecture.
    """

    kind: ClassVar = "classifier"
    model: ClassVar = "bert"
    normalizer: ClassVar = AS_WRITTEN

    def __init__(self, folder: Path, name: str, pooling: str = "first"):
        self.folder, self.name = folder, name
        for file in FILES:
            if not (folder / file).is_file():
                raise PretrainedError(
                    f"{name} has no {file}: a BERT is a folder with {', '.join(FILES)}"
                )
        config = self._config()
        self.sizes = sizes_of(config, SIZES, name)
        self.sizes |= {
            "positions": "learned",
            "norm": "post",
            "norm_epsilon": float(config.get("layer_norm_eps", 1e-12)),
            "pooling": pooling,
            "dropout": 0.1,
            "scaled_embedding": False,
        }
        self.tokenizer = self._tokenizer()

    def _config(self) -> dict[str, Any]:
        found = read_config(self.folder / CONFIG, self.name)
        check_fields(found, {"model_type": "bert", "hidden_act": "gelu"}, self.name, "BERT")
        if found.get("position_embedding_type", "absolute") != "absolute":
            raise PretrainedError(f"{self.name} has other positions than BERT's, which are learnt")
        return found

    def _tokenizer(self) -> WordPieces:
        beside = self.folder / "tokenizer_config.json"
        try:
            said = json.loads(beside.read_text("utf-8")) if beside.is_file() else {}
            tokens = (self.folder / VOCABULARY).read_text("utf-8").removesuffix("\n").split("\n")
            found = WordPieces(tokens, bool(said.get("do_lower_case", True)))
        except (OSError, ValueError, AttributeError) as error:
            raise PretrainedError(f"{VOCABULARY} of {self.name} is damaged: {error}") from None
        if found.size != self.sizes["vocabulary"]:
            raise PretrainedError(
                f"{VOCABULARY} of {self.name} has {found.size:,} tokens; its weights are for "
                f"{self.sizes['vocabulary']:,}"
            )
        return found

    @functools.cached_property
    def sha256(self) -> str:
        return sum_of(self.folder / WEIGHTS)

    def arrays(self) -> dict[str, np.ndarray]:
        found = read_weights(self.folder / WEIGHTS, self.name)
        found = {name.removeprefix("bert."): array for name, array in found.items()}
        try:
            return of_hugging_face(found, self.sizes)
        except KeyError as error:
            raise PretrainedError(f"{WEIGHTS} of {self.name} has no weight {error}") from None


def of_hugging_face(
    found: Mapping[str, np.ndarray], sizes: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Weights under the zoo's names, of those under Hugging Face's.

    A matrix lies turned there; keys and values are made by one here.
    """
    words = found["embeddings.word_embeddings.weight"]
    positions = found["embeddings.position_embeddings.weight"]
    first_type = found["embeddings.token_type_embeddings.weight"][0]
    made = {
        "embedding/embeddings": words,
        "encoder/positions/table": positions + first_type,
        **_norm("encoder/norm", found, "embeddings.LayerNorm"),
    }
    for layer in range(sizes["layers"]):
        ours, theirs = f"encoder/block_{layer}", f"encoder.layer.{layer}"
        pairs = {
            "attention/query": ("attention.self.query",),
            "attention/key_value": ("attention.self.key", "attention.self.value"),
            "attention/output": ("attention.output.dense",),
            "feedforward/inner": ("intermediate.dense",),
            "feedforward/outer": ("output.dense",),
        }
        for name, parts in pairs.items():
            kernels = [found[f"{theirs}.{part}.weight"].T for part in parts]
            biases = [found[f"{theirs}.{part}.bias"] for part in parts]
            made[f"{ours}/{name}/kernel"] = np.concatenate(kernels, axis=1)
            made[f"{ours}/{name}/bias"] = np.concatenate(biases)
        made |= _norm(f"{ours}/attention_norm", found, f"{theirs}.attention.output.LayerNorm")
        made |= _norm(f"{ours}/feedforward_norm", found, f"{theirs}.output.LayerNorm")
    return made


def _norm(ours: str, found: Mapping[str, np.ndarray], theirs: str) -> dict[str, np.ndarray]:
    return {f"{ours}/gamma": found[f"{theirs}.weight"], f"{ours}/beta": found[f"{theirs}.bias"]}


class KerasHubBert(Held):
    """A BERT of KerasHub.

    Args:
        name: what it is called.
        backbone, tokenizer: `keras_hub.models.BertBackbone` and `BertTokenizer`.
    """

    kind: ClassVar = "classifier"
    model: ClassVar = "bert"
    normalizer: ClassVar = AS_WRITTEN

    def __init__(self, name: str, backbone: Any, tokenizer: Any):
        self.name = name
        self.sizes = {
            "vocabulary": backbone.vocabulary_size,
            "hidden_size": backbone.hidden_dim,
            "layers": backbone.num_layers,
            "heads": backbone.num_heads,
            "feed_forward_size": backbone.intermediate_dim,
            "max_length": backbone.max_sequence_length,
            "positions": "learned",
            "norm": "post",
            "norm_epsilon": 1e-12,
            "pooling": "first",
            "dropout": float(backbone.dropout),
            "scaled_embedding": False,
        }
        self.tokenizer = WordPieces(tokenizer.get_vocabulary(), bool(tokenizer.lowercase))
        self._arrays = of_hugging_face(_named_as_hugging_face(backbone), self.sizes)


def _named_as_hugging_face(backbone: Any) -> dict[str, np.ndarray]:
    """The weights of KerasHub's network under Hugging Face's names, its matrices flat, turned."""
    width = backbone.hidden_dim
    layers = {layer.name: layer for layer in backbone.layers}
    found: dict[str, np.ndarray] = {
        "embeddings.word_embeddings.weight": array_of(layers["token_embedding"].embeddings),
        "embeddings.position_embeddings.weight": array_of(
            layers["position_embedding"].position_embeddings
        ),
        "embeddings.token_type_embeddings.weight": array_of(layers["segment_embedding"].embeddings),
    }

    def norm(name: str, layer: Any) -> None:
        found[f"{name}.weight"], found[f"{name}.bias"] = array_of(layer.gamma), array_of(layer.beta)

    def dense(name: str, layer: Any, inputs: int) -> None:
        found[f"{name}.weight"] = array_of(layer.kernel).reshape(inputs, -1).T
        found[f"{name}.bias"] = array_of(layer.bias).reshape(-1)

    norm("embeddings.LayerNorm", layers["embeddings_layer_norm"])
    for i in range(backbone.num_layers):
        layer, theirs = layers[f"transformer_layer_{i}"], f"encoder.layer.{i}"
        attention = layer._self_attention_layer
        dense(f"{theirs}.attention.self.query", attention._query_dense, width)
        dense(f"{theirs}.attention.self.key", attention._key_dense, width)
        dense(f"{theirs}.attention.self.value", attention._value_dense, width)
        dense(f"{theirs}.attention.output.dense", attention._output_dense, width)
        dense(f"{theirs}.intermediate.dense", layer._feedforward_intermediate_dense, width)
        dense(f"{theirs}.output.dense", layer._feedforward_output_dense, backbone.intermediate_dim)
        norm(f"{theirs}.attention.output.LayerNorm", layer._self_attention_layer_norm)
        norm(f"{theirs}.output.LayerNorm", layer._feedforward_layer_norm)
    return found
