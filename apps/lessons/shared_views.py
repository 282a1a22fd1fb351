"""What the live views of several chapters share: choices in the address, an answer, a chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from apps import figures, interpretation, links, saved_models, state
from apps.charts import base as charts
from apps.components import shaded_words
from apps.labels import Reading, from_prediction, read
from apps.markdown import plain
from apps.sections import answer_view
from apps.sections.intervention_steps import spans_of
from zoo import interpret

Rows = Sequence[Mapping[str, Any]]

TASK = "en-es"
"""The chapters are about sentences: their models are the translators."""
RNN, LSTM, BAHDANAU, TRANSFORMER = (
    f"{TASK}-{name}" for name in ("simple-rnn", "lstm", "lstm-bahdanau", "transformer")
)
MOST_WORDS = 60
"""Of a reader's sentence: every chapter asks about single words, and draws each."""


def there(*names: str) -> bool:
    """Whether all these models are shipped; says which are not."""
    missing = [name for name in names if not saved_models.config(name)]
    if missing:
        listed = ", ".join(f"`{name}`" for name in missing)
        st.info(
            f"This view needs models that are not in `saved_models/`: {listed}.",
            icon=":material/info:",
        )
    return not missing


def sentence(default: str, *, key: str, label: str = "An English sentence") -> str:
    """What the models are to read, tidied and of at most `MOST_WORDS` words."""
    typed = st.text_input(label, **state.written(key, default))
    used, remark = state.tidy(typed or "")
    words = used.split()
    if len(words) > MOST_WORDS:
        used = " ".join(words[:MOST_WORDS])
        remark = f"Only the first {MOST_WORDS} words were read."
    if remark:
        st.info(remark, icon=":material/info:")
    return used or default


def answered(name: str, default: str, *, key: str) -> tuple[str, Any | None]:
    """A `sentence` of the reader's and the model's answer to it; None where there is none."""
    if not there(name):
        return "", None
    text = sentence(default, key=key)
    return text, interpretation.predict(name, text)


def word(label: str, words: Sequence[str], *, key: str, first: int = 0, slider: bool = True) -> int:
    """Place of one of `words`, from a slider or, where there is little room, a list."""
    named = [f"{place} {one}" for place, one in enumerate(words, 1)]
    first = min(first, len(named) - 1)
    found = state.choice(key, named, named[first], ids=lambda one: one.partition(" ")[0])
    if slider and len(named) > 1:
        chosen = st.select_slider(label, named, **found)
    else:
        chosen = st.selectbox(label, named, **found)
    return named.index(chosen) if chosen in named else first


def one_of(label: str, options: Sequence[str], *, key: str, first: int = 0) -> int:
    """Place of one of a few `options`, each named by its text."""
    chosen = st.segmented_control(
        label,
        options,
        required=True,
        **state.choice(key, options, options[first], ids=state.slug),
    )
    return options.index(chosen) if chosen in options else first


def layer_and_head(shape: Sequence[int], *, key: str) -> tuple[int | None, int | None]:
    """Which layer and head of maps (L, H, ...) to show; None is the mean of all."""
    chosen = []
    with st.container(horizontal=True, gap="medium"):
        for name, count in zip(("layer", "head"), shape[:2], strict=True):
            options = [f"Mean of {count}", *map(str, range(1, count + 1))]
            picked = st.selectbox(
                name.capitalize(),
                options,
                width=150,
                **state.choice(f"{key}.{name}", options, options[0]),
            )
            place = options.index(picked) if picked in options else 0
            chosen.append(place - 1 if place else None)
    return chosen[0], chosen[1]


def which(layer: int | None, head: int | None) -> str:
    """Layer and head in words; None is the mean of all."""
    found = [
        f"mean of all {name}s" if place is None else f"{name} {place + 1}"
        for name, place in (("layer", layer), ("head", head))
    ]
    return ", ".join(found)


def reading(name: str, prediction: Any) -> Reading:
    """A prediction over its words."""
    return read(from_prediction(name, prediction), saved_models.unit(saved_models.task_of(name)))


def written(
    name: str, prediction: Any, *, beside: Any = None, title: str = "", text: str | None = None
) -> None:
    """What a model wrote, shaded by probability, underlined where it differs from `beside`.

    `text`: what it read, for links to the pages that look inside such an answer.
    """
    own = reading(name, prediction)
    words = answer_view.word_records(own, own if beside is None else reading(name, beside))
    st.markdown(f"**{plain(title or saved_models.label(name))}**")
    key = f"written.{name}.{title}"
    shaded_words.show(words, key=key, nothing="(wrote nothing)")
    if text is not None:
        links.look_closer(name, text, prediction.text, elsewhere=True)


def spotlight(words: Sequence[str], weights: Sequence[float], *, key: str) -> None:
    """Words shaded by how much of the attention each gets."""
    records = [
        {"text": text, "probability": round(float(weight), 4), "gap": True, "differs": False}
        for text, weight in zip(words, weights, strict=True)
    ]
    shaded_words.show(records, key=key, nothing="(nothing was read)")


def draw(
    chart: alt.Chart | alt.LayerChart, *, alt_text: str, rows: Rows, file: str, caption: str
) -> None:
    """A chart with its files, and its numbers as a table to unfold."""
    figures.show(chart, alt_text=alt_text, rows=rows, file=file, caption=caption)
    figures.table(rows)


def heat_map(
    weights: Any,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    title: str,
    file: str,
    caption: str,
) -> None:
    """A map as on the other pages, with its words, files and table."""
    figures.show(
        charts.heat_map(weights, rows, columns),
        alt_text=charts.heat_map_alt(weights, rows, columns, title),
        rows=charts.heat_map_rows(weights, rows, columns),
        file=file,
        caption=caption,
    )
    figures.matrix(weights, rows, columns)


def lines(
    rows: Rows,
    *,
    x_title: str,
    y_title: str,
    order: Sequence[str] | None = None,
    domain: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """One line a model over places that have names (words) or numbers, on linear axes.

    `rows`: records with `model`, `x` (a text, or a number) and `value`; `order`: of the texts.
    """
    models = list(dict.fromkeys(row["model"] for row in rows))
    strange = [model for model in models if model not in charts.FAMILY_COLOURS]
    taken = {charts.FAMILY_COLOURS[model] for model in models if model not in strange}
    free = [colour for colour in STRANGE if colour not in taken]
    colours = {**charts.FAMILY_COLOURS, **dict(zip(strange, free, strict=False))}
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolOpacity=1)
    x = alt.X(
        "x:Q" if order is None else "x:O",
        title=x_title,
        sort=None if order is None else list(order),
        axis=alt.Axis(grid=False, tickMinStep=1)
        if order is None
        else alt.Axis(
            labelAngle=-50,
            labelLimit=90,
            labelOverlap="greedy" if len(order) > 30 else False,
            labelExpr=WITHOUT_PLACE,
        ),
    )
    base = alt.Chart(pd.DataFrame(list(map(dict, rows)))).encode(
        x=x,
        y=alt.Y(
            "value:Q",
            title=y_title,
            scale=alt.Scale(domain=list(domain)) if domain else alt.Scale(nice=True, zero=False),
        ),
        color=alt.Color(
            "model:N",
            scale=alt.Scale(domain=models, range=[colours[model] for model in models]),
            legend=legend,
        ),
    )
    points = base.mark_point(filled=True, size=50, opacity=1).encode(
        shape=alt.Shape(
            "model:N",
            scale=alt.Scale(domain=models, range=_shapes(models)),
            legend=legend,
        ),
        tooltip=[
            alt.Tooltip("model:N", title="Line"),
            alt.Tooltip("x", title=x_title, type="quantitative" if order is None else "nominal"),
            alt.Tooltip("value:Q", title=y_title, format=".3f"),
        ],
    )
    return alt.layer(base.mark_line(strokeWidth=2), points).properties(
        height=240, autosize=charts.FIT, padding=charts.PADDING
    )


STRANGE = ("#2f6fd0", "#b3630b", "#12857a", "#a253b0")
"""Of lines that are no family of the zoo."""
WITHOUT_PLACE = "slice(datum.label, indexof(datum.label, ' ') + 1)"
"""A label "3 word" without its place, which only keeps repeated words apart."""


def _shapes(models: Sequence[str]) -> list[str]:
    own = dict(zip(charts.FAMILY_COLOURS, charts.SHAPES, strict=True))
    taken = {own[model] for model in models if model in own}
    free = iter([*(one for one in reversed(charts.SHAPES) if one not in taken), *charts.SHAPES])
    return [own.get(model) or next(free, charts.SHAPES[-1]) for model in models]


def bars(
    rows: Rows,
    *,
    title: str,
    file: str,
    alt_text: str,
    unit: str,
    caption: str,
    domain: tuple[float, float] | None = None,
) -> None:
    """A bar a word, in the words' order. `rows`: records with `word` and `value`.

    `caption`: what the saved files say, of `apps.downloads.caption`.
    """
    scale = alt.Scale(domain=list(domain)) if domain else alt.Scale(zero=True)
    places = [f"{place} {row['word']}" for place, row in enumerate(rows, 1)]
    data = pd.DataFrame(
        [{**row, "place": place} for row, place in zip(rows, places, strict=True)],
        columns=["word", "value", "place"],
    )
    chart = (
        alt.Chart(data)
        .mark_bar(opacity=0.75, color=charts.FAMILY_COLOURS["Transformer"])
        .encode(
            x=alt.X(
                "place:O",
                sort=places,
                title=None,
                axis=alt.Axis(
                    labelAngle=-50,
                    labelLimit=90,
                    labelOverlap="greedy" if len(places) > 30 else False,
                    labelExpr=WITHOUT_PLACE,
                ),
            ),
            y=alt.Y("value:Q", title=unit, scale=scale, axis=alt.Axis(tickCount=4)),
            tooltip=[
                alt.Tooltip("word:N", title="Word"),
                alt.Tooltip("value:Q", title=title, format=".3f"),
            ],
        )
        .properties(height=150, autosize=charts.FIT, padding=charts.PADDING)
    )
    st.markdown(f"**{plain(title)}**")
    draw(chart, alt_text=alt_text, rows=list(map(dict, rows)), file=file, caption=caption)


def spoken(rows: Rows, label: str = "word", value: str = "value") -> str:
    """The values of a chart in words, for its description."""
    some = "; ".join(f"{row[label]} {row[value]:.2f}" for row in rows[: charts.SPOKEN])
    more = len(rows) - charts.SPOKEN
    return f"{some}; and {more} more" if more > 0 else some


def intervened(name: str, text: str, what: Any) -> Any | None:
    """The `Outcome` of an `Intervention` in the model's answer to `text`; None where it failed."""
    return interpretation.run(
        name,
        ("intervene", text, what),
        lambda loaded: interpret.intervene(loaded, loaded.predict([text])[0], what),
    )


def probability(piece: str, outcome: Any, step: int) -> None:
    """How likely the written token of one step was, before and under an intervention."""
    a, b = spans_of(outcome.before.target_pieces, "piece")[step]
    before, after = (
        answer_view.percent(math.exp(min(float(one.log_probs[a:b].sum()), 0.0))).lower()
        for one in (outcome.before, outcome.forced)
    )
    st.caption(
        f"“{plain(piece)}” at this step, all before it as it was: {before} before, {after} now."
    )


def swapped(words: Sequence[str], key: str) -> tuple[int, int] | None:
    """Two places that change places, chosen side by side; None, and a notice, without two words."""
    if len(words) < 2:
        st.info("Two words are needed for a swap.")
        return None
    left, right = st.columns(2)
    with left:
        one = word("This word", words, key=f"{key}.one", slider=False)
    with right:
        last = len(words) - 1
        other = word("changes places with", words, key=f"{key}.other", first=last, slider=False)
    return one, other
