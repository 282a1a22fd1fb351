"""JoeyNMT: its Transformer, and its LSTM with additive attention and input feeding, on PyTorch.

Batches of 128 random sentences: it has no bucketing. Its greedy and beam search, with EOS
forbidden by `min_output_length`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from joeynmt.batch import Batch
from joeynmt.model import build_model
from joeynmt.search import search
from joeynmt.vocabulary import Vocabulary

from benchmarks.speed.protocol import PIECES, Block, cores, decoding, serve, shape, training
from benchmarks.speed.workload import BOS, EOS, PAD, UNK, Workload, pad

ROWS = 128
EMBEDDINGS = {"embedding_dim": 256, "scale": True, "dropout": 0.1}
ATTENTION = {
    "type": "transformer",
    "num_layers": 3,
    "num_heads": 4,
    "embeddings": EMBEDDINGS,
    "hidden_size": 256,
    "ff_size": 1_024,
    "dropout": 0.1,
    "layer_norm": "pre",
}
RECURRENT = {
    "type": "recurrent",
    "rnn_type": "lstm",
    "num_layers": 1,
    "embeddings": {"embedding_dim": 256, "scale": False, "dropout": 0.1},
    "dropout": 0.1,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "transformer": {
        "initializer": "xavier_uniform",
        "tied_embeddings": True,
        "tied_softmax": True,
        "encoder": ATTENTION,
        "decoder": ATTENTION,
    },
    "lstm-bahdanau": {
        "initializer": "xavier_uniform",
        "tied_embeddings": True,
        "encoder": RECURRENT | {"hidden_size": 256, "bidirectional": True},
        "decoder": RECURRENT
        | {
            "hidden_size": 512,
            "attention": "bahdanau",
            "init_hidden": "bridge",
            "hidden_dropout": 0.1,
            "input_feeding": True,
        },
    },
}


def build(kind: str, vocabulary: int) -> Any:
    """A model of `CONFIGS` over made-up tokens whose special ids are ours."""
    torch.manual_seed(0)
    pieces = Vocabulary.__new__(Vocabulary)
    names = ["<pad>", "<bos>", "<eos>", "<unk>", *(f"p{i}" for i in range(4, vocabulary))]
    # Its constructor searches the whole list for every token, which takes minutes.
    pieces._itos, pieces._stoi = names, {name: i for i, name in enumerate(names)}
    pieces.specials, pieces.lang_tags, pieces.sep_index = names[:4], [], None
    pieces.pad_index, pieces.bos_index, pieces.eos_index, pieces.unk_index = PAD, BOS, EOS, UNK
    model = build_model(CONFIGS[kind], src_vocab=pieces, trg_vocab=pieces)
    model.loss_function = ("crossentropy", 0.1)
    return model


def batch_of(sources: list[Any], targets: list[Any] | None = None) -> Batch:
    """What JoeyNMT makes of a batch, sorted by the length of the source."""
    target = None
    if targets is not None:
        target = torch.from_numpy(pad([[BOS, *row] for row in targets])).long()
    batch = Batch(
        src=torch.from_numpy(pad(sources)).long(),
        src_length=torch.tensor([len(row) for row in sources]),
        src_prompt_mask=None,
        trg=target,
        trg_prompt_mask=None,
        indices=torch.arange(len(sources)),
        device=torch.device("cpu"),
        pad_index=PAD,
        eos_index=EOS,
        is_train=targets is not None,
    )
    batch.sort_by_src_length()
    return batch


def batches(data: Workload) -> Iterator[tuple[Batch, int]]:
    """Random sentences, without end."""
    for sources, targets in data.random_batches(ROWS):
        yield batch_of(sources, targets), sum(map(len, targets))


def train(kind: str, data: Workload, variant: str) -> Block:
    """Steps as its TrainManager takes them."""
    model = build(kind, data.vocabulary).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98))

    def step(batch: Batch) -> float:
        loss, *_ = model(return_type="loss", **vars(batch))
        loss = batch.normalize(loss, normalization="tokens")
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return training(step, batches(data))


def decode(measure: str, data: Workload, kind: str) -> Block:
    """Its own search, on the Transformer by default."""
    model = build(kind or "transformer", data.vocabulary).eval()
    beams, rows = shape(measure)
    groups = [[row] for row in data.decode[:8]] if rows == 1 else [data.decode[:rows]]

    def answer(batch: Batch) -> list[int]:
        written, *_ = search(
            model=model,
            batch=batch,
            max_output_length=PIECES,
            min_output_length=PIECES,
            beam_size=beams,
            beam_alpha=0.6,
        )
        return [int((row != PAD).sum()) for row in written]

    return decoding(answer, [batch_of(group) for group in groups], rows)


if __name__ == "__main__":
    torch.set_num_threads(cores())
    serve(
        {f"train/{kind}": partial(train, kind) for kind in CONFIGS}
        | {
            name: partial(decode, name)
            for name in ("greedy/b1", "greedy/b32", "beam5/b1", "beam5/b32")
        },
        ("torch", "joeynmt"),
    )
