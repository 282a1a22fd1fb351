"""A Llama of a few hundred weights, as a GGUF file that llama.cpp would read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zoo.byte_pairs import BEGIN, LETTERS

LAYERS, WIDTH, HEADS, KEY_HEADS, INNER = 2, 16, 4, 2, 24
MERGES = ["t o", "\u0120 to", "h e"]
TOKENS = [BEGIN, "<|im_end|>", *LETTERS.values(), *(one.replace(" ", "") for one in MERGES)]


def drawn() -> dict[str, np.ndarray]:
    """Weights at random, under the names of GGUF, rows of a head in pairs."""
    random = np.random.default_rng(2)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 0.4, shape).astype("float32")

    of_keys = WIDTH // HEADS * KEY_HEADS
    found = {"token_embd.weight": matrix(len(TOKENS), WIDTH), "output_norm.weight": matrix(WIDTH)}
    for i in range(LAYERS):
        shapes = {
            "attn_norm": (WIDTH,),
            "attn_q": (WIDTH, WIDTH),
            "attn_k": (of_keys, WIDTH),
            "attn_v": (of_keys, WIDTH),
            "attn_output": (WIDTH, WIDTH),
            "ffn_norm": (WIDTH,),
            "ffn_gate": (INNER, WIDTH),
            "ffn_up": (INNER, WIDTH),
            "ffn_down": (WIDTH, INNER),
        }
        found |= {f"blk.{i}.{name}.weight": matrix(*shape) for name, shape in shapes.items()}
    return found


def write(path: Path, weights: dict[str, np.ndarray], **others: Any) -> None:
    """The weights in 32 bits, with sizes and tokenizer; `others` replace what is said of these."""
    import gguf

    architecture = others.pop("architecture", "llama")
    file = gguf.GGUFWriter(path, architecture)
    file.add_block_count(LAYERS)
    file.add_context_length(others.pop("context", 32))
    file.add_embedding_length(WIDTH)
    file.add_feed_forward_length(INNER)
    file.add_head_count(HEADS)
    file.add_head_count_kv(KEY_HEADS)
    file.add_rope_freq_base(50_000.0)
    file.add_layer_norm_rms_eps(1e-5)
    file.add_tokenizer_model(others.pop("tokenizer", "gpt2"))
    file.add_tokenizer_pre("smollm")
    file.add_token_list(TOKENS)
    file.add_token_types([3, 3] + [1] * (len(TOKENS) - 2))
    file.add_token_merges(MERGES)
    for name, array in weights.items():
        file.add_tensor(name, array)
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()
