"""Weights of small Llamas for the zoo's `gpt`, from a GGUF file as llama.cpp reads it.

Touvron et al. 2023 (arXiv:2302.13971). Matrices of 4 or 8 bits become float32 once.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo.byte_pairs import DIGITS, SPLITS, BytePairs
from zoo.pretrained.base import PretrainedError, sum_of

CONTEXT = 1024
"""Tokens that are read at most: a cache of all that such a model could read fills the memory."""
CUTS = {"gpt2": SPLITS[0], "smollm": DIGITS}
"""Names of the ways to cut a text, there and here."""
NO_TEXT = 3
"""The type of a token that is no text."""
WITHOUT = "GGUF files are read by gguf: pip install gguf"


class Gguf:
    """A GGUF file of a Llama whose output matrix is its embedding.

    Args:
        path: of the file.
        name: what the model is called.

    Raises:
        PretrainedError: it is missing, damaged, or of another architecture.
    """

    kind: ClassVar = "language_model"
    model: ClassVar = "gpt"
    normalizer: ClassVar[tuple[Mapping[str, Any], ...]] = ()

    def __init__(self, path: Path, name: str):
        try:
            import gguf
        except ImportError:
            raise PretrainedError(WITHOUT) from None
        self.path, self.name = path, name
        if not path.is_file():
            raise PretrainedError(f"{name} has no file {path.name}")
        try:
            self._reader = gguf.GGUFReader(path)
            self._fields = self._reader.fields
            found = self._field("general.architecture")
        except PretrainedError:
            raise
        except Exception as error:
            # A damaged file is read as numbers of any size: whatever that raises.
            said = " ".join(str(error).split())[:200] or type(error).__name__
            raise PretrainedError(f"{path.name} of {name} is no GGUF file: {said}") from None
        if found != "llama":
            raise PretrainedError(
                f"{name} is a {str(found)[:80]}, and the zoo has a network for GGUF files of llama"
            )
        heads, key_heads = self._size("attention.head_count"), self._size("attention.head_count_kv")
        self.sizes = {
            "vocabulary": len(self._field("tokenizer.ggml.tokens")),
            "hidden_size": self._size("embedding_length"),
            "layers": self._size("block_count"),
            "heads": heads,
            "key_heads": 0 if key_heads == heads else key_heads,
            "feed_forward_size": self._size("feed_forward_length"),
            "dropout": 0.0,
            "positions": "rotary",
            "rotary_base": float(self._fields["llama.rope.freq_base"].contents())
            if "llama.rope.freq_base" in self._fields
            else 10_000.0,
            "max_length": min(self._size("context_length"), CONTEXT),
            "activation": "swiglu",
            "norm_by": "rms",
            "norm_epsilon": float(f"{self._field('llama.attention.layer_norm_rms_epsilon'):.6g}"),
            "bias": False,
            "scaled_embedding": False,
        }

    def _field(self, name: str) -> Any:
        try:
            return self._fields[name].contents()
        except KeyError:
            raise PretrainedError(f"{self.path.name} of {self.name} does not say {name}") from None

    def _size(self, name: str) -> int:
        return int(self._field(f"llama.{name}"))

    @functools.cached_property
    def tokenizer(self) -> BytePairs:
        """Its tokenizer. Raises PretrainedError: it is of another kind."""
        kind, cut = self._field("tokenizer.ggml.model"), self._field("tokenizer.ggml.pre")
        if kind != "gpt2" or cut not in CUTS:
            raise PretrainedError(
                f"{self.name} has a tokenizer that the zoo has not: {str(kind)[:40]}, "
                f"{str(cut)[:40]}; known are byte pairs cut as {' or '.join(CUTS)}"
            )
        tokens = self._field("tokenizer.ggml.tokens")
        types = self._field("tokenizer.ggml.token_type")
        special = [token for token, kind in zip(tokens, types, strict=True) if kind == NO_TEXT]
        try:
            return BytePairs(tokens, self._field("tokenizer.ggml.merges"), special, CUTS[cut])
        except (ValueError, ImportError) as error:
            raise PretrainedError(f"the tokenizer of {self.name}: {error}") from None

    @functools.cached_property
    def sha256(self) -> str:
        return sum_of(self.path)

    def arrays(self) -> dict[str, np.ndarray]:
        from gguf import dequantize

        tensors = {one.name: one for one in self._reader.tensors}
        if "output.weight" in tensors:
            raise PretrainedError(f"{self.name} has an output matrix other than its embedding")

        def read(name: str) -> np.ndarray:
            if name not in tensors:
                raise PretrainedError(f"{self.path.name} of {self.name} has no weight {name}")
            one = tensors[name]
            return np.asarray(dequantize(one.data, one.tensor_type), "float32")

        sizes = self.sizes
        found = {
            "embedding/embeddings": read("token_embd.weight"),
            "norm/scale": read("output_norm.weight"),
        }
        heads, key_heads = sizes["heads"], sizes["key_heads"] or sizes["heads"]
        for layer in range(sizes["layers"]):
            ours, theirs = f"block_{layer}", f"blk.{layer}"
            query = halves(read(f"{theirs}.attn_q.weight"), heads)
            key = halves(read(f"{theirs}.attn_k.weight"), key_heads)
            kernels = {
                "attention/query": (query,),
                "attention/key_value": (key, read(f"{theirs}.attn_v.weight")),
                "attention/output": (read(f"{theirs}.attn_output.weight"),),
                "feedforward/inner": (
                    read(f"{theirs}.ffn_gate.weight"),
                    read(f"{theirs}.ffn_up.weight"),
                ),
                "feedforward/outer": (read(f"{theirs}.ffn_down.weight"),),
            }
            for name, parts in kernels.items():
                found[f"{ours}/{name}/kernel"] = np.concatenate(parts).T
            found[f"{ours}/attention_norm/scale"] = read(f"{theirs}.attn_norm.weight")
            found[f"{ours}/feedforward_norm/scale"] = read(f"{theirs}.ffn_norm.weight")
        return found


def halves(matrix: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a head in pairs (0, 1), (2, 3), ... -> its halves, which the zoo rotates as pairs.

    Example:
        >>> halves(np.arange(4)[:, None], heads=1)[:, 0].tolist()
        [0, 2, 1, 3]
    """
    apart = matrix.reshape(heads, -1, 2, matrix.shape[-1])  # (H D/H, N) -> (H, D/2H, 2, N)
    return np.swapaxes(apart, 1, 2).reshape(matrix.shape)
