"""A trained language model on LiteRT: the same continuations without Keras or TensorFlow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo import saved_tokenizers, saving
from zoo.inference.language_model_base import STREAMED, LanguageModelBase
from zoo.inference.litert_folder import READ, GraphFolder
from zoo.inference.litert_pool import Pool
from zoo.inference.litert_reading import Reader
from zoo.inference.litert_search import draw_token
from zoo.inference.prompt_rows import Row, WritingOptions
from zoo.inference.text_windows import Ranked, Text, carried, largest, placed, windowed


class LiteRTLanguageModel(LanguageModelBase):
    """The tokenizer and LiteRT graphs of a language model; see `litert_language_graphs`.

    Args:
        graphs: the folder of its graphs.
        attention_heads: as `zoo.kinds.base.Network.attention_heads`.
        context: how many tokens it reads at most; None: as many as there are.
        threads: how many rows are continued at a time; by default one a core.
        name, tokenizer, config, card, path: as `LanguageModelBase`.

    Raises:
        GraphError: graphs that cannot be run.
    """

    runtime = "litert"

    def __init__(
        self,
        graphs: GraphFolder,
        attention_heads: dict[str, tuple[int, int]],
        context: int | None,
        threads: int | None = None,
        **others: Any,
    ):
        super().__init__(**others)
        self.attention_heads, self.context = attention_heads, context
        self.parameters = graphs.parameters
        # A step of one core is done before two have shared it: measured on gpt.
        self.pool = Pool(graphs, functools.partial(Reader, context=context), threads)
        self._excluded = np.zeros(self.tokenizer.size, "float32")
        self._excluded[list(self.tokenizer.excluded)] = -np.inf

    @classmethod
    def from_folder(
        cls, folder: Path, config: dict[str, Any], graphs: GraphFolder, **known: Any
    ) -> LiteRTLanguageModel:
        """The tokenizer of a model folder with its graphs; `known`: its name and card."""
        hyperparameters = saving.read_hyperparameters(folder, config)
        return cls(
            graphs=graphs,
            attention_heads=hyperparameters.attention_heads(),
            context=hyperparameters.max_length if "decode" in graphs.files else None,
            tokenizer=saved_tokenizers.read_text_tokenizer(folder, config),
            config=config,
            path=folder,
            **known,
        )

    def log_probs_of(
        self,
        ids: np.ndarray,
        stride: int | None = None,
        report: Callable[[int], None] = lambda done: None,
    ) -> np.ndarray:
        if not len(ids):
            return np.zeros(0, "float32")
        return self._along(ids, 1, stride, report)[0]

    def _ranked(self, ids: np.ndarray, candidates: int, stride: int | None) -> Ranked:
        return Ranked(*self._along(ids, candidates, stride))

    def _along(
        self,
        ids: np.ndarray,
        candidates: int,
        stride: int | None,
        report: Callable[[int], None] = lambda done: None,
    ) -> list[np.ndarray]:
        """The parts of `Ranked` for all of a text, (N, ...)."""
        text = Text(np.asarray(ids, "int32"), self.tokenizer.start, report)
        with self.pool.worker(self.pool.alone) as reader:

            def window(read: np.ndarray, follow: np.ndarray) -> list[np.ndarray]:
                # Not by `decode`, whose maps would take far more memory than anything else.
                reader.begin()
                logits = reader.read(read[0])[None]
                return list(placed(logits, follow, self._excluded, candidates))

            def part(read: np.ndarray, follow: np.ndarray, state: Any, count: int) -> Any:
                logits = reader.read(read[:, :count].ravel())
                filled = np.zeros((1, READ, logits.shape[1]), "float32")
                filled[0, :count] = logits
                return list(placed(filled, follow, self._excluded, candidates)), state

            if self.context is not None:
                return windowed(window, text, self.context, stride, at_once=1)
            reader.begin()
            return carried(part, text, None, READ)

    def _maps(self, ids: list[int]) -> dict[str, np.ndarray]:
        with self.pool.worker(self.pool.alone) as reader:
            found = reader.decode(np.array([ids], "int32"))
        return {
            name.removeprefix("map_"): array[0]
            for name, array in found.items()
            if name.startswith("map_")
        }

    def _written(self, rows: list[Row], options: WritingOptions) -> Iterator[None]:
        def go_on(row: Row, reader: Reader) -> Iterator[None]:
            for done, token in enumerate(self._tokens(row, reader, options), 1):
                self._append(row, *token[:2], *self._likeliest(token[2], options.candidates))
                row.ended = options.is_stopped(row)
                if row.ended or done == options.limit:
                    return
                if done % options.chunk == 0:
                    yield

        def to_its_end(number: int) -> None:
            with self.pool.worker() as reader:
                for _ in go_on(rows[number], reader):
                    pass

        if len(rows) == 1:
            # Between two tokens of a stream its reader may ask for other answers.
            one = self.pool.worker() if options.chunk > STREAMED else self.pool.apart()
            with one as reader:
                yield from go_on(rows[0], reader)
        else:
            self.pool.each(to_its_end, range(len(rows)))
        yield

    def _tokens(
        self, row: Row, reader: Reader, options: WritingOptions
    ) -> Iterator[tuple[int, float, np.ndarray]]:
        """Each token, its log-probability, and those of all tokens (V,).

        Once a token was given, the row holds it.
        """
        draws = None if options.uniform is None else options.uniform[row.number]
        reader.begin()
        logits = reader.last([*row.read, *row.ids])
        for number in range(options.limit):
            if self.context and reader.index >= self.context:
                # The context is full: go on from its second half, so that it slides.
                reader.begin()
                logits = reader.last([*row.read, *row.ids][-(self.context // 2) :])
            allowed = logits + self._excluded
            if options.sampling is None:
                token = int(allowed.argmax())
            else:
                token = draw_token(allowed, draws[number], options.sampling)
            top = logits.max()
            every = logits - (top + np.log(np.exp(logits - top).sum()))
            yield token, float(every[token]), every
            if number + 1 < options.limit:
                logits = reader.step(token)

    def _likeliest(self, every: np.ndarray, candidates: int) -> tuple[list[int], list[float]]:
        """The likeliest of log-probabilities (V,), the best first, and their probabilities."""
        best, log_probs = largest(every + self._excluded, candidates)
        return best.tolist(), np.exp(log_probs).tolist()
