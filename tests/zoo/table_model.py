"""A model whose next-piece probabilities stand in a table, so that searches can be checked by hand.

Also the same searches in plain Python, written without looking at speed.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.tokenizer import BOS, EOS, PAD

Prefix = tuple[int, ...]
Table = dict[Prefix, dict[int, float]]


class Toy(keras.Model):
    """Answers from one table for each source: a source is told by its first id (1, 2, ...).

    A table maps what was written so far to the probabilities of the next piece; what it does not
    list ends for certain. The state holds the node of each hypothesis in the tree of prefixes,
    nested in odd ways, so that a search which mixes up rows, beams or steps gets a wrong answer.
    """

    def __init__(self, tables: list[Table], vocabulary: int):
        super().__init__()
        self.traces = 0
        probs, follow, depth = [np.full(vocabulary, 1 / vocabulary)], [[0] * vocabulary], [-1]
        self.roots = [0]
        for table in tables:
            node = {prefix: len(probs) + i for i, prefix in enumerate(_prefixes(table))}
            self.roots.append(node[()])
            for prefix in node:
                row = table.get(prefix, {EOS: 1.0})
                probs.append(np.array([row.get(token, 0.0) for token in range(vocabulary)]))
                steps = [node.get((*prefix, token), 0) for token in range(vocabulary)]
                steps[BOS] = node[prefix] if prefix == () else 0
                follow.append(steps)
                depth.append(len(prefix))
        self.follow, self.depth = np.array(follow, "int32"), np.array(depth, "int32")
        logits = np.log(np.maximum(np.array(probs), 1e-30)).astype("float32")
        self.table = self.add_weight(shape=logits.shape, name="table")
        # Any constant added to a row of logits leaves its probabilities alone.
        self.table.assign(logits + np.linspace(-3, 3, len(logits))[:, None])

    def encode(self, source: Any) -> Any:
        return {
            "mask": ops.not_equal(source, PAD),
            "root": ops.take(ops.convert_to_tensor(self.roots), source[:, 0]),
            "encoder": ops.zeros((ops.shape(source)[0], 1, 1, 2, 2)),
        }

    def init_state(self, memory: Any, length: int) -> Any:
        assert "encoder" not in memory
        return {"at": (memory["root"],), "kept": [ops.zeros_like(memory["mask"], dtype="float32")]}

    def output_matrix(self) -> Any:
        return self.table

    def step(self, token: Any, index: Any, state: Any, memory: Any) -> Any:
        self.traces += 1
        (at,), (kept,) = state["at"], state["kept"]
        vocabulary = self.table.shape[1]
        # Wrong unless the memory is tiled like the state.
        at = ops.where(ops.equal(index, 0), memory["root"], at)
        place = at * vocabulary + token
        at = ops.take(ops.reshape(ops.convert_to_tensor(self.follow), (-1,)), place)
        right = ops.equal(ops.take(ops.convert_to_tensor(self.depth), at), index)
        logits = ops.take(ops.convert_to_tensor(self.table), ops.where(right, at, 0), axis=0)
        return logits, {"at": (at,), "kept": [kept + 1]}


def _prefixes(table: Table) -> list[Prefix]:
    """All prefixes of a table, and one more piece after each."""
    known = set(table) | {()}
    known |= {(*prefix, token) for prefix in table for token in table[prefix] if token != EOS}
    return sorted(known, key=lambda prefix: (len(prefix), prefix))


def random_table(seed: int, letters: tuple[int, ...], depth: int, spread: float = 1.0) -> Table:
    """Random probabilities after every prefix of up to `depth` letters."""
    random = np.random.default_rng(seed)
    table = {}
    for size in range(depth + 1):
        for prefix in itertools.product(letters, repeat=size):
            probs = np.exp(random.normal(size=len(letters) + 1, scale=spread))
            table[prefix] = dict(zip((EOS, *letters), probs / probs.sum(), strict=True))
    return table


def penalty(length: int, alpha: float) -> float:
    return ((5 + length) / 6) ** alpha


def total(table: Table, pieces: Prefix) -> float:
    """Summed log-probability of the pieces."""
    return sum(math.log(table[pieces[:i]][piece]) for i, piece in enumerate(pieces))


def everything(table: Table, letters: tuple[int, ...], limit: int, alpha: float) -> list[Any]:
    """(score, pieces) of all texts that end within the limit or are cut there, best first."""
    found = []
    for size in range(limit + 1):
        for pieces in itertools.product(letters, repeat=size):
            if size < limit:
                ended = (*pieces, EOS)
                found.append((total(table, ended) / penalty(size + 1, alpha), ended))
            else:
                found.append((total(table, pieces) / penalty(size, alpha), pieces))
    return sorted(found, reverse=True)


def beam_search(table: Table, limit: int, beams: int, alpha: float) -> list[Any]:
    """(score, tokens), N best first: as `zoo.inference.generation`, without ending early."""
    live: list[tuple[float, Prefix]] = [(0.0, ())]
    finished: list[tuple[float, Prefix]] = []
    for size in range(1, limit + 1):
        wider = [
            (score + math.log(p), (*pieces, token))
            for score, pieces in live
            for token, p in table.get(pieces, {EOS: 1.0}).items()
        ]
        wider = sorted(wider, reverse=True)[: 2 * beams]
        finished += [
            (score / penalty(size, alpha), pieces)
            for score, pieces in wider[:beams]
            if pieces[-1] == EOS
        ]
        live = [item for item in wider if item[1][-1] != EOS][:beams]
    cut = [(score / penalty(limit, alpha), pieces) for score, pieces in live]
    return sorted(finished + cut, reverse=True)[:beams]
