"""GPT-2's weights for the zoo's `gpt`, from a folder as Hugging Face writes it, or from KerasHub.

Radford et al. 2019. It computes GELU by tanh; its output matrix is its embedding.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo.byte_pairs import BEGIN, BytePairs
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

CONFIG, WEIGHTS = "config.json", "model.safetensors"
VOCABULARY, MERGES = "vocab.json", "merges.txt"
FILES = (CONFIG, WEIGHTS, VOCABULARY, MERGES)
MODEL_TYPE = "gpt2"
SIZES = {
    "vocab_size": "vocabulary",
    "n_embd": "hidden_size",
    "n_layer": "layers",
    "n_head": "heads",
    "n_positions": "max_length",
}
"""What the sizes are called there and here."""
ALWAYS = {
    "positions": "learned",
    "activation": "gelu-tanh",
    "norm_by": "layer",
    "norm_epsilon": 1e-5,
    "scaled_embedding": False,
}
"""Hyper-parameters that every GPT-2 has."""


class Gpt2Folder:
    """A folder with config.json, model.safetensors, vocab.json and merges.txt of a GPT-2.

    Args:
        folder: that has them.
        name: what it is called.

    Raises:
        PretrainedError: a file is missing or damaged, or of another architecture.
    """

    kind: ClassVar = "language_model"
    model: ClassVar = "gpt"
    normalizer: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def __init__(self, folder: Path, name: str):
        self.folder, self.name = folder, name
        for file in FILES:
            if not (folder / file).is_file():
                raise PretrainedError(
                    f"{name} has no {file}: a GPT-2 is a folder with {', '.join(FILES)}"
                )
        config = read_config(folder / CONFIG, name)
        wanted = {"model_type": MODEL_TYPE, "activation_function": "gelu_new"}
        check_fields({**wanted, **config}, wanted, name, "GPT-2")
        self.sizes = ALWAYS | sizes_of(config, SIZES, name)
        self.sizes |= {
            "feed_forward_size": config.get("n_inner") or 4 * config["n_embd"],
            "norm_epsilon": float(config.get("layer_norm_epsilon", 1e-5)),
            "dropout": float(config.get("resid_pdrop", 0.1)),
        }

    @cached_property
    def tokenizer(self) -> BytePairs:
        """Its tokenizer. Raises PretrainedError: a file is damaged, or not for these weights."""
        try:
            index = json.loads((self.folder / VOCABULARY).read_text("utf-8"))
            lines = (self.folder / MERGES).read_text("utf-8").splitlines()
        except (OSError, ValueError, RecursionError) as error:
            raise PretrainedError(f"the tokenizer of {self.name} is damaged: {error}") from None
        merges = [line for line in lines if line and not line.startswith("#version")]
        return byte_pairs(self.name, index, merges, self.sizes["vocabulary"])

    @cached_property
    def sha256(self) -> str:
        return sum_of(self.folder / WEIGHTS)

    def arrays(self) -> dict[str, np.ndarray]:
        found = read_weights(self.folder / WEIGHTS, self.name)
        found = {name.removeprefix("transformer."): array for name, array in found.items()}
        if "lm_head.weight" in found and not np.array_equal(
            found["lm_head.weight"], found["wte.weight"]
        ):
            raise PretrainedError(f"{self.name} has an output matrix other than its embedding")
        try:
            return of_hugging_face(found, self.sizes)
        except KeyError as error:
            raise PretrainedError(f"{WEIGHTS} of {self.name} has no weight {error}") from None


class KerasHubGpt2(Held):
    """A GPT-2 of KerasHub.

    Args:
        name: what it is called.
        backbone, tokenizer: `keras_hub.models.GPT2Backbone` and `GPT2Tokenizer`.
    """

    kind: ClassVar = "language_model"
    model: ClassVar = "gpt"
    normalizer: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def __init__(self, name: str, backbone: Any, tokenizer: Any):
        self.name = name
        self.sizes = ALWAYS | {
            "vocabulary": backbone.vocabulary_size,
            "hidden_size": backbone.hidden_dim,
            "layers": backbone.num_layers,
            "heads": backbone.num_heads,
            "feed_forward_size": backbone.intermediate_dim,
            "max_length": backbone.max_sequence_length,
            "dropout": float(backbone.dropout),
        }
        self.tokenizer = byte_pairs(
            name, tokenizer.vocabulary, tokenizer.merges, self.sizes["vocabulary"]
        )
        self._arrays = of_hugging_face(named_as_hugging_face(backbone), self.sizes)


def byte_pairs(name: str, index: Any, merges: Any, size: int) -> BytePairs:
    """The tokenizer of tokens with their numbers, and of merges.

    Raises:
        PretrainedError: they do not go together, or are not `size` tokens.
    """
    try:
        tokens = sorted(index, key=index.__getitem__)
        if [index[token] for token in tokens] != list(range(size)):
            raise ValueError(f"{len(tokens):,} tokens; its weights are for {size:,}")
        return BytePairs(tokens, list(merges), [BEGIN])
    except (ValueError, TypeError, AttributeError, ImportError) as error:
        raise PretrainedError(f"the tokenizer of {name}: {error}") from None


def of_hugging_face(
    found: Mapping[str, np.ndarray], sizes: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Weights under the zoo's names, of those under Hugging Face's.

    Queries, keys and values are made by one matrix there, keys and values by one here.
    """
    width = sizes["hidden_size"]
    made = {
        "embedding/embeddings": found["wte.weight"],
        "positions/table": found["wpe.weight"],
        "norm/gamma": found["ln_f.weight"],
        "norm/beta": found["ln_f.bias"],
    }
    parts = {
        "attention/query": ("attn.c_attn", slice(width)),
        "attention/key_value": ("attn.c_attn", slice(width, None)),
        "attention/output": ("attn.c_proj", slice(None)),
        "feedforward/inner": ("mlp.c_fc", slice(None)),
        "feedforward/outer": ("mlp.c_proj", slice(None)),
    }
    norms = {"attention_norm": "ln_1", "feedforward_norm": "ln_2"}
    for layer in range(sizes["layers"]):
        ours, theirs = f"block_{layer}", f"h.{layer}"
        for name, (part, columns) in parts.items():
            made[f"{ours}/{name}/kernel"] = found[f"{theirs}.{part}.weight"][:, columns]
            made[f"{ours}/{name}/bias"] = found[f"{theirs}.{part}.bias"][columns]
        for name, norm in norms.items():
            made[f"{ours}/{name}/gamma"] = found[f"{theirs}.{norm}.weight"]
            made[f"{ours}/{name}/beta"] = found[f"{theirs}.{norm}.bias"]
    return made


def named_as_hugging_face(backbone: Any) -> dict[str, np.ndarray]:
    """The weights of KerasHub's network under Hugging Face's names, its matrices flat."""
    width = backbone.hidden_dim
    found = {
        "wte.weight": array_of(backbone.token_embedding.embeddings),
        "wpe.weight": array_of(backbone.position_embedding.position_embeddings),
    }

    def norm(name: str, layer: Any) -> None:
        found[f"{name}.weight"] = array_of(layer.gamma)
        found[f"{name}.bias"] = array_of(layer.beta)

    def dense(name: str, layers: list[Any], inputs: int) -> None:
        kernels = [array_of(layer.kernel).reshape(inputs, -1) for layer in layers]
        found[f"{name}.weight"] = np.concatenate(kernels, axis=1)
        found[f"{name}.bias"] = np.concatenate([array_of(one.bias).reshape(-1) for one in layers])

    norm("ln_f", backbone.layer_norm)
    for i, layer in enumerate(backbone.transformer_layers):
        of = layer._self_attention_layer
        dense(f"h.{i}.attn.c_attn", [of._query_dense, of._key_dense, of._value_dense], width)
        dense(f"h.{i}.attn.c_proj", [of._output_dense], width)
        dense(f"h.{i}.mlp.c_fc", [layer._feedforward_intermediate_dense], width)
        outer = layer._feedforward_output_dense
        dense(f"h.{i}.mlp.c_proj", [outer], backbone.intermediate_dim)
        norm(f"h.{i}.ln_1", layer._self_attention_layer_norm)
        norm(f"h.{i}.ln_2", layer._feedforward_layer_norm)
    return found
