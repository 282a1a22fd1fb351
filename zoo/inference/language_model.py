"""A trained language model on Keras: prompt in, `Continuation` out, or token by token."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from zoo import saving
from zoo.inference import text_scoring, writing
from zoo.inference.model_in_python import ModelInPython
from zoo.inference.prompt_rows import Row, WritingOptions
from zoo.inference.text_windows import Ranked
from zoo.kinds.language_model import LanguageModel
from zoo.padding import ROWS, bucket
from zoo.runtime import backend

LENGTHS = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
"""Lengths that prompts are padded to."""
UNBOUNDED = 1024
"""The most tokens of a prompt that a network without a context reads at a time."""


class LanguageModelPredictor(ModelInPython):
    """A language model's network, tokenizer and card.

    Args:
        network: the network with its weights.
        name, tokenizer, config, card, path: as `LanguageModelBase`.
    """

    model: LanguageModel

    @staticmethod
    def read_model(folder: Path, config: dict[str, Any]) -> Any:
        """The network in a model folder, with its weights."""
        return saving.read_network(folder, config)

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        return self.model.attention_heads

    @property
    def context(self) -> int | None:
        """How many tokens it can read at most; None: as many as there are."""
        return self.model.context

    @functools.cached_property
    def parameters(self) -> int:
        """How many weights the network has."""
        return int(self.model.count_params())

    def log_probs_of(
        self,
        ids: np.ndarray,
        stride: int | None = None,
        report: Callable[[int], None] = lambda done: None,
    ) -> np.ndarray:
        """The same of (N,) token ids."""
        return text_scoring.log_probs(self.model, ids, self.tokenizer.start, stride, report)

    def _ranked(self, ids: np.ndarray, candidates: int, stride: int | None) -> Ranked:
        """What `score` tells of (N,) token ids, at least one."""
        excluded = writing.exclusion(self.tokenizer.size, self.tokenizer.excluded)
        start = self.tokenizer.start
        return text_scoring.ranked(self.model, ids, start, excluded, candidates, stride)

    def _written(self, rows: list[Row], options: WritingOptions) -> Iterator[None]:
        """Continue the rows in place, chunk by chunk."""
        excluded = writing.exclusion(self.tokenizer.size, self.tokenizer.excluded)
        context = self.context
        done, state, logits = 0, None, None
        index, room = [0], 0
        while done < options.limit and not all(row.ended for row in rows):
            if state is None or (context and max(index) >= room):
                # The context is full: go on from its second half, so that it slides.
                kept = (context // 2 if context else UNBOUNDED) if state is not None else None
                logits, state, index, room = self._read(rows, kept)
            count = min(options.chunk, options.limit - done)
            if context:
                count = min(count, room - max(index))
            run = backend.compiled(
                self.model, writing.write, length=options.chunk, candidates=options.candidates
            )
            chance = _chance(rows, options, done, len(index))
            made = run(logits, state, np.array(index, "int32"), np.int32(count), excluded, *chance)
            logits, state = made.logits, made.state
            self._note(rows, made, count)
            index = [n + count for n in index]
            done += count
            for row in rows:
                row.ended = row.ended or options.is_stopped(row)
            yield

    def _read(self, rows: list[Row], kept: int | None) -> tuple[Any, Any, list[int], int]:
        """Read what the rows hold into a new state: logits, state, lengths, and its room."""
        context = self.context
        given = [[*row.read, *row.ids] for row in rows]
        if kept:
            given = [ids[-kept:] for ids in given]
        padded_rows = bucket(len(given), ROWS)
        given += [given[0]] * (padded_rows - len(given))
        state: Any = None
        lengths = [len(ids) for ids in given]
        if context is None:
            return self._carried(given)
        size = min(bucket(max(lengths), (*LENGTHS, context)), context)
        tokens = np.zeros((padded_rows, size), "int32")
        for row, ids in zip(tokens, given, strict=True):
            row[: len(ids)] = ids
        run = backend.compiled(self.model, writing.prefill, room=context)
        logits, state = run(tokens, np.array(lengths, "int32"))
        return logits, state, lengths, context

    def _carried(self, given: list[list[int]]) -> tuple[Any, Any, list[int], int]:
        """The same for a network that reads any number of tokens, some at a time."""
        lengths = [len(ids) for ids in given]
        size = bucket(min(max(lengths), UNBOUNDED), LENGTHS)
        state: Any = self.model.init_state(len(given), size)
        logits: Any = np.zeros((len(given), self.tokenizer.size), "float32")
        run = backend.compiled(self.model, read_on)
        for at in range(0, max(lengths), size):
            tokens = np.zeros((len(given), size), "int32")
            count = np.clip(np.array(lengths) - at, 0, size).astype("int32")
            for row, ids in zip(tokens, given, strict=True):
                part = ids[at : at + size]
                row[: len(part)] = part
            logits, state = run(tokens, count, logits, state)
        return logits, state, lengths, 1 << 30

    def _note(self, rows: list[Row], made: writing.Chunk, count: int) -> None:
        """Put a chunk's tokens into the rows that go on."""
        arrays = [ops.convert_to_numpy(part)[: len(rows), :count] for part in made[:4]]
        for row, tokens, log_probs, best, best_log_probs in zip(rows, *arrays, strict=True):
            if row.ended:
                continue
            for one in zip(tokens, log_probs, best, np.exp(best_log_probs), strict=True):
                self._append(row, *one)

    def _maps(self, ids: list[int]) -> dict[str, np.ndarray]:
        context = self.context
        size = min(bucket(len(ids), (*LENGTHS, context)), context)
        tokens = np.zeros((1, size), "int32")
        tokens[0, : len(ids)] = ids
        maps = backend.compiled(self.model, text_scoring.look)(tokens)
        count = len(ids)
        return {
            kind: ops.convert_to_numpy(each)[0, :, :, :count, :count] for kind, each in maps.items()
        }


def read_on(
    network: LanguageModel, tokens: Any, lengths: Any, logits: Any, state: Any
) -> tuple[Any, Any]:
    """Go on reading (B, T) tokens, of `lengths` (B,): the logits after each row's last token.

    Rows that have no more tokens keep their logits (B, V) and their state.
    """
    found, state = network.read(tokens, state, ops.zeros_like(lengths), lengths)
    last = ops.maximum(lengths - 1, 0)[:, None, None]
    after = ops.take_along_axis(found, last, axis=1)[:, 0]
    return ops.where((lengths > 0)[:, None], after, logits), state


def _chance(rows: list[Row], options: WritingOptions, done: int, padded: int) -> tuple[Any, ...]:
    """What `writing.write` draws the tokens after the first `done` with; () for the likeliest.

    The draws have `padded` rows: those of `rows`, then zeros.
    """
    sampling = options.sampling
    if sampling is None:
        return ()
    part = options.uniform[[row.number for row in rows], done : done + options.chunk]
    drawn = np.zeros((padded, options.chunk), "float32")
    drawn[: len(part), : part.shape[1]] = part
    return (
        np.float32(sampling.temperature),
        np.int32(sampling.top_k),
        np.float32(sampling.top_p),
        drawn,
    )
