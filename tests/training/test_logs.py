"""The curve of a run: as CSV, for TensorBoard, and after it was cut off."""

from __future__ import annotations

import csv

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.logs import History


def read(path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_rows_are_written_as_they_come(tmp_path):
    history = History(tmp_path / "history.csv", tmp_path / "events")
    history.add({"step": 50, "loss": 3.25})
    assert read(tmp_path / "history.csv") == [{"step": "50", "loss": "3.25"}]
    history.add({"step": 100, "loss": 2.5, "valid_bleu": 12.125})
    history.close()
    assert read(tmp_path / "history.csv") == [
        {"step": "50", "loss": "3.25", "valid_bleu": ""},
        {"step": "100", "loss": "2.5", "valid_bleu": "12.125"},
    ]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_run_that_goes_on_writes_what_was_lost_once_more(tmp_path):
    path, events = tmp_path / "history.csv", tmp_path / "events"
    killed = History(path, events)
    for step in (50, 100, 150):
        killed.add({"step": step, "loss": 1000.0 - step, "minutes": 0.1})
    killed.close()
    # The checkpoint was at step 120: what came after is done again.
    going_on = History(path, events, step=120)
    going_on.add({"step": 150, "loss": 7.5, "valid_bleu": 3})
    going_on.close()
    assert read(path) == [
        {"step": "50", "loss": "950.0", "minutes": "0.1", "valid_bleu": ""},
        {"step": "100", "loss": "900.0", "minutes": "0.1", "valid_bleu": ""},
        {"step": "150", "loss": "7.5", "minutes": "", "valid_bleu": "3"},
    ]
    seen = EventAccumulator(str(events)).Reload()
    assert set(seen.Tags()["scalars"]) == {"loss", "minutes", "valid_bleu"}
    assert [(e.step, e.value) for e in seen.Scalars("loss")] == [(50, 950), (100, 900), (150, 7.5)]


def test_a_run_from_the_start_forgets_an_earlier_curve(tmp_path):
    for loss in (1.0, 2.0):
        history = History(tmp_path / "history.csv", tmp_path / "events")
        history.add({"step": 50, "loss": loss})
        history.close()
    assert read(tmp_path / "history.csv") == [{"step": "50", "loss": "2.0"}]


def test_a_curve_that_is_gone_is_begun_anew(tmp_path):
    history = History(tmp_path / "history.csv", tmp_path / "events", step=70)
    history.add({"step": 100, "loss": 1.5})
    history.close()
    assert read(tmp_path / "history.csv") == [{"step": "100", "loss": "1.5"}]
