"""Compare for language models: one prompt, every model continues it, token by token."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps import continuing, inference, links, quality, saved_models, widgets
from apps.components import written_tokens
from apps.continuing import Options, Written
from apps.markdown import plain
from apps.sections import answer_view, writing_options, written_token

if TYPE_CHECKING:
    from zoo.continuation import Token

LEAST_COPY = 8
"""Characters from which on a stretch that is in the training text is underlined."""


@dataclass(frozen=True)
class Asked:
    """What every model is to continue, and how."""

    task: str
    names: tuple[str, ...]
    prompt: str
    options: Options


def render(task: str) -> None:
    """The page for a task whose models continue a text."""
    names = tuple(widgets.several_models(task))
    asked = Asked(task, names, *writing_options.choose(task))
    st.header("How each went on", anchor=False)
    slots = {name: column.empty() for name, column in widgets.columns(names).items()}
    found: dict[str, Written] = {}
    for name in names:
        try:
            found[name] = _written(asked, name, slots[name])
        except Exception as error:  # one broken model must not take the page down
            with slots[name].container():
                answer_view.heading(name)
                st.error(
                    f"This model could not go on. {plain(inference.explain(error))}",
                    icon=":material/error:",
                )
    if found:
        _legend(task)
        written_token.show(asked.prompt, found)
        _table(task, found)


def _written(asked: Asked, name: str, slot: Any) -> Written:
    """The continuation of one model, drawn in its column while it comes."""

    def say(step: str) -> None:
        with slot.container():
            answer_view.heading(name)
            st.caption(f":material/hourglass_top: {step} ...")

    def show(tokens: Sequence[Token]) -> None:
        with slot.container():
            answer_view.heading(name)
            written_tokens.show(asked.prompt, records(tokens), label="Being written")

    written = continuing.written(name, asked.prompt, asked.options, say=say, show=show)
    with slot.container():
        answer_view.heading(name)
        _column(asked, name, written)
    return written


def _column(asked: Asked, name: str, written: Written) -> None:
    answer, task = written.continuation, saved_models.task_name(name)
    copied = continuing.copied(task, answer.text)
    written_tokens.show(
        asked.prompt,
        records(answer.tokens, copied or (0, 0)),
        label=f"What {saved_models.label(name)} wrote; press a token to look at it",
        key=f"written-{name}",
        chosen=written_token.chosen(name),
        on_choose=functools.partial(written_token.choose, name),
    )
    speed = written.tokens_per_second
    facts = [f"{speed:,.0f} tokens a second"] if speed else []
    if answer.tokens:
        facts = facts or ["not timed: others were at work"]
        chance = math.exp(float(answer.log_probs.mean()))
        facts.append(f"probability of a token {100 * chance:.0f} % (geometric mean)")
    if copied is None:
        facts.append("the training text is not on this computer")
    elif copied[1] > copied[0]:
        facts.append(f"longest copy from the training text {copied[1] - copied[0]} characters")
    st.caption(" · ".join(facts))
    for note in answer.notes:
        st.caption(f":material/info: {plain(note)}")
    links.to_continuation(name, here="compare")


def records(tokens: Sequence[Token], copied: tuple[int, int] = (0, 0)) -> list[dict[str, Any]]:
    """What `written_tokens` draws; `copied`: the characters that are in the training text."""
    records, at = [], 0
    long = copied[1] - copied[0] >= LEAST_COPY
    for token in tokens:
        end = at + len(token.text)
        chance = math.exp(min(token.log_prob, 0.0))
        records.append(
            {
                "text": token.text,
                "title": f"{token.label}: {100 * chance:.1f} %",
                "shade": round(chance, 4),
                "copied": long and copied[0] <= at and end <= copied[1],
            }
        )
        at = end
    return records


def _legend(task: str) -> None:
    unit = saved_models.info(task).output_unit
    st.caption(
        f"Shaded by probability: the stronger the colour, the more certain the model was of the "
        f"{unit}. Underlined: the longest stretch that is in the training text letter by letter. "
        f"Press a {unit} to see what else the model might have written, and where it looked."
    )


def _table(task: str, found: dict[str, Written]) -> None:
    """Quality and speed of the models in one table."""
    figure = quality.first(task)
    label = f"{figure.label} {figure.arrow}".strip()
    rows = []
    for name, written in found.items():
        value = quality.value(quality.measured(name, "1"), figure.key)
        speed = written.tokens_per_second
        rows.append(
            {
                "model": saved_models.label(name),
                label: figure.text(value) if value else None,
                "tokens a second": round(speed) if speed else None,
                "weights": saved_models.parameters(name),
            }
        )
    # Weights that others trained were not scored here.
    shown = [key for key in rows[0] if any(row[key] is not None for row in rows)] if rows else []
    st.dataframe(
        [{key: row[key] for key in shown} for row in rows],
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config={"weights": st.column_config.NumberColumn(format="localized")},
    )
