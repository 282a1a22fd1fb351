"""A user's own models on the pages: beside the shipped ones, by task, told apart, never by path."""

from __future__ import annotations

import json

import numpy as np
import pytest

from apps import inference, interpretation, model_places, saved_models
from apps.charts import base as charts
from apps.charts import quality as quality_charts
from apps.labels import Answer
from apps.views import compare
from tests.apps import app_runner, own_models
from tests.apps.app_runner import said


@pytest.fixture
def place(tmp_path, monkeypatch, shelf):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv(model_places.VARIABLE, str(folder))
    monkeypatch.setattr(model_places, "_arguments", ())
    return folder


@pytest.fixture
def asked(monkeypatch):
    """In place of the models: an answer that repeats the text; gives who was asked what."""
    found = []

    def answer(name, fingerprint, text, beams, max_length, say):
        found.append((name, text))
        pieces = [*(f"▁{word}" for word in text.split()), "</s>"]
        size = len(pieces)
        weights = np.full((size, size), 1 / size, "float32")
        return Answer(name, text, pieces, pieces, np.zeros(size, "float32"), saliency=weights)

    monkeypatch.setattr(inference, "_compute", answer)
    return found


def headings(at) -> list[str]:
    return [one.value[4:] for one in at.markdown if one.value.startswith("### ")]


def test_own_models_stand_beside_the_shipped_ones(place, asked):
    own_models.model(place / "mine", task="dates")
    own_models.model(place / "sweep" / "mine", task="dates")
    at = app_runner.opened("compare", task="dates")
    assert not at.exception
    assert headings(at) == [
        *("Simple RNN", "LSTM", "LSTM + attention", "Transformer"),
        *("runs/mine (LSTM nano)", "runs/sweep/mine (LSTM nano)"),
    ]
    # The shipped ones have stored answers, the others are asked.
    own = {one.id for one in model_places.scan().folders.values()}
    assert {name for name, _ in asked} == own
    at = app_runner.opened("leaderboard", task="dates")
    assert list(at.dataframe[0].value["Model"])[4:] == headings_of_own()
    assert "Not evaluated yet: " in said(at)


def headings_of_own() -> list[str]:
    return ["runs/mine (LSTM nano)", "runs/sweep/mine (LSTM nano)"]


def test_a_task_of_own_models_alone_opens_with_an_example(place, asked):
    own_models.model(place / "one", hint="red dog")
    at = app_runner.opened("compare", task="tsv:mine.tsv")
    assert not at.exception
    assert headings(at) == ["one (LSTM nano)"]
    assert {text for _, text in asked} == {"red dog"}
    assert at.button_group(key="compare/task").value == "tsv:mine.tsv"


def test_without_any_example_the_pages_ask_for_a_text(place, asked):
    own_models.model(place / "one")
    for page in ("compare", "attention", "what_if", "score_your_text"):
        at = app_runner.opened(page, task="tsv:mine.tsv")
        assert not at.exception
        assert any("Type " in one.value for one in at.info), page
    assert not asked


def test_a_task_that_was_evaluated_opens_with_an_input_of_its_test_side(place):
    folder = own_models.model(place / "one", hint="hint")
    records = [{"source": "blue cat", "prediction": "", "references": []}]
    (folder / "predictions.json").write_text(json.dumps(records), encoding="utf-8")
    assert saved_models.opening("tsv:mine.tsv") == "blue cat"


@pytest.mark.parametrize("page", ["attention", "what_if", "score_your_text"])
def test_own_models_are_asked_by_their_folder(place, monkeypatch, page):
    own_models.model(place / "one", hint="red dog")
    own_models.model(place / "two", hint="red dog")
    names = []
    monkeypatch.setattr(interpretation, "run", lambda name, *rest: names.append(name))
    two = saved_models.models("tsv:mine.tsv")[1]
    params = {"target": "dog red"} if page == "score_your_text" else {}
    at = app_runner.opened(page, task="tsv:mine.tsv", model=two, **params)
    assert not at.exception
    assert set(names) == {two}
    (control,) = [one for one in at.button_group if one.key.endswith("/model")]
    assert list(control.options) and control.value == two


def test_an_own_model_is_loaded_from_its_folder(place, monkeypatch):
    import zoo

    own_models.model(place / "one")
    (name,) = saved_models.models("tsv:mine.tsv")
    loaded = []
    monkeypatch.setattr(zoo, "load", lambda where: loaded.append(where) or object())
    inference._model.clear()
    inference._model(name, "x")
    inference._model("dates-lstm", "x")
    inference._model.clear()
    assert loaded == [(place / "one").resolve(), "dates-lstm"]
    error = ValueError(f"{(place / 'one').resolve()}/source.model is damaged")
    assert inference.explain(error) == "one/source.model is damaged"


@pytest.mark.parametrize(
    "asks", ["../mine", "mine", "/etc/passwd", "mine.000000", "..", "runs/mine"]
)
@pytest.mark.parametrize("page", ["attention", "what_if", "score_your_text"])
def test_a_link_to_anything_but_a_known_model_is_refused(place, monkeypatch, page, asks):
    own_models.model(place / "mine", task="dates")
    names = []
    monkeypatch.setattr(interpretation, "run", lambda name, *rest: names.append(name))
    at = app_runner.opened(page, task="dates", model=asks, target="2020")
    assert not at.exception
    assert set(names) == {"dates-transformer"}
    sentences = [one.value.replace("\\", "") for one in at.info]
    assert any(f"the model “{asks}”, which there is not here" in one for one in sentences)


def test_a_new_folder_appears_without_a_restart(place, asked):
    at = app_runner.opened("compare", task="dates")
    assert len(headings(at)) == 4
    own_models.model(place / "late", task="dates")
    at.run()
    assert headings(at)[-1] == "late (LSTM nano)"


def test_a_damaged_folder_is_named_and_the_rest_is_there(place):
    own_models.model(place / "bad", task="dates")
    (place / "bad" / "config.json").write_text("[]", encoding="utf-8")
    at = app_runner.opened("compare", task="dates")
    assert not at.exception and len(headings(at)) == 4
    assert r"`bad`: config\.json is no JSON object" in said(at)
    assert str(place) not in said(at)


def test_many_models_are_chosen_from_and_stand_in_rows(place, asked):
    for number in range(9):
        own_models.model(place / f"m{number}", task="dates")
    at = app_runner.opened("compare", task="dates")
    assert len(headings(at)) == 8
    (choice,) = at.multiselect
    names = saved_models.models("dates")
    choice.set_value([names[1], names[-1]]).run()
    assert headings(at) == ["LSTM", "m8 (LSTM nano)"]
    assert at.query_params["models"] == f"lstm,{names[-1]}"


def test_the_only_model_of_a_task_is_compared_with_nothing(place, monkeypatch):
    """The view of two maps says so; that page once had no second model to show."""
    from apps.views import attention

    own_models.model(place / "one", hint="red dog")
    (name,) = saved_models.models("tsv:mine.tsv")
    said_here = []
    monkeypatch.setattr(attention.attention_options, "one", lambda *rest: ("one", 0, 0))
    monkeypatch.setattr(attention.st, "info", lambda text, **rest: said_here.append(text))
    asked = type("Asked", (), {"task": "tsv:mine.tsv", "name": name, "part": None})()
    attention._two(asked, np.zeros((1, 1, 2, 2)))
    assert "nothing to compare with" in said_here[0]


def test_charts_tell_own_models_apart():
    labels = ["LSTM", *(f"run {number} (LSTM nano)" for number in range(7))]
    found = charts.marks(labels)
    assert list(found) == labels
    assert len(set(found.values())) == 8
    assert len({colour for colour, _ in found.values()}) == 8
    assert found["LSTM"] == (charts.FAMILY_COLOURS["LSTM"], "triangle-up")
    assert len(charts.marks(f"r{number}" for number in range(60))) == 60
    timed = [{"model": label, "median": 2.0, "low": 1.0, "high": 4.0} for label in labels]
    (layer, *_) = quality_charts.latency_bars(timed).to_dict()["layer"]
    assert layer["encoding"]["color"]["scale"]["domain"] == labels


def test_compare_knows_no_paths():
    assert "Path" not in vars(compare)


def test_labels_of_a_stranger_folder_are_no_markdown(place, asked):
    folder = own_models.model(place / "one", hint="red dog")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    bad = "![x](http://example.com/x.png)"
    config["task_info"] |= {"label": bad, "prompt": bad, "output_unit": bad}
    (folder / "config.json").write_text(json.dumps({**config, "preset": bad}), encoding="utf-8")
    card = {
        "metrics": {"1": {"odd": {"value": 1.0}}},
        "metric_info": {"odd": {"label": bad, "description": bad}},
        "speed": {"device": bad},
    }
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    for page in ("compare", "leaderboard", "runs"):
        at = app_runner.opened(page, task="tsv:mine.tsv")
        assert not at.exception
        assert "![x](" not in said(at), page
        controls = [*at.text_area, *at.selectbox, *at.button_group]
        texts = [one.label for one in controls]
        texts += [str(option) for one in at.button_group for option in one.options]
        assert not [text for text in texts if "![x](" in text], page
