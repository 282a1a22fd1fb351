"""LiteRT answers as Keras does, without Keras; damaged and missing graphs are named."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests import thorough
from tests.zoo import tiny_models
from zoo import registry, saving, shipped
from zoo.export import litert as litert_export
from zoo.inference import litert_graphs, litert_making, litert_template
from zoo.inference.litert_decoder import ROOM
from zoo.inference.litert_folder import DESCRIPTION, GraphFolder
from zoo.inference.sampling import Sampling
from zoo.prediction import AXES
from zoo.runtime import program_cache
from zoo.runtime.litert import Graph, GraphError
from zoo.runtime.litert_conversion import ConversionError, Spec, convert

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
    ),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts"),
]

TEXTS = [
    "Tom sees the red car.",
    "",
    "my sister wants the house.",
    "she",
    "she buys the book. " * 9,
    "🦓 <b>أين</b>",
]


copy = functools.partial(shutil.copytree, dirs_exist_ok=True)


def same(found: list[zoo.Prediction], wanted: list[zoo.Prediction]) -> None:
    """The same tokens, and the same numbers but for rounding."""
    for one, other in zip(found, wanted, strict=True):
        assert one.target_pieces == other.target_pieces
        assert one.source_pieces == other.source_pieces
        assert (one.text, one.notes, one.finished) == (other.text, other.notes, other.finished)
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
        assert one.score == pytest.approx(other.score, abs=1e-4)
        assert set(one.attention) == set(other.attention)
        for kind, maps in other.attention.items():
            assert one.attention[kind].shape == maps.shape
            np.testing.assert_allclose(one.attention[kind], maps, atol=1e-4)
        assert len(one.alternatives) == len(other.alternatives)
        for ours, theirs in zip(one.alternatives, other.alternatives, strict=True):
            assert ours.pieces == theirs.pieces
            assert ours.score == pytest.approx(theirs.score, abs=1e-4)


@pytest.fixture(
    scope="module",
    params=thorough.params(registry.of_kind("seq2seq"), ["lstm-bahdanau", "transformer"]),
)
def both(request, tmp_path_factory):
    """A model on Keras and, as exported, on LiteRT."""
    model, place = request.param, tmp_path_factory.mktemp(request.param)
    shared = model not in tiny_models.APART
    # More tokens than a cache has room for at first.
    folder = tiny_models.folder(place / "model", model, shared=shared, max_target_length=40)
    on_keras = zoo.load(folder)
    exported = litert_export.export(on_keras, place / "exported")
    return on_keras, zoo.load(exported)


@pytest.mark.parametrize("beams", thorough.params([1, 2, 5, 7], [1, 5]))
def test_the_answers_are_those_of_keras(both, beams):
    on_keras, on_litert = both
    wanted = on_keras.predict(TEXTS, beams=beams)
    same(on_litert.predict(TEXTS, beams=beams), wanted)
    if on_keras.config["model"] == "transformer":  # its cache had to grow
        assert any(len(one.target_pieces) > ROOM for one in wanted) or beams > 1


def test_a_batch_answers_as_its_rows_do_one_by_one(both):
    _, on_litert = both
    together = on_litert.predict(TEXTS * 3, beams=2)
    same(together, [on_litert.predict(text, beams=2)[0] for text in TEXTS] * 3)


def test_draws_forced_targets_and_limits_are_those_of_keras(both):
    on_keras, on_litert = both
    samplings = [Sampling(0.9), Sampling(1.5, top_k=3), Sampling(1.2, top_p=0.7)]
    if on_keras.config["model"] != "feed-forward":  # what is drawn from is a network's, not how
        samplings = [Sampling(1.5, top_k=3, top_p=0.7)]
    for sampling in samplings:
        same(
            on_litert.predict(TEXTS, sampling=sampling, seed=4),
            on_keras.predict(TEXTS, sampling=sampling, seed=4),
        )
    targets = ["el libro", "", "x " * 60, "ella", "la casa", "🦓"]
    same(on_litert.predict(TEXTS, target=targets), on_keras.predict(TEXTS, target=targets))
    for beams in (1, 2):
        same(
            on_litert.predict(TEXTS, beams=beams, max_length=3, length_penalty=0),
            on_keras.predict(TEXTS, beams=beams, max_length=3, length_penalty=0),
        )


def test_many_at_a_time_share_as_many_interpreters_as_there_are_cores(both):
    _, on_litert = both
    wanted = on_litert.predict(TEXTS, beams=2)
    with ThreadPoolExecutor(12) as threads:
        for found in threads.map(lambda _: on_litert.predict(TEXTS, beams=2), range(24)):
            same(found, wanted)
    assert max(on_litert.engine.pool.made.values()) <= on_litert.engine.pool.threads


def test_what_is_known_of_the_network_is_known_without_it(both):
    on_keras, on_litert = both
    assert on_litert.parameters == on_keras.parameters
    assert on_litert.attention_heads == on_keras.attention_heads
    assert on_litert.max_source_length == on_keras.max_source_length
    assert set(on_litert.attention_heads) <= set(AXES)


def test_eight_bits_are_smaller_and_answer(tmp_path):
    on_keras = zoo.load(tiny_models.folder(tmp_path / "model", "lstm-bahdanau"))
    folder = litert_export.export(on_keras, tmp_path / "int8", "int8")
    assert GraphFolder.read(folder).precision == "int8"
    [step] = (one for one in litert_graphs.graphs(on_keras.model) if one.name == "step_1")
    whole = convert(on_keras.model, step.function, step.inputs)
    assert (folder / "step_1.tflite").stat().st_size < len(whole)
    answers = zoo.load(folder).predict(TEXTS, beams=2)
    assert answers[1].text == "" and all(np.isfinite(one.score) for one in answers)


BARE = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"keras", "tensorflow", "jax", "safetensors", "yaml", "typer"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Nothing())
import zoo
model = zoo.load(sys.argv[1])
[answer] = model.predict("Tom sees the book.", beams=2)
print(answer.text, *answer.attention)
"""


def test_an_export_answers_where_there_is_no_framework(both):
    _, on_litert = both
    done = subprocess.run(
        [sys.executable, "-c", BARE, str(on_litert.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [answer] = on_litert.predict("Tom sees the book.", beams=2)
    assert done.stdout == " ".join([answer.text, *answer.attention]) + "\n"


def test_requirements_of_an_export_are_among_all_requirements():
    def lines(name: str) -> set[str]:
        return {x for x in (ROOT / name).read_text().splitlines() if x and x[0] != "#"}

    assert lines("requirements-run.txt") < lines("requirements.txt")


# Made on first use, and kept


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "kept"))
    return tiny_models.folder(tmp_path / "model", "simple-rnn")


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """Graphs are made in this process, which has TensorFlow: the models they were made of."""
    models = []

    def run(command, **_):
        models.append(command[3])
        litert_making._main(*command[3:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return models


def test_graphs_are_made_by_another_process(kept):
    [wanted] = zoo.load(kept).predict(TEXTS[0])
    same(zoo.load(kept, runtime="litert").predict(TEXTS[0]), [wanted])


def test_graphs_are_made_once_and_damaged_ones_again(kept, made, tmp_path):
    [wanted] = zoo.load(kept, runtime="litert").predict(TEXTS[0])
    zoo.load(kept, runtime="litert")
    assert made == [str(kept.resolve())]
    [graph] = (tmp_path / "kept").glob("*/encode.tflite")
    graph.write_bytes(graph.read_bytes()[:100])
    same(zoo.load(kept, runtime="litert").predict(TEXTS[0]), [wanted])
    assert made == [str(kept.resolve())] * 2


def test_graphs_that_were_removed_to_save_space_come_back(kept, monkeypatch, tmp_path):
    (kept / litert_template.FILE).write_bytes(litert_making.template(zoo.load(kept)))
    loaded = zoo.load(kept, runtime="litert")
    [wanted] = loaded.predict(TEXTS[0], beams=2)
    again = zoo.load(kept, runtime="litert")
    monkeypatch.setattr(program_cache, "LARGEST", 1)
    program_cache.folder("litert", "another")
    assert list((tmp_path / "kept").glob("*/*.tflite"))  # what was used last stays
    (newer := tmp_path / "kept" / "litert-newer").mkdir()
    (newer / "x").write_text("x")
    os.utime(newer / "x", (2e9, 2e9))
    program_cache.folder("litert", "another")
    assert not list((tmp_path / "kept").glob("*/*.tflite"))
    same(again.predict(TEXTS[0], beams=2), [wanted])  # its graph for beams was not open yet


@pytest.mark.parametrize(
    "model", thorough.params(["transformer", "lstm-bahdanau"], ["transformer"])
)
def test_a_template_has_no_weights_and_gives_the_same_graphs(model, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "kept"))
    folder = tiny_models.folder(tmp_path / "model", model)
    loaded = zoo.load(folder)
    (made := tmp_path / "made").mkdir()
    litert_making.make(loaded, made)
    if model == "transformer":  # whose graphs are not made a second time here
        monkeypatch.setattr(litert_making, "make", lambda _, out: copy(made, out))
    (folder / litert_template.FILE).write_bytes(content := litert_making.template(loaded))
    monkeypatch.setattr(litert_making, "make", lambda _, out: copy(made, out))
    assert litert_making.template(loaded) == content

    def never(*args):
        raise AssertionError("graphs were made anew")

    monkeypatch.setattr(litert_making, "_make_aside", never)
    filled = zoo.load(folder, runtime="litert").engine.graphs.path
    for file in made.iterdir():
        assert (filled / file.name).read_bytes() == file.read_bytes(), file.name
    weight = saving.weight_arrays(loaded.model)["target_embedding/embeddings"].tobytes()
    with zipfile.ZipFile(folder / litert_template.FILE) as template:
        assert weight not in template.read("step_1.tflite")
    assert weight in (filled / "step_1.tflite").read_bytes()


def test_a_template_of_other_weights_or_a_damaged_one_is_not_used(kept, made, tmp_path):
    template = kept / litert_template.FILE
    other = tiny_models.folder(tmp_path / "other", "simple-rnn", max_target_length=9)
    weights = (other / "weights.safetensors").read_bytes()
    template.write_bytes(litert_making.template(zoo.load(kept)))
    arrays = saving.read_weights(kept)
    with pytest.raises(GraphError, match="belongs to other weights"):
        litert_template.fill(template, weights + b" ", arrays, tmp_path)
    good = template.read_bytes()
    for content in (b"", b"PK", good[:-300], good.replace(b"places", b"PLACES")):
        template.write_bytes(content)
        with pytest.raises(GraphError, match=r"graphs\.zip is damaged"):
            litert_template.fill(template, weights, arrays, tmp_path)
    answer, wanted = (zoo.load(kept, runtime=r).predict(TEXTS[0]) for r in ("litert", ""))
    same(answer, wanted)
    assert made == [str(kept.resolve())]


@pytest.mark.parametrize(
    "name", [n for n, c in shipped.configs().items() if c["kind"] == "seq2seq"]
)
def test_every_shipped_model_has_a_template_of_its_weights(name, tmp_path):
    folder = shipped.saved_models_path() / name
    arrays = saving.read_weights(folder)
    weights = (folder / "weights.safetensors").read_bytes()
    litert_template.fill(folder / litert_template.FILE, weights, arrays, tmp_path)
    assert {"encode", "score", "step_1", "step_5", "batch"} == set(GraphFolder.read(tmp_path).files)


def test_what_cannot_be_made_is_named_and_leaves_nothing(kept, monkeypatch, tmp_path):
    with pytest.raises(GraphError, match=r"no graphs .* of model: .*precision is one of"):
        zoo.load(kept, runtime="litert", precision="int4")
    assert not list((tmp_path / "kept").glob("*/*"))
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "tensorflow" else real(name)
    )
    with pytest.raises(GraphError, match=r"made with TensorFlow.*training\.export model --format"):
        zoo.load(kept, runtime="litert")
    monkeypatch.undo()
    monkeypatch.setenv("ZOO_CACHE_DIR", "off")
    monkeypatch.setattr(litert_making, "SECONDS", 0.01)
    # Another test may have had the same graphs made.
    monkeypatch.setattr(litert_making, "_not_kept", lambda: tmp_path / "not kept")
    with pytest.raises(GraphError, match="took over"):
        zoo.load(kept, runtime="litert")


def test_other_runtimes_are_refused():
    with pytest.raises(ValueError, match=r"runtime is one of '', 'litert'\. Received"):
        zoo.load("dates-lstm", runtime="x")


# Folders that are not as they should be


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with a model and its export."""
    place = tmp_path_factory.mktemp("good")
    folder = tiny_models.folder(place / "model", "simple-rnn")
    litert_export.export(zoo.load(folder), place / "exported")
    return place


@pytest.fixture
def exported(good, tmp_path):
    copy(good, tmp_path)
    return tmp_path / "exported"


def edited(folder: Path, **changes: object) -> None:
    path = folder / DESCRIPTION
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda f: (f / "step_1.tflite").unlink(), "there is no step_1.tflite"),
        (lambda f: (f / "step_1.tflite").write_bytes(b"TFL3" * 9), "step_1.tflite is damaged"),
        (lambda f: (f / DESCRIPTION).write_text("{"), "graphs.json is damaged"),
        (lambda f: (f / DESCRIPTION).write_text("[]"), "graphs.json is damaged"),
        (lambda f: edited(f, format=9), "has the format 9"),
        (lambda f: edited(f, graphs={}), "have no encode"),
        (lambda f: edited(f, graphs=None), "graphs.json is damaged"),
    ],
)
def test_a_damaged_export_is_named(exported, break_it, said):
    break_it(exported)
    with pytest.raises(GraphError, match=said):
        zoo.load(exported)


def test_a_graph_outside_of_the_folder_is_not_read(exported, tmp_path):
    (tmp_path / "elsewhere.tflite").write_bytes(b"x")
    graphs = json.loads((exported / DESCRIPTION).read_text())["graphs"]
    graphs["encode"]["file"] = "../elsewhere.tflite"
    edited(exported, graphs=graphs)
    with pytest.raises(GraphError, match=r"there is no elsewhere\.tflite"):
        zoo.load(exported)


def test_a_file_that_is_no_graph_is_named(tmp_path):
    (tmp_path / "x.tflite").write_bytes(os.urandom(200))
    with pytest.raises(GraphError, match=r"x\.tflite is no graph of LiteRT"):
        Graph(tmp_path / "x.tflite", {})
    with pytest.raises(GraphError, match=r"x\.tflite is no graph"):
        Graph(tmp_path / "missing" / "x.tflite", {})


def test_without_the_package_one_sentence_says_what_to_install(exported, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(GraphError, match="pip install ai-edge-litert"):
        zoo.load(exported)


def test_an_export_replaces_an_export_and_nothing_else(exported, tmp_path):
    loaded = zoo.load(tmp_path / "model")
    (exported / "left.txt").write_text("from before")
    litert_export.export(loaded, exported)
    assert not (exported / "left.txt").exists() and (exported / DESCRIPTION).is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds no graphs"):
        litert_export.export(loaded, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "mine"


def test_a_function_without_a_graph_is_named():
    import tensorflow as tf

    network = tiny_models.network("simple-rnn")
    with pytest.raises(ConversionError, match="LiteRT has no graph of"):
        convert(
            network,
            lambda text: {"out": tf.strings.upper(tf.strings.as_string(text))},
            {"text": Spec((1,), "int32")},
        )
    with pytest.raises(ConversionError, match="precision is one of float32, int8"):
        convert(network, lambda x: {"x": x}, {"x": Spec((1,))}, "int4")
