"""Marian of HF Transformers on PyTorch: trained on our length-sorted batches, with its own cache.

Label-smoothed loss, fused AdamW, gradients clipped at norm 1, as its Trainer does them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from transformers import MarianConfig, MarianMTModel

from benchmarks.speed.protocol import PIECES, Block, cores, decoding, serve, shape, training
from benchmarks.speed.workload import BOS, EOS, PAD, Workload, pad, shifted


def build(vocabulary: int) -> MarianMTModel:
    """Our sizes, fresh weights, our special tokens."""
    torch.manual_seed(0)
    return MarianMTModel(
        MarianConfig(
            vocab_size=vocabulary,
            d_model=256,
            encoder_layers=3,
            decoder_layers=3,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=1_024,
            decoder_ffn_dim=1_024,
            dropout=0.1,
            max_position_embeddings=512,
            share_encoder_decoder_embeddings=True,
            scale_embedding=True,
            pad_token_id=PAD,
            bos_token_id=BOS,
            eos_token_id=EOS,
            decoder_start_token_id=BOS,
            forced_eos_token_id=None,
        )
    )


def train(data: Workload, precision: str) -> Block:
    """Steps in float32, or under autocast in bfloat16."""
    model = build(data.vocabulary).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), fused=True)
    half = precision == "bfloat16"

    def step(batch: tuple[torch.Tensor, ...]) -> float:
        source, target_in, target = batch
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            logits = model(
                input_ids=source,
                attention_mask=(source != PAD).long(),
                decoder_input_ids=target_in,
                use_cache=False,
            ).logits
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1).float(),
            target.flatten(),
            ignore_index=PAD,
            label_smoothing=0.1,
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return training(step, batches(data))


def batches(data: Workload) -> Iterator[tuple[Any, int]]:
    """The batches that `training.data.batches.Batches` makes, as tensors."""
    for sources, targets in data.sorted_batches():
        target = pad(targets)
        arrays = (pad(sources), shifted(target), target)
        tensors = tuple(torch.from_numpy(array).long() for array in arrays)
        yield tensors, sum(map(len, targets))


def decode(measure: str, data: Workload, precision: str) -> Block:
    """`generate`, which forbids EOS until enough tokens are written."""
    model = build(data.vocabulary).eval()
    beams, rows = shape(measure)
    settings = {"num_beams": beams, "do_sample": False, "use_cache": True}
    settings |= {"min_new_tokens": PIECES, "max_new_tokens": PIECES}

    def answer(request: dict[str, torch.Tensor]) -> list[int]:
        with torch.inference_mode():
            written = model.generate(**request, **settings)
        return [int(n) for n in (written[:, 1:] != PAD).sum(dim=1)]

    groups = [[row] for row in data.decode[:8]] if rows == 1 else [data.decode[:rows]]
    sources = [torch.from_numpy(pad(group)).long() for group in groups]
    requests = [{"input_ids": s, "attention_mask": (s != PAD).long()} for s in sources]
    return decoding(answer, requests, rows)


if __name__ == "__main__":
    torch.set_num_threads(cores())
    serve(
        {"train/transformer": train}
        | {
            name: partial(decode, name)
            for name in ("greedy/b1", "greedy/b32", "beam5/b1", "beam5/b32")
        },
        ("torch", "transformers"),
    )
