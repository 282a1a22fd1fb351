"""Greedy search, sampling and beam search over LiteRT graphs, one source at a time, in NumPy.

The rules are those of `zoo.inference.search`, which runs in Keras for whole batches: the same
tokens of the same logits. Axes: N beams, V vocabulary.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from zoo.inference.litert_folder import BEAM_ROWS, BLOCK, NEVER, GraphFolder
from zoo.inference.sampling import Sampling
from zoo.padding import LENGTHS, bucket
from zoo.runtime.litert import Graph, along
from zoo.tokenizer import BOS, EOS, PAD

ROOM = 16
"""Tokens that a cache has room for at first; when it is full, its room doubles."""

SOURCES = (32, 64, 128, 256, 512)
"""Lengths that a decoder is made ready for: making it ready for another takes longer than a step,
and what is too long costs it nothing, being masked."""


class Written(NamedTuple):
    """A hypothesis: its score, its ids with the closing EOS, and each one's log-probability."""

    score: float
    tokens: list[int]
    log_probs: list[float]


class Scores(NamedTuple):
    """What a step says of every row: see `zoo.inference.litert_graphs.scores`."""

    logits: np.ndarray
    """(N, V)"""
    most: np.ndarray
    """(N, V / BLOCK)"""
    normalizer: np.ndarray
    """(N, 1)"""


class Decoder:
    """Step graphs, with the state of a target that is being written.

    Args:
        folder: of the graphs.
        beams: how many hypotheses a step continues: as many graphs as have rows for them.
        threads: that a step may use.
    """

    def __init__(self, folder: GraphFolder, beams: int, threads: int = 1):
        self.each = 1 if beams == 1 else BEAM_ROWS
        name = f"step_{self.each}"
        self.graphs = [folder.open(name, threads) for _ in range(-(-beams // self.each))]
        self.rows = self.each * len(self.graphs)
        growing = folder.growing(name).items()
        self.growing = {state: axis for state, axis in growing if state in self.graphs[0]}
        self.index = self.room = self.source = 0
        self.memory: dict[str, np.ndarray] = {}

    def begin(self, memory: dict[str, np.ndarray], source: int) -> None:
        """Make ready for a source of so many tokens, whose `encode` gave `memory`."""
        self.memory, self.index, self.room = memory, 0, ROOM
        self.source = bucket(source, SOURCES)
        self._fill()
        for graph in self.graphs:
            for state, axis in self.growing.items():
                graph[state][...] = 0 if axis >= 0 else memory[state]

    def _fill(self) -> None:
        for graph in self.graphs:
            graph.resize(S=self.source, C=self.room)
            for name, array in self.memory.items():
                if name.startswith("memory_") and name in graph:
                    axis, view = graph.axis(name, "S"), graph[name]
                    if axis >= 0 and array.shape[axis] < self.source:
                        view[...] = 0  # the mask too: nothing looks there
                        view = view[along(axis, slice(array.shape[axis]))]
                    view[...] = array
                    del view

    def _grow(self) -> None:
        """Twice the room, with what has been written so far."""
        before = [{state: graph[state].copy() for state in self.growing} for graph in self.graphs]
        self.room *= 2
        self._fill()
        for graph, kept in zip(self.graphs, before, strict=True):
            for state, axis in self.growing.items():
                graph[state][...] = 0
                graph[state][along(axis, slice(self.index))] = kept[state]

    def step(self, tokens: np.ndarray) -> Scores:
        """Continue every row by the token (N,) it was given."""
        if self.index == self.room and any(axis >= 0 for axis in self.growing.values()):
            self._grow()
        found = []
        here = slice(self.index, self.index + 1)
        places = {state: along(axis, here) for state, axis in self.growing.items()}
        for n, graph in enumerate(self.graphs):
            graph["token"][:] = tokens[n * self.each : (n + 1) * self.each]
            graph["index"][0] = self.index
            graph.run()
            graph.carry(places)
            output = graph.output
            found.append(Scores(output("logits"), output("most"), output("normalizer")))
        self.index += 1
        if len(found) == 1:
            return found[0]
        return Scores(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def reorder(self, parents: np.ndarray) -> None:
        """Let row n go on from what row `parents[n]` had."""
        moved = np.flatnonzero(parents != np.arange(self.rows))
        if not len(moved):
            return
        for state, axis in self.growing.items():
            # Of a cache only what has been written.
            here = along(axis, slice(self.index))
            views = [graph[state][here] for graph in self.graphs]
            if len(views) == 1:
                views[0][moved] = views[0][parents[moved]]
                continue
            rows = np.concatenate(views)[parents]
            for n, view in enumerate(views):
                view[...] = rows[n * self.each : (n + 1) * self.each]


def write(
    decoder: Decoder, limit: int, alpha: float, sampling: Sampling | None, uniform: np.ndarray
) -> Written:
    """One token after the other: the likeliest, or with `sampling` one drawn by `uniform` (T,)."""
    tokens: list[int] = []
    log_probs: list[float] = []
    token = np.array([BOS], "int32")
    for index in range(limit):
        found = decoder.step(token)
        logits = found.logits[0]
        if sampling is None:
            block = int(found.most[0].argmax())
            chosen = block * BLOCK + int(logits[block * BLOCK : (block + 1) * BLOCK].argmax())
        else:
            chosen = draw_token(logits, uniform[index], sampling)
        log_probs.append(logits[chosen] - found.normalizer[0, 0])
        tokens.append(chosen)
        if chosen == EOS:
            break
        token[0] = chosen
    return Written(float(np.sum(log_probs)) / _penalty(len(tokens), alpha), tokens, log_probs)


def draw_token(logits: np.ndarray, uniform: float, sampling: Sampling) -> int:
    """The token at `uniform` of the cumulative distribution, the likeliest first."""
    order = np.argsort(-logits, kind="stable")
    scaled = logits[order] / np.float32(sampling.temperature)
    probs = np.exp(scaled - scaled[0])
    probs[scaled * np.float32(sampling.temperature) <= NEVER / 2] = 0
    probs /= probs.sum()
    if sampling.top_k > 0:
        probs[sampling.top_k :] = 0
        probs /= probs.sum()
    if sampling.top_p < 1:
        before = np.cumsum(probs) - probs
        keep = before < np.float32(sampling.top_p)
        keep[0] = True
        probs[~keep] = 0
    edges = np.cumsum(probs)
    place = int(np.searchsorted(edges, uniform * edges[-1], side="right"))
    return int(order[min(place, int((probs > 0).sum()) - 1)])


def beam_search(decoder: Decoder, beams: int, limit: int, alpha: float) -> list[Written]:
    """The N best hypotheses, as `zoo.inference.search.beam_search` finds them.

    Wu et al. 2016, section 7: of the 2N best continuations those that end, of the first N, go
    into a pool, and the N best of the others live on.
    """
    live = [Written(0.0, [], [])]
    pool: list[Written] = []
    for index in range(limit):
        tokens = np.full(decoder.rows, PAD, "int32")
        tokens[: len(live)] = [one.tokens[-1] if one.tokens else BOS for one in live]
        wider = _continue(decoder.step(tokens), live, 2 * beams)
        ended = [
            one._replace(score=one.score / _penalty(index + 1, alpha))
            for one, _ in wider[:beams]
            if one.tokens[-1] == EOS
        ]
        pool = sorted([*pool, *ended], key=lambda one: -one.score)[:beams]
        kept = [both for both in wider if both[0].tokens[-1] != EOS][:beams]
        live = [one for one, _ in kept]
        if not live or index + 1 >= limit:
            break
        if len(pool) == beams and live[0].score / _penalty(limit, alpha) <= pool[-1].score:
            break
        parents = np.arange(decoder.rows)
        parents[: len(kept)] = [parent for _, parent in kept]
        decoder.reorder(parents)
    cut = [one._replace(score=one.score / _penalty(limit, alpha)) for one in live]
    return sorted([*pool, *cut], key=lambda one: -one.score)[:beams]


def _continue(scores: Scores, live: list[Written], most: int) -> list[tuple[Written, int]]:
    """The best continuations of the live hypotheses by one token, and which each comes from.

    The `most` best of all are among the `most` blocks with the largest logits.
    """
    rows = len(live)
    normalizer = scores.normalizer[:rows]  # (N, 1)
    begun = np.array([one.score for one in live], "float32")[:, None] - normalizer  # (N, 1)
    blocks = (scores.most[:rows] + begun).ravel()
    count = scores.most.shape[1]
    best = _largest(blocks, most)
    row, block = best // count, best % count
    logits = scores.logits[:rows].reshape(rows, count, BLOCK)
    totals = logits[row, block] + begun[row]  # (blocks, BLOCK)
    place = _largest(totals.ravel(), most)
    total = totals.ravel()[place]
    row, token = row[place // BLOCK], block[place // BLOCK] * BLOCK + place % BLOCK
    # Of equals the first comes first, as `top_k` has it.
    order = np.lexsort((token, row, -total))
    found = []
    for n in order:
        if total[n] <= NEVER / 2:
            break
        parent, chosen = int(row[n]), int(token[n])
        before = live[parent]
        log_prob = scores.logits[parent, chosen] - normalizer[parent, 0]
        one = Written(float(total[n]), [*before.tokens, chosen], [*before.log_probs, log_prob])
        found.append((one, parent))
    return found


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Where the `count` largest of `values` (M,) are, in no order."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(-values, count)[:count]


def _penalty(length: int, alpha: float) -> float:
    """((5 + length) / 6) ** alpha, Wu et al. 2016, eq. 14."""
    return math.pow((5 + length) / 6, alpha)


class Worker:
    """The interpreters of one thread: an encoder, a decoder for one row and one for beams.

    Args:
        folder: of the graphs.
        threads: that one run may use.
    """

    def __init__(self, folder: GraphFolder, threads: int = 1):
        self.folder, self.threads = folder, threads
        self._encoder = folder.open("encode", threads)
        self._decoders: dict[int, Decoder] = {}
        self._scorer: Graph | None = None

    def search(
        self,
        source: np.ndarray,
        limit: int,
        beams: int,
        alpha: float,
        sampling: Sampling | None,
        uniform: np.ndarray,
    ) -> list[Written]:
        """The hypotheses for one source (S,), padded, the best first."""
        encoder = self._encoder
        encoder.resize(S=len(source))
        encoder["source"][0] = source
        encoder.run()
        memory = {name: encoder.output(name) for name in encoder.outputs}
        graphs = 0 if beams == 1 else -(-beams // BEAM_ROWS)
        if graphs not in self._decoders:
            self._decoders[graphs] = Decoder(self.folder, beams, self.threads)
        decoder = self._decoders[graphs]
        decoder.begin(memory, len(source))
        if beams == 1:
            return [write(decoder, limit, alpha, sampling, uniform)]
        return beam_search(decoder, beams, limit, alpha)

    def score(self, source: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
        """Log-probabilities (1, T) and maps of one source (S,) and one target (T,), padded."""
        if self._scorer is None:
            self._scorer = self.folder.open("score", self.threads)
        scorer = self._scorer
        scorer.resize(S=len(source), T=len(target))
        scorer["source"][0], scorer["target_out"][0] = source, target
        scorer["target_in"][0] = [BOS, *target[:-1]]
        scorer.run()
        return {name: scorer.output(name) for name in scorer.outputs}


def padded(ids: np.ndarray) -> np.ndarray:
    """Ids (S,) without their padding, then padded to the next of `zoo.padding.LENGTHS`."""
    size = int(np.flatnonzero(ids)[-1]) + 1
    found = np.full(bucket(size, LENGTHS), PAD, "int32")
    found[:size] = ids[:size]
    return found
