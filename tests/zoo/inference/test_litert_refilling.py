"""A template for any weights gives, filled in, what a conversion with those weights gives."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from tests import thorough
from tests.zoo import tiny_models
from zoo import registry, saving
from zoo.inference import litert_folder, litert_making, litert_refilling, litert_template
from zoo.inference.litert_folder import DESCRIPTION, GraphFolder
from zoo.inference.litert_graphs import graphs
from zoo.inference.litert_worker import Worker
from zoo.inference.scoring import score
from zoo.runtime.litert import GraphError
from zoo.runtime.litert_conversion import convert

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
    ),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts"),
]


def some_as_they_began(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same weights, every second vector of which is zeros or ones."""
    vectors = [name for name, array in arrays.items() if array.ndim == 1]
    constant = {name: np.full_like(arrays[name], n % 4 // 2) for n, name in enumerate(vectors)}
    return arrays | {name: constant[name] for name in vectors[::2]}


COPYING = ["transformer-copying", "lstm-bahdanau-coverage"]


@pytest.mark.parametrize(
    "model", thorough.params([*registry.of_kind("seq2seq"), *COPYING], ["transformer-copying"])
)
def test_a_template_of_random_weights_is_right_for_others(model, tmp_path):
    """To the byte; where weights are alike the converter keeps one of them, and answers agree."""
    name, overrides = tiny_models.VARIANTS[model]
    network = tiny_models.network(name, **overrides)
    arrays = {name: a.copy() for name, a in saving.weight_arrays(network).items()}
    every = [one for one in graphs(network, maps=False) if one.name in litert_refilling.GRAPHS]
    (direct := tmp_path / "direct").mkdir()
    made = ((one, convert(network, one.function, one.inputs)) for one in every)
    litert_folder.write(direct, made, precision="float32", parameters=network.count_params())

    template = tmp_path / "graphs.zip"
    template.write_bytes(litert_refilling.make(network, 1))
    assert litert_template.placed(template.read_bytes()) >= set(arrays)
    (filled := tmp_path / "filled").mkdir()
    litert_template.fill(template, b"", arrays, filled)
    for name in litert_refilling.GRAPHS:
        file = f"{name}.tflite"
        assert (filled / file).read_bytes() == (direct / file).read_bytes(), name
    assert GraphFolder.read(filled).files == GraphFolder.read(direct).files

    arrays = some_as_they_began(arrays)
    (begun := tmp_path / "begun").mkdir()
    litert_template.fill(template, b"", arrays, begun)
    saving.set_weight_arrays(network, arrays)
    source = tiny_models.rows([6], tiny_models.SOURCE_VOCABULARY, 8)
    target = tiny_models.rows([5], network.config.target_vocabulary, 8)
    found = Worker(GraphFolder.read(begun)).score(source[0], target[0])["log_probs"]
    wanted, _ = score(network, source, tiny_models.shifted(target), target)
    np.testing.assert_allclose(found[:, :5], np.asarray(wanted)[:, :5], atol=1e-5)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """Of the smallest network, made as a run makes it: of two draws, in other processes."""
    network = tiny_models.network("simple-rnn")
    return litert_refilling.find(tmp_path_factory.mktemp("state"), network)


@thorough.mark
def test_a_template_is_kept_and_that_of_other_sizes_replaces_it(template, monkeypatch):
    def none(module, what, out, description, draw):
        Path(out).write_bytes(template.read_bytes())

    before = template.read_bytes()
    monkeypatch.setattr(litert_making, "run_apart", none)
    other = litert_refilling.find(template.parent, tiny_models.network("simple-rnn"))
    assert other == template
    wider = tiny_models.network("simple-rnn", embedding_size=17)
    other = litert_refilling.find(template.parent, wider)
    assert other != template and [*template.parent.iterdir()] == [other]
    other.rename(template)
    assert template.read_bytes() == before


def test_graphs_that_hold_more_of_the_weights_than_copies_are_refused(template):
    content = template.read_bytes()
    names = litert_template.placed(content)
    assert litert_refilling.same([content, content], names, "the network") == content
    with pytest.raises(GraphError, match="of the network hold numbers made of its weights"):
        litert_refilling.same([content, content + b" "], names, "the network")
    with pytest.raises(GraphError, match="of the network lack its weight another"):
        litert_refilling.same([content, content], [*names, "another"], "the network")


def test_a_changed_graph_is_not_filled_in(template, tmp_path):
    arrays = saving.weight_arrays(tiny_models.network("simple-rnn"))
    changed = tmp_path / "graphs.zip"
    with zipfile.ZipFile(template) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "encode.tflite":
                content = content[:-4] + b"\1\2\3\4"
            new.writestr(name, content)
    (out := tmp_path / "out").mkdir()
    with pytest.raises(GraphError, match="damaged: a graph is another"):
        litert_template.fill(changed, b"", arrays, out)
    assert not (out / DESCRIPTION).exists()


def test_what_fails_in_the_other_process_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(litert_making, "SECONDS", 0.01)
    with pytest.raises(GraphError, match="the graphs of the simple-rnn took over"):
        litert_refilling.find(tmp_path, tiny_models.network("simple-rnn"))
    assert not [*tmp_path.iterdir()]
