"""Compare for language models: every model continues one prompt; what a pressed token shows."""

from __future__ import annotations

import json

import pytest

from apps import continuing, saved_models
from apps.sections import writing_options
from tests.apps import fake_language_models
from tests.apps.app_runner import charts, opened, said
from tests.apps.fake_language_models import TEXT
from zoo import saving


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fake_language_models.make_shakespeare(tmp_path_factory.mktemp("texts") / "saved_models")


@pytest.fixture(autouse=True)
def used(folder, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(folder))
    monkeypatch.setattr(continuing, "training_text", lambda task: TEXT)


def test_every_model_continues_the_prompt():
    at = opened("compare", task="shakespeare", prompt="to be", tokens="20")
    assert not at.exception
    text = said(at)
    assert text.count("tokens a second") == 3
    assert "longest copy from the training text" in text
    assert [one.value for one in at.header] == ["How each went on"]
    assert not at.error


def test_a_token_shows_its_candidates_and_where_the_model_looked():
    at = opened("compare", task="shakespeare", prompt="to be", tokens="20", place="gpt.4")
    assert not at.exception
    text = said(at)
    assert "Token 4 of GPT" in text and "What it might have written" in text
    assert "What the n-gram would write here" in text
    assert "Where it looked when it wrote this" in text
    assert len(charts(at)) == 2  # its own candidates, and the n-gram's
    counted = opened("compare", task="shakespeare", prompt="to be", tokens="20", place="ngram.4")
    assert "has no attention" in said(counted)


@pytest.mark.parametrize("name", writing_options.VALUES)
def test_every_value_of_an_option_may_stand_in_an_address(name):
    values = writing_options.VALUES[name]
    assert len({writing_options.written(value) for value in values}) == len(values)
    assert writing_options.DEFAULTS[name] in values


def test_what_is_sent_is_what_is_asked_and_stands_in_the_address():
    at = opened("compare", task="shakespeare", prompt="to be", tokens="20")
    at.select_slider[0].set_value(0.0)
    at.selectbox[0].set_value(5)
    at.selectbox[1].set_value(0.5)
    next(one for one in at.button if one.label == "Continue").click()
    at.run()
    assert not at.exception and not at.warning
    sent = {name: at.query_params[name] for name in ("temperature", "topk", "topp", "tokens")}
    assert sent == {"temperature": "0", "topk": "5", "topp": "0.5", "tokens": "20"}
    again = opened("compare", task="shakespeare", prompt="to be", tokens="20", temperature="1")
    assert not again.warning and again.select_slider[0].value == 1.0
    # The likeliest token needs no chance: another seed writes the same.
    options = (continuing.Options(20, 0.0, seed=seed) for seed in (1, 2))
    one, other = (
        continuing.written("shakespeare-ngram", "to be", how, say=print, show=len)
        for how in options
    )
    assert one.continuation.text == other.continuation.text


def test_odd_prompts_are_answered():
    for prompt in ("é 日本 🍕", "x" * 3_000, "<b>to be</b>", " \n"):
        at = opened("compare", task="shakespeare", prompt=prompt, tokens="5")
        assert not at.exception and not at.error
    at = opened("compare", task="shakespeare", prompt="é", tokens="5")
    assert "Not in the model's vocabulary: é" in said(at).replace("\\", "")
    at = opened("compare", task="shakespeare", prompt="to", tokens="9999", place="nobody.3")
    assert not at.exception and not at.error


def test_a_damaged_model_takes_no_other_down(folder, tmp_path, monkeypatch):
    import shutil

    root = tmp_path / "saved_models"
    shutil.copytree(folder, root)
    (root / "shakespeare-longer" / saving.TABLES).write_bytes(b"no tables")
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(root))
    at = opened("compare", task="shakespeare", prompt="to be", tokens="5")
    assert not at.exception
    assert len(at.error) == 1 and "damaged" in at.error[0].value
    assert said(at).count("tokens a second") == 2


def test_pages_of_pairs_do_not_offer_a_text_to_continue():
    assert saved_models.tasks() == []
    assert saved_models.tasks(("seq2seq", "language_model")) == ["shakespeare"]
    for page in ("attention", "what_if", "score_your_text", "leaderboard"):
        at = opened(page, task="shakespeare")
        assert not at.exception


def test_the_longest_copy():
    assert continuing.longest_copy("xx not to be yy", TEXT) == (2, 12)
    assert continuing.longest_copy("", TEXT) == (0, 0)
    assert continuing.longest_copy("ZZZ", TEXT) == (0, 0)
    assert json.dumps(continuing.longest_copy(TEXT[:50], TEXT)) == "[0, 50]"
