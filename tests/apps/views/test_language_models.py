"""Attention and What if for language models, on small networks of each kind."""

from __future__ import annotations

import json

import numpy as np
import pytest

from apps import saved_models
from apps.labels import SALIENCY
from apps.sections import continuation_maps
from apps.sections.continuation_maps import WIDTH, Part
from tests.apps import fake_language_models
from tests.apps.app_runner import charts, opened, said
from zoo.continuation import Continuation, Token

ASKED = {"task": "shakespeare", "prompt": "to be, or", "tokens": "12", "temperature": "0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("looked") / "saved_models"
    return fake_language_models.make_shakespeare(root, ("gpt", "lstm", "feed-forward"))


@pytest.fixture(autouse=True)
def used(folder, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(folder))


@pytest.mark.parametrize("view", ["heads", "two", "cell"])
def test_every_view_of_the_attention_of_a_text(view):
    at = opened("attention", **ASKED, view=view, against="head", layer2="2")
    assert not at.exception and not at.error
    text = said(at)
    if view == "cell":
        assert "softmax turns the energies of the row into weights" in text
    else:
        assert "Each row is one token that was read" in text
        assert "Self-attention, layer 1 of 2, head 1 of 2" in text
    options = [one.options for one in at.get("button_group")]
    assert not any("Step by step" in map(str, labels) for labels in options)


@pytest.mark.parametrize("model", ["lstm", "feed-forward"])
def test_networks_without_attention_show_what_mattered(model):
    at = opened("attention", **ASKED, model=model)
    assert not at.exception and not at.error
    text = said(at)
    assert "input saliency" in text and "Each row is one token that was written" in text


def test_a_table_of_counts_is_not_offered():
    names = ["shakespeare-feed-forward", "shakespeare-gpt", "shakespeare-lstm"]
    assert sorted(saved_models.networks("shakespeare")) == names
    for page in ("attention", "what_if"):
        at = opened(page, **{**ASKED, "model": "ngram"})
        assert not at.exception
        assert "asks for the model “ngram”" in said(at)


def test_without_any_network_the_pages_say_so(folder, monkeypatch, tmp_path):
    for name in ("shakespeare-ngram", "shakespeare-longer"):
        (tmp_path / name).symlink_to(folder / name)
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    for page in ("attention", "what_if"):
        at = opened(page, **ASKED)
        assert not at.exception and "This task has no network" in said(at)


@pytest.mark.parametrize(
    ("what", "said_of_it"),
    [
        ({"mask": "1"}, "With “to” hidden"),
        ({"mask": "1", "how": "removed"}, "Without “to”"),
        ({"swap": "1,2"}, "With “to” and “be,” swapped"),
        ({"off": "decoder 1.2"}, "With head 2 of layer 1 (self-attention) switched off"),
    ],
)
def test_what_is_changed_is_told_with_what_came_of_it(what, said_of_it):
    at = opened("what_if", **ASKED, **what)
    assert not at.exception and not at.error
    text = said(at).replace("\\", "").replace("\u2068", "").replace("\u2069", "")
    assert said_of_it in text
    assert "(with the change)" in text
    assert len(charts(at)) == 3  # the steps, and a map before and after


def test_nothing_is_hidden_from_a_network_without_attention():
    at = opened("what_if", **ASKED, model="lstm", mask="1")
    assert not at.exception and not at.error
    text = said(at).replace("\\", "")
    assert "Without “\u2068to\u2069”" in text and "There is no attention in this network" in text
    refused = opened("what_if", **ASKED, model="lstm", mask="1", how="hidden")
    assert "asks for" in said(refused) and "hidden" in said(refused)


def test_what_cannot_be_done_is_one_sentence():
    at = opened("what_if", **ASKED, mask="3")
    assert not at.exception and not at.error
    assert "The last word of a prompt cannot be hidden" in said(at)
    long = opened("what_if", **{**ASKED, "tokens": "60"}, mask="1")
    assert "may have 32 tokens together" in said(long)


@pytest.mark.parametrize("prompt", ["", "😀 <b>x</b>", "אבג", "x" * 2000, "\n\n"])
@pytest.mark.parametrize("page", ["attention", "what_if"])
def test_any_prompt_leaves_the_page_standing(page, prompt):
    at = opened(page, **{**ASKED, "prompt": prompt})
    assert not at.exception and not at.error


def test_another_prompt_forgets_what_was_done_to_the_words():
    at = opened("what_if", **ASKED, mask="1")
    at.text_area[0].set_value("whether")
    next(one for one in at.button if one.label == "Continue").click().run()
    assert not at.exception
    assert "mask" not in at.query_params
    assert "Nothing is changed yet" in said(at)


def answer(read: int, written: int) -> Continuation:
    count = read + written - 1
    labels = [chr(97 + i % 26) for i in range(count)]
    rng = np.random.default_rng(0)
    maps = np.tril(rng.random((2, 2, count, count)))
    maps /= maps.sum(axis=-1, keepdims=True)
    tokens = [Token(label, label, -1.0) for label in [*labels[read:], "z"]]
    return Continuation("p", "t", tokens, labels[:read], {"decoder": maps}, labels)


def test_a_part_of_a_long_text_has_the_maps_of_its_tokens():
    found = answer(30, 100)
    part = Part(found, 40, 40 + WIDTH)
    whole = found.attention["decoder"]
    np.testing.assert_array_equal(part.cut(whole, "decoder"), whole[:, :, 40:104, 40:104])
    assert part.prediction("decoder").target_pieces == found.labels[40:104]
    # The row of saliency that wrote a token follows the token read there.
    assert part.written == slice(11, 75)
    written = part.prediction(SALIENCY)
    assert written.target_pieces == [one.label for one in found.tokens[11:75]]
    assert written.source_pieces == found.labels[40:104]
    share = 1 - whole[:, :, 40:104, 40:104].sum(axis=-1).mean()
    assert part.outside(part.cut(whole, "decoder")).startswith(f"{100 * share:.0f} % of the weight")
    assert part.whole.outside(whole) == ""


def test_pages_show_a_part_around_the_end_of_the_prompt(monkeypatch):
    found = answer(30, 100)
    monkeypatch.setattr(continuation_maps, "continued", lambda *_: found)
    at = opened("attention", **ASKED)
    assert not at.exception
    listed = next(one for one in at.selectbox if one.label.startswith("Tokens shown"))
    assert listed.value == 1 and listed.options[0] == "1 to 64"
    later = opened("attention", **ASKED, **{"from": "33"})
    assert "which are not shown" in said(later)
    assert json.dumps(later.query_params["from"]) in ('"33"', '["33"]')
