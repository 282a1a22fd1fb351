"""Your target for language models: a text scored by one model and by all, and what it survives."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps import saved_models
from apps.sections import text_score_data
from tests.apps import fake_language_models, fake_saved_models
from tests.apps.app_runner import opened, said
from tests.apps.test_pages import HOSTILE
from zoo.continuation import ScoredText, Token

TABLE = ["Place", "After", "Written", "Probability", "Nats", "Rank", "Would have preferred"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Language models that answer, beside pairs that do not."""
    root = fake_saved_models.make(tmp_path_factory.mktemp("texts") / "saved_models")
    return fake_language_models.make_models(root)


@pytest.fixture(autouse=True)
def used(models, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(models))


def page(**params: str) -> AppTest:
    return opened("score_your_text", task="shakespeare", **params)


def words(at: AppTest) -> str:
    return said(at).replace("\\", "")


def scored(*tokens: Token, text: str = "", unknown: tuple[int, ...] = ()) -> ScoredText:
    count = len(tokens)
    known = np.array([place not in unknown for place in range(count)], bool)
    sizes = np.array([len(token.text.encode()) for token in tokens])
    return ScoredText(
        text or "".join(token.text for token in tokens),
        list(tokens),
        np.arange(1, count + 1, dtype="int32"),
        sizes,
        known,
    )


def test_one_model_tells_how_likely_each_token_was():
    at = page(model="ngram", scored="to be,\nor ")
    assert not at.exception and not at.error
    assert at.text_area(key="your-target/scored").value == "to be,\nor "
    table = at.dataframe[0].value
    assert list(table.columns) == TABLE
    assert len(table) == 10  # of ten characters, the line break and the space among them
    assert (table["Nats"].diff().dropna() <= 0).all()  # the least likely first
    assert np.exp(-table["Nats"]).to_numpy() == pytest.approx(
        table["Probability"].to_numpy(), abs=1e-3
    )
    # Whatever was the model's own choice leaves nothing to prefer, and only that does.
    assert ((table["Rank"] == 1) == (table["Would have preferred"] == "")).all()
    assert f"log-probability of all 10 characters -{table['Nats'].sum():.1f}"[:-1] in words(at)
    assert "Bits a byte" in words(at) and "Perplexity" not in words(at)
    assert not [one for one in at.selectbox if one.label == "Decoding"]


def test_all_models_side_by_side():
    at = page(all="yes", scored="to be")
    assert not at.exception and not at.error
    table = at.dataframe[-1].value
    assert list(table["Model"]) == ["n-gram", "LSTM", "GPT"]
    assert list(table["Tokens"]) == [5] * 3
    assert table["Log-probability"].to_numpy() == pytest.approx(
        -5 * table["Nats a token ↓"].to_numpy(), abs=1e-3
    )
    assert table["Bits a byte ↓"].to_numpy() == pytest.approx(
        table["Nats a token ↓"].to_numpy() / math.log(2), abs=1e-4
    )
    assert "n-gram expected it most: Bits a byte" in words(at)


def test_words_have_a_perplexity():
    at = opened("score_your_text", task="ptb", all="yes", scored="to the or\nfrobnicate to")
    assert not at.exception and not at.error
    table = at.dataframe[-1].value
    assert table["Perplexity ↓"].to_numpy() == pytest.approx(
        np.exp(table["Nats a token ↓"]).to_numpy(), rel=1e-4
    )
    assert list(table["Tokens"]) == [6] * 3  # what is unknown is scored as <unk>
    assert "Not in the model's vocabulary: frobnicate" in words(at)
    assert "frobnicate (<unk>)" in list(at.dataframe[0].value["Written"])


def test_a_chosen_token_shows_what_every_model_expected():
    at = page(all="yes", scored="to be", token="4")
    assert not at.exception
    assert [one.value for one in at.subheader] == ["Token 4"]
    table = at.dataframe[1].value
    assert list(table["Model"]) == ["n-gram", "LSTM", "GPT"]
    assert set(table["Written"]) == {"b"} and set(table["After"]) == {"to␣"}
    assert all(one.count("%") == 4 for one in table["Most likely here"])
    for wrong in ("0", "6", "-1", "x", "²"):
        at = page(scored="to be", token=wrong)
        assert not at.exception and not at.subheader


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_texts_keep_the_page_up(kind):
    at = page(scored=HOSTILE[kind], all="yes")
    assert not at.exception and not at.error
    if kind in ("long", "one long word"):
        assert "only the first 2,000 were read" in words(at)
    if kind == "emoji":
        assert "Nowhere: it can write nothing of this text." in words(at)
        assert "counts for nothing" in words(at)
        assert list(at.dataframe[-1].value["Tokens"]) == [0] * 3


def test_an_empty_text_is_asked_for_and_one_of_spaces_has_no_words():
    at = page(scored="")
    assert not at.exception and not at.error
    assert "Type a text above" in words(at)
    at = opened("score_your_text", task="ptb", scored="  ")
    assert not at.exception and not at.error
    assert "nothing in this text that the model reads" in words(at)
    assert len(page(scored="  ").dataframe[0].value) == 2  # of characters it is two


def test_a_model_that_cannot_answer_leaves_the_others(models, tmp_path, monkeypatch):
    import shutil

    root = tmp_path / "saved_models"
    shutil.copytree(models, root)
    (root / "shakespeare-lstm" / "weights.safetensors").write_bytes(b"damaged")
    (root / "shakespeare-gpt" / "card.json").unlink()
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(root))
    at = page(model="lstm", all="yes", scored="to be")
    assert not at.exception
    assert len(at.error) == 2 and all("LSTM could not answer" in one.value for one in at.error)
    assert list(at.dataframe[-1].value["Model"]) == ["n-gram", "GPT"]


def test_what_is_unknown_is_shown_as_it_was_written():
    characters = scored(
        Token("a", "a", -0.5), Token("\u2047", "<unk>", -math.inf), text="aé", unknown=(1,)
    )
    assert text_score_data.spelled(characters) == ["a", "é"]
    drawn = text_score_data.drawn(characters)
    assert [one["shade"] for one in drawn] == [round(math.exp(-0.5), 4), 0.0]
    assert drawn[1]["title"].startswith("Not in the vocabulary")
    json.dumps(text_score_data.every_token(characters), allow_nan=False)
    assert [one["token"] for one in text_score_data.surprises(characters)] == ["a"]
    more = scored(*characters.tokens, Token(" ", "␣", -0.1), Token("b", "b", -0.1), text="aé b")
    assert text_score_data.every_token(more)[3]["before"] == "aé␣"
    sentence = [Token("to", "to", -1.0), Token(" <unk>", "<unk>", -2.0), Token("\n", "↵", -1.0)]
    assert text_score_data.spelled(scored(*sentence, text="to  frob \n")) == ["to", "  frob", "\n"]
    # Where the tokens are not the reader's words, they are shown as they are.
    parts = [Token("to", "to", -1.0), Token("gether", "gether", -1.0)]
    assert text_score_data.spelled(scored(*parts)) == ["to", "gether"]


def test_only_likelier_tokens_are_preferred():
    found = scored(
        Token("a", "a", math.log(0.2), (("b", 0.5), ("a", 0.2), ("c", 0.1))),
        Token("b", "b", math.log(0.6), (("b", 0.6), ("c", 0.4))),
    )
    rows = text_score_data.every_token(found)
    assert [row["rather"] for row in rows] == ["b (50 %)", ""]
    assert rows[1]["first"] == "b (60 %), c (40 %)"
    assert [row["before"] for row in rows] == ["", "a"]


def _two_pages() -> None:
    import importlib

    import streamlit as st

    importlib.import_module(f"apps.views.{st.session_state['test page']}").render()


@pytest.fixture
def walk(monkeypatch):
    """Opens one page after another in one session."""
    at = AppTest.from_function(_two_pages, default_timeout=60)

    def walked(page: str) -> AppTest:
        at.session_state["test page"] = page
        at.run()
        assert not at.exception, (page, at.exception)
        return at

    return walked


PAGES = ("compare", "attention", "what_if", "attention_scores", "leaderboard", "speed", "runs")


def test_a_text_and_its_task_outlive_every_other_page(walk, monkeypatch):
    from apps import continuing, interpretation

    at = walk("score_your_text")
    at.segmented_control(key="your-target/task").set_value("shakespeare").run()
    text = "to be,\n  or not"
    at.text_area(key="your-target/scored").set_value(text).run()
    address = dict(at.query_params.items())
    monkeypatch.setattr(interpretation, "run", lambda *rest: None)
    monkeypatch.setattr(continuing, "training_text", lambda task: None)
    for page in PAGES:
        walk(page)
        at = walk("score_your_text")
        assert at.segmented_control(key="your-target/task").value == "shakespeare"
        assert at.text_area(key="your-target/scored").value == text
    again = opened("score_your_text", **address)
    assert again.text_area(key="your-target/scored").value == text
    assert not any("asks for" in one.value for one in again.info)


def test_a_text_typed_for_pairs_is_of_their_task(walk, monkeypatch):
    """A page of both kinds keeps what was typed for each task."""
    from apps import interpretation

    monkeypatch.setattr(interpretation, "run", lambda *rest: None)
    at = walk("score_your_text")
    at.segmented_control(key="your-target/task").set_value("shakespeare").run()
    at.text_area(key="your-target/scored").set_value("to be").run()
    at = walk("what_if")
    assert at.segmented_control(key="what-if/task").value == "shakespeare"
    assert at.text_area(key="what-if/prompt")
    at.segmented_control(key="what-if/task").set_value("dates").run()
    at.text_area(key="what-if/text").set_value("my own words").run()
    assert not at.exception
    # Its address means the same to another reader, and the text of the other task is not lost.
    again = opened("what_if", **dict(at.query_params.items()))
    assert again.text_area(key="what-if/text").value == "my own words"
    assert again.segmented_control(key="what-if/task").value == "dates"
    assert not any("asks for" in one.value for one in again.info)
    at = walk("score_your_text")
    assert at.text_area(key="your-target/text").value == "my own words"
    at.segmented_control(key="your-target/task").set_value("shakespeare").run()
    assert at.text_area(key="your-target/scored").value == "to be"
    assert saved_models.kind("shakespeare") == "language_model"
