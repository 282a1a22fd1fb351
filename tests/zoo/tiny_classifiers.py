"""Classifiers of every architecture, small enough to be made in every test run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zoo import registry, saving
from zoo.building import build
from zoo.class_inputs import ClassInput, ImageInput, NGramInput, SeriesInput, TextInput
from zoo.inference.classifier import ClassifierPredictor
from zoo.normalizer import Normalizer
from zoo.text_tokenizers import Characters

CLASSES = ("calm", "fierce", "both")
VOCABULARY = 17
IMAGE = (8, 8, 1)
SERIES = (20, 2)
LETTERS = " abcdefghijkl"
"""With the four special tokens, `VOCABULARY` in all."""


def reads(model: str) -> str:
    """What networks of an architecture read here."""
    return registry.architecture(model, "classifier").config.reads[0]


def sizes(model: str) -> dict[str, int]:
    """What the data decides, of an architecture's hyper-parameters."""
    found = {
        "text": {"vocabulary": VOCABULARY, "max_length": 32},
        "image": dict(zip(("height", "width", "channels"), IMAGE, strict=True)),
        "series": dict(zip(("length", "channels"), SERIES, strict=True)),
    }[reads(model)]
    return found | ({"examples": 9} if model == "knn" else {})


def network(model: str, precision: str = "float32", **overrides: Any) -> Any:
    """A network whose every weight, biases included, is far from where it started."""
    given = {"classes": len(CLASSES), **sizes(model), **overrides}
    made = registry.configuration(model, "nano", kind="classifier", **given)
    built = build(model, made, seed=3, precision=precision, kind="classifier")
    random = np.random.default_rng(5)
    for weight in built.weights:
        if "seed" in weight.path:
            continue
        noise = random.normal(scale=0.3, size=tuple(weight.shape)).astype("float16")
        # Half precision, as saved: the answers are the same before and after.
        weight.assign((np.asarray(weight).astype("float16") + noise).astype("float32"))
    if model == "knn":
        built.labels.assign(np.eye(len(CLASSES))[np.arange(9) % 3])
    return built


def reader(model: str) -> ClassInput:
    """What makes arrays of inputs."""
    lower = Normalizer([{"lower": True}])
    if model == "naive-bayes":
        return NGramInput.learn(["abc fed lake hill", "a b c d e f g h i j k l"], 99, 1, lower)
    made = {"text": None, "image": ImageInput(IMAGE, [0.3], [0.5])}
    made["series"] = SeriesInput(SERIES, [0.0, 1.0], [1.0, 2.0])
    return made[reads(model)] or TextInput(Characters.learn(LETTERS), lower, most=32)


def inputs(model: str, rows: int = 4) -> list[Any]:
    """Texts of several lengths, images or series."""
    random = np.random.default_rng(1)
    if reads(model) == "text":
        return ["abc fed", "a", "lake hill jade", "k" * 40][:rows]
    shape = IMAGE if reads(model) == "image" else SERIES
    return list(random.uniform(size=(rows, *shape)))


def arrays(model: str, rows: int = 4) -> np.ndarray:
    """The same as the network reads them."""
    made = reader(model)
    return made.stack([made.read(one).array for one in inputs(model, rows)])


def config(name: str, model: str, made: Any) -> dict[str, Any]:
    """The content of `config.json`."""
    return saving.model_config(
        kind="classifier",
        name=name,
        task={"text": "labels:moods.tsv", "image": "images:moods", "series": "arrowhead"}[
            reads(model)
        ],
        model=model,
        preset="nano",
        network=made,
        tokenizers={"input": f"input{reader(model).suffix}"},
        classes=list(CLASSES),
        reads=reads(model),
        normalizers={"input": [{"lower": True}]},
    )


def predictor(model: str, path: Path | None = None, **overrides: Any) -> ClassifierPredictor:
    """A predictor whose every weight is far from where it started; saved where there is a path."""
    made, read = network(model, **overrides), reader(model)
    folder = path or Path(f"nano-{model}")
    known = config(folder.name, model, made)
    if path is not None:
        arrays = saving.weight_arrays(made)
        saving.save_folder(path, arrays, known, {known["tokenizers"]["input"]: read})
    return ClassifierPredictor(folder.name, made, read, known, path=path)
