"""Compare and Leaderboard for classifiers: every model's classes, what spoke for them, mistakes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from apps import classifying
from apps.charts import labels as charts
from apps.components import drawing
from apps.sections import against, label_inputs
from tests.apps import app_runner, fake_classifiers
from tests.apps.app_runner import said
from tests.apps.fake_classifiers import short
from tests.zoo import tiny_classifiers as tiny
from zoo import images
from zoo.runtime import backend


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fake_classifiers.make(tmp_path_factory.mktemp("labels") / "saved_models")


@pytest.fixture(autouse=True)
def used(folder, monkeypatch):
    for name in ("compiled", "traced"):  # so tiny, that is ten times as quick
        monkeypatch.setattr(backend, name, uncompiled)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(folder))
    monkeypatch.setenv("ZOO_RUNTIME", "keras")  # of which nothing has to be converted


def uncompiled(model, function, **static):
    import keras

    return lambda *arrays: function(model, *map(keras.ops.convert_to_tensor, arrays), **static)


def opened(reads, page="compare", **params):
    at = app_runner.opened(page, task=short(reads), **params)
    assert not at.exception
    return at


def probabilities(at):
    """By name of a model on the first chart, the probability of each class."""
    found = {}
    every = range(len(app_runner.charts(at)))
    first = next(rows for i in every if "probability" in (rows := app_runner.chart_rows(at, i))[0])
    for row in first:
        found.setdefault(row["model"], {})[row["class"]] = row["probability"]
    return found


def test_every_model_says_how_likely_each_class_of_a_text_is():
    at = opened("text", text="lake hill bed")
    assert not at.error
    shown = probabilities(at)
    assert set(shown) >= {"Naive Bayes, floor"}
    assert len(shown) == 4
    wanted = tiny.predictor("bert").predict("lake hill bed")[0].probabilities
    [bert] = [found for name, found in shown.items() if name.startswith("BERT")]
    assert bert == pytest.approx(wanted, abs=2e-3)
    assert "Floor: Naive Bayes" in said(at)


def test_the_usual_text_is_the_first_example_of_the_task():
    at = opened("text")
    assert at.text_area[0].value == fake_classifiers.SHOWCASE[0]


@pytest.mark.parametrize("way", ["attention", "rollout", "gradient", "occlusion"])
@pytest.mark.parametrize("reads", ["text", "image", "series"])
def test_what_spoke_for_it_in_every_way(reads, way):
    at = opened(reads, shade=way)
    assert not at.error
    text = said(at)
    without = {"text": 2, "image": 2, "series": 0}[reads]  # attention
    if way in ("attention", "rollout") and without:
        said_once = "no attention; gradient and occlusion say more" in text
        assert text.count("It has no attention") == without if reads == "image" else said_once
    else:
        assert "no attention" not in text
        counted = {"text": 1, "image": 1, "series": 0}[reads]
        wanted = counted if way == "gradient" else 0
        assert text.count("Nothing of it was trained by gradient") == wanted
    assert "The maps" in text


def test_hostile_and_empty_texts_are_answered():
    for text in ("<script>alert(1)</script>", "😀 مرحبا", " ", "a " * 900):
        at = opened("text", text=text, shade="occlusion")
        assert not at.error and len(probabilities(at)) == 4


def test_an_example_of_the_test_side_says_who_is_right():
    at = opened("image", source="test", example="5")
    example = classifying.examples(short("image"))[4]
    assert f"Truly **{example.truth}**" in said(at)
    for name in probabilities(at):
        assert name[0] in "✓✗"
    right = {name[0] == "✓" for name in probabilities(at) if "nearest" in name.lower()}
    knn = next(name for name in example.said if name.endswith("knn"))
    assert right == {example.said[knn][0] == example.truth}


def test_examples_can_be_those_that_one_model_got_wrong():
    task = short("image")
    [name] = [one for one in classifying.examples(task)[0].said if one.endswith("vit")]
    wrong = [number for number, one in classifying.examples(task).items() if one.wrong(name)]
    at = opened("image", source="test", only="vit")
    assert list(map(int, at.select_slider[0].options)) == [number + 1 for number in wrong]
    # A link to an example stands, though the list would not have it.
    right = next(number for number in range(24) if number not in wrong)
    at = opened("image", source="test", only="vit", example=str(right + 1))
    assert at.select_slider[0].value == right


def test_pasted_numbers_are_read_or_refused_with_a_reason():
    at = opened("series", source="own")
    assert "probability" not in said(at)
    numbers = at.text_area[0]
    at = numbers.set_value("1 2 three").run()
    assert "not all numbers: three" in at.error[0].value
    at = at.text_area[0].set_value(" ".join("1.5" for _ in range(39))).run()
    assert "read 40 finite numbers. Received: 39" in at.error[0].value
    at = at.text_area[0].set_value(", ".join(f"{i / 7:.3f}" for i in range(40))).run()
    assert not at.error and len(probabilities(at)) == 1


def test_a_drawing_is_cut_out_centred_and_as_large_as_the_examples():
    sheet = np.zeros((224, 224, 1))
    sheet[10:110, 20:60] = 1.0
    found = label_inputs.fitted(sheet, 28, 28, 20 / 28)
    rows, columns = (np.flatnonzero(found[..., 0].any(axis=axis)) for axis in (1, 0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (4, 23, 10, 17)
    assert not label_inputs.fitted(np.zeros((9, 9, 1)), 8, 8, 1.0).any()
    sheet[30:41, 97:183] = 1.0  # whose shares of pixels add up to a little more than 1
    tiny.predictor("vit").predict([label_inputs.fitted(sheet, 28, 28, 0.7)])
    assert label_inputs.usual_share([found]) == pytest.approx(20 / 28)


def test_what_a_browser_draws_is_an_image_or_nothing():
    import base64

    sent = base64.b64encode(images.png(np.ones((4, 4, 3)))).decode()
    assert drawing.read(sent).shape == (4, 4, 1)
    for odd in ("", None, 7, "no base64!", base64.b64encode(b"no image").decode(), "A" * 500_000):
        assert drawing.read(odd) is None


def test_leaderboard_has_every_figure_and_calibration():
    at = opened("text", page="leaderboard")
    text = said(at)
    for title in ("Every measure", "How far certainty can be trusted", "What is taken for what"):
        assert title in text
    assert "(both on the same test side)" in text
    assert "Where two models differ most" not in text


def test_the_wrong_examples_of_a_model_are_listed_surest_first():
    task = short("text")
    at = opened("text", page="leaderboard", model="bert")
    table = at.dataframe[-1].value
    name = next(one for one in classifying.examples(task)[0].said if one.endswith("bert"))
    wrong = [one for one in classifying.examples(task).values() if one.wrong(name)]
    assert len(table) == len(wrong)
    assert list(table["Sure, %"]) == sorted(table["Sure, %"], reverse=True)
    assert set(table["Input"]) == {one.given for one in wrong}


def test_damaged_predictions_and_cards_leave_the_pages_standing(folder, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / "saved_models")
    name = f"{short('image')}-vit"
    records = json.loads((copy / name / "predictions.json").read_text())
    records[0]["input"], records[1]["probabilities"], records[2]["index"] = "?", None, "x"
    (copy / name / "predictions.json").write_text(json.dumps(records))
    card = json.loads((copy / name / "card.json").read_text())
    card["metrics"]["1"]["confusion"] = {"classes": ["a"], "counts": [[1, 2]]}
    card["metrics"]["1"]["right"] = "!"
    card["metrics"]["1"]["reliability"] = [{"confidence": "high"}]
    (copy / name / "card.json").write_text(json.dumps(card))
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(copy))
    at = opened("image", page="leaderboard", model="vit")
    assert "Every measure" in said(at) and not at.error
    at = opened("image", source="test", only="vit")
    assert len(probabilities(at)) == 3 and not at.error


def test_two_models_are_compared_on_the_same_examples_only(folder):
    ours, others = (f"{short('text')}-{one}" for one in ("bert", "naive-bayes"))
    found = against._of_labels(ours, others, "1")["accuracy"]
    both = [
        {one.number: one.said[name][0] == one.truth for one in _examples("text")}
        for name in (ours, others)
    ]
    apart = 100 * np.mean([both[0][i] - both[1][i] for i in both[0]])
    assert found["value"] == pytest.approx(apart)
    assert against._of_labels(ours, f"{short('image')}-vit", "1") == {}


def _examples(reads):
    return classifying.examples(short(reads)).values()


def test_many_classes_are_cut_to_those_some_model_thinks_likely():
    chances = {f"class {i}": 1 / 40 for i in range(40)}
    chances["class 33"] = 0.9
    shown = charts.shown_classes([chances])
    assert len(shown) == charts.MOST_CLASSES and "class 33" in shown


def test_shades_of_a_picture_keep_their_sign_and_cover_their_pixels():
    shades = np.array([[0.5, 0.0], [-1.0, 0.001]])
    found = charts.shade_rows(shades, 8, 8)
    assert [(one["x"], one["y"], one["colour"]) for one in found] == [
        (0, 0, charts.FOR),
        (0, 4, charts.AGAINST),
    ]
    assert found[1]["strength"] == 1
