"""Classifiers the whole way: from a file or a folder to a model, its figures, and its exports.

All calls are made by one process of their own: a run fixes threads and determinism for good.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.training import training_runs
from training import card_writer
from zoo import images
from zoo.inference import litert_making

pytestmark = pytest.mark.slow

RUN = [
    *("--preset=nano", "--steps=60", "--validate-every=30", "--batch-tokens=160", "--warmup=4"),
    *("--learning-rate=0.02", "--checkpoint-every=20", "--seed=1", "--threads=1"),
    *("--precision=float32", "--averaging=0.5"),
]
TEXTS = ["--task=labels:moods.tsv", "--vocabulary=280"]
MODELS = {
    # 60 steps are too few for some orders of the batches: every one is right after 180.
    "feed-forward": [*RUN, *TEXTS, "--steps=180"],
    "naive-bayes": [*RUN, *TEXTS],
    "vit": [*RUN, "--task=images:signs"],
}
WRONG: dict[str, tuple[list[str], list[str]]] = {
    "images for a reader of texts": (
        [*RUN, "--task=images:signs", "--model=bert"],
        ["images:signs is a task of images", "bert reads texts", "knn, cnn, vit"],
    ),
    "no such file": ([*RUN, "--task=labels:no.tsv", "--model=lstm"], ["no.tsv"]),
    "no such folder": ([*RUN, "--task=images:none", "--model=vit"], ["no such folder"]),
    "noise in images": (
        [*RUN, "--task=images:signs", "--model=vit", "--noise=0.1"],
        ["--noise is for texts"],
    ),
}
EXPORTED = {
    "litert": ["./feed-forward", "--format=litert", "--out=out"],
    "eight bits": ["./vit", "--format=litert", "--precision=int8", "--out=out"],
    "saved_model": ["./naive-bayes", "--out=served"],
}
NOT_EXPORTED: dict[str, tuple[list[str], list[str]]] = {
    "ids of images": (["./vit", "--ids-only"], ["--ids-only are for models that write"]),
    "ctranslate2": (["./vit", "--format=ctranslate2"], ["classifier"]),
}
SCRIPT = """
from training.evaluate import app as evaluate
from training.export import app as export
from training.store_graphs import app as store
from training.train import app
for name, arguments in calls["right"].items():
    found[name] = call(app, arguments)
for name, arguments in calls["asked"].items():
    found["asked " + name] = call(evaluate, arguments)
for name, arguments in calls["exported"].items():
    found["exported " + name] = call(export, arguments)
found["stored"] = call(store, ["./feed-forward"])
for name, arguments in calls["wrong"].items():
    found[name] = call(app, arguments)
"""


def examples(path: Path) -> None:
    """Texts with a word that gives them away, and images with a line across or down."""
    words = {"calm": ("still", "mild"), "fierce": ("wild", "loud")}
    rows = [
        f"the {thing} is {word} and {time}\t{mood}"
        for mood, said in words.items()
        for word in said
        for thing in ("lake", "hill", "sea", "wind")
        for time in ("old", "new", "far", "near", "here")
    ]
    (path / "moods.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    drawn = np.random.default_rng(0)
    for name in ("across", "down"):
        (path / "signs" / name).mkdir(parents=True)
        for number in range(24):
            image = drawn.uniform(0, 0.3, (8, 8, 1))
            image[number % 8] = 1.0
            image = image if name == "across" else image.transpose(1, 0, 2)
            (path / "signs" / name / f"{number}.png").write_bytes(images.png(image))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with examples, after all calls were made in it."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow exports")
    if importlib.util.find_spec("ai_edge_litert") is None:
        pytest.skip("LiteRT is not installed")
    path = tmp_path_factory.mktemp("classes")
    examples(path)
    calls = {
        "right": {m: [*given, f"--model={m}", f"--out={m}"] for m, given in MODELS.items()},
        "asked": {model: [f"./{model}", "--update-card"] for model in MODELS},
        "exported": EXPORTED | {name: given for name, (given, _) in NOT_EXPORTED.items()},
        "wrong": {name: [*given, "--out=wrong"] for name, (given, _) in WRONG.items()},
    }
    training_runs.make_calls(SCRIPT, path, calls)
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "found.json").read_text())


def files(place: Path, model: str) -> list:
    """Inputs whose class is plain, and that class."""
    if model == "vit":
        lines = [("across", place / "signs/across/3.png"), ("down", place / "signs/down/5.png")]
        return [(name, path.read_bytes()) for name, path in lines]
    return [("calm", "the lake is mild and new"), ("fierce", "the wind is loud and far")]


@pytest.mark.parametrize("model", MODELS)
def test_a_classifier_is_trained_scored_and_loaded(place, found, model):
    for name in (model, f"asked {model}"):
        status, said, error = found[name]
        assert (status, error) == (0, None), said
    card = card_writer.read(place / model)
    figures = card["metrics"]["1"]
    assert figures["accuracy"]["value"] == 100 and figures["counted"] == "inputs"
    loaded = zoo.load(place / model)
    assert loaded.parameters == card["parameters"]
    for name, given in files(place, model):
        [answer] = loaded.predict([given])
        assert answer.name == name
    assert len(json.loads((place / model / "predictions.json").read_text())) == figures["examples"]


@pytest.mark.parametrize(("model", "close"), [("feed-forward", 1e-4), ("vit", 0.05)])
def test_it_is_exported_for_litert(place, found, model, close):
    for name in ("exported litert", "exported eight bits"):
        assert found[name][0] == 0, found[name][1]
    inputs = [given for _, given in files(place, model)]
    on_litert = zoo.load(place / "out" / model)
    assert on_litert.runtime == "litert"
    wanted = np.exp(zoo.load(place / model).log_probs(inputs))
    np.testing.assert_allclose(np.exp(on_litert.log_probs(inputs)), wanted, atol=close)
    assert "the " in (place / "out" / "feed-forward" / "README.md").read_text()


def test_stored_graphs_are_filled_and_not_made_again(place, found, monkeypatch):
    assert found["stored"][0] == 0, found["stored"][1]

    def never(*args):
        raise AssertionError("graphs were made anew")

    monkeypatch.setattr(litert_making, "_make_aside", never)
    inputs = [given for _, given in files(place, "feed-forward")]
    on_litert, on_keras = (zoo.load(place / "feed-forward", runtime=r) for r in ("litert", ""))
    found, wanted = on_litert.log_probs(inputs), on_keras.log_probs(inputs)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_it_is_exported_as_a_saved_model(place, found):
    import tensorflow as tf
    import tensorflow_text  # noqa: F401  registers the operations

    assert found["exported saved_model"][0] == 0, found["exported saved_model"][1]
    version = place / "served" / "naive-bayes" / "1"
    inputs = [given for _, given in files(place, "naive-bayes")]
    answer = tf.saved_model.load(str(version)).signatures["serving_default"]
    answers = answer(text=tf.constant(inputs))
    assert [name.decode() for name in answers["label"].numpy()] == ["calm", "fierce"]
    # What to ask for, by example, is one of the texts of the corpus.
    readme = (version / "README.md").read_text()
    rows = (place / "moods.tsv").read_text(encoding="utf-8").splitlines()
    assert any(json.dumps(row.partition("\t")[0]) in readme for row in rows)


@pytest.mark.parametrize("name", [*WRONG, *NOT_EXPORTED])
def test_what_is_wrong_is_one_sentence(place, found, name):
    exported = name in NOT_EXPORTED
    status, said, error = found[f"exported {name}" if exported else name]
    assert (status, error) == (2, None), said
    for part in (NOT_EXPORTED if exported else WRONG)[name][1]:
        assert part in " ".join(said.split()), said
    assert not (place / "wrong" / "config.json").exists()
