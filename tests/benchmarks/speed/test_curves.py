"""The growth of time and memory: fitted, resumed, and written as promised."""

from __future__ import annotations

import sys
from types import ModuleType

import keras
import pytest
from typer.testing import CliRunner

from benchmarks.speed import curves, growth, pipeline
from benchmarks.speed.growth import Curve
from tests import thorough
from tests.zoo import tiny_models
from zoo.saving import read_json

PLAN = """BufferAssignment:
allocation 0: size 400, parameter 0, shape |f32[100]| at ShapeIndex {}:
 value: <1 p0 @0> (size=400,offset=0): f32[100]{0}
allocation 1: size 32, constant:
allocation 2: size 64, output shape is |f32[16]|, maybe-live-out:
allocation 3: size 8, thread-local:
allocation 12: size 1000, preallocated-temp:
 value: <2 dot @0> (size=999,offset=0): f32[100]{0}
"""


@pytest.fixture
def here(monkeypatch, tmp_path):
    """A device and a shipped model made up, and every process this one; gives the file."""
    monkeypatch.setattr(curves, "where", lambda: ("CPU: Made(R) Up, 2 cores", "tensorflow"))
    monkeypatch.setattr(curves, "alone", lambda function, *given: function(*given))
    monkeypatch.setattr(curves.run, "commit", lambda: "abc")
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path / "models"))
    return tmp_path / "made-curves.json"


@pytest.fixture
def measured(monkeypatch, here):
    """Pretends to measure: what was asked for, in turn, and errors by the job that meets them."""
    seen, fails = [], {}

    def measure(curve, config):
        if error := fails.get(str(curve)):
            raise error
        seen.append(str(curve))
        return [{"x": x, "value": x**2, "low": x, "high": x} for x in config["lengths"]], "How."

    monkeypatch.setattr(growth, "measure", measure)
    return seen, fails


def invoke(*options):
    return CliRunner().invoke(curves.app, [str(option) for option in options])


def points(pairs):
    return [{"x": x, "value": value} for x, value in pairs]


def test_the_exponent_is_that_of_the_upper_range():
    lengths = curves.LENGTHS
    found = points((x, 3 * x**1.5 if x >= 256 else 1000) for x in lengths)
    assert curves.fit(found) == (1.5, [256, 2048])
    noisy = points((x, x * (1.1 if i % 2 else 0.9)) for i, x in enumerate(lengths))
    assert curves.fit(noisy)[0] == pytest.approx(1, abs=0.1)
    assert curves.fit(points([(8, 1), (32, 2), (2048, 9)])) == (None, [2048, 2048])
    # A logarithm needs something.
    assert curves.fit(points([(8, 0), (16, 2), (32, 4), (64, 8)])) == (1, [16, 64])
    assert curves.fit([]) == (None, [])


def test_a_plans_temporaries_and_results_count():
    assert growth.planned(PLAN) == 1064
    assert growth.planned("nothing") == 0


def test_maps_are_measured_where_an_encoder_has_them():
    found = growth.curves({"models": ["lstm-bahdanau", "transformer"]})
    assert {c.measure for c in found} == set(growth.MEASURES)
    assert [c for c in found if c.variant] == [
        Curve("encode/source-length", "transformer", "with maps"),
        Curve("memory/source-length", "transformer", "with maps"),
    ]


def test_a_stopped_run_goes_on_and_others_do_not_mix(here, measured):
    seen, fails = measured
    options = ("--models", "lstm,simple-rnn", "--lengths", "8,16,32", "--out", here)
    fails["latency/source-length simple-rnn"] = KeyboardInterrupt()
    assert invoke(*options).exit_code == 130
    assert len(read_json(here)["curves"]) == len(seen) == 3
    fails.clear()
    fails["memory/source-length lstm"] = RuntimeError("too large")
    assert invoke(*options).exit_code == 1 and len(seen) == 9
    fails.clear()
    assert invoke(*options).exit_code == 0
    assert seen[-1] == "memory/source-length lstm" and len(set(seen)) == len(seen) == 10
    assert invoke(*options).exit_code == 0 and len(seen) == 10
    # Other options belong into another file; in the same one they begin anew, as --fresh does.
    assert invoke(*options, "--seconds", "1").exit_code == 0 and len(seen) == 20
    assert invoke(*options, "--seconds", "1", "--fresh").exit_code == 0 and len(seen) == 30
    assert len(read_json(here)["curves"]) == 10
    here.write_text('{"half')
    assert invoke(*options).exit_code == 0 and len(seen) == 40


def test_a_part_does_not_pass_for_the_whole(here, measured, monkeypatch, tmp_path):
    monkeypatch.setattr(curves.run, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(curves.run, "WORK", tmp_path / "runs")
    assert invoke("--seconds", "1").exit_code == 0
    assert invoke("--models", "lstm").exit_code == 0
    name = "cpu-made-up-2-cores-curves"
    for folder, command in (("results", "--seconds 1"), ("runs", "--models lstm --seconds 3")):
        found = read_json(tmp_path / folder / f"{name}.json")
        assert found["command"] == f"python -m benchmarks.speed.curves {command}"
        assert (tmp_path / folder / f"{name}.md").is_file()


@pytest.mark.parametrize(
    "option, value",
    [("--lengths", "8,x"), ("--lengths", "1"), ("--models", "cat"), ("--batches", "0")],
)
def test_what_cannot_be_measured_is_refused(option, value):
    done = invoke(option, value)
    assert done.exit_code == 2 and f"{value[-1]}" in done.output


def test_a_point_that_fails_leaves_those_before_it(monkeypatch):
    def timed(curve, config):
        yield growth.point(8, [1.0, 2.0, 9.0])
        raise MemoryError("no room")

    monkeypatch.setattr(growth, "timed", timed)
    found, note = growth.measure(Curve("latency/source-length", "lstm"), {})
    assert found == [{"x": 8, "value": 2, "low": 1.2, "high": 7.6}]
    assert note.endswith("Not measured beyond 8: MemoryError.")

    def fails(curve, config):
        raise MemoryError("at once")
        yield

    monkeypatch.setattr(growth, "timed", fails)
    with pytest.raises(RuntimeError, match="MemoryError: at once"):
        growth.measure(Curve("latency/source-length", "lstm"), {})


def test_translators_are_asked_twelve_words_and_others_what_they_show():
    from training import tasks

    assert len(curves.question("tatoeba/en-es").split()) == curves.WORDS
    assert curves.question("tatoeba/es-en") in tasks.get("tatoeba/es-en").showcase()
    assert curves.question("dates") == tasks.get("dates").showcase()[0]


@pytest.fixture
def policy(monkeypatch):
    """Training chooses how this process computes; the other tests must not notice."""
    monkeypatch.setattr("training.distributed.devices.prepare", lambda threads: None)
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


# As in pyproject.toml; here it is training that asks for the arrays.
@thorough.mark
@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_a_quick_run_writes_what_was_agreed(here, policy, monkeypatch, tmp_path):
    def alone(function, *given):
        # XLA is told only once where to leave its plans.
        apart = given and str(given[0]).startswith("memory/")
        return pipeline.alone(function, *given) if apart else function(*given)

    # A page under test leaves its script as the main module, which a new process would run.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    monkeypatch.setattr(curves, "alone", alone)
    monkeypatch.setattr(curves, "RUNS", 1)
    monkeypatch.setattr(curves, "question", lambda task: "Tom sees the book.")
    tiny_models.folder(tmp_path / "models" / "dates-simple-rnn", "simple-rnn", shared=False)
    done = invoke("--quick", "--models", "simple-rnn", "--out", here)
    assert done.exit_code == 0, done.output
    found = read_json(here)
    assert set(found) == {
        *("device", "date", "commit", "command", "versions", "config", "curves", "breakdown")
    }
    assert found["command"] == "python -m benchmarks.speed.curves --models simple-rnn --quick"
    assert found["config"]["preset"] == "nano" and found["config"]["pieces"] == 16
    assert [curve["measure"] for curve in found["curves"]] == list(growth.MEASURES)
    for curve in found["curves"]:
        of_batch = curve["measure"] == "throughput/batch"
        assert [p["x"] for p in curve["points"]] == ([1, 2, 4] if of_batch else [8, 16, 32])
        assert all(0 < p["low"] <= p["value"] <= p["high"] for p in curve["points"])
        assert curve["fitted"] == ([1, 4] if of_batch else [8, 32])
        assert isinstance(curve["exponent"], float) and curve["note"] and curve["title"]
        assert (curve["x"], curve["higher_is_better"]) == (
            ("batch", True) if of_batch else ("source tokens", False)
        )
    units = {curve["measure"].split("/")[0]: curve["unit"] for curve in found["curves"]}
    assert units["memory"] == "MB" and units["throughput"] == "sentences/s"
    memory = next(c for c in found["curves"] if c["measure"].startswith("memory/"))
    sizes = [point["value"] for point in memory["points"]]
    assert sizes == sorted(set(sizes))
    [request] = found["breakdown"]
    assert request["model"] == "dates-simple-rnn" and request["text"] == "Tom sees the book."
    assert request["pieces_read"] > 1 and request["pieces_written"] > 0
    stages = [stage["stage"] for stage in request["stages"]]
    assert stages == ["tokenise", "encode", "write", "maps", "rest"]
    text = here.with_suffix(".md").read_text()
    assert "| simple-rnn |" in text and "| dates-simple-rnn |" in text


def test_the_maps_of_a_long_source_can_be_fetched():
    config = {"preset": "nano", "vocabulary": 50, "lengths": [600]}
    log_probs, maps = growth.with_maps("transformer", config)(1, 600)()
    assert log_probs.shape == (1, 16) and maps["encoder"].shape[-2:] == (600, 600)
