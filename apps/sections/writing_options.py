"""How a prompt is to be continued: the form of Compare for language models, and its address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from apps import saved_models, state
from apps.continuing import Options
from apps.markdown import plain

MOST_TOKENS = 500
USUAL = Options()
VALUES: dict[str, Sequence[float]] = {
    "tokens": range(1, MOST_TOKENS + 1),
    "temperature": (0.0, 0.2, 0.5, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5),
    "topk": (0, 1, 5, 10, 20, 50, 100, 200),
    "topp": (0.5, 0.7, 0.8, 0.9, 0.95, 1.0),
    "seed": range(1_000),
}
"""What each option may be, by its name in the address."""
DEFAULTS = {
    "tokens": USUAL.max_new_tokens,
    "temperature": USUAL.temperature,
    "topk": USUAL.top_k,
    "topp": USUAL.top_p,
    "seed": USUAL.seed,
}


def written(value: float) -> str:
    """A value as the address has it: 1 and not 1.0."""
    return f"{value:g}"


def choose(task: str) -> tuple[str, Options]:
    """Prompt and options, as last sent: nothing runs while text is typed."""
    info = saved_models.info(task)
    prompts = saved_models.prompts(task) or [info.hint]
    kept = state.get("prompt")
    prompt = prompts[0] if kept is None else kept
    _beginnings(prompts, prompt)
    chosen = {name: state.value(name, VALUES[name], DEFAULTS[name], ids=written) for name in VALUES}
    fields = {name: state.seed(name, value, len(VALUES[name])) for name, value in chosen.items()}
    fields["prompt"] = state.seed("prompt", prompt)
    with st.form(state.key("prompt-form"), border=False):
        st.text_area(
            info.prompt,
            key=fields["prompt"],
            placeholder=info.hint or None,
            height=90,
            help=f"At most {state.MAX_CHARACTERS:,} characters are read; line breaks count.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _how(fields)
            st.form_submit_button(
                "Continue",
                type="primary",
                icon=":material/play_arrow:",
                on_click=_submitted,
                args=(fields,),
            )
    return prompt, Options(
        max_new_tokens=chosen["tokens"],
        temperature=chosen["temperature"],
        top_k=chosen["topk"],
        top_p=chosen["topp"],
        seed=chosen["seed"],
    )


def _beginnings(prompts: Sequence[str], prompt: str) -> None:
    """The prompts that the task offers; pressing one sends it."""
    example = state.seed("prompt-example", prompt if prompt in prompts else None, tuple(prompts))
    with st.container(key="one-line-examples"):  # which scrolls, see `apps.style`
        st.pills(
            "Beginnings to choose from",
            prompts,
            key=example,
            format_func=lambda text: plain(text.strip().replace("\n", " ↵ ")),
            on_change=_example_chosen,
            args=(example,),
            label_visibility="collapsed",
        )


def _how(fields: dict[str, str]) -> None:
    """How many tokens, and how each is drawn."""
    st.number_input("Tokens", min_value=1, max_value=MOST_TOKENS, key=fields["tokens"], width=130)
    st.select_slider(
        "Temperature",
        VALUES["temperature"],
        key=fields["temperature"],
        format_func=lambda value: written(value) if value else "0: most likely",
        help="Below 1, likely tokens are drawn more often, above 1 less often; 0 takes the most "
        "likely token each time.",
        width=200,
    )
    for label, name, every, text in (
        ("Top-k", "topk", 0, "Draw among the k most likely tokens."),
        ("Top-p", "topp", 1, "Draw among the fewest tokens that together have this probability."),
    ):
        st.selectbox(
            label,
            VALUES[name],
            key=fields[name],
            format_func=lambda value, every=every: "all" if value == every else written(value),
            help=text,
            width=110,
        )
    st.number_input(
        "Seed", min_value=0, max_value=VALUES["seed"][-1], key=fields["seed"], width=110
    )


def _example_chosen(key: str) -> None:
    if (text := st.session_state[key]) is not None:
        _ask(text)


def _submitted(fields: dict[str, str]) -> None:
    _ask(state.tidied("prompt", st.session_state[fields["prompt"]]))
    for name, default in DEFAULTS.items():
        value: Any = st.session_state[fields[name]]
        state.put(name, None if value == default else written(value))


def _ask(prompt: str) -> None:
    """Another prompt; the token that was looked at is none of its continuation."""
    state.put("prompt", prompt)
    state.put("place", None)
