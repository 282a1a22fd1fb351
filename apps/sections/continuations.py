"""Compare for language models: one prompt, every model continues it, token by token."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import streamlit as st

from apps import continuing, inference, quality, saved_models, state, widgets
from apps.components import written_tokens
from apps.continuing import Options, Written
from apps.markdown import plain
from apps.sections import answer_view

if TYPE_CHECKING:
    from zoo.continuation import Token

MOST_TOKENS = 500
TEMPERATURES = (0.0, 0.2, 0.5, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5)
TOP_K = (0, 1, 5, 10, 20, 50, 100, 200)
TOP_P = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
LOOKED_BACK = 60
"""How many of the last tokens the view of where a token looked shows."""


@dataclass(frozen=True)
class Asked:
    """What every model is to continue, and how."""

    task: str
    names: tuple[str, ...]
    prompt: str
    options: Options


def render(task: str) -> None:
    """The page for a task whose models continue a text."""
    asked = _choose(task)
    st.header("How each went on", anchor=False)
    slots = {name: column.empty() for name, column in widgets.columns(asked.names).items()}
    found: dict[str, Written] = {}
    for name in asked.names:
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
        _legend(asked.task)
        _token(asked, found)
        _table(asked, found)


def _choose(task: str) -> Asked:
    """The controls: prompts, and a form so that nothing runs while text is typed."""
    info = saved_models.info(task)
    prompts = saved_models.prompts(task) or [info.hint or ""]
    kept = state.get("prompt")
    prompt = prompts[0] if kept is None else kept
    example = state.seed("prompt-example", prompt if prompt in prompts else None, tuple(prompts))
    with st.container(key="one-line-examples"):
        st.pills(
            "Beginnings to choose from",
            prompts,
            key=example,
            format_func=lambda text: plain(text.strip().replace("\n", " ↵ ")),
            on_change=_example_chosen,
            args=(example,),
            label_visibility="collapsed",
        )
    names = tuple(widgets.several_models(task))
    tokens = state.value("tokens", range(1, MOST_TOKENS + 1), 200)
    options = Options(
        max_new_tokens=tokens,
        temperature=state.value("temperature", TEMPERATURES, 0.8),
        top_k=state.value("topk", TOP_K, 0),
        top_p=state.value("topp", TOP_P, 1.0),
        seed=state.value("seed", range(1_000), 0),
    )
    fields = {
        "prompt": state.seed("prompt", prompt),
        "tokens": state.seed("tokens", tokens, MOST_TOKENS),
        "temperature": state.seed("temperature", options.temperature, TEMPERATURES),
        "topk": state.seed("topk", options.top_k, TOP_K),
        "topp": state.seed("topp", options.top_p, TOP_P),
        "seed": state.seed("seed", options.seed, 1_000),
    }
    with st.form(state.key("prompt-form"), border=False):
        st.text_area(
            info.prompt,
            key=fields["prompt"],
            placeholder=info.hint or None,
            height=90,
            help=f"At most {state.MAX_CHARACTERS:,} characters are read; line breaks count.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.number_input(
                "Tokens", min_value=1, max_value=MOST_TOKENS, key=fields["tokens"], width=130
            )
            st.select_slider(
                "Temperature",
                TEMPERATURES,
                key=fields["temperature"],
                format_func=lambda value: "0: most likely" if not value else f"{value:g}",
                help="Below 1 likely tokens become likelier, above 1 less so; 0 takes the "
                "most likely each time.",
                width=200,
            )
            st.selectbox(
                "Top-k",
                TOP_K,
                key=fields["topk"],
                format_func=lambda value: "all" if not value else str(value),
                help="Draw among the k most likely tokens.",
                width=110,
            )
            st.selectbox(
                "Top-p",
                TOP_P,
                key=fields["topp"],
                format_func=lambda value: "all" if value == 1 else f"{value:g}",
                help="Draw among the fewest tokens that together have this probability.",
                width=110,
            )
            st.number_input("Seed", min_value=0, max_value=999, key=fields["seed"], width=110)
            st.form_submit_button(
                "Continue",
                type="primary",
                icon=":material/play_arrow:",
                on_click=_submitted,
                args=(fields,),
            )
    return Asked(task, names, prompt, options)


def _example_chosen(key: str) -> None:
    if (text := st.session_state[key]) is not None:
        state.put("prompt", text)
        state.put("place", None)


def _submitted(fields: dict[str, str]) -> None:
    usual = {"tokens": 200, "temperature": 0.8, "topk": 0, "topp": 1.0, "seed": 0}
    state.put("prompt", state.tidied("prompt", st.session_state[fields["prompt"]]))
    state.put("place", None)
    for name, default in usual.items():
        value = st.session_state[fields[name]]
        state.put(name, None if value == default else f"{value:g}")


def _written(asked: Asked, name: str, slot: Any) -> Written:
    """The continuation of one model, drawn in its column while it comes."""

    def say(step: str) -> None:
        with slot.container():
            answer_view.heading(name)
            st.caption(f":material/hourglass_top: {step} ...")

    def show(tokens: Sequence[Token]) -> None:
        with slot.container():
            answer_view.heading(name)
            written_tokens.show(asked.prompt, _records(tokens), label="Being written")

    known = continuing.known(name, asked.prompt, asked.options)
    written = known or continuing.written(name, asked.prompt, asked.options, say=say, show=show)
    with slot.container():
        answer_view.heading(name)
        _column(asked, name, written)
    return written


def _column(asked: Asked, name: str, written: Written) -> None:
    answer = written.continuation
    corpus = continuing.training_text(saved_models.task_name(name))
    copied = (0, 0) if corpus is None else continuing.longest_copy(answer.text, corpus)
    written_tokens.show(
        asked.prompt,
        _records(answer.tokens, copied),
        label=f"What {saved_models.label(name)} wrote; press a token to look at it",
        key=f"written-{name}",
        chosen=_place(name),
        on_choose=functools.partial(_chosen, name),
    )
    speed = written.tokens_per_second
    facts = [f"{speed:,.0f} tokens a second"] if speed else []
    if answer.tokens:
        chance = math.exp(float(answer.log_probs.mean()))
        facts.append(f"probability of a token {100 * chance:.0f} % (geometric mean)")
    if corpus is None:
        facts.append("the training text is not on this computer")
    elif copied[1] > copied[0]:
        facts.append(f"longest copy from the training text {copied[1] - copied[0]} characters")
    st.caption(" · ".join(facts))
    for note in answer.notes:
        st.caption(f":material/info: {plain(note)}")


def _records(tokens: Sequence[Token], copied: tuple[int, int] = (0, 0)) -> list[dict[str, Any]]:
    records, at = [], 0
    for token in tokens:
        end = at + len(token.text)
        records.append(
            {
                "text": token.text,
                "label": token.label,
                "probability": round(math.exp(min(token.log_prob, 0.0)), 4),
                "copied": at >= copied[0] and end <= copied[1] and copied[1] - copied[0] >= 8,
            }
        )
        at = end
    return records


def _legend(task: str) -> None:
    unit = saved_models.info(task).output_unit
    st.caption(
        f"Shaded by probability: the stronger the colour, the more certain the model was of the "
        f"{unit}. Underlined: the longest stretch that stands letter by letter in the training "
        f"text. Press a {unit} to see what else the model might have written, and where it looked."
    )


def _chosen(name: str, place: int) -> None:
    state.put("place", f"{saved_models.id_of(name)}.{place + 1}")


def _place(name: str) -> int | None:
    """The token of a model's continuation that is looked at, from 0."""
    model, _, number = (state.get("place") or "").rpartition(".")
    return int(number) - 1 if model == saved_models.id_of(name) and number.isdigit() else None


def _token(asked: Asked, found: dict[str, Written]) -> None:
    """What is known of the token that was pressed."""
    for name, written in found.items():
        place, tokens = _place(name), written.continuation.tokens
        if place is None or not 0 <= place < len(tokens):
            continue
        token = tokens[place]
        st.subheader(f"Token {place + 1} of {saved_models.label(name)}", anchor=False)
        before = asked.prompt + "".join(one.text for one in tokens[:place])
        columns = st.columns(2, gap="large")
        with columns[0]:
            _candidates("What it might have written", token.candidates, token.label)
        with columns[1]:
            counted = [n for n in asked.names if saved_models.family_of(n) == "ngram" and n != name]
            for other in counted[:1]:
                try:
                    named = continuing.candidates(other, before)
                except Exception as error:
                    st.caption(plain(inference.explain(error)))
                else:
                    _candidates("What the n-gram would write here", named, token.label)
        _looked(name, written, place)


def _candidates(title: str, named: Sequence[tuple[str, float]], chosen: str) -> None:
    rows = [
        {"token": label, "probability": chance, "written": label == chosen, "place": i}
        for i, (label, chance) in enumerate(named)
    ]
    st.markdown(f"**{title}**")
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("probability:Q", title="Probability", axis=alt.Axis(format="%")),
            y=alt.Y(
                "token:N",
                title=None,
                sort=alt.SortField("place"),
                axis=alt.Axis(labelOverlap=False),
            ),
            opacity=alt.condition("datum.written", alt.value(1.0), alt.value(0.55)),
            tooltip=["token:N", alt.Tooltip("probability:Q", format=".1%")],
        )
        .properties(height=alt.Step(24))
    )
    st.altair_chart(chart, width="stretch")


def _looked(name: str, written: Written, place: int) -> None:
    """The tokens before, shaded by how much of the attention went there."""
    answer = written.continuation
    maps = answer.attention.get("decoder")
    if maps is None:
        st.caption(f"{saved_models.label(name)} has no attention: it cannot look back.")
        return
    row = len(answer.labels) - len(answer.tokens) + place
    if row < 0:
        st.caption("This token was written before the part of the text that the maps cover.")
        return
    layers, heads = maps.shape[:2]
    st.markdown("**Where it looked when it wrote this**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        layer = widgets.layer_or_head("layer", layers, all_of_them="Mean of all", width=150)
        head = widgets.layer_or_head("head", heads, all_of_them="Mean of all", width=150)
    some = maps[:, :, row, : row + 1]
    some = some if layer is None else some[layer : layer + 1]
    some = some if head is None else some[:, head : head + 1]
    weights = some.mean(axis=(0, 1))
    first = max(row + 1 - LOOKED_BACK, 0)
    most = max(float(weights[first:].max()), 1e-9)
    written_tokens.show(
        "… " if first else "",
        [
            {
                "text": "\n" if label == "↵" else label.replace("␣", " "),
                "label": f"{label}: {100 * float(weight):.1f} % of the attention; shading",
                "probability": round(float(weight) / most, 3),
                "copied": False,
            }
            for label, weight in zip(
                answer.labels[first : row + 1], weights[first : row + 1], strict=True
            )
        ],
        label="Tokens before, shaded by attention",
        key="looked",
    )
    outside = float(np.sum(weights[:first]))
    st.caption(
        f"The strongest colour is {100 * most:.0f} % of the attention"
        + (f"; {100 * outside:.0f} % went further back than is shown." if first else ".")
    )


def _table(asked: Asked, found: dict[str, Written]) -> None:
    """Quality and speed of the models beside one another."""
    figure = quality.first(asked.task)
    rows = []
    for name, written in found.items():
        value = quality.value(quality.measured(name, "1"), figure.key)
        rows.append(
            {
                "model": saved_models.label(name),
                f"{figure.label} {figure.arrow}".strip(): None
                if value is None
                else round(value, figure.digits),
                "tokens a second": written.tokens_per_second and round(written.tokens_per_second),
                "weights": saved_models.parameters(name),
            }
        )
    st.dataframe(rows, hide_index=True, width="stretch")
