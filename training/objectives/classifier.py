"""Training of classifiers: texts, images or series in, a class out; validated by accuracy."""

from __future__ import annotations

import functools
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training import floors, paths, teacher
from training.checkpoint import Progress
from training.config import TrainConfig
from training.data import augmentation
from training.data.labelled import Labelled
from training.data.rows import ArrayRows, Rows, TextRows
from training.distributed.devices import ONE, Devices
from training.evaluate_labels import check_classes
from training.metrics import classification as metrics
from training.objectives.base import Data, Objective, StepSpec, Validation
from training.objectives.cross_entropy import SmoothedCrossEntropy
from training.start_from import Start
from training.tasks.classification import Classification
from zoo import class_inputs, registry, saving
from zoo.class_inputs import ClassInput, ImageInput, NGramInput, SeriesInput
from zoo.inference.classifier import ClassifierPredictor
from zoo.normalizer import Normalizer
from zoo.text_tokenizers import SubWords

VOCABULARY = 4_000
"""Sub-words, where no other number is asked for."""
NGRAMS = 1 << 16
"""N-grams likewise."""
PATCHES = 7
"""An image has about so many patches a side, where no other size of them is asked for."""
STRETCH = 8
"""Time steps that count as one place of a series, in the size of a batch."""
PAIRS = ("subword_regularization", "exchange_numbers", "exchange_names")
"""Options for tasks of pairs of texts."""


class ClassifierObjective(Objective):
    """Examples with a class each; the loss is the cross-entropy of the class."""

    kind = "classifier"
    task: Classification
    reader: ClassInput

    def check(self, config: TrainConfig, start: Start | None) -> None:
        task, name = self.task, paths.shown(self.task.name)
        model = start.config["model"] if start else config.model
        reads = registry.architecture(model, self.kind).config.reads
        if task.reads not in reads:
            fitting = [
                entry.name
                for entry in registry.of_kind(self.kind).values()
                if task.reads in entry.config.reads
            ]
            raise ValueError(
                f"{name} is a task of {_several(task.reads)}, and {model} reads "
                f"{' and '.join(map(_several, reads))}. For it there are {', '.join(fitting)}"
            )
        for option in (*PAIRS, "carry_state", "window"):
            if getattr(config, option):
                raise ValueError(
                    f"--{option.replace('_', '-')} is not for {name}, a task of classification"
                )
        texts = task.reads == "text"
        for option, fits in (("augment", not texts), ("noise", texts)):
            if getattr(config, option) and not fits:
                wanted = "images and series" if option == "augment" else "texts"
                raise ValueError(f"--{option} is for {wanted}, and {name} has {task.reads} inputs")
        if config.teacher and registry.architecture(model, self.kind).floor:
            raise ValueError(f"--teacher is for networks, and {model} is computed from the labels")
        if config.vocabulary and not texts:
            raise ValueError(f"--vocabulary is for texts, and {name} has {task.reads} inputs")
        if not start:
            self._sizes(config, self._smallest(model))

    def _smallest(self, model: str) -> dict[str, int]:
        """Sizes that stand for those of the data, which is not read yet."""
        if self.task.reads == "text":
            sizes = {"vocabulary": 4}
        elif self.task.reads == "image":
            sizes = {"height": 8, "width": 8, "channels": 1}
        else:
            sizes = {"length": 8, "channels": 1}
        return sizes | {"classes": 2} | ({"examples": 1 << 30} if model == "knn" else {})

    def _sizes(self, config: TrainConfig, of_data: dict[str, int]) -> Any:
        """The network's hyper-parameters."""
        entry = registry.architecture(config.model, self.kind)
        given = dict(of_data)
        if config.model == "vit":
            given["patch"] = patch(given["height"], given["width"])
        if config.model == "knn" and self.task.reads == "series":
            given["neighbours"] = 1
        override = {**given, **config.override}
        return registry.configuration(entry.name, config.preset, kind=self.kind, **override)

    def prepare(
        self,
        state: Path,
        config: TrainConfig,
        start: Start | None,
        progress: Progress,
        on: Devices = ONE,
    ) -> Data:
        task = self.task
        teachers = teacher.load(config.teacher, task) if config.teacher else []
        train = task.examples("train")
        model = start.config["model"] if start else config.model
        if task.splits.held_out and model == "knn":
            train = train.joined(task.examples("valid"))  # nothing is chosen by that side
        if config.limit:
            train = train.first(config.limit)
        if start:
            if not start.headless:
                check_classes(tuple(start.config["classes"]), task)
            self.reader = start.tokenizers["input"]
            self.sizes = replace(start.hyperparameters, classes=len(task.classes))
        else:
            self.reader = self._reader(config, train, state)
            self.sizes = self._sizes(config, self._of_data(config, train))
        self.train = Labelled([self.reader.read(one).array for one in train.inputs], train.labels)
        valid = task.examples("valid").first(config.validate_on)
        self.valid = Labelled([self.reader.read(one) for one in valid.inputs], valid.labels)
        said = f"{len(train):,} examples of {len(task.classes)} classes"
        self.targets, identity = train.labels, (self.reader.bytes,)
        if teachers:
            chances = teacher.chances(teachers, train.inputs, state)
            weight, smoothing = config.teacher_weight, config.smoothing
            self.targets = teacher.targets(train.labels, chances, weight, smoothing)
            identity += (self.targets.tobytes(),)
        rows = self._rows(config, on)
        return Data(rows, len(train), said, identity)

    def _reader(self, config: TrainConfig, train: Labelled, state: Path) -> ClassInput:
        """Made from the training side; a tokenizer that was learnt before is kept."""
        task = self.task
        normalizer = Normalizer(task.normalizer)
        if task.reads != "text":
            made = ImageInput if task.reads == "image" else SeriesInput
            return made.of(train.inputs)
        sizes = self._sizes(config, {"classes": len(task.classes), "vocabulary": 4})
        if config.model == "naive-bayes":
            count = config.vocabulary or NGRAMS
            return NGramInput.learn(train.inputs, count - 1, sizes.longest, normalizer)
        kept = state / "tokenizer.model"
        if not kept.exists():
            texts = "\n".join(class_inputs.spaced(text, normalizer) for text in train.inputs)
            learnt = SubWords.learn(texts, config.vocabulary or VOCABULARY)
            saving.write_aside(kept, learnt.bytes)
        return class_inputs.load(kept, sizes.max_length, normalizer)

    def _of_data(self, config: TrainConfig, train: Labelled) -> dict[str, int]:
        """The sizes that the data decides."""
        sizes = {"classes": len(self.task.classes)}
        if self.task.reads == "text":
            return sizes | {"vocabulary": self.reader.size}
        names = ("height", "width") if self.task.reads == "image" else ("length",)
        sizes |= dict(zip((*names, "channels"), train.inputs.shape[1:], strict=True))
        return sizes | ({"examples": len(train)} if config.model == "knn" else {})

    def _rows(self, config: TrainConfig, on: Devices) -> Rows:
        given = (config.batch_tokens, config.seed, on.count)
        if self.task.reads == "text":
            return TextRows(
                self.train.inputs,
                self.targets,
                *given,
                noise=config.noise,
                few_shapes=on.compiles_steps(),
            )
        arrays = np.stack(self.train.inputs)
        size = arrays.shape[1:]
        if self.task.reads == "series":
            places = -(-size[0] // STRETCH)
            change = functools.partial(augmentation.moved_series, strength=config.augment)
        else:
            side = patch(*size[:2])
            places = -(-size[0] // side) * -(-size[1] // side)
            outside = self.reader.scaled(np.zeros(size[2]))
            change = functools.partial(
                augmentation.moved_images, strength=config.augment, outside=outside
            )
        return ArrayRows(
            arrays, self.targets, places, *given, change=change if config.augment else None
        )

    def build(
        self, folder: Path, config: TrainConfig, start: Start | None, on: Devices = ONE
    ) -> tuple[Any, ClassifierPredictor]:
        task, sizes = self.task, self.sizes
        if start:
            changed = start.changed(config.override)
            sizes = replace(changed, classes=sizes.classes)
        if start and not start.headless:
            prepared = start.inherited()
        else:
            prepared = {
                "tokenizers": {"input": f"input{self.reader.suffix}"},
                "classes": list(task.classes),
                "reads": task.reads,
                "task_info": asdict(task.info()),
                "showcase": task.showcase(),
            }
            if task.reads == "text":
                prepared["normalizers"] = {"input": self.reader.normalizer.steps}
        network, probe = self.networks(config, sizes, start, on)
        description = self.described(folder, config, probe, start, **prepared)
        predictor = ClassifierPredictor(folder.name, probe, self.reader, description, path=folder)
        return network, predictor

    def loss(self, config: TrainConfig) -> keras.losses.Loss:
        if config.teacher:  # smoothing is in the targets already
            return keras.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")
        return SmoothedCrossEntropy(config.smoothing)

    def signature(self, config: TrainConfig, on: Devices = ONE) -> StepSpec:
        shape, kind = self.sizes.arrays()
        classes = self.sizes.classes
        target = ((None, 1, classes), "float32") if config.teacher else ((None, 1), "int32")
        return StepSpec(((None, *shape), kind), target, ((None, 1), "float32"))

    def fit(self, network: Any, config: TrainConfig) -> None:
        train = self.train
        if config.model == "knn":
            network.examples.assign(network.compared(np.stack(train.inputs)))
            network.labels.assign(np.eye(network.config.classes)[train.labels])
            return
        sizes = network.config
        table, bias = floors.naive_bayes(
            train.inputs, train.labels, sizes.classes, sizes.vocabulary, sizes.strength
        )
        network.table.assign(table)
        network.bias.assign(bias)

    def validate(self, predictor: ClassifierPredictor) -> Validation:
        log_probs = predictor.log_probs_of(self.valid.inputs)
        labels = self.valid.labels
        loss = -float(log_probs[np.arange(len(labels)), labels].mean())
        return Validation(metrics.figures(log_probs, labels), loss)

    def files(self, predictor: ClassifierPredictor) -> dict[str, Any]:
        return {predictor.config["tokenizers"]["input"]: self.reader}

    def counts(self) -> dict[str, int]:
        return {split: len(self.task.examples(split)) for split in ("valid", "test")}


def patch(height: int, width: int) -> int:
    """The side of a patch, so that an image has about `PATCHES` of them a side."""
    return max(round(min(height, width) / PATCHES), 2)


def _several(reads: str) -> str:
    return {"text": "texts", "image": "images", "series": "series"}[reads]
