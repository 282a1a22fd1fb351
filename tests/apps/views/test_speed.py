"""The Speed page: what results hold, whole, missing and damaged, and the measurement button."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from apps import inference, saved_models
from apps.charts import base as charts
from apps.charts import speed as speed_charts
from apps.sections import speed_data, speed_here
from apps.sections.speed_here import Measured
from tests.apps import app_runner, fake_benchmarks, fake_language_models, fake_saved_models


@pytest.fixture
def benchmarks(tmp_path, monkeypatch, shelf):
    root = fake_benchmarks.make(tmp_path / "benchmarks")
    monkeypatch.setenv("ZOO_BENCHMARKS", str(root))
    return root


def open_speed(**params) -> AppTest:
    return app_runner.opened("speed", **params)


def said(at: AppTest) -> str:
    return app_runner.said(at).replace("\\", "")


def press(at: AppTest) -> AppTest:
    return next(one for one in at.button if one.label == "Measure on this machine").click().run()


def test_every_number_has_its_device_date_and_command(benchmarks):
    at = open_speed(task="Dates")
    assert not at.exception
    assert not at.error
    text = said(at)
    assert [one.value for one in at.header] == [
        "Which model fits?",
        "Beside other toolkits",
        "Against length and batch",
        "The shipped models",
    ]
    titles = [one.value for one in at.subheader]
    assert list(dict.fromkeys(t for t in titles if t in speed_data.TITLES.values())) == [
        "Training the Transformer",
        "Answering one sentence",
        "Memory while training the Transformer",
        "Quality for the time of training",
    ]
    here = "CPU: a test computer; 2026-01-02; commit abc123"
    assert f"{here}; 3 rounds. `python -m benchmarks.speed.run --measures greedy/b1`" in text
    assert text.count(f"{here}. `python -m benchmarks.speed.curves --seconds 1`") == 4
    assert "Fitted exponents: Simple RNN **0.90** (128 to 2,048)" in text
    assert "Transformer, with maps **1.90**" in text
    assert "Transformer, with maps: a note" in text
    assert "One request, warm: “3 May 2021” is cut" in text
    # Every chart's numbers can be read as a table too: four measures, three groups of curves,
    # the stages and the quality; before them the latencies of all models.
    assert len(at.dataframe) == 1 + 4 + 3 + 2
    assert [line["CPU-minutes"] for line in at.dataframe[-1].value.to_dict("records")] == [5.0] * 4


def test_verdict_says_who_is_ahead_and_how_near_the_limit_is():
    rows = fake_benchmarks.rows()
    latency, trained = rows[1], rows[3]
    found = speed_data.bars(latency)
    assert [bar["value"] for bar in found] == [5.0, 5.0, 10.0, 1500.0]
    assert speed_data.verdict(latency, found) == (
        "Lower is better. **zoo: 10.0 ms**, ahead of 1 of 2; CTranslate2, int8 leads by 2.00×."
    )
    text = speed_data.verdict(trained, speed_data.bars(trained))
    assert text.startswith("Higher is better.")
    assert "ahead of all 2 peers, the best of which is HF Transformers Marian, by 1.25×" in text
    limits = speed_data.ceilings(trained, rows)
    assert speed_data.reach(trained, limits) == (
        "zoo reaches 83 % of the limit of float32 products (6,000) "
        "and 31 % of the limit of bfloat16 products (16,000)."
    )
    # Of a duration the limit is the least: nearer to it is a greater share.
    assert "40 % of" in speed_data.reach(latency, speed_data.ceilings(latency, rows))
    assert (
        speed_data.command(rows[-1])
        == "python -m benchmarks.speed.run --measures train/transformer"
    )


def test_charts_are_drawn_and_wide_differences_are_points():
    rows = fake_benchmarks.rows()
    groups = speed_data.curve_groups(fake_benchmarks.curves())
    assert speed_charts.differs_widely(speed_data.bars(rows[1]))
    assert not speed_charts.differs_widely(speed_data.bars(rows[3]))

    def peers(row, log):
        limits = speed_data.ceilings(row, rows)
        return speed_charts.peer_bars(speed_data.bars(row), limits, unit=row["unit"], log=log)

    wide, level = peers(rows[1], log=True), peers(rows[3], log=False)
    kinds = [layer["mark"]["type"] for layer in wide.to_dict()["layer"]]
    assert kinds == ["rule", "point", "rule", "rule"]
    assert level.to_dict()["layer"][0]["mark"]["type"] == "bar"
    points = speed_data.curve_points(groups["latency-source-length"])
    stages = speed_data.stage_records("LSTM", fake_benchmarks.STAGES | {"unheard of": 1.0})
    quality = {"model": "LSTM", "quality": 9.0, "low": 8.0, "high": 9.5, "cpu_minutes": 3.0}
    for chart in (
        wide,
        level,
        speed_charts.curve_lines(points, x_title="source tokens", unit="ms"),
        speed_charts.stage_bars(stages),
        speed_charts.quality_minutes([quality], title="WER", higher_is_better=False),
    ):
        assert charts.picture(chart, "svg").startswith("<svg")


def test_logarithmic_axes_have_few_round_labels():
    assert speed_charts.log_ticks(4.0, 1800.0) == [10.0, 100.0, 1000.0]
    assert speed_charts.log_ticks(1.5, 60.0) == [2.0, 5.0, 10.0, 20.0, 50.0]
    assert speed_charts.log_ticks(3.5, 6.5) == [4.0, 5.0, 6.0]
    assert speed_charts.log_ticks(3.1, 3.9) == [3.1, 3.9]


def test_the_address_chooses_the_device_and_a_wrong_one_is_forgiven(benchmarks):
    at = open_speed(device="GPU: another")
    assert at.selectbox(key="speed/device").value == "gpu-test"
    assert "GPU: another; 2026-01-02" in said(at)
    assert "No curves have been measured on this device yet." in said(at)
    at = open_speed(device="<script>")
    assert not at.exception
    assert at.selectbox(key="speed/device").value == "cpu-test"


@pytest.mark.parametrize(
    ("measure", "named"),
    [
        ("train/minilm", " --measures train/minilm"),
        ("peak-memory/train", " --measures train/transformer"),
        ("peak-memory/train-gpt-larger", " --measures train/gpt-larger"),
        ("peak-memory/generate-smollm2", " --measures generate/smollm2"),
        ("of an older version", ""),
    ],
)
def test_the_command_measures_what_is_shown(measure, named):
    assert speed_data.command({"measure": measure}) == f"python -m benchmarks.speed.run{named}"


def test_single_measures_stand_with_their_device(benchmarks):
    """Those that its own file lacks; a device without a file of its own has them alone."""
    here, there = "CPU: a test computer", "CPU: one more"
    rows = [
        fake_benchmarks.row(measure, unit, True, {"zoo": value, "hf-pretrained": 1.0})
        | {"device": d}
        for measure, unit, value, d in (
            ("train/minilm", "tokens/s", 2.0, here),
            ("train/transformer", "target tokens/s", 7.0, here),
            ("generate/smollm2", "tokens/s", 3.0, there),
        )
    ]
    (benchmarks / "results" / "engine").mkdir()
    fake_saved_models.write(benchmarks / "results" / "engine" / "pretrained.json", rows)
    fake_saved_models.write(benchmarks / "results" / "engine" / "other.json", {"rows": rows})
    at = open_speed()
    titles = [one.value.replace("\\", "") for one in at.subheader]
    assert "Fine-tuning MiniLM" in titles and "Writing 64 tokens with SmolLM2" not in titles
    assert "zoo: 5,000 target tokens/s" in said(at) and "zoo: 7 target" not in said(at)
    at = open_speed(device=there)
    assert at.selectbox(key="speed/device").value == "cpu-one-more"
    assert "Writing 64 tokens with SmolLM2" in [one.value for one in at.subheader]
    assert f"{there}; 2026-01-02" in said(at) and not at.exception


def test_without_any_results_the_commands_are_named(shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_BENCHMARKS", str(tmp_path))
    at = open_speed()
    assert not at.exception
    assert "`python -m benchmarks.speed.run` does it" in said(at)
    assert "`python -m benchmarks.speed.curves` does it" in said(at)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    at = open_speed()
    assert not at.exception
    assert "no trained models" in said(at)


def test_damaged_files_are_named_and_the_rest_is_shown(benchmarks):
    results = benchmarks / "results"
    (results / "cpu-test.json").write_text('[{"measure"', encoding="utf-8")
    (results / "gpu-test-curves.json").write_text("[" * 100_000, encoding="utf-8")
    at = open_speed()
    assert not at.exception
    assert [error.value.replace("\\", "") for error in at.error] == [
        "`cpu-test.json` is damaged and was left out. "
        "`python -m benchmarks.speed.run` makes it anew."
    ]
    assert "Fitted exponents" in said(at)
    at = open_speed(device="GPU: another")
    assert "`gpu-test-curves.json` is damaged" in said(at)
    assert "Answering one sentence" in [one.value for one in at.subheader]


WRONG = [None, 3, "x", [], {}, [None], {"a": None}, float("nan"), True]


@pytest.mark.parametrize("wrong", WRONG, ids=map(str, WRONG))
def test_whatever_a_file_holds_the_page_stands(benchmarks, wrong):
    """Each part of both files in turn is of a kind that nobody expects there."""
    row, drawn = fake_benchmarks.rows()[1], fake_benchmarks.curves()
    rows = [{**row, "measure": f"m/{key}", key: wrong} for key in row]
    rows += [row, row | {"values": {"zoo": wrong, "b": 1.0}}]
    curve = drawn["curves"][0]
    wrong_curves = [{**curve, "measure": f"m/{key}", key: wrong} for key in curve]
    wrong_curves += [curve | {"points": [{**curve["points"][0], k: wrong}]} for k in ("x", "low")]
    request = drawn["breakdown"][0]
    requests = [{**request, key: wrong} for key in request]
    requests += [request | {"stages": [{"stage": wrong, "ms": 1.0}, {"stage": "x", "ms": wrong}]}]
    fake_saved_models.write(benchmarks / "results" / "cpu-test.json", rows)
    whole = {**drawn, "curves": wrong_curves, "breakdown": requests, "command": wrong}
    fake_saved_models.write(benchmarks / "results" / "cpu-test-curves.json", whole)
    at = open_speed(task="Dates")
    assert not at.exception
    for key in ("curves", "breakdown", "device", "date"):
        found = speed_data.curve_groups({**drawn, key: wrong})
        assert (not found) == (key == "curves")
        assert isinstance(speed_data.breakdown({**drawn, key: wrong}, "dates"), list)


def test_records_of_quality_are_read_flat(benchmarks):
    folder = benchmarks / "quality"
    folder.mkdir()
    record = {"model": "lstm", "test": {"bleu": 20.5}, "seeds": [1, 2]}
    fake_saved_models.write(folder / "multi30k.json", {"rows": [record]})
    (folder / "broken.json").write_text("{", encoding="utf-8")
    assert speed_data.quality_files() == {"multi30k": [{"model": "lstm", "test.bleu": 20.5}]}
    at = open_speed()
    assert not at.exception
    assert "Quality of longer training: multi30k" in said(at)


def test_measured_models_stand_beside_the_stored_figures(benchmarks, monkeypatch):
    asked = []

    def measure(name, text, say):
        say("timing")
        asked.append((name, text))
        if name == "dates-lstm":
            raise ValueError("a [broken](http://b) model")
        return Measured({"encode": 1.0, "write": 3.0, "maps": 6.0}, 8, "this very machine")

    monkeypatch.setattr(speed_here, "measure", measure)
    at = press(open_speed(task="Dates"))
    assert not at.exception
    assert asked == [(name, "3 May 2021") for name in saved_models.models("dates")]
    (error,) = at.error
    assert error.value.endswith(r"a \[broken\]\(http\:\/\/b\) model")
    assert "Measured just now on **this very machine**." in said(at)
    table = at.dataframe[-1].value
    assert list(table["Here, ms"]) == [4.0] * 3  # without the maps
    assert list(table["Here, tokens/s"]) == [2000] * 3
    assert list(table["Stored, ms"]) == [4.25] * 3
    assert table["Stored on"][0] == "same input; CPU: a test computer; 2026-01-02"
    # What was measured stays while other things are looked at; nothing is measured again.
    at = at.toggle(key="speed/log").set_value(False).run()
    assert "this very machine" in said(at)
    assert len(asked) == 4
    assert not any(button.label == "Stop" for button in at.button)


def test_without_a_stored_request_the_cards_figures_are_shown(benchmarks, monkeypatch):
    found = Measured({"write": 6.0}, 3, "this very machine")
    monkeypatch.setattr(speed_here, "measure", lambda *args: found)
    table = press(open_speed(task="Translation")).dataframe[-1].value
    assert list(table["Stored, ms"]) == [12.0] * 4
    assert list(table["Times as fast here"]) == [2.0] * 4
    assert table["Stored on"][0].startswith("the card's mean; a test computer")


def test_a_reader_who_leaves_frees_the_models(benchmarks, monkeypatch):
    """Streamlit ends a page at its next word to it, by an exception that is no Exception."""

    class Left(BaseException):
        pass

    def say(step):
        if step == "loading the model":
            raise Left

    with pytest.raises(Left):
        speed_here.measure("dates-lstm", "3 May 2021", say)
    assert inference._ENGINE.acquire(timeout=0)
    try:

        def impatient(step):
            impatient.said += 1
            if impatient.said == 3:
                raise Left

        impatient.said = 0
        with pytest.raises(Left):  # while somebody else's model is at work
            speed_here.measure("dates-lstm", "3 May 2021", impatient)
    finally:
        inference._ENGINE.release()


def test_the_button_really_measures(benchmarks, shelf):
    fake_saved_models.make_networks(shelf, "dates")
    (shelf / "dates-transformer" / "weights.safetensors").write_bytes(b"damaged")
    at = AppTest.from_function(_render_one, default_timeout=300)
    at.query_params.update(task="Dates")
    at = press(at.run())
    assert not at.exception
    (error,) = at.error
    assert "Transformer could not be measured." in error.value
    assert str(shelf) not in error.value
    table = at.dataframe[-1].value
    assert list(table["Model"]) == ["Simple RNN"]
    assert (table["Here, ms"] > 0).all()
    assert (table["Here, tokens/s"] > 0).all()


def _render_one():
    """The page with two models to measure: the others are built alike and would only take time."""
    from unittest import mock

    from apps import saved_models
    from apps.sections import speed_here
    from apps.views import speed

    class Few:
        def __getattr__(self, name):
            return getattr(saved_models, name)

        def models(self, task):
            return [f"{task}-simple-rnn", f"{task}-transformer"]

    with mock.patch.object(speed_here, "saved_models", Few()):
        speed.render()


def test_language_models_are_measured_by_the_token(benchmarks, shelf, monkeypatch):
    fake_language_models.make(shelf)
    monkeypatch.setattr(
        speed_here, "measure", lambda *args: Measured({"write": 0.25}, 1, "this very machine")
    )
    at = open_speed(task="shakespeare")
    assert not at.exception
    titles = [one.value for one in at.subheader]
    assert "Quality for the time of training" in titles and "On this machine" in titles
    assert "Where a request's time goes" not in titles
    assert "](#stages)" not in said(at)
    assert "writes 200 tokens after “to be”, drawn at temperature 0.8, 5 times" in said(at)
    at = press(at)
    assert not at.exception
    table = at.dataframe[-1].value
    assert list(table["Model"]) == ["n-gram", "LSTM", "GPT"]
    assert list(table["Here, tokens/s"]) == [4000] * 3
    assert list(table["Stored, ms"]) == [0.2, 0.5, 2.0]
    assert list(table["Stored, tokens/s"]) == [5000, 2000, 500]
    assert "Milliseconds are those of a token." in said(at)


def test_a_language_model_really_writes_to_be_measured(tmp_path, monkeypatch):
    root = fake_language_models.make_models(tmp_path)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(root))
    monkeypatch.setattr(speed_here, "WRITTEN", 5)
    steps = []
    found = speed_here.measure("shakespeare-ngram", "to be", steps.append)
    assert list(found.stages) == ["write"] and found.milliseconds > 0 and found.pieces == 1
    assert steps[-1] == f"timing {speed_here.RUNS} warm runs"
