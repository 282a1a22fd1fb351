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
    tokens, log_probs = np.zeros((beams, limit), "int32"), np.zeros((beams, limit), "float32")
    totals = np.zeros(1, "float32")  # of the live hypotheses, the best first
    given = np.full(decoder.rows, PAD, "int32")
    given[0] = BOS
    unmoved = np.arange(decoder.rows)
    pool: list[Written] = []
    index = -1
    for index in range(limit):
        wider = _continuations(decoder.step(given), totals, 2 * beams)
        ends = wider.token == EOS
        for n in np.flatnonzero(ends[:beams]):
            row = wider.row[n]
            ids = [*tokens[row, :index].tolist(), EOS]
            score = float(wider.total[n]) / _penalty(index + 1, alpha)
            pool.append(Written(score, ids, [*log_probs[row, :index], wider.log_prob[n]]))
        pool = sorted(pool, key=lambda one: -one.score)[:beams]
        kept = np.flatnonzero(~ends)[:beams]
        count, parents = len(kept), wider.row[kept]
        totals = wider.total[kept]
        tokens[:count, :index] = tokens[parents, :index]
        log_probs[:count, :index] = log_probs[parents, :index]
        tokens[:count, index] = given[:count] = wider.token[kept]
        log_probs[:count, index] = wider.log_prob[kept]
        if not count or index + 1 >= limit:
            break
        if len(pool) == beams and totals[0] / _penalty(limit, alpha) <= pool[-1].score:
            break
        given[count:] = PAD
        decoder.reorder(np.concatenate([parents, unmoved[count:]]))
    size = index + 1
    cut = [
        Written(float(total) / _penalty(limit, alpha), ids[:size].tolist(), list(each[:size]))
        for total, ids, each in zip(totals, tokens, log_probs, strict=False)
    ]
    return sorted([*pool, *cut], key=lambda one: -one.score)[:beams]


class _Wider(NamedTuple):
    """Continuations of live hypotheses by one token, the best first, as arrays (M,)."""

    total: np.ndarray
    row: np.ndarray
    """Which hypothesis is continued."""
    token: np.ndarray
    log_prob: np.ndarray


def _continuations(scores: Scores, totals: np.ndarray, most: int) -> _Wider:
    """The `most` best continuations of the hypotheses with these totals by one token.

    They are among the `most` blocks with the largest logits.
    """
    rows, count = len(totals), scores.most.shape[1]
    normalizer = scores.normalizer[:rows, 0]
    begun = totals - normalizer  # (N,)
    best = _largest((scores.most[:rows] + begun[:, None]).ravel(), most)
    row, block = best // count, best % count
    logits = scores.logits[:rows].reshape(-1, BLOCK)[best]  # (blocks, BLOCK)
    within = (logits + begun[row, None]).ravel()
    place = _largest(within, most)
    total, inside = within[place], place // BLOCK
    row, token = row[inside], block[inside] * BLOCK + place % BLOCK
    # Of equals the first comes first, as `top_k` has it.
    order = np.lexsort((token, row, -total))
    order = order[total[order] > NEVER / 2]
    row = row[order]
    log_prob = logits.ravel()[place[order]] - normalizer[row]
    return _Wider(total[order], row, token[order], log_prob)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Where the `count` largest of `values` (M,) are, in no order."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(-values, count)[:count]


def _penalty(length: int, alpha: float) -> float:
    """((5 + length) / 6) ** alpha, Wu et al. 2016, eq. 14."""
    return math.pow((5 + length) / 6, alpha)
