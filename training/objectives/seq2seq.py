"""Training of encoder-decoders: pairs of texts, teacher forcing, validation by decoding."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training.checkpoint import Progress
from training.config import TrainConfig
from training.data import prepare
from training.distributed.devices import ONE, Devices
from training.objectives.base import Data, Objective, Validation
from training.objectives.cross_entropy import SmoothedCrossEntropy
from training.start_from import Start
from training.tasks.base import Task
from zoo import registry
from zoo.inference.seq2seq import Seq2SeqPredictor
from zoo.task_info import TaskInfo
from zoo.tokenizer import Tokenizer

LONGEST_HINT = 100
"""Characters of an input that a page may open with."""


class Seq2SeqObjective(Objective):
    """A source sequence in, a target sequence out; validated by what the network writes."""

    kind = "seq2seq"
    smoothing = 0.1
    task: Task
    tokenizers: dict[str, Tokenizer]

    def check(self, config: TrainConfig, start: Start | None) -> None:
        task = self.task
        drawn = {t.model_type for t in task.tokenizers().values()} == {"unigram"}
        if config.subword_regularization and not (start.draws() if start else drawn):
            raise ValueError(
                f"{task.name} has no sub-words whose cutting could be drawn "
                "(--subword-regularization)"
            )
        for option in ("subword_regularization", "exchange_numbers", "exchange_names"):
            if getattr(config, option) and task.stream() is not None:
                raise ValueError(
                    f"{task.name} is encoded once for all epochs: it cannot have "
                    f"--{option.replace('_', '-')}"
                )
        if start:
            return
        sizes = self._sizes(config, 4, 4)
        longest = max(task.max_source_length, task.max_target_length)
        if longest > getattr(sizes, "max_length", longest):
            raise ValueError(
                f"{task.name} has up to {longest} tokens, and a position is needed for each. "
                f"Received: max_length={sizes.max_length}"
            )

    def _sizes(self, config: TrainConfig, source: int, target: int, **more: Any) -> Any:
        """The network's hyper-parameters."""
        sizes = {"source_vocabulary": source, "target_vocabulary": target, **more}
        return registry.configuration(config.model, config.preset, **{**sizes, **config.override})

    def prepare(
        self,
        state: Path,
        config: TrainConfig,
        start: Start | None,
        progress: Progress,
        on: Devices = ONE,
    ) -> Data:
        """See `Objective.prepare`; from now on the task scores as the run does.

        How to score is chosen once, for all of the run and for every evaluation of its model.
        """
        task = self.task
        if not start and (window := getattr(self._sizes(config, 4, 4), "window", None)):
            # A network of a fixed window reads no further; longer pairs are left out and counted.
            task.max_source_length = min(task.max_source_length, window)
        examples = prepare.read(task, config.limit)
        if start:
            self.tokenizers = start.tokenizers
        else:
            self.tokenizers = prepare.make_tokenizers(task, examples, state, config.vocabulary)
        batches, pairs = prepare.encode(task, examples, self.tokenizers, config, on.rounding())
        scoring = progress.scoring or task.choose_scoring(prepare.targets(task, examples))
        del examples
        task.forget_training()
        progress.scoring = scoring
        task.score_as(scoring)
        self.valid = task.examples("valid")[: config.validate_on]
        identity = tuple(t.bytes for t in self.tokenizers.values())
        return Data(batches, pairs, f"{pairs:,} pairs", identity)

    def build(
        self, folder: Path, config: TrainConfig, start: Start | None, on: Devices = ONE
    ) -> tuple[Any, Seq2SeqPredictor]:
        """Both have fresh weights; those of `start` fit them."""
        task, tokenizers = self.task, self.tokenizers
        source_tokenizer, target_tokenizer = prepare.sides(tokenizers)
        prepared: dict[str, Any] = {
            "tokenizers": prepare.file_names(tokenizers),
            "normalizers": {side: t.normalizer.steps for side, t in tokenizers.items()},
            "checks": dict(task.checks),
            "max_source_length": task.max_source_length,
            "max_target_length": task.max_target_length,
            "unit": task.unit,
            "task_info": asdict(_told(task)),
        }
        if start:
            sizes, prepared = start.changed(config.override), start.inherited()
        else:
            shared = source_tokenizer.bytes == target_tokenizer.bytes
            vocabularies = (source_tokenizer.size, target_tokenizer.size)
            sizes = self._sizes(config, *vocabularies, shared_vocabulary=shared)
        network, probe = self.networks(config, sizes, start, on)
        description = self.described(folder, config, probe, start, **prepared)
        return network, Seq2SeqPredictor(
            folder.name, probe, source_tokenizer, target_tokenizer, description, path=folder
        )

    def loss(self, config: TrainConfig) -> keras.losses.Loss:
        return SmoothedCrossEntropy(config.smoothing)

    def validate(self, predictor: Seq2SeqPredictor) -> Validation:
        sources = [e.source for e in self.valid]
        written = [answer.text for answer in predictor.predict(sources, attention=False)]
        figures = self.task.figures(written, self.valid)
        references = [e.references[0] for e in self.valid]
        forced = predictor.predict(sources, target=references, attention=False)
        loss = -float(np.concatenate([answer.log_probs for answer in forced]).mean())
        return Validation(figures, loss)

    def files(self, predictor: Seq2SeqPredictor) -> dict[str, Any]:
        names = predictor.config["tokenizers"]
        files = {names["source"]: predictor.source_tokenizer}
        files[names["target"]] = predictor.target_tokenizer
        return files

    def counts(self) -> dict[str, int]:
        return {split: len(self.task.examples(split)) for split in ("valid", "test")}


def _told(task: Task) -> TaskInfo:
    """What pages say of the task; where it names no example, a short one of the validation side."""
    info = task.info()
    if info.hint:
        return info
    sources = (example.source for example in task.examples("valid"))
    return replace(info, hint=next((one for one in sources if len(one) <= LONGEST_HINT), ""))
