"""Training of language models: windows of a running text, validated by the loss of a split."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training import paths
from training.checkpoint import Progress
from training.data.prepare import console
from training.data.windows import Windows
from training.distributed.devices import ONE, Devices
from training.metrics import language_modeling as metrics
from training.objectives.base import Data, Objective, Validation
from training.objectives.cross_entropy import SmoothedCrossEntropy
from training.start_from import Start
from training.tasks.language_modeling import LanguageModeling
from zoo import registry, saving, text_tokenizers
from zoo.inference.language_model import LanguageModelPredictor
from zoo.inference.text_scoring import log_probs
from zoo.text_tokenizers import TextTokenizer

WINDOW = 128
"""Tokens that a network without a context reads at a time while training, if not told otherwise."""


class LanguageModelObjective(Objective):
    """A text in, at each place what comes next; validated by the loss of the validation text."""

    kind = "language_model"
    task: LanguageModeling
    tokenizer: TextTokenizer

    def check(self, settings: dict[str, Any], start: Start | None) -> None:
        for option in ("sampling", "exchange_numbers", "exchange_names", "noise"):
            if settings[option]:
                raise ValueError(
                    f"--{option.replace('_', '-')} is for tasks of pairs, and "
                    f"{paths.shown(self.task.name)} is a text to continue"
                )
        config = start.hyperparameters if start else self._config(settings, 4)
        window = getattr(config, "max_length", None)
        if window and settings["window"] > window:
            raise ValueError(
                f"--window may be at most the model's context, {window} (--set max_length). "
                f"Received: {settings['window']}"
            )

    def _config(self, settings: dict[str, Any], vocabulary: int) -> Any:
        override = {"vocabulary": vocabulary, **settings["override"]}
        return registry.configuration(
            settings["model"], settings["preset"], kind=self.kind, **override
        )

    def prepare(
        self,
        state: Path,
        settings: dict[str, Any],
        start: Start | None,
        progress: Progress,
        on: Devices = ONE,
    ) -> Data:
        text = self.task.text("train")
        if start:
            self.tokenizer = start.tokenizers["text"]
        else:
            self.tokenizer = self._learn(text, state, settings["vocabulary"])
        ids = self.tokenizer.encode(text)
        ids = np.concatenate([[self.tokenizer.start], ids]).astype("int32")
        if settings["limit"]:
            ids = ids[: settings["limit"] + 1]
        self.length = self._window(settings, start)
        rows = max(settings["batch_tokens"] // self.length, 1)
        rows = -(-rows // on.count) * on.count  # each device has as many
        windows = Windows(ids, self.length, rows, settings["seed"])
        self.rows = rows
        valid = self.tokenizer.encode(self.task.text("valid"))
        self.valid = valid[: settings["validate_on"] * self.length]
        if len(self.valid) < 2:
            raise ValueError(f"{paths.shown(self.task.name)} has no text to validate on")
        count = len(ids) - 1
        said = f"{count:,} {self.tokenizer.unit}s"
        return Data(windows, count, said, (self.tokenizer.bytes,))

    def _learn(self, text: str, state: Path, vocabulary: int) -> TextTokenizer:
        kept = [state / f"tokenizer{ending}" for ending in (".json", ".model")]
        for path in kept:
            if path.exists():
                return text_tokenizers.load(path)
        made = self.task.learn_tokenizer(text, vocabulary)
        saving.write_aside(state / f"tokenizer{made.suffix}", made.bytes)
        return made

    def _window(self, settings: dict[str, Any], start: Start | None) -> int:
        config = start.hyperparameters if start else self._config(settings, self.tokenizer.size)
        return settings["window"] or getattr(config, "max_length", WINDOW)

    def build(
        self, folder: Path, settings: dict[str, Any], start: Start | None, on: Devices = ONE
    ) -> tuple[Any, LanguageModelPredictor]:
        model, seed = settings["model"], settings["seed"]
        if start:
            config, prepared = start.changed(settings["override"]), start.inherited()
        else:
            config = self._config(settings, self.tokenizer.size)
            prepared = {
                "tokenizers": {"text": f"tokenizer{self.tokenizer.suffix}"},
                "unit": self.tokenizer.unit,
                "task_info": asdict(self.task.info()),
                "prompts": self.task.showcase(),
            }
        probe = registry.build(model, config, kind=self.kind)
        with on.scope():
            network = registry.build(
                model, config, seed=seed, precision=settings["precision"], kind=self.kind
            )
        description = saving.model_config(
            kind=self.kind,
            name=folder.name,
            task=paths.shown(self.task.name),
            model=model,
            preset=settings["preset"],
            network=probe,
            **prepared,
        )
        predictor = LanguageModelPredictor(
            folder.name, probe, self.tokenizer, description, path=folder
        )
        return network, predictor

    def loss(self, settings: dict[str, Any]) -> keras.losses.Loss:
        return SmoothedCrossEntropy(settings["smoothing"])

    def signature(self, settings: dict[str, Any], on: Devices = ONE) -> tuple[int, int]:
        return self.rows, self.length

    def validate(self, predictor: LanguageModelPredictor) -> Validation:
        # The window moves by half of its length: quick, and a little worse than in `evaluate`.
        context = predictor.model.context
        stride = max(context // 2, 1) if context else None
        found = log_probs(predictor.model, self.valid, self.tokenizer.start, stride)
        figures = metrics.figures(found, self.tokenizer, self.valid)
        loss = -float(found.mean())
        if not math.isfinite(loss):
            console.print("The validation loss is not a number.")
        return Validation(figures, loss)

    def files(self, predictor: LanguageModelPredictor) -> dict[str, Any]:
        return {predictor.config["tokenizers"]["text"]: predictor.tokenizer}

    def counts(self) -> dict[str, int]:
        return {
            split: len(self.tokenizer.encode(self.task.text(split))) for split in ("valid", "test")
        }
