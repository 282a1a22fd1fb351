"""Training of language models: windows of a running text, validated by the loss of a split."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training import paths
from training.checkpoint import Progress
from training.config import TrainConfig
from training.data.windows import ContinuedWindows, Windows
from training.distributed.devices import ONE, Devices
from training.metrics import language_modeling as metrics
from training.objectives.base import Data, Objective, StepSpec, Validation
from training.objectives.cross_entropy import SmoothedCrossEntropy
from training.progress import console
from training.start_from import Start
from training.tasks.language_modeling import LanguageModeling
from zoo import registry, saving, tokenizer_files
from zoo.building import network_class
from zoo.inference.language_model import LanguageModelPredictor
from zoo.inference.text_scoring import log_probs
from zoo.runtime import backend
from zoo.tokenizer_files import TextTokenizer

WINDOW = 128
"""Tokens that a network without a context reads at a time while training, if not told otherwise."""


SAMPLE = 40
"""Tokens of a continuation that is shown before and after fine-tuning."""
STRETCHES = 8
"""Parts of the validation text that are read, where not all of it is."""


class LanguageModelObjective(Objective):
    """A text in, at each place what comes next; validated by the loss of the validation text."""

    kind = "language_model"
    task: LanguageModeling
    tokenizer: TextTokenizer

    def check(self, config: TrainConfig, start: Start | None) -> None:
        for option in ("subword_regularization", "exchange_numbers", "exchange_names", "noise"):
            if getattr(config, option):
                raise ValueError(
                    f"--{option.replace('_', '-')} is for tasks of pairs, and "
                    f"{paths.shown(self.task.name)} is a text to continue"
                )
        model = start.config["model"] if start else config.model
        if config.carry_state and not network_class(model, self.kind).carries_state:
            raise ValueError(f"--carry-state is for recurrent networks, and {model} is none")
        sizes = start.hyperparameters if start else self._sizes(config, 4)
        window = getattr(sizes, "max_length", None)
        if window and config.window > window:
            raise ValueError(
                f"--window may be at most the model's context, {window} (--set max_length). "
                f"Received: {config.window}"
            )

    def _sizes(self, config: TrainConfig, vocabulary: int) -> Any:
        """The network's hyper-parameters."""
        override = {"vocabulary": vocabulary, **config.override}
        return registry.configuration(config.model, config.preset, kind=self.kind, **override)

    def prepare(
        self,
        state: Path,
        config: TrainConfig,
        start: Start | None,
        progress: Progress,
        on: Devices = ONE,
    ) -> Data:
        text = self.task.text("train")
        if start:
            self.tokenizer = start.tokenizers["text"]
        else:
            self.tokenizer = self._learn(text, state, config.vocabulary)
        ids = self.tokenizer.encode(text)
        ids = np.concatenate([[self.tokenizer.start], ids]).astype("int32")
        if config.limit:
            ids = ids[: config.limit + 1]
        self.length = self._window(config, start)
        rows = max(config.batch_tokens // self.length, 1)
        rows = -(-rows // on.count) * on.count  # each device has as many
        if config.carry_state and on.count > 1:
            raise ValueError(f"--carry-state trains on one device. Received: {on.count}")
        cut = ContinuedWindows if config.carry_state else Windows
        windows = cut(ids, self.length, rows, config.seed)
        self.rows = rows
        valid = self.tokenizer.encode(self.task.text("valid"))
        self.valid = stretches(valid, config.validate_on * self.length)
        if len(valid) < 2:
            raise ValueError(f"{paths.shown(self.task.name)} has no text to validate on")
        count = len(ids) - 1
        said = f"{count:,} {self.tokenizer.unit}s"
        return Data(windows, count, said, (self.tokenizer.bytes,))

    def _learn(self, text: str, state: Path, vocabulary: int) -> TextTokenizer:
        kept = [state / f"tokenizer{ending}" for ending in (".json", ".model")]
        for path in kept:
            if path.exists():
                return tokenizer_files.load(path)
        made = self.task.learn_tokenizer(text, vocabulary)
        saving.write_aside(state / f"tokenizer{made.suffix}", made.bytes)
        return made

    def _window(self, config: TrainConfig, start: Start | None) -> int:
        sizes = start.hyperparameters if start else self._sizes(config, self.tokenizer.size)
        return config.window or getattr(sizes, "max_length", WINDOW)

    def build(
        self, folder: Path, config: TrainConfig, start: Start | None, on: Devices = ONE
    ) -> tuple[Any, LanguageModelPredictor]:
        prepared = {
            "tokenizers": {"text": f"tokenizer{self.tokenizer.suffix}"},
            "unit": self.tokenizer.unit,
            "task_info": asdict(self.task.info()),
            "prompts": self.task.showcase(),
        }
        if start:
            sizes, prepared = start.changed(config.override), prepared | start.inherited()
        else:
            sizes = self._sizes(config, self.tokenizer.size)
        network, probe = self.networks(config, sizes, start, on)
        if config.carry_state:
            with on.scope():
                network.carry_state(self.rows)
        description = self.described(folder, config, probe, start, **prepared)
        predictor = LanguageModelPredictor(
            folder.name, probe, self.tokenizer, description, path=folder
        )
        return network, predictor

    def loss(self, config: TrainConfig) -> keras.losses.Loss:
        return SmoothedCrossEntropy(config.smoothing)

    def signature(self, config: TrainConfig, on: Devices = ONE) -> StepSpec:
        return StepSpec.of_tokens(self.rows, self.length)

    def validate(self, predictor: LanguageModelPredictor) -> Validation:
        # The window moves by half of its length: quick, and a little worse than in `evaluate`.
        context = predictor.model.context
        stride = max(context // 2, 1) if context else None
        start = self.tokenizer.start
        with ThreadPoolExecutor(backend.at_once()) as pool:
            every = list(
                pool.map(lambda part: log_probs(predictor.model, part, start, stride), self.valid)
            )
        found = np.concatenate(every)
        figures = metrics.figures(found, self.tokenizer, np.concatenate(self.valid))
        loss = -float(found.mean())
        if not math.isfinite(loss):
            console.print("The validation loss is not a number.")
        return Validation(figures, loss)

    def sample(self, predictor: LanguageModelPredictor) -> dict[str, str]:
        prompts = self.task.showcase()
        prompt = prompts[0] if prompts else ""
        [answer] = predictor.predict(prompt, SAMPLE, candidates=1, attention=False)
        return {"prompt": prompt, "text": answer.text}

    def files(self, predictor: LanguageModelPredictor) -> dict[str, Any]:
        return {predictor.config["tokenizers"]["text"]: predictor.tokenizer}

    def counts(self) -> dict[str, int]:
        return {
            split: len(self.tokenizer.encode(self.task.text(split))) for split in ("valid", "test")
        }


def stretches(ids: np.ndarray, most: int) -> list[np.ndarray]:
    """Parts of a text, spread evenly over it, with `most` tokens together; all of a shorter one.

    The beginning alone may be harder or easier than the rest: on the Penn Treebank an LSTM has a
    perplexity of 148 on the first quarter of the validation side, and of 122 on all of it.

    Example:
        >>> [part.tolist() for part in stretches(np.arange(100), 16)][:2]
        [[0, 1], [14, 15]]
    """
    if len(ids) <= most:
        return [ids]
    count = min(STRETCHES, max(most // 2, 1))
    size = max(most // count, 1)
    begins = np.linspace(0, len(ids) - size, count).astype(int)
    return [ids[begin : begin + size] for begin in begins]
