"""Choices that every page shares: what an address may say, and what is made of it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from apps import saved_models, widgets

    if task := widgets.task():
        st.caption(f"task {task}")
        st.caption(
            f"model {widgets.model(saved_models.models(task), default=f'{task}-transformer')}"
        )
        st.caption(f"text {widgets.text(task)}")


def page(**params: str) -> AppTest:
    at = AppTest.from_function(script, default_timeout=60)
    at.query_params.update(params)
    assert not at.run().exception
    return at


def said(**params: str) -> list[str]:
    return [one.value for one in page(**params).caption]


@pytest.mark.parametrize("task", ["dates", "Dates"])
@pytest.mark.parametrize("model", ["lstm-bahdanau", "LSTM + attention"])
def test_an_address_may_name_a_choice_by_its_id_or_its_label(shelf, task, model):
    at = page(task=task, model=model)
    for _ in range(2):
        found = [one.value for one in at.caption]
        assert found[:2] == ["task dates", "model dates-lstm-bahdanau"]
        at.run()


def test_what_is_not_there_falls_back_to_the_default(shelf):
    found = said(task="<b>", model="gpt")
    assert found[:2] == ["task en-es", "model en-es-transformer"]


def test_without_models_there_is_nothing_to_choose(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    assert said() == []
