"""Both pages through Streamlit's AppTest, on stored answers and on a stand-in for the models."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps import inference, saved_models, state
from apps.labels import Answer
from apps.sections import answers_side_by_side
from tests.apps import fake_saved_models

DASHBOARD = str(Path(__file__).resolve().parents[2] / "apps" / "dashboard.py")
HOSTILE = {
    "one word": "x",
    "long": "word " * 10_000,
    "one long word": "a" * 100_000,
    "emoji": "😀👩‍👩‍👧‍👦",
    "arabic": "مرحبا بالعالم",
    "control": "a\x00b\x07c\u202ed",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "markdown": "![x](http://example.com/x.png) $$1$$ :material/home:",
}


@pytest.fixture
def open_page(shelf):
    """The Compare page, for some query parameters."""

    def opened(**params) -> AppTest:
        at = AppTest.from_file(DASHBOARD, default_timeout=60)
        at.query_params.update(params)
        return at.run()

    return opened


def open_leaderboard() -> AppTest:
    def script():
        from apps.views import leaderboard

        leaderboard.render()

    return AppTest.from_function(script, default_timeout=60).run()


@pytest.fixture
def parrot(monkeypatch):
    """In place of the models: an answer that repeats the text, without attention."""
    asked = []

    def answer(name, fingerprint, text, beams, max_length, say):
        say("repeating")
        asked.append((name, text, beams, max_length))
        pieces = [*(f"▁{word}" for word in text.split()), "</s>"]
        size = len(pieces)
        return Answer(
            name,
            text,
            pieces,
            pieces,
            np.zeros(size, "float32"),
            saliency=np.full((size, size), 1 / size, "float32"),
            milliseconds=(1.0, 2.0, 3.0),
            median=2.0,
            alternatives=((text, -0.5), ("*other*", -0.75)) if beams > 1 else (),
            notes=("Not in the model's vocabulary: [a](http://b)",),
        )

    monkeypatch.setattr(inference, "_compute", answer)
    return asked


def said(at: AppTest) -> str:
    elements = [*at.caption, *at.markdown, *at.info, *at.error, *at.title, *at.header]
    return "\n".join(str(element.value) for element in elements)


def submit(at: AppTest, text: str) -> AppTest:
    at.text_area(key="compare/text").set_value(text)
    return next(button for button in at.button if button.label == "Compare").click().run()


def test_page_is_full_before_any_model_has_loaded(open_page, monkeypatch):
    monkeypatch.setattr(inference, "_compute", lambda *args: pytest.fail("a model was loaded"))
    at = open_page()
    assert not at.exception
    assert not at.error
    text = said(at)
    assert r"Stored answers, computed on a test computer\, 2026\-01\-02." in text
    assert "input saliency, gradient × input" in text
    assert "1 word different from Transformer (underlined)." in text
    assert "mean of 2 layers, mean of 2 heads" in text


@pytest.mark.parametrize("task", ["en-es", "dates", "pronounce"])
def test_every_task_shows_four_columns(open_page, task):
    at = open_page(task=task)
    assert not at.exception
    headings = [one.value for one in at.markdown if one.value.startswith("### ")]
    assert headings == [f"### {saved_models.label(name)}" for name in saved_models.models(task)]


def test_a_link_reproduces_the_view(open_page, parrot):
    at = open_page(task="dates", text="1 May 2020", beams="4", max="9", map="encoder")
    assert parrot[0] == ("dates-transformer", "1 May 2020", 4, 9)
    assert at.text_area(key="compare/text").value == "1 May 2020"
    assert at.number_input(key="compare/max").value == 9
    assert "2. \\*other\\* (-0.75)" in said(at)
    at = submit(at, "2 May 2020")
    again = open_page(**dict(at.query_params.items()))
    assert again.text_area(key="compare/text").value == "2 May 2020"
    assert parrot[-1] == ("dates-simple-rnn", "2 May 2020", 4, 9)


def test_layer_and_head_go_into_the_address(open_page):
    at = open_page(task="pronounce")
    at.selectbox(key="compare/head").set_value(2).run()
    assert "mean of 2 layers, head 2 of 2" in said(at)
    assert at.query_params["head"] == "2"


def test_a_stored_example_can_be_run_here(open_page, parrot):
    at = open_page()
    next(one for one in at.button if one.label.startswith("Run on")).click().run()
    assert len(parrot) == 4
    assert "Computed on this computer." in said(at)
    assert at.query_params["run"] == "here"


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_answered(open_page, parrot, text):
    at = submit(open_page(), text)
    assert not at.exception
    assert not at.error
    assert parrot
    assert all(len(asked) <= state.MAX_CHARACTERS for _, asked, *_ in parrot)
    if len(text) > 10_000:
        assert "only the first 2,000 were read" in said(at)


@pytest.mark.parametrize("text", ["Hello World", "DON’T", "café"])
def test_what_is_typed_is_put_to_the_models_as_it_is(open_page, parrot, text):
    """How it is cleaned is data of each model, so that Python and exports do it alike."""
    submit(open_page(task="pronounce"), text)
    assert {asked for _, asked, *_ in parrot} == {text}


@pytest.mark.parametrize("text", ["", "   ", "\n\t\x00 "])
def test_nothing_typed_gets_a_sentence(open_page, parrot, text):
    at = submit(open_page(), text)
    assert not at.exception
    assert not parrot
    assert "Type something above" in said(at)


def test_a_note_about_the_text_is_not_read_as_markdown(open_page, parrot):
    at = submit(open_page(), "hello")
    assert r"\[a\]\(http\:\/\/b\)" in said(at)


def test_one_broken_model_leaves_the_others(open_page, shelf):
    (shelf / "dates-lstm" / "examples.json").write_text("{", encoding="utf-8")
    (shelf / "dates-transformer" / "config.json").write_text("{", encoding="utf-8")
    shutil.rmtree(shelf / "dates-simple-rnn")
    at = open_page(task="dates")
    assert not at.exception
    assert len(at.error) == 1  # no weights
    assert "This model could not answer." in at.error[0].value
    # A folder without a model is named, one that is not there is not missed.
    assert saved_models.models("dates") == ["dates-lstm", "dates-lstm-bahdanau"]
    assert "`dates-transformer`: config\\.json cannot be read" in at.warning[0].value
    assert "simple-rnn" not in said(at)
    assert str(shelf) not in said(at)
    assert "Stored answers" in said(at)


def test_two_models_of_one_architecture_are_told_apart(open_page, shelf):
    shutil.copytree(shelf / "dates-lstm", shelf / "dates-my-lstm")
    names = saved_models.models("dates")
    assert names == [
        *("dates-simple-rnn", "dates-lstm", "dates-my-lstm"),
        *("dates-lstm-bahdanau", "dates-transformer"),
    ]
    assert [saved_models.id_of(n) for n in names[1:4]] == ["lstm", "dates-my-lstm", "lstm-bahdanau"]
    at = open_page(task="dates")
    assert not at.exception
    for name in ("dates-lstm", "dates-my-lstm"):
        assert f"### LSTM ({name})" in said(at)


def test_a_task_that_is_none_of_ours_has_its_page(open_page, shelf):
    """A user's own models: their config says what little there is to say."""
    folder = shelf / "mine"
    shutil.copytree(shelf / "en-es-lstm", folder)
    config = {"format": 1, "task": "tsv:mine.tsv", "model": "lstm", "max_target_length": 32}
    fake_saved_models.write(folder / "config.json", config)
    at = open_page(task="tsv:mine.tsv")
    assert not at.exception
    assert "### LSTM" in said(at) and at.text_area(key="compare/text").label == "Your text"


def test_a_stored_answer_stays_while_another_model_is_asked(open_page, shelf, parrot):
    (shelf / "dates-lstm" / "examples.json").unlink()
    at = open_page(task="dates")
    assert [asked[0] for asked in parrot] == ["dates-lstm"]
    assert "Waiting" not in said(at)
    assert said(at).count("sure of the whole output") == 4


def test_models_are_warmed_in_the_background(open_page, shelf, monkeypatch):
    """All of them, though one is broken, and once only; the page does not wait for it."""
    asked = []

    class Model:
        def __init__(self, name: str):
            self.name = name

        def predict(self, texts):
            asked.append((self.name, *texts))
            if self.name.endswith("lstm"):
                raise ValueError("broken")
            return [SimpleNamespace(attention={"cross": 1})]

    monkeypatch.setattr(inference, "_model", lambda name, fingerprint: Model(name))
    names = tuple(saved_models.models("dates"))
    assert inference.warm(names, "one text") is None  # switched off for the tests
    inference.warm.clear()
    monkeypatch.delenv("ZOO_WARM")
    for _ in range(2):
        inference.warm(names, "one text").join(timeout=60)
    assert asked == [(name, "one text") for name in names]
    inference.warm.clear()


def test_no_models_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    at = AppTest.from_file(DASHBOARD, default_timeout=60).run()
    assert not at.exception
    assert "no trained models" in at.info[0].value
    assert "no trained models" in open_leaderboard().info[0].value


def test_leaderboard_shows_every_model(shelf):
    at = open_leaderboard()
    assert not at.exception
    table = at.dataframe[0].value
    assert list(table["Model"]) == [
        saved_models.label(name) for name in saved_models.models("en-es")
    ]
    assert table["95 % interval"][0] == "39.00 to 41.00"
    assert "100 unseen test examples; speed measured on a test computer" in said(at).replace(
        "Speed", "speed"
    )


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"metrics": {"1": {"wer": 3}}, "speed": 4},
        {"metrics": [], "metric_info": 3, "main_metrics": {"a": 1}},
    ],
)
def test_leaderboard_lives_with_cards_that_lack_things(shelf, card):
    for name in ("en-es-lstm", "en-es-transformer"):
        fake_saved_models.write(shelf / name / "card.json", card)
    at = open_leaderboard()
    assert not at.exception
    assert len(at.dataframe[0].value) == 4
    for name in saved_models.models("en-es"):
        fake_saved_models.write(shelf / name / "card.json", card)
    at = open_leaderboard()
    assert not at.exception
    assert "no figures of quality" in said(at)


def test_a_metric_that_nobody_described_is_not_judged(shelf):
    for name in saved_models.models("en-es"):
        card = saved_models.card(name)
        metrics = {"1": {"smape": {"value": 0.8, "low": 0.7, "high": 0.9}}}
        fake_saved_models.write(shelf / name / "card.json", {**card, "metrics": metrics})
    for info, arrow in (
        (None, "smape"),
        ({"label": "sMAPE", "higher_is_better": False}, "sMAPE ↓"),
    ):
        for name in saved_models.models("en-es"):
            card = {**saved_models.card(name), "metric_info": {"smape": info}}
            fake_saved_models.write(shelf / name / "card.json", card)
        at = open_leaderboard()
        assert not at.exception
        assert arrow in at.dataframe[0].value.columns
        assert ("is better" in said(at)) == (info is not None)


def test_predictions_are_sorted_by_how_far_two_models_lie_apart():
    def entry(source, chrf, log_prob=-1.0):
        return {"source": source, "prediction": source, "chrf": chrf, "log_prob": log_prob}

    one = [entry("a", 50), entry("b", 90), entry("c", 10), entry("only one", 1)]
    other = [entry("c", 80), entry("b", 40), entry("a", 50)]
    order = {
        ahead: [row["source"] for row in answers_side_by_side.side_by_side(one, other, ahead)]
        for ahead in ("widest", "one", "other")
    }
    assert order == {"widest": ["c", "b", "a"], "one": ["b", "a", "c"], "other": ["c", "a", "b"]}
    assert answers_side_by_side.score({"correct": True}) == 100
    assert answers_side_by_side.score({}) == 0
    graded = {"log_prob": -3.5, "length": 9, "rouge1": 41.5}
    assert answers_side_by_side.graded(graded) == "rouge1"
    assert answers_side_by_side.score(graded) == 41.5
