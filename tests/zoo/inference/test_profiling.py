"""Where a request's time goes: every stage is named, and they add up to the request."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from tests.zoo import tiny_models
from zoo.inference import profiling
from zoo.inference.seq2seq import Seq2SeqPredictor

TEXT = "Tom sees the book."


@pytest.fixture(scope="module")
def model(folder):
    return zoo.load(folder)


class Clock:
    """A clock that moves when it is told to, and a way to let methods take their time."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now

    def slow(self, function, milliseconds):
        def slowed(*arguments, **options):
            self.now += milliseconds / 1e3
            return function(*arguments, **options)

        return slowed


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(profiling, "time", SimpleNamespace(perf_counter=made.perf_counter))
    times = {"predict": 3, "read": 2, "write": 30, "score": 5}
    for name, milliseconds in times.items():
        monkeypatch.setattr(
            Seq2SeqPredictor, name, made.slow(getattr(Seq2SeqPredictor, name), milliseconds)
        )
    monkeypatch.setattr(profiling, "reader", lambda *_: made.slow(lambda: None, 4))
    return made


def test_the_stages_of_a_real_request(model):
    before = set(vars(model))
    found = profiling.stages(model, TEXT, runs=2)
    assert tuple(found) == profiling.STAGES
    assert all(ms >= 0 for ms in found.values())
    assert min(found["tokenise"], found["encode"], found["maps"], found["rest"]) > 0
    # The model is as it was: others may be using it.
    assert set(vars(model)) == before and type(model) is Seq2SeqPredictor


def test_stages_add_up_to_the_request(model, clock):
    found = profiling.stages(model, TEXT, runs=3)
    wanted = {"tokenise": 2, "encode": 4, "write": 26, "maps": 5, "rest": 3}
    assert found == pytest.approx(wanted)


def test_an_empty_text_is_not_read(model, clock):
    found = profiling.stages(model, "", runs=1)
    assert found == pytest.approx({"tokenise": 2, "encode": 0, "write": 30, "maps": 0, "rest": 3})


def test_reading_alone_takes_no_longer_than_the_program_it_is_a_part_of(model, clock, monkeypatch):
    monkeypatch.setattr(profiling, "reader", lambda *_: clock.slow(lambda: None, 31))
    found = profiling.stages(model, TEXT, runs=1)
    assert (found["encode"], found["write"]) == (pytest.approx(30), 0)


def test_a_run_is_needed(model):
    with pytest.raises(ValueError, match="runs=0"):
        profiling.stages(model, TEXT, runs=0)


def test_the_reader_reads_with_and_without_maps(model):
    source = tiny_models.rows([5], 20)
    with_maps = profiling.encode(model.model, source, maps=True)
    without = profiling.encode(model.model, source, maps=False)
    assert set(with_maps) - set(without) == {"encoder"}
    for maps in (True, False):
        np.testing.assert_array_equal(profiling.reader(model.model, source, maps)(), source > 0)
