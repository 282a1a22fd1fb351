"""Fine-tuning the whole way: all of a pre-trained network, LoRA, a head; and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.training import training_runs
from tests.training.test_classifiers_cli import RUN, examples
from tests.zoo.pretrained import tiny_bert
from training import start_from
from training.checkpoint import CheckpointError, Progress
from training.config import TrainConfig
from training.run_progress import check_same_settings
from zoo import saving, shipped
from zoo.adapters import PARTS, Adapter
from zoo.building import build
from zoo.saving import ModelFolderError

pytestmark = pytest.mark.slow

TASK = ["--task=labels:moods.tsv", "--dropout=0", *[one for one in RUN if "preset" not in one]]
FROM = [*TASK, "--start-from=tiny"]
RIGHT = {
    "full": [*TASK, "--start-from=hf:bases/tiny"],
    "lora": [*FROM, "--adapt=lora", "--lora-rank=2"],
    "head": [*FROM, "--adapt=head", "--set=pooling=mean"],
    "further": [*TASK, "--start-from=./lora"],
    "top": [*TASK, "--start-from=hf:bases/tiny", "--layer-decay=0"],
}
WRONG: dict[str, tuple[list[str], list[str]]] = {
    "no base": ([*TASK, "--model=bert", "--adapt=lora"], ["--adapt lora needs", "--start-from"]),
    "an adapter of a folder": (
        [*TASK, "--start-from=hf:bases/tiny", "--adapt=lora"],
        ["an adapter needs its base again, by name", "ZOO_PRETRAINED_DIR"],
    ),
    "an adapter of a run": (
        [*TASK, "--start-from=./full", "--adapt=head"],
        ["an adapter needs its base again, by name"],
    ),
    "an adapter of an adapter": (
        [*TASK, "--start-from=./lora", "--adapt=head"],
        ["lora is an adapter itself: --adapt head is for its base, tiny"],
    ),
    "another size": (
        [*FROM, "--set=hidden_size=16"],
        ["tiny has hidden_size=8", "only its dropout and pooling may change"],
    ),
    "another task": (
        [*FROM[1:], "--task=shakespeare"],
        ["--start-from tiny is a classifier", "a task for a language_model"],
    ),
    "a rank of nothing": ([*FROM, "--adapt=lora", "--lora-rank=0"], ["--lora-rank"]),
}
SCRIPT = """
from training.evaluate import app as evaluate
from training.train import app
for name, arguments in calls["right"].items():
    found[name] = call(app, arguments)
    found["asked " + name] = call(evaluate, ["./" + name, "--update-card"])
for name, arguments in calls["wrong"].items():
    found[name] = call(app, arguments)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pretrained")
    (path / "bases" / "tiny").mkdir(parents=True)
    tiny_bert.write(path / "bases" / "tiny", tiny_bert.drawn(), heads=2)
    examples(path)
    right = {name: [*given, f"--out={name}"] for name, given in RIGHT.items()}
    wrong = {name: [*given, "--out=wrong"] for name, (given, _) in WRONG.items()}
    calls = {"right": right, "wrong": wrong}
    training_runs.make_calls(SCRIPT, path, calls, ZOO_PRETRAINED_DIR=str(path / "bases"))
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "found.json").read_text())


@pytest.fixture
def bases(place, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_PRETRAINED_DIR", str(place / "bases"))
    return place / "bases"


@pytest.mark.parametrize("name", RIGHT)
def test_a_run_ends_with_a_model_that_answers(place, found, bases, name):
    for one in (name, f"asked {name}"):
        status, said, error = found[one]
        assert (status, error) == (0, None), said
    model = zoo.load(place / name)
    [answer] = model.predict("the a not good")
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.attention["encoder"].shape == (1, 2, 6, 6)
    assert answer.labels[0] == "[CLS]"
    assert answer.classified == (None if name == "head" else 0)


@pytest.mark.parametrize("name", ["lora", "head"])
def test_an_adapter_has_what_was_trained_alone(place, bases, name):
    arrays, trained = saving.read_weights(place / name), {"head/scores/bias", "head/scores/kernel"}
    assert trained <= set(arrays)
    others = set(arrays) - trained
    assert all(one.rpartition("/")[2] in ("lora_kernel_a", "lora_kernel_b") for one in others)
    layers = {one.split("/")[-2] for one in others}
    assert layers == (set(PARTS["all"]) if name == "lora" else set())
    card = json.loads((place / name / "card.json").read_text())
    count = sum(array.size for array in arrays.values())
    assert card["training"]["trained_parameters"] == count < 0.6 * card["parameters"]


def test_the_base_stays_as_it_was(place, bases):
    model = zoo.load(place / "lora").model
    weights = {name: np.asarray(one) for name, one in saving.named_weights(model).items()}
    base = saving.base_arrays("lora", Adapter(**json_of(place / "lora")["adapter"]))
    for name, array in base.items():
        np.testing.assert_array_equal(weights[name], array.astype("float32"))
    moved = [array for name, array in weights.items() if name.endswith("lora_kernel_b")]
    assert moved and all(array.any() for array in moved)


def test_training_all_moves_all(place, bases):
    base = saving.base_arrays("lora", Adapter(**json_of(place / "lora")["adapter"]))
    arrays = saving.read_weights(place / "full")
    still = [name for name in base if np.array_equal(arrays[name], base[name].astype("float16"))]
    # What no text has, and a bias of all keys, moves nothing.
    assert set(still) <= {"encoder/positions/table"}, still
    assert "adapter" not in json_of(place / "full")


def test_a_rate_for_each_layer_reaches_the_optimizer(place, bases):
    """With a decay of 0 nothing below the head has a rate."""
    base = saving.base_arrays("lora", Adapter(**json_of(place / "lora")["adapter"]))
    arrays = saving.read_weights(place / "top")
    for name, array in base.items():
        np.testing.assert_array_equal(arrays[name], array.astype("float16"), err_msg=name)
    assert arrays["head/scores/kernel"].any()


def test_all_is_trained_on_from_an_adapter_and_its_base(place, bases):
    """Where it begins, it says what both said; it needs no base any more."""
    start = start_from.read(
        TrainConfig(f"labels:{place}/moods.tsv", start_from=str(place / "lora")), place / "new"
    )
    adapted = zoo.load(place / "lora")
    alone = build("bert", adapted.model.config, kind="classifier")
    saving.set_weight_arrays(alone, start.arrays)
    ids = np.array([[2, 5, 6, 7, 3]], "int32")
    found, expected = (keras.ops.convert_to_numpy(m.read(ids)[0]) for m in (alone, adapted.model))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    config = json_of(place / "further")
    assert "adapter" not in config and config["classes"] == json_of(place / "lora")["classes"]


def test_an_adapter_of_an_earlier_version_answers_the_same(place, bases, tmp_path):
    folder = shutil.copytree(place / "lora", tmp_path / "model")
    config = json_of(folder)
    assert config["hyperparameters"].pop("scaled_embedding") is False
    (folder / "config.json").write_text(json.dumps(config))
    [found], [expected] = (
        zoo.load(one).predict("the a not good") for one in (folder, place / "lora")
    )
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


def test_a_run_that_an_earlier_version_began_is_refused(place):
    """It had scaled the embeddings: its checkpoints are of another network."""
    now = json.loads((place / "full" / "card.json").read_text())["training"]["settings"]
    start = {key: now["start_from"][key] for key in ("name", "weights")}
    then = Progress(settings={**now, "start_from": start})
    check_same_settings(place, Progress(settings=now), now)
    with pytest.raises(CheckpointError, match=r"other settings \(start_from\)"):
        check_same_settings(place, then, now)


def json_of(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())


def test_litert_answers_the_same(place, bases):
    pytest.importorskip("ai_edge_litert")
    texts = ["the a not good", "bad film."]
    ours = zoo.load(place / "lora").predict(texts)
    theirs = zoo.load(place / "lora", runtime="litert").predict(texts)
    for one, other in zip(ours, theirs, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-5)
        np.testing.assert_allclose(one.attention["encoder"], other.attention["encoder"], atol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes it")
def test_a_saved_model_answers_the_same(place, bases, tmp_path):
    pytest.importorskip("tensorflow_text")
    import tensorflow as tf

    from zoo.export import export

    model = zoo.load(place / "lora")
    loaded = tf.saved_model.load(str(export(model, tmp_path)))
    texts = ["the a not good", "", "bad film's fun 🎉"]
    answers = loaded.signatures["serving_default"](text=tf.constant(texts))
    for row, one in enumerate(model.predict(texts)):
        np.testing.assert_allclose(
            answers["probabilities"][row], list(one.probabilities.values()), atol=1e-5
        )
        assert answers["notes"][row].numpy().decode() == "\n".join(one.notes)
    ids = model.reader.stack([model.reader.read(text).array for text in texts])
    again = loaded.signatures["ids"](ids=tf.constant(ids))
    np.testing.assert_allclose(again["probabilities"], answers["probabilities"], atol=1e-6)


def test_without_its_base_an_adapter_says_what_is_missing(place, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_PRETRAINED_DIR", str(tmp_path))
    with pytest.raises(ModelFolderError, match="lora is an adapter for tiny: there is no pre-tr"):
        zoo.load(place / "lora")


def test_another_base_is_refused(place, tmp_path, monkeypatch):
    shutil.copytree(place / "bases", tmp_path / "bases")
    weights = tiny_bert.drawn()
    weights["embeddings.LayerNorm.bias"] += 1
    tiny_bert.write(tmp_path / "bases" / "tiny", weights, heads=2)
    monkeypatch.setenv("ZOO_PRETRAINED_DIR", str(tmp_path / "bases"))
    with pytest.raises(ModelFolderError, match="adapter for weights of tiny with the SHA-256"):
        zoo.load(place / "lora")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ([], "adapter must be an object"),
        ({"how": "lora"}, "adapter: "),
        ({"how": "magic", "base": "tiny", "sha256": ""}, "how must be one of lora, head"),
        ({"how": "lora", "base": "tiny", "sha256": "", "rank": 0}, "rank must be 1 or more"),
        ({"how": "lora", "base": "tiny", "sha256": "", "rank": 2, "layers": "x"}, "layers must be"),
        ({"how": "head", "base": "hf:/etc", "sha256": ""}, "its name must be that of a folder"),
        ({"how": "head", "base": "../tiny", "sha256": ""}, "there is no pre-trained"),
    ],
)
def test_what_is_wrong_with_an_adapter_is_said(place, bases, tmp_path, record, said):
    folder = shutil.copytree(place / "lora", tmp_path / "model")
    config = json_of(folder) | {"adapter": record}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match=said):
        zoo.load(folder)


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_refused_in_one_sentence(found, case):
    status, said, error = found[case]
    assert (status, error) == (2, None), said
    for part in WRONG[case][1]:
        assert part in " ".join(said.split()), said


def test_lora_is_for_shipped_models_too(tmp_path):
    """Beside the weights of a language model that the zoo ships."""
    name = "shakespeare-gpt"
    if name not in shipped.names():
        pytest.skip(f"{name} is not shipped")
    config = TrainConfig(
        task="text:mine.txt", start_from=name, adapt="lora", lora_rank=2, lora_layers="attention"
    )
    start = start_from.read(config, tmp_path)
    network = build(
        start.config["model"],
        start.hyperparameters,
        kind=start.config["kind"],
        adapter=start.adapter,
    )
    saving.set_weight_arrays(network, saving.weight_arrays(network) | start.arrays)
    ids = np.arange(12)[None] + 5
    before = np.asarray(zoo.load(name).model(ids))
    np.testing.assert_allclose(np.asarray(network(ids)), before, atol=1e-5)
    assert 0 < sum(np.prod(one.shape) for one in network.trainable_weights) < 60_000
