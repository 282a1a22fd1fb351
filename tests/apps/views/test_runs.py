"""Runs: curves over one another, settings that differ, what it took, and jobs, through AppTest."""

from __future__ import annotations

import json
import time

import pyarrow as pa
import pytest

from apps import jobs, model_places, saved_models
from apps.charts import base as charts
from apps.charts import runs as run_charts
from apps.sections import run_curves, run_data
from tests.apps import app_runner, own_models
from tests.apps.app_runner import said
from training import folder_lock


@pytest.fixture
def place(tmp_path, monkeypatch, shelf):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv(model_places.VARIABLE, str(folder))
    monkeypatch.setattr(model_places, "_arguments", ())
    return folder


@pytest.fixture
def board(monkeypatch):
    """Jobs of this test alone."""
    found = jobs.Jobs()
    monkeypatch.setattr(jobs, "shared", lambda: found)
    yield found
    found.end()


def plainly(at) -> str:
    return said(at).replace("\\", "")


def ids() -> dict[str, str]:
    return {one.shown: one.id for one in model_places.refresh().folders.values()}


def rows_of(at) -> list[dict]:
    """The records that the page's chart draws."""
    (chart,) = at.get("vega_lite_chart")
    (data,) = [one.data.data for one in chart.proto.datasets]
    return pa.ipc.open_stream(data).read_all().to_pylist()


def test_without_places_it_says_how_to_give_one(shelf, monkeypatch):
    monkeypatch.delenv(model_places.VARIABLE, raising=False)
    monkeypatch.setattr(model_places, "_arguments", ())
    at = app_runner.opened("runs")
    assert not at.exception
    assert "make dashboard MODELS=runs" in at.info[0].value
    assert "history.csv" in plainly(at)  # the made-up shipped models have no curves
    own_models.curve(shelf / "dates-lstm")
    at = app_runner.opened("runs", runs="dates-lstm")
    assert {row["y"] for row in rows_of(at)} == {5.5, 4.5, 3.5, 2.5, 4.25, 3.75}


def test_curves_of_runs_lie_over_one_another(place):
    own_models.model(place / "one")
    own_models.model(place / "two", learning_rate=0.01, override={"units": 24})
    at = app_runner.opened("runs")
    assert not at.exception
    rows = rows_of(at)
    lines = {(row["run"], row["side"]) for row in rows}
    assert lines == {
        (f"{name} (LSTM nano)", side) for name in ("one", "two") for side in run_curves.SIDES
    }
    assert "one (LSTM nano): finished, 200 steps" in plainly(at).replace("**", "")
    cost, settings = (one.value for one in at.dataframe[:2])
    assert list(cost["Minutes"]) == [0.4, 0.4] and list(cost["Memory, MB"]) == [700, 700]
    assert list(cost["Best validation loss ↓"]) == [3.75, 3.75]
    assert list(cost["Best BLEU ↑"]) == [20.0, 20.0]
    assert list(settings["Setting"]) == ["learning rate", "set units"]
    assert list(settings["two (LSTM nano)"]) == ["0.01", "24"]
    assert list(settings["one (LSTM nano)"]) == ["0.002", "–"]


def test_another_curve_axis_and_choice_stand_in_the_address(place):
    own_models.model(place / "one")
    own_models.model(place / "two")
    at = app_runner.opened("runs")
    at.selectbox(key="runs/curve").set_value("bleu").run()
    at.multiselect(key="runs/runs").set_value([ids()["two"]]).run()
    assert at.query_params["curve"] == "bleu" and at.query_params["runs"] == ids()["two"]
    rows = rows_of(at)
    assert {(row["x"], row["y"]) for row in rows} == {(100, 12.5), (200, 20.0)}
    again = app_runner.opened("runs", along="minutes", **dict(at.query_params.items()))
    assert {row["x"] for row in rows_of(again)} == {0.2, 0.4}


def test_a_run_in_training_shows_how_far_it_is(place):
    folder = own_models.run(place / "live")
    with folder_lock.owned(folder / "training"):
        at = app_runner.opened("runs")
        assert "live: training, step 100 of 200" in plainly(at).replace("**", "")
        assert len(rows_of(at)) == 3
        own_models.curve(folder, 4)
        own_models.progress(folder, step=150, finished=False)
        at.run()
        assert "live: training, step 200 of 200" in plainly(at).replace("**", "")
        assert len(rows_of(at)) == 6
    at.run()
    assert "live: stopped at step 200 of 200; the same command goes on" in plainly(at).replace(
        "**", ""
    )
    command = next(one.value for one in at.code if "training.train" in one.value)
    assert "--task tsv:mine.tsv --model lstm --preset nano --steps 200" in command
    assert command.endswith(f"--out {folder}")
    assert "There is no model in this folder yet" in plainly(at)


@pytest.mark.parametrize(
    ("settings", "step", "told"),
    [
        ({"steps": 0, "epochs": 10.0}, 100, "stopped at step 100 of about 500"),
        ({"steps": 0, "epochs": 0}, 100, "stopped at step 100;"),
    ],
)
def test_how_many_steps_there_are_to_be(place, settings, step, told):
    own_models.run(place / "a", step=step, **settings)
    (name,) = ids().values()
    assert run_data.read(name).told.startswith(told)


def test_a_new_run_appears_without_a_restart(place):
    at = app_runner.opened("runs")
    assert "No model and no run lies below" in plainly(at)
    own_models.run(place / "late")
    at.run()
    assert "late: stopped at step 100" in plainly(at).replace("**", "")


def test_what_is_wrong_is_named_and_nothing_else_breaks(place, monkeypatch, tmp_path):
    import os

    monkeypatch.setenv(model_places.VARIABLE, os.pathsep.join((str(place), str(tmp_path / "no"))))
    own_models.model(place / "good")
    own_models.model(place / "bad")
    (place / "bad" / "config.json").write_text("{", encoding="utf-8")
    own_models.model(place / "odd")
    (place / "odd" / "history.csv").write_bytes(b"\xff\x00,,\n")
    (place / "odd" / "training" / "last.safetensors").write_bytes(b"\xff" * 40)
    (place / "odd" / "card.json").write_text('{"training": [1], "parameters": "x"}', "utf-8")
    at = app_runner.opened("runs")
    assert not at.exception
    warnings = "\n".join(one.value.replace("\\", "") for one in at.warning)
    assert "there is no such folder" in warnings and "`bad`: config.json cannot be read" in warnings
    assert any(row["run"] == "good (LSTM nano)" for row in rows_of(at))


@pytest.mark.parametrize("asks", ["../../etc", "/etc/passwd", "nothing.123456"])
def test_a_link_to_anything_but_a_known_run_is_refused(place, asks):
    own_models.model(place / "one")
    at = app_runner.opened("runs", runs=asks, folder=asks)
    assert not at.exception
    sentences = [one.value.replace("\\", "") for one in at.info]
    assert any(f"the runs “{asks}”, which there is not here" in one for one in sentences)
    assert any(f"the run “{asks}”, which there is not here" in one for one in sentences)


def press(at, label: str):
    return next(one for one in at.button if one.label == label).click().run()


def until(at, done):
    end = time.monotonic() + 300
    while not done():
        assert time.monotonic() < end
        time.sleep(0.2)
    return at.run()


def test_a_job_is_started_shown_and_stopped(place, board, monkeypatch, tmp_path):
    (tmp_path / "slow_job.py").write_text(
        "import time\nprint('decoding 1/4', end='', flush=True)\ntime.sleep(600)\n", "utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(jobs.KINDS, "export", ("Export", "slow_job", ()))
    folder = own_models.model(place / "one")
    at = press(app_runner.opened("runs"), "Export")
    assert not at.exception
    (job,) = board.running()
    assert job.folder == folder.resolve()
    assert next(one for one in at.button if one.label == "Evaluate").disabled
    other = app_runner.opened("runs")  # another session sees it
    assert any(one.label == "Stop" for one in other.button)
    at = press(at, "Stop")
    at = until(at, lambda: not board.running())
    assert "Export was stopped" in plainly(at)
    assert not next(one for one in at.button if one.label == "Evaluate").disabled


def test_a_job_that_cannot_be_started_says_why(place, board, monkeypatch):
    own_models.model(place / "one")

    def refuse(*rest):
        raise jobs.JobError("2 jobs are at work already.")

    monkeypatch.setattr(board, "start", refuse)
    at = press(app_runner.opened("runs"), "Evaluate")
    assert "2 jobs are at work already." in "\n".join(
        one.value.replace("\\", "") for one in at.warning
    )


def test_no_buttons_where_they_are_switched_off_or_the_model_is_shipped(place, monkeypatch):
    own_models.model(place / "one")
    at = app_runner.opened("runs", folder="dates-lstm")
    assert not [one for one in at.button if one.label == "Evaluate"]
    assert "Shipped models are changed by command only." in plainly(at)
    monkeypatch.setenv(jobs.SWITCH, "off")
    at = app_runner.opened("runs")
    assert not [one for one in at.button if one.label == "Evaluate"]
    assert any("training.evaluate" in one.value for one in at.code)


@pytest.mark.slow
def test_a_real_evaluation_shows_its_error(place, board):
    own_models.model(place / "one")  # its weights are none
    at = press(app_runner.opened("runs"), "Evaluate")
    at = until(at, lambda: not board.running())
    errors = "\n".join(one.value.replace("\\", "") for one in at.error)
    assert "Evaluation failed after" in errors
    assert "damaged" in errors or "Not a valid" in errors, errors


def test_the_corpus_is_looked_for_within_the_place_only(place):
    from apps.sections import run_jobs

    own_models.model(place / "sweep" / "one")
    (name,) = ids().values()
    (place.parent / "mine.tsv").write_text("a\tb\n", encoding="utf-8")
    assert run_jobs._corpus(name) == ()
    (place / "mine.tsv").write_text("a\tb\n", encoding="utf-8")
    assert run_jobs._corpus(name) == ("--task", f"tsv:{place.resolve() / 'mine.tsv'}")


def test_a_kept_command_is_shown_as_it_was(place):
    folder = own_models.model(place / "one")
    card = {"training": {"command": "python -m training.train --task tsv:mine.tsv"}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    at = app_runner.opened("runs")
    assert any(one.value == card["training"]["command"] for one in at.code)


def test_curves_are_thinned_evenly_and_keep_their_ends():
    assert run_curves.thinned(range(10), 20) == list(range(10))
    found = run_curves.thinned(range(1001), 11)
    assert found == list(range(0, 1001, 100))


def test_charts_of_curves_can_be_drawn_and_read():
    rows = [
        {"run": run, "side": side, "x": x, "y": y, "step": x}
        for run in ("a", "b")
        for side in run_curves.SIDES
        for x, y in ((1, 3.0), (2, 0.0), (3, 1.0))
    ]
    for log in (False, True):
        chart = run_charts.curves(rows, title="Loss", x_title="Step", log=log)
        assert charts.picture(chart, "png").startswith(b"\x89PNG")
        values = [row for data in chart.to_dict()["datasets"].values() for row in data]
        assert len(values) == (8 if log else 12)
    text = run_charts.described(rows, "Loss")
    assert "a, validation: 3 at step 1, 1 at step 3" in text
    assert saved_models.called("nothing") == "nothing"


def test_a_mean_of_models_names_them_and_has_no_curve(place):
    folder = own_models.model(place / "one")
    training = {"averaged": [{"name": "short"}, {"name": "long"}, "damaged"], "steps": 30}
    (folder / "card.json").write_text(json.dumps({"training": training}), encoding="utf-8")
    (folder / "history.csv").unlink(missing_ok=True)
    at = app_runner.opened("runs")
    assert "the mean of the weights of short, long, a model" in plainly(at)
    assert any("its members have" in one.value for one in at.info)
