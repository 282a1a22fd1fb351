"""training.store_examples writes what the pages read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from apps.labels import from_record, read
from tests.apps import fake_saved_models
from training import store_examples, tasks
from zoo.prediction import Hypothesis, Prediction


class Echo:
    """A model that answers with the text itself; with `attention`, it looks straight ahead."""

    def __init__(self, attention: bool):
        self.with_attention = attention
        self.asked = []

    def predict(self, texts, beams=1, attention=True):
        self.asked.append((beams, attention))
        pieces = [*(f"▁{word}" for word in texts[0].split()), "</s>"]
        size = len(pieces)
        shown = attention and self.with_attention
        return [
            Prediction(
                text=texts[0],
                source_pieces=pieces,
                target_pieces=pieces,
                log_probs=np.full(size, -0.12345678, "float32"),
                attention={"cross": np.eye(size, dtype="float32")[None, None]} if shown else {},
                seconds=0.001 * len(self.asked),
                alternatives=[Hypothesis(texts[0], pieces, np.zeros(size), -0.5)],
                notes=["a note"],
            )
        ]


def saliency(model, prediction):
    size = len(prediction.target_pieces)
    return np.full((size, size), 1 / size, "float32")


@pytest.fixture(autouse=True)
def _made_up(monkeypatch):
    monkeypatch.setattr("zoo.interpret.attribution.saliency", saliency)
    monkeypatch.setattr("zoo.runtime.devices.device_name", lambda: "a processor")


@pytest.mark.parametrize("attention", [True, False])
def test_what_is_stored_is_what_is_read(tmp_path, attention):
    model = Echo(attention)
    records = store_examples.compute(model, ["good cat", "dog"], beams=(1, 5), runs=3)
    store_examples.write(tmp_path / "examples.json", records)
    stored = json.loads((tmp_path / "examples.json").read_text(encoding="utf-8"))
    assert [(one["beams"], one["source"]) for one in stored] == [
        (1, "good cat"),
        (1, "dog"),
        (5, "good cat"),
        (5, "dog"),
    ]
    answer = from_record("m", stored[0])
    assert answer.stored.startswith("a processor, 20")
    assert answer.milliseconds == (3.0, 4.0, 5.0)  # neither the compiling nor the first warm run
    assert answer.median == 4.0
    assert answer.notes == ("a note",)
    assert answer.alternatives == (("good cat", -0.5),)
    reading = read(answer, "word")
    assert reading.target == ["good", "cat", "(end)"]
    expected = np.eye(3) if attention else np.full((3, 3), 0.333)
    found = reading.maps["cross" if attention else "saliency"][0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert stored[0]["log_probs"][0] == -0.1235


def test_no_runs_is_an_error():
    with pytest.raises(ValueError, match="runs=0"):
        store_examples.compute(Echo(True), ["a"], runs=0)


def test_command_says_what_is_missing():
    result = CliRunner().invoke(store_examples.app, [])
    assert result.exit_code == 2
    assert "--all" in result.output
    result = CliRunner().invoke(store_examples.app, ["no-such-model"])
    assert result.exit_code == 2


def test_speed_of_a_card_is_the_median_of_the_greedy_answers():
    def entry(beams, ms, tokens):
        own = {"beams": beams, "ms": {"median": ms}, "tokens_per_second": tokens}
        return {**own, "device": "a processor", "date": "2026-01-02"}

    greedy = [entry(1, 3.0, 900), entry(1, 1.0, 1000), entry(1, 2.0, 100)]
    found = store_examples.speed([entry(5, 50.0, 10), *greedy])
    assert found["ms_per_sentence"] == 2.0
    assert found["tokens_per_second"] == 900
    assert (found["examples"], found["device"]) == (3, "a processor")
    assert store_examples.speed([entry(5, 50.0, 10)]) == {}


@pytest.mark.parametrize("task", ["tatoeba/en-es", "tatoeba/es-en", "dates"])
def test_every_example_of_these_tasks_has_a_reference(task):
    found = tasks.get(task)
    assert all(found.accepted(source) for source in found.showcase())
    assert found.accepted("something else") == ()


def test_a_word_has_its_pronunciations_and_one_in_no_dictionary_none():
    found = tasks.get("pronounce")
    assert "P EH R AH T" in found.accepted("parrot")
    assert found.accepted("tensorflow") == ()


def test_references_are_stored_with_the_answers_and_written_anew_by_themselves(tmp_path):
    task = tasks.get("dates")
    right, wrong = ({"source": "29.02.2072", "text": text} for text in ("2072-02-29", "2072-02-28"))
    found = store_examples.refer(
        [right, wrong, {"source": "?", "text": "x", "correct": True}], task
    )
    assert [one.get("correct") for one in found] == [True, False, None]
    assert found[0]["references"] == ["2072-02-29"]
    assert "references" not in found[2]
    [graded] = store_examples.refer(
        [{"source": "If it rains tomorrow, we will stay at home.", "text": "Si llueve mañana."}],
        tasks.get("tatoeba/en-es"),
    )
    assert 0 < graded["chrf"] < 100

    folder = fake_saved_models.make(tmp_path / "saved") / "dates-lstm"
    config = {**json.loads((folder / "config.json").read_text(encoding="utf-8"))}
    fake_saved_models.write(folder / "config.json", {**config, "task": "dates"})
    fake_saved_models.write(folder / "examples.json", [right])
    store_examples._refer_again(str(folder))
    [stored] = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
    assert stored == found[0]
    (folder / "examples.json").unlink()
    with pytest.raises(ValueError, match="no stored answers"):
        store_examples._refer_again(str(folder))
