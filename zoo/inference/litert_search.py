"""Greedy search, sampling and beam search over LiteRT graphs, in NumPy.

The rules are those of `zoo.inference.search`, which runs in Keras for whole batches: the same
tokens of the same logits. Axes: N beams or rows, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.inference.litert_decoder import Decoder, Scores
from zoo.inference.litert_folder import BLOCK, NEVER
from zoo.inference.sampling import Sampling
from zoo.tokenizer import BOS, EOS, PAD


class Written(NamedTuple):
    """A hypothesis: its score, its ids with the closing EOS, and each one's log-probability."""

    score: float
    tokens: list[int]
    log_probs: list[float]


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


def write_rows(
    decoder: Decoder,
    limits: Sequence[int],
    alpha: float,
    sampling: Sampling | None,
    uniform: np.ndarray,
) -> list[Written]:
    """`write` for several sources at a time, with `limits` and draws (N, T) of their own."""
    count = len(limits)
    rows, live = np.arange(count), list(range(count))
    tokens: list[list[int]] = [[] for _ in limits]
    log_probs: list[list[float]] = [[] for _ in limits]
    token = np.full(decoder.rows, PAD, "int32")
    token[:count] = BOS
    for index in range(max(limits)):
        found = decoder.step(token)
        logits = found.logits[:count]
        if sampling is None:
            block = found.most[:count].argmax(axis=1)
            parts = logits.reshape(count, -1, BLOCK)[rows, block]  # (N, BLOCK)
            chosen = block * BLOCK + parts.argmax(axis=1)
        else:
            chosen = np.full(count, PAD)
            for row in live:
                chosen[row] = draw_token(logits[row], uniform[row, index], sampling)
        chances = logits[rows, chosen] - found.normalizer[:count, 0]
        for row in live:
            tokens[row].append(int(chosen[row]))
            log_probs[row].append(chances[row])
        live = [row for row in live if chosen[row] != EOS and index + 1 < limits[row]]
        if not live:
            break
        token[:count] = chosen
    return [
        Written(float(np.sum(each)) / _penalty(len(each), alpha), ids, each)
        for ids, each in zip(tokens, log_probs, strict=True)
    ]


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
