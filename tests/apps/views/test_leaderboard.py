"""The Leaderboard of language models: what stands in for sentences, pairs and examples."""

from __future__ import annotations

import json

import pytest

from apps import quality, saved_models
from apps.sections import floor, latency
from tests.apps import fake_language_models, fake_saved_models
from tests.apps.app_runner import charts, opened, said


@pytest.fixture
def texts(shelf):
    """Cards of language models beside those of pairs."""
    return fake_language_models.make(shelf)


def change(root, name: str, **parts) -> None:
    path = root / name / "card.json"
    card = json.loads(path.read_text(encoding="utf-8"))
    fake_saved_models.write(path, card | parts)


def measured(root, name: str, nats: float | None) -> None:
    change(root, name, metrics={"1": {} if nats is None else {"nats": {"value": nats}}})


def words(at) -> str:
    return said(at).replace("\\", "")


def test_a_language_model_is_measured_in_tokens(texts):
    at = opened("leaderboard", task="shakespeare")
    assert not at.exception
    table = at.dataframe[0].value
    assert list(table.columns) == [
        *("Model", "Nats a token ↓", "95 % interval", "ms a token", "Tokens/s", "Parameters"),
    ]  # nothing has a size here
    assert list(table["Model"]) == ["n-gram (floor)", "LSTM", "GPT"]
    assert list(table["ms a token"]) == [0.2, 0.5, 2.0]
    assert table["95 % interval"][0] == "1.450 to 1.550"
    text = words(at)
    assert "5,000 tokens of the test text; speed measured on a test computer." in text
    assert "sentence" not in text and "test examples" not in text
    assert [one.value for one in at.header] == ["Quality, speed, size"]  # no pairs to browse
    assert [one.value for one in at.subheader] == ["Quality over speed"]
    (chart,) = charts(at)
    titles = json.dumps(chart)
    assert "Milliseconds a token" in titles and "sentence" not in titles
    assert "Nats a token over milliseconds a token: n-gram 1.50 at 0.2 ms" in str(
        at.get("vega_lite_chart")[0].proto
    )


def test_pairs_are_still_counted_in_sentences(texts):
    at = opened("leaderboard", task="dates")
    assert not at.exception
    assert "ms a sentence" in at.dataframe[0].value.columns
    assert "Floor" not in words(at) and "unseen test examples" in words(at)
    assert "Milliseconds a sentence" in json.dumps(charts(at)[0])


def test_the_floor_names_who_is_below_it(texts):
    text = words(opened("leaderboard", task="shakespeare"))
    assert "Floor: n-gram, Nats a token 1.500. It learns nothing by gradient" in text
    assert "Worse than the n-gram: LSTM (1.600)." in text
    measured(texts, "shakespeare-gpt", 1.7)
    text = words(opened("leaderboard", task="shakespeare"))
    assert "Worse than the n-gram: GPT (1.700), LSTM (1.600)." in text
    for name in ("shakespeare-gpt", "shakespeare-lstm"):
        measured(texts, name, 1.5)  # as good is not worse
    assert "Worse" not in words(opened("leaderboard", task="shakespeare"))
    measured(texts, "shakespeare-ngram", None)
    text = words(opened("leaderboard", task="shakespeare"))
    assert "Floor" not in text and "(floor)" not in text


def test_where_higher_is_better_the_floor_is_the_other_way_round(texts):
    names = saved_models.models("shakespeare")
    for name, value in zip(names, (0.5, 0.4, 0.6), strict=True):
        info = {"hits": {"label": "Hits", "higher_is_better": True}}
        change(texts, name, metrics={"1": {"hits": {"value": value}}}, metric_info=info)
    figure = quality.figure("hits", "shakespeare")
    assert floor.of(names, figure, "1").name == "shakespeare-ngram"
    assert floor.below(names, figure, "1") == ["shakespeare-lstm"]
    unjudged = quality.figure("unheard of", "shakespeare")
    assert floor.told(names, unjudged, "1") == ""


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"metrics": {"1": {"nats": 3}}, "speed": 4},
        {"metrics": {"1": {"nats": {"value": 1.5}}}, "speed": {"tokens_per_second": "fast"}},
        {"metrics": {"1": {"nats": {"value": 1.5}}}, "speed": {"tokens_per_second": 0}},
        {"metrics": [], "metric_info": 3, "main_metrics": {"a": 1}},
    ],
)
def test_cards_that_lack_things_are_lived_with(texts, card):
    fake_saved_models.write(texts / "shakespeare-gpt" / "card.json", card)
    at = opened("leaderboard", task="shakespeare")
    assert not at.exception
    assert len(at.dataframe[0].value) == 3
    for name in saved_models.models("shakespeare"):
        fake_saved_models.write(texts / name / "card.json", card)
        assert latency.milliseconds(name) is None
    (texts / "shakespeare-lstm" / "card.json").unlink()
    at = opened("leaderboard", task="shakespeare")
    assert not at.exception
    assert "no figures of quality" in said(at) or len(at.dataframe[0].value.columns) == 2


def test_axes_of_small_figures_are_fine_enough(texts):
    from apps.sections import quality_by_length

    figure = quality.figure("nats", "shakespeare")
    assert quality_by_length.domain("shakespeare", figure) == (1.3, 1.7)
