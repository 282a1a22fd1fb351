"""One state for all pages: kept from page to page, in the address, and never an exception."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from apps import address, saved_models, state
from tests.apps import app_runner

APPS = Path(state.__file__).parent
VIEWS = sorted(path.stem for path in (APPS / "views").glob("*.py") if path.stem != "__init__")
QUESTION = {"task": "dates", "text": "Dec 1 1999", "model": "lstm-bahdanau"}


def _two_pages() -> None:
    """Any page after any other: which one is in the session, as the menu has it in Streamlit."""
    import importlib

    import streamlit as st

    importlib.import_module(f"apps.views.{st.session_state['test page']}").render()


@pytest.fixture
def walk(shelf, monkeypatch):
    """Opens one page after another in one session; nothing is computed."""
    from apps import interpretation

    monkeypatch.setattr(interpretation, "run", lambda *rest: None)
    at = AppTest.from_function(_two_pages, default_timeout=60)

    def opened(page: str, **params: str) -> AppTest:
        at.session_state["test page"] = page
        if params:
            at.query_params.clear()
            at.query_params.update(params)
        at.run()
        assert not at.exception, (page, at.exception)
        return at

    return opened


@pytest.mark.parametrize("first", VIEWS)
def test_every_page_after_every_other_has_the_same_question(walk, first):
    walk(first, **QUESTION)
    for second in VIEWS[VIEWS.index(first) :]:  # and back: those before went to this one, too
        at = walk(second)
        values = at.session_state[state.SESSION].values
        assert QUESTION.items() <= values.items(), (first, second)
        assert dict(at.query_params.items()).items() >= QUESTION.items()
        for area in at.text_area:
            if area.key.endswith("/text"):
                assert area.value == QUESTION["text"]
        for control in at.button_group:
            if control.key.endswith("/task"):
                assert control.value == "dates"
            if control.key.endswith("/model"):
                assert control.value == "lstm-bahdanau"
        walk(first)


BAD = {
    "task": ["nothing", "<b>", "", "9" * 400],
    "model": ["gpt", "", "dates-lstm"],
    "beams": ["abc", "3", "-1", "1e9"],
    "beam": ["abc"],
    "max": ["0", "many", "9" * 50],
    "map": ["<script>", "saliency"],
    "layer": ["99", "0", "-1", "²", "1.5"],
    "head": ["99", "x"],
    "text.z": ["xxxx"],
    "text.kept": ["0123"],
    "view": ["nonsense"],
    "mask": ["99", "x,y,,", ",,,"],
    "force": ["9:9:9"],
    "chapter": ["0", "99", "x"],
    "step": ["1000"],
    "device": ["another"],
    "grade": ["x"],
    "measure": ["x"],
    "all": ["maybe"],
}


@pytest.mark.parametrize("page", VIEWS)
def test_what_an_address_gets_wrong_is_never_an_exception(walk, page):
    for place in range(max(map(len, BAD.values()))):
        wrong = {name: values[place % len(values)] for name, values in BAD.items()}
        assert walk(page, **wrong).title
        assert walk(page, **{**wrong, "task": "dates"}).title


@pytest.mark.parametrize(
    ("page", "params", "said"),
    [
        ("compare", {"task": "nothing"}, r"the task “nothing”.*Translation"),
        ("compare", {"beam": "abc"}, r"decoding “abc”.*Greedy"),
        ("compare", {"layer": "99"}, r"the layer “99”"),
        ("compare", {"max": "many"}, r"a longest output of “many”"),
        ("attention", {"model": "gpt"}, r"the model “gpt”.*Transformer"),
        ("leaderboard", {"measure": "x"}, r"the measure “x”"),
        ("learn", {"chapter": "99"}, r"the chapter “99”.*1"),
        ("score_your_text", {"text.kept": "0123"}, r"does not carry its text"),
        ("score_your_text", {"text.z": "0123"}, r"damaged"),
    ],
)
def test_the_sentence_says_what_was_asked_and_what_is_shown(walk, page, params, said):
    import re

    at = walk(page, **params)
    texts = [one.value.replace("\\", "") for one in at.info]
    assert any(re.search(said, text) for text in texts), texts
    at.run()  # nothing was changed: it stays
    assert any(re.search(said, one.value.replace("\\", "")) for one in at.info)


def test_what_is_chosen_leaves_what_belongs_to_another_text_behind(walk):
    at = walk("compare", task="dates", text="Dec 1 1999", target="x", mask="1", beams="4")
    at.text_area(key="compare/text").set_value("3 May 2021")
    next(one for one in at.button if one.label == "Compare").click().run()
    assert dict(at.query_params.items()) == {"task": "dates", "text": "3 May 2021", "beams": "4"}
    at.button_group(key="compare/task").set_value("en-es").run()
    assert dict(at.query_params.items()) == {"task": "en-es", "beams": "4"}
    at.button_group(key="compare/task").set_value("dates").run()
    assert at.text_area(key="compare/text").value == "3 May 2021"


def test_a_target_outlives_a_text_that_is_changed_beside_it(walk):
    at = walk("score_your_text", text="the cat", target="el gato")
    at.text_area(key="your-target/text").set_value("the cat sleeps").run()
    assert at.text_area(key="your-target/target").value == "el gato"


def test_an_address_brings_back_what_was_before(walk):
    """As the browser's "back" does: another address in the same session."""
    at = walk("compare", task="dates")
    before = dict(at.query_params.items())
    at.text_area(key="compare/text").set_value("Dec 1 1999")
    next(one for one in at.button if one.label == "Compare").click().run()
    after = dict(at.query_params.items())
    assert before != after
    walk("compare", **{**before, "beams": "4"})
    assert at.text_area(key="compare/text").value == saved_models.opening("dates")
    walk("compare", **{**after, "beams": "5"})
    assert at.text_area(key="compare/text").value == "Dec 1 1999"


def test_a_long_text_stays_in_the_session_and_the_page_says_so(walk):
    text = "".join(chr(0x4E00 + i) for i in range(1999))
    at = walk("score_your_text")
    at.text_area(key="your-target/text").set_value(text).run()
    link = dict(at.query_params.items())
    assert sum(map(len, link.values())) < 200
    assert any("a link to it does not carry it" in one.value for one in at.caption)
    at = walk("attention")
    assert at.text_area(key="attention/text").value == text
    fresh = AppTest.from_function(_two_pages, default_timeout=60)
    fresh.session_state["test page"] = "compare"
    fresh.query_params.update(link)
    fresh.run()
    assert not fresh.exception
    assert any("does not carry its text" in one.value for one in fresh.info)


def test_every_key_in_the_session_begins_with_the_page_it_belongs_to(walk):
    seen = {"test page", state.SESSION}
    for page in VIEWS:
        new = set(walk(page, **QUESTION).session_state.keys()) - seen
        address = {"attention_scores": "scores", "score_your_text": "your-target"}
        own = address.get(page, page.replace("_", "-")) + "/"
        assert new
        assert not [key for key in new if not key.removeprefix("FormSubmitter:").startswith(own)]
        seen |= new


def test_nothing_binds_a_widget_to_the_session_or_the_address_by_itself():
    """Keys are made by `state.key`, values kept by `state`: no two pages meet by accident."""
    faults = []
    for path in APPS.rglob("*.py"):
        if path.name == "state.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(APPS)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Attribute) and node.attr == "query_params":
                faults.append(f"{where} reads the address")
            if (
                isinstance(node, ast.Subscript)
                and _is_session(node.value)
                and isinstance(node.slice, ast.Constant | ast.JoinedStr)
            ):
                faults.append(f"{where} has a key of its own in the session")
            if not isinstance(node, ast.Call):
                continue
            streamlit = isinstance(node.func, ast.Attribute) and _is_streamlit(node.func.value)
            # The key of a container is a name for the style sheet and keeps nothing.
            streamlit = streamlit and node.func.attr != "container"
            for keyword in node.keywords:
                if keyword.arg == "bind":
                    faults.append(f"{where} binds")
                if (
                    streamlit
                    and keyword.arg == "key"
                    and isinstance(keyword.value, ast.Constant | ast.JoinedStr)
                ):
                    faults.append(f"{where} has a key that `state.key` did not make")
    assert not faults


def _is_session(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "session_state"


def _is_streamlit(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "st"


def test_the_page_opens_with_what_the_transformer_gets_right_and_the_rnn_does_not(shelf):
    def store(family: str, *texts: str) -> None:
        records = [
            {
                "source": f"s{i}",
                "text": text,
                "references": [f"r{i}"],
                "chrf": 90.0 if "~" in text else 9.0,
            }
            for i, text in enumerate(texts)
        ]
        path = shelf / f"en-es-{family}" / "examples.json"
        path.write_text(json.dumps(records), encoding="utf-8")

    for family in ("lstm", "lstm-bahdanau"):
        store(family)
    store("transformer", "r0", "bad", "r2", "r3~")
    store("simple-rnn", "r0", "bad", "bad", "bad")
    assert saved_models.opening("en-es") == "s2"
    assert saved_models.references("en-es", "s2") == ["r2"]
    store("transformer", "r0", "bad", "near~", "r3")
    assert saved_models.opening("en-es") == "s2"
    store("transformer", "bad", "bad", "bad", "bad")
    assert saved_models.opening("en-es") is not None
    (shelf / "en-es-simple-rnn" / "examples.json").unlink()
    assert saved_models.opening("en-es") == "s0"


def test_a_reference_stands_beside_the_answers(shelf):
    for name in saved_models.models("dates"):
        path = shelf / name / "examples.json"
        records = json.loads(path.read_text(encoding="utf-8"))
        records[0]["references"] = ["2021-05-03"]
        path.write_text(json.dumps(records), encoding="utf-8")
    at = app_runner.opened("compare", task="dates", text="3 May 2021")
    assert not at.exception
    assert "**Reference:** 2021\\-05\\-03" in app_runner.said(at)
    assert app_runner.said(at).count("The same as a reference.") == 3


@pytest.mark.parametrize("task", ["en-es", "dates", "pronounce"])
def test_the_shipped_opening_is_one_that_the_transformer_gets_right(task):
    """Of the models in the repository: their stored answers carry references."""
    opening = saved_models.opening(task)
    accepted = saved_models.references(task, opening)
    texts = {
        family: next(
            r["text"] for r in saved_models.examples(f"{task}-{family}") if r["source"] == opening
        )
        for family in ("transformer", "simple-rnn")
    }
    assert texts["transformer"] in accepted
    assert texts["simple-rnn"] not in accepted


def test_every_choice_of_a_page_may_stand_in_an_address():
    """A name that the address does not know would be lost on the way."""
    unknown = []
    for path in APPS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("choice", "flag", "several", "written", "put")
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "state"
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and not address.known(node.args[0].value)
            ):
                unknown.append(f"{path.name}: {node.args[0].value}")
    assert not unknown
