"""The n-gram model with its tokenizer: the same answers as any language model, from counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo import saving
from zoo.inference.model_in_python import ModelInPython
from zoo.inference.prompt_rows import Row, WritingOptions
from zoo.inference.sampling import Sampling
from zoo.inference.text_windows import Ranked
from zoo.models.ngram import KneserNey


class NGramPredictor(ModelInPython):
    """A counted language model: no network, no attention, no framework.

    Args:
        name, tokenizer, config, card, path: as `LanguageModelBase`.
        network: the tables.
    """

    model: KneserNey

    @staticmethod
    def read_model(folder: Path, config: dict[str, Any]) -> KneserNey:
        """The tables in a model folder."""
        return saving.read_tables(folder, config)

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {}

    @property
    def context(self) -> int | None:
        return None

    @property
    def parameters(self) -> int:
        """How many n-grams are counted."""
        return sum(len(level.keys) for level in self.model.levels)

    def log_probs_of(
        self,
        ids: np.ndarray,
        stride: int | None = None,
        report: Callable[[int], None] = lambda done: None,
    ) -> np.ndarray:
        found = self.model.log_probs(np.concatenate([[self.tokenizer.start], ids]), start=1)
        report(len(ids))
        return found

    def _ranked(self, ids: np.ndarray, candidates: int, stride: int | None) -> Ranked:
        read = [self.tokenizer.start, *ids.tolist()]
        best = np.zeros((len(ids), candidates), "int32")
        log_probs = np.zeros((len(ids), candidates), "float32")
        ranks = np.zeros(len(ids), "int32")
        for place, token in enumerate(ids.tolist()):
            chances = self.model.distribution(read[: place + 1][-self.model.order :])  # (V,)
            best[place] = np.argsort(-chances, kind="stable")[:candidates]
            ranks[place] = 1 + np.count_nonzero(chances > chances[token])
            with np.errstate(divide="ignore"):
                log_probs[place] = np.log(chances[best[place]])
        return Ranked(self.log_probs_of(ids), ranks, best, log_probs)

    def _written(self, rows: list[Row], options: WritingOptions) -> Iterator[None]:
        sampling, limit, uniform = options.sampling, options.limit, options.uniform
        for number in range(limit):
            for row in rows:
                if row.ended:
                    continue
                chances = self.model.distribution([*row.read, *row.ids])
                best = np.argsort(-chances, kind="stable")
                chosen = int(best[0])
                if sampling is not None:
                    chosen = drawn(chances, best, sampling, float(uniform[row.number, number]))
                shown = best[: options.candidates]
                shown = shown[chances[shown] > 0]  # what is never written is no candidate
                self._append(row, chosen, np.log(chances[chosen]), shown, chances[shown])
                row.ended = options.is_stopped(row)
            ended = all(row.ended for row in rows)
            if (number + 1) % options.chunk == 0 or number + 1 == limit or ended:
                yield
            if ended:
                return


def drawn(chances: np.ndarray, best: np.ndarray, sampling: Sampling, uniform: float) -> int:
    """A token drawn as `zoo.inference.search.sample` draws one: temperature, top-k, top-p.

    Args:
        chances: (V,) probabilities.
        best: (V,) ids, the likeliest first.
        sampling: how to draw.
        uniform: the draw, in [0, 1).
    """
    ordered = chances[best] ** (1.0 / sampling.temperature)
    if sampling.top_k:
        ordered[sampling.top_k :] = 0.0
    ordered /= ordered.sum()
    before = np.cumsum(ordered) - ordered
    if sampling.top_p < 1.0:
        ordered[1:][before[1:] >= sampling.top_p] = 0.0
    edges = np.cumsum(ordered)
    place = int(np.searchsorted(edges, uniform * edges[-1], side="right"))
    last = int(np.count_nonzero(ordered)) - 1
    return int(best[min(place, last)])
