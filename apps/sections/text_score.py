"""Your target for language models: a text of the reader's own, scored token by token."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps import figures, inference, interpretation, saved_models, state, widgets
from apps.components import written_tokens
from apps.markdown import plain
from apps.sections import answer_view
from apps.sections import text_score_data as data

if TYPE_CHECKING:
    from zoo.continuation import ScoredText

CAPTION = (
    "Write a text yourself. A language model reads it, and shows for each token how likely it "
    "found your choice and what it would have preferred."
)
COLUMNS = {
    "place": "Place",
    "before": "After",
    "token": "Written",
    "probability": "Probability",
    "nats": "Nats",
    "rank": "Rank",
    "rather": "Would have preferred",
}
CHOSEN = {"model": "Model", **COLUMNS, "first": "Most likely here"}
CHOSEN.pop("rather")
CANDIDATES = 4
"""Most likely tokens that are kept of each place: the one that was written may be among them."""


def typed(task: str) -> str:
    """The text to score, as last entered; at first the longest beginning that the task offers."""
    info = saved_models.info(task)
    offered = max(saved_models.prompts(task), key=len, default=info.hint)
    return st.text_area(
        "Your text",
        height=110,
        placeholder=info.hint or None,
        help=f"At most {state.MAX_CHARACTERS:,} characters are read; spaces and line breaks count. "
        "Ctrl+Enter reads it.",
        **state.written("scored", offered),
    )


def show(task: str, name: str, text: str) -> None:
    """The text as one model sees it, then as all models of the task do."""
    if not text:
        st.info("Type a text above, and press Ctrl+Enter.", icon=":material/info:")
        return
    scored = score(name, text)
    if scored is not None and not scored.tokens:
        st.info("There is nothing in this text that the model reads.", icon=":material/info:")
        return
    if scored is not None:
        _one(task, name, scored)
    if st.toggle("All models of the task side by side", **state.flag("all")):
        _all(task, widgets.several_models(task), text)


def score(name: str, text: str) -> ScoredText | None:
    """The text as the model scores it; None, and an error on the page, where it cannot."""

    def compute(loaded: Any) -> ScoredText:
        return loaded.score(text, candidates=min(CANDIDATES, loaded.tokenizer.size))

    return interpretation.run(name, ("score", text), compute, inference.answering)


def chosen(scored: ScoredText) -> int | None:
    """The token that is looked at, from 0; None where none is, or it is not in this text."""
    number = state.get("token") or ""
    place = int(number) - 1 if number.isascii() and number.isdigit() else -1
    return place if 0 <= place < len(scored.tokens) else None


def _one(task: str, name: str, scored: ScoredText) -> None:
    """All about one model: the tokens, the figures, and where it was surprised."""
    with st.container(border=True):
        _tokens(name, scored, "one")
        st.markdown(plain(data.told(task, data.summary(name, scored))))
        _notes(scored)
    unit = saved_models.info(task).output_unit
    st.caption(
        f"Shaded by probability: the stronger the colour, the more the model expected the {unit}. "
        f"Press a {unit} to see what else might have been written there. "
        + " ".join(f"{info.label}: {info.description}" for info in data.figures(task))
    )
    if state.get("all") != "yes":  # where it stands below, for all models
        _place({name: scored})
    st.header("Where it was surprised", anchor=False)
    rows = data.surprises(scored)
    if not rows:
        st.caption("Nowhere: it can write nothing of this text.")
        return
    _table(
        rows, COLUMNS, alt=f"The {len(rows)} least likely tokens, with rank and what was preferred"
    )
    st.caption(
        f"The least likely of {len(scored.tokens):,} tokens. Rank: the place among all tokens that "
        "the model could have written there; 1 is its own choice."
    )
    _download("All tokens (CSV)", functools.partial(data.every_token, scored), f"{name}-text.csv")


def _tokens(name: str, scored: ScoredText, key: str) -> None:
    written_tokens.show(
        "",
        data.drawn(scored),
        label=f"Your text as {saved_models.label(name)} expected it; press a token to look at it",
        key=f"scored.{key}.{name}",
        chosen=chosen(scored),
        on_choose=_choose,
    )


def _choose(place: int) -> None:
    state.put("token", str(place + 1))


def _notes(scored: ScoredText) -> None:
    unknown = len(scored.tokens) - int(scored.known.sum())
    notes = list(scored.notes)
    if unknown:
        notes.append(
            "What the model cannot write counts for nothing: "
            f"{unknown:,} of {len(scored.tokens):,} tokens."
        )
    for note in notes:
        st.caption(f":material/info: {plain(note)}")


def _place(found: Mapping[str, ScoredText]) -> None:
    """The token that is looked at, by each model; nothing where none is."""
    rows = []
    for name, scored in found.items():
        if (place := chosen(scored)) is not None:
            told = data.record(scored, place, data.spelled(scored))
            rows.append({"model": saved_models.label(name), **told})
    if not rows:
        return
    st.subheader(f"Token {rows[0]['place']:,}", anchor=False)
    _table(rows, CHOSEN, alt="The token that was chosen, and the most likely ones by model")


def _table(rows: Sequence[Mapping[str, Any]], headers: Mapping[str, str], *, alt: str) -> None:
    st.dataframe(
        [{header: row[field] for field, header in headers.items()} for row in rows],
        hide_index=True,
        height="content",
        column_config={
            "Probability": st.column_config.ProgressColumn(
                format="percent", min_value=0.0, max_value=1.0
            ),
            "Nats": st.column_config.NumberColumn(format="%.2f"),
            "Rank": st.column_config.NumberColumn(format="localized"),
        },
        placeholder="–",
        alt=alt,
    )


def _all(task: str, names: Sequence[str], text: str) -> None:
    """The text by every model: the tokens as each expected them, and a table."""
    found: dict[str, ScoredText] = {}
    for name, column in widgets.columns(names).items():
        with column:
            answer_view.heading(name)
            if (scored := score(name, text)) is None:
                continue
            found[name] = scored
            _tokens(name, scored, "all")
            _notes(scored)
    if not found:
        return
    _place(found)
    rows = [data.summary(name, scored) for name, scored in found.items()]
    metrics = data.figures(task)
    titles = {info.key: f"{info.label} {info.arrow}".strip() for info in metrics}
    titles = {"model": "Model", **titles, "total": "Log-probability", "tokens": "Tokens"}
    formats = {info.key: f"%.{info.digits}f" for info in metrics} | {"total": "%.2f"}
    st.dataframe(
        [{titles[key]: value for key, value in row.items()} for row in rows],
        hide_index=True,
        column_config={
            titles[key]: st.column_config.NumberColumn(format=how) for key, how in formats.items()
        },
        alt="How likely each model finds your text",
    )
    if said := data.least_surprised(task, rows):
        st.markdown(plain(said))
    _download("Numbers (CSV)", lambda: rows, "your-text.csv")


def _download(label: str, rows: Any, file: str) -> None:
    st.download_button(
        label,
        data=lambda: figures.as_csv(rows()),
        file_name=file,
        mime="text/csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        key=state.key(f"csv.{file}"),
    )
