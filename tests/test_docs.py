"""The code of the pages about adding things is run, and held to the laws of the others."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from keras import ops

from training import tasks
from training.config import TrainConfig
from zoo import registry
from zoo.building import build

DOCS = Path(__file__).resolve().parent.parent / "docs"


def blocks(page: str) -> list[str]:
    """The Python of a page, block by block."""
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S)


@pytest.fixture
def module(monkeypatch):
    """Makes a module of a source, importable by that name."""

    def make(name: str, source: str) -> types.ModuleType:
        made = types.ModuleType(name)
        monkeypatch.setitem(sys.modules, name, made)
        exec(compile(source, name, "exec"), made.__dict__)
        return made

    return make


@pytest.mark.parametrize("page", ["add-an-architecture.md", "add-a-task.md", "add-a-kind.md"])
def test_a_page_asks_for_no_more_than_sixty_lines(page):
    written = [line for block in blocks(page) for line in block.splitlines() if line.strip()]
    assert len(written) <= 60


def test_an_architecture_of_one_file(module, monkeypatch):
    network_source, entry_source = blocks("add-an-architecture.md")
    module("zoo.models.fading_average", network_source)
    entry = module("an_entry", entry_source).ENTRY
    monkeypatch.setitem(registry.ARCHITECTURES, (entry.kind, entry.name), entry)
    config = registry.configuration(entry.name, "nano", kind=entry.kind, vocabulary=9)
    network = build(entry.name, config, seed=1, kind=entry.kind)
    ids = np.random.default_rng(0).integers(4, 9, (3, 7)).astype("int32")
    whole = np.asarray(network(ids))
    # The future does not leak into the past, and step by step equals all at once.
    other = ids.copy()
    other[:, 4:] = 4
    np.testing.assert_allclose(np.asarray(network(other))[:, :4], whole[:, :4], atol=1e-6)
    state = network.init_state(3, 7)
    for place in range(7):
        token = ops.convert_to_tensor(ids[:, place])
        logits, state = network.step(token, place, state)
        np.testing.assert_allclose(np.asarray(logits), whole[:, place], atol=1e-5)


def test_a_task_of_one_file(module, monkeypatch, tmp_path):
    import zoo
    from training import run

    (source,) = blocks("add-a-task.md")
    module("training.tasks.backwards", source)
    monkeypatch.setitem(tasks.KNOWN, "backwards", "training.tasks.backwards")
    config = TrainConfig(
        "backwards",
        model="simple-rnn",
        preset="nano",
        steps=3,
        validate_on=4,
        validate_with="keras",
        precision="float32",
        out=tmp_path / "model",
    )
    run.train(config, "python -m training.train")
    answer = zoo.load(tmp_path / "model").predict("zoo", max_length=8)[0]
    assert set(answer.text) <= set("abcdefghijklmnopqrstuvwxyz")
    task = tasks.get("backwards")
    figures = task.score(
        ["ooz", "x"], [tasks.Example("zoo", ("ooz",)), tasks.Example("ab", ("ba",))]
    )
    assert figures == {"exact_match": 50.0}


def test_a_kind_touches_three_files_that_exist(module, monkeypatch):
    text = (DOCS / "add-a-kind.md").read_text(encoding="utf-8")
    existing = text.partition("## New files")[0]
    named = re.findall(r"^\| `([\w/.]+)` \|", existing, re.M)
    assert len(named) == 3
    assert all((DOCS.parent / file).is_file() for file in named)
    kind_source, objective_source = blocks("add-a-kind.md")
    kind = module("a_kind", kind_source).TAGGER
    monkeypatch.setitem(registry.KINDS, kind.name, kind)
    assert registry.of_kind("tagger") == {}
    made = module("an_objective", objective_source).TaggerObjective(task=None)
    assert made.kind == kind.name and made.signature(None) is None
