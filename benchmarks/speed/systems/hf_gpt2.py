"""GPT-2 of HF Transformers on PyTorch: `generate` with its cache of keys and values, in float32."""

from __future__ import annotations

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from benchmarks.speed import language_models
from benchmarks.speed.language_models import SIZES, TEMPERATURE, TOP_K, VOCABULARY, WRITTEN
from benchmarks.speed.protocol import Block, cores, generation, serve
from benchmarks.speed.workload import PAD, Workload


def generate(data: Workload, variant: str) -> Block:
    """One text at a time, from fresh weights; no token ends it."""
    torch.manual_seed(0)
    size = SIZES["generate/gpt"]
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY,
            n_positions=size.context,
            n_embd=size.hidden_size,
            n_layer=size.layers,
            n_head=size.heads,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=PAD,
        )
    ).eval()
    read = torch.from_numpy(language_models.prompt()[None].astype("int64"))
    settings = {"do_sample": True, "temperature": TEMPERATURE, "top_k": TOP_K, "top_p": 1.0}
    settings |= {"use_cache": True, "max_new_tokens": WRITTEN}
    seen = torch.ones_like(read)

    def write() -> int:
        with torch.inference_mode():
            found = model.generate(read, attention_mask=seen, **settings)
        return found.shape[1] - read.shape[1]

    return generation(write, WRITTEN)


if __name__ == "__main__":
    torch.set_num_threads(cores())
    serve({"generate/gpt": generate}, ("torch", "transformers"))
