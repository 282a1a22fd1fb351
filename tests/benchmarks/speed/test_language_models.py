"""Measures of `gpt` beside its peers: equal sizes, texts of equal length, files as they were."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.speed import install, language_models, protocol, registry, run, table, workload
from benchmarks.speed.language_models import SIZES, Size
from benchmarks.speed.registry import Download, System
from zoo.saving import read_json

FAKE = System("fake", "tests.benchmarks.fake_system", ("train/gpt", "generate/gpt"), variant="2")
NANO = Size(layers=1, hidden_size=8, heads=2, context=256, rows=2)


@pytest.fixture
def pairs(tmp_path):
    made = workload.assemble("made-up", [([5, 6, 2], [7, 2])], [[5] * 9 + [2]] * 32, 100)
    made.write(tmp_path / "data.npz")
    return tmp_path / "data.npz"


def test_a_run_says_what_network_was_measured(pairs, tmp_path, monkeypatch):
    systems = {"zoo": FAKE, "nanogpt": dataclasses.replace(FAKE, variant="1")}
    monkeypatch.setattr(run, "SYSTEMS", systems)
    monkeypatch.setattr(run, "PAUSE", 0)
    monkeypatch.setattr(run, "device_name", lambda: "CPU: Made Up, 2 cores")
    about = workload.Workload.read(pairs).about
    monkeypatch.setattr(run, "prepare_data", lambda task: (pairs, about))
    monkeypatch.setattr(run, "probe", lambda machine: {})
    out = tmp_path / "results.json"
    command = ["--measures", "train/gpt,generate/gpt", "--rounds", "2", "--seconds", "0.1"]
    done = CliRunner().invoke(run.app, [*command, "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = {row["measure"]: row for row in read_json(out)}
    memory = {"peak-memory/train-gpt", "peak-memory/generate-gpt"}
    assert set(found) == {"train/gpt", "generate/gpt"} | memory
    train = found["train/gpt"]
    assert (train["unit"], train["higher_is_better"]) == ("tokens/s", True)
    assert train["ratios"]["nanogpt"]["median"] == 2
    times = {"rounds": 2, "seconds": 0.1}
    assert train["config"] == language_models.about("train/gpt") | times
    assert train["config"]["vocabulary"] == 65 and train["config"]["layers"] == 4
    text = table.page(list(found.values()), "made-up")
    assert "| nanoGPT | 1.50 (2.00×) |" in text
    assert "4 layers of 128, 4 heads, context 64, 12 rows, 65 tokens" in text


def test_every_measure_has_a_unit_and_a_heading():
    from apps.sections import speed_data

    for measure in registry.MEASURES:
        assert protocol.unit(measure)
        assert measure in table.HEADS and measure in speed_data.TITLES
    assert protocol.unit("train/gpt-larger") == protocol.unit("generate/gpt") == "tokens/s"
    assert protocol.unit("train/transformer") == "target tokens/s"


def test_texts_that_are_not_as_long_as_they_should_be_are_refused():
    lengths = iter([200, 200, 200, 200, 200, 7])
    block = protocol.generation(lambda: next(lengths), 200)
    answer = block(0.0)
    assert answer["texts"] == 3 and answer["value"] > 0
    with pytest.raises(ValueError, match="200 tokens long"):
        block(0.0)


def test_prompt_and_text_fit_into_the_context():
    size = SIZES["generate/gpt"]
    assert size.context > language_models.PROMPT + language_models.WRITTEN
    ids = language_models.stream()
    assert ids.min() >= 4 and ids.max() < language_models.VOCABULARY
    assert np.array_equal(language_models.prompt(), ids[: language_models.PROMPT])


def file(path, content, sha256=""):
    path.write_bytes(content)
    return Download(
        path.as_uri(), sha256 or hashlib.sha256(content).hexdigest(), "torch/x/model.py"
    )


def test_a_peers_file_is_fetched_once_and_checked(tmp_path):
    known = file(tmp_path / "model.py", b"print('hello')\n")
    install.fetch(known, tmp_path)
    kept = tmp_path / "torch" / "x" / "model.py"
    assert kept.read_bytes() == b"print('hello')\n"
    (tmp_path / "model.py").unlink()
    install.fetch(known, tmp_path)  # it is there
    kept.write_bytes(b"another")
    with pytest.raises(ValueError, match=r"fetch it and put it at .*torch/x/model\.py"):
        install.fetch(known, tmp_path)
    wrong = file(tmp_path / "model.py", b"import os\n", sha256="0" * 64)
    with pytest.raises(ValueError, match="not the file that was expected"):
        install.fetch(wrong, tmp_path)
    assert kept.read_bytes() == b"another"


def test_a_system_without_its_file_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "ENVIRONMENTS", tmp_path)
    (tmp_path / "torch" / "bin").mkdir(parents=True)
    (tmp_path / "torch" / "bin" / "python").touch()
    nanogpt = registry.SYSTEMS["nanogpt"]
    assert "benchmarks.speed.install torch" in nanogpt.missing()
    (tmp_path / nanogpt.downloads[0].path).parent.mkdir()
    (tmp_path / nanogpt.downloads[0].path).touch()
    assert nanogpt.missing() == ""


@pytest.mark.parametrize("measure", ["train/gpt", "generate/gpt"])
def test_ours_measures_a_small_network(measure, monkeypatch):
    from benchmarks.speed.systems import zoo

    monkeypatch.setitem(SIZES, measure, NANO)
    if measure == "train/gpt":
        monkeypatch.setattr(language_models, "STREAM", 2_000)
        answer = zoo.train_gpt(measure, None, "float32")(0.0)
        assert (answer["steps"], answer["tokens"]) == (1, 2 * 256)
    else:
        assert zoo.generate_gpt(None, "")(0.0)["texts"] == 3


def test_ours_trains_an_encoder_decoder_without_a_corpus():
    from benchmarks.speed.systems import zoo
    from training.data.batches import make_batch
    from training.loop import step

    config = zoo.settings("lstm", preset="nano", precision="float32")
    network = zoo.trainable(config, *zoo.without_text(50))
    assert step(network, make_batch([[5, 6, 2]], [[7, 2]])) > 0
