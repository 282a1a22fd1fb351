"""The driver and its systems talk as agreed; what is missing or fails is left out, and said so."""

import dataclasses

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.speed import registry, run, workload
from benchmarks.speed.processes import MeasuringError, Running
from benchmarks.speed.registry import System
from zoo.saving import read_json

FAKE = System("fake", "tests.benchmarks.fake_system", ("greedy/b1",), variant="2")


@pytest.fixture
def data(tmp_path):
    pairs = [([5, 6, 2], [7, 2]), ([5, 2], [8, 9, 10, 2])]
    made = workload.assemble("made-up", pairs, [[5] * 9 + [2]] * 32, 100)
    made.write(tmp_path / "data.npz")
    return tmp_path / "data.npz"


@pytest.fixture
def fake(data, tmp_path):
    running = Running("fake", FAKE, data, tmp_path / "fake.log")
    yield running
    running.stop()


def test_a_system_stays_up_and_answers_block_by_block(fake):
    first = fake.measure("greedy/b1", 0.5)
    process = fake.process
    assert (first["value"], first["seconds"], first["rows"]) == (2, 0.5, 2)
    assert fake.measure("greedy/b1", 1)["value"] == 4
    # Another measure in the same process starts from its own beginning.
    assert fake.measure("train/transformer", 1)["value"] == 2
    assert fake.process is process
    assert first["versions"]["numpy"] == np.__version__
    assert "not-a-package" not in first["versions"]
    assert first["peak_memory"] > 5
    fake.stop()
    assert process.returncode == 0
    assert fake.measure("greedy/b1", 1)["value"] == 2


def test_a_system_that_fails_says_why_and_is_gone(fake):
    with pytest.raises(MeasuringError, match="fake: beam5/b1: ValueError: cannot be built"):
        fake.measure("beam5/b1", 1)
    assert fake.process is None
    with pytest.raises(MeasuringError, match="ended: last words"):
        fake.measure("beam5/b32", 1)
    with pytest.raises(MeasuringError, match="cannot measure greedy/b9"):
        fake.measure("greedy/b9", 1)


def test_where_memory_is_scarce_only_one_system_is_up(fake, monkeypatch):
    monkeypatch.setattr("benchmarks.speed.processes.free_memory", lambda: 10.0)
    assert fake.measure("greedy/b1", 1)["value"] == 2
    assert fake.process is None
    assert fake.measure("greedy/b1", 1)["value"] == 2


def test_blocks_are_interleaved_and_each_round_begins_with_another(data, monkeypatch, capsys):
    machine = dataclasses.replace(FAKE, measures=tuple(registry.CEILINGS))
    monkeypatch.setattr(registry, "machine", lambda: machine)
    monkeypatch.setattr(run, "PAUSE", 0)
    able = {"zoo": FAKE, "peer": dataclasses.replace(FAKE, variant="3")}
    probes = []
    answers = run.compare("greedy/b1", able, data, 2, 0.1, probes)
    assert {n: [a["value"] for a in found] for n, found in answers.items()} == {
        "zoo": [2, 4],
        "peer": [3, 6],
    }
    said = [line.split()[2].rstrip(":") for line in capsys.readouterr().out.splitlines()]
    assert said == ["zoo", "peer", "peer", "zoo"]
    # A probe that cannot measure anything is no reason not to measure the others.
    assert probes == [{}, {}]


def test_a_run_writes_what_it_measured_and_names_what_it_left_out(data, tmp_path, monkeypatch):
    systems = {
        "zoo": FAKE,
        "peer": dataclasses.replace(FAKE, variant="3"),
        "absent": dataclasses.replace(FAKE, environment="nowhere"),
        "unable": dataclasses.replace(FAKE, measures=("beam5/b1",)),
        "lacking": dataclasses.replace(FAKE, packages=("no_such_package",)),
    }
    monkeypatch.setattr(run, "SYSTEMS", systems)
    monkeypatch.setattr(run, "PAUSE", 0)
    monkeypatch.setattr(run, "device_name", lambda: "CPU: Made(R) Up, 2 cores")
    about = workload.Workload.read(data).about
    monkeypatch.setattr(run, "prepare_data", lambda task: (data, about))
    monkeypatch.setattr(run, "probe", lambda machine: {"ceiling/matmul-float32": 100.0})
    out = tmp_path / "results.json"
    command = ["--measures", "greedy/b1", "--rounds", "3", "--seconds", "0.1", "--out", str(out)]
    done = CliRunner().invoke(run.app, command)
    assert done.exit_code == 0, done.output
    assert (
        "absent is left out: not installed: python -m benchmarks.speed.install nowhere"
        in done.output
    )
    assert "lacking is left out: not installed: pip install no_such_package" in done.output
    found = {row["measure"]: row for row in read_json(out)}
    greedy = found["greedy/b1"]
    assert greedy["values"] == {"zoo": 4, "peer": 6}
    assert greedy["spread"] == {"zoo": [2, 6], "peer": [3, 9]}
    assert greedy["ratios"] == {"peer": {"median": 1.5, "low": 1.5, "high": 1.5}}
    assert greedy["unit"] == "ms"
    assert greedy["higher_is_better"] is False
    assert greedy["config"]["rounds"] == 3
    assert greedy["machine"]["ceiling/matmul-float32"] == [100] * 3
    assert found["ceiling/matmul-float32"]["values"] == {"machine": 100}


def test_unknown_names_are_refused_with_the_known_ones():
    for option, value in (("--systems", "nobody"), ("--measures", "greedy/b9")):
        done = CliRunner().invoke(run.app, [option, value])
        assert done.exit_code == 2
        assert value in done.output


def test_a_devices_file_is_named_plainly():
    assert run.slug("CPU: AMD(R) EPYC avx512f, 2 cores") == "cpu-amd-epyc-avx512f-2-cores"
