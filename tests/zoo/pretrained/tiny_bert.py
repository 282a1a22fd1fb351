"""A BERT of a few hundred weights, as a folder that Hugging Face would write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.pretrained.bert import CONFIG, VOCABULARY, WEIGHTS
from zoo.wordpieces import SPECIAL

TOKENS = [
    *SPECIAL,
    "good",
    "bad",
    "film",
    "a",
    "the",
    "##s",
    "not",
    "no",
    "fun",
    ".",
    "!",
    "'",
    "[MASK]",
]


def write(folder: Path, weights: Mapping[str, np.ndarray], heads: int) -> None:
    """The weights under Hugging Face's names, with what is beside them."""
    from safetensors.numpy import save_file

    words = weights["embeddings.word_embeddings.weight"]
    inner = weights["encoder.layer.0.intermediate.dense.bias"]
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "vocab_size": len(words),
        "hidden_size": words.shape[1],
        "num_hidden_layers": sum(name.endswith("intermediate.dense.bias") for name in weights),
        "num_attention_heads": heads,
        "intermediate_size": len(inner),
        "max_position_embeddings": len(weights["embeddings.position_embeddings.weight"]),
        "layer_norm_eps": 1e-12,
    }
    (folder / CONFIG).write_text(json.dumps(config))
    (folder / VOCABULARY).write_text("\n".join(TOKENS) + "\n")
    save_file({k: np.ascontiguousarray(v) for k, v in weights.items()}, folder / WEIGHTS)


def drawn(layers: int = 1, width: int = 8, inner: int = 12, length: int = 16) -> dict:
    """Weights at random, under Hugging Face's names."""
    random = np.random.default_rng(1)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 0.3, shape).astype("float32")

    found = {
        "embeddings.word_embeddings.weight": matrix(len(TOKENS), width),
        "embeddings.position_embeddings.weight": matrix(length, width),
        "embeddings.token_type_embeddings.weight": matrix(2, width),
    }
    norms = ["embeddings.LayerNorm"]
    for i in range(layers):
        name = f"encoder.layer.{i}"
        parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
        sizes = dict.fromkeys((*parts, "attention.output.dense"), (width, width))
        sizes |= {"intermediate.dense": (inner, width), "output.dense": (width, inner)}
        for part, size in sizes.items():
            found[f"{name}.{part}.weight"] = matrix(*size)
            found[f"{name}.{part}.bias"] = matrix(size[0])
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    for norm in norms:
        found[f"{norm}.weight"], found[f"{norm}.bias"] = 1 + matrix(width), matrix(width)
    return found
