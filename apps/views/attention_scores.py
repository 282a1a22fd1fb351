"""Scores: is attention an aligner, which heads matter, does it explain? Each with its interval."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

import streamlit as st

from apps import downloads, figures, quality, saved_models, state, widgets
from apps.charts import scores as score_charts
from apps.markdown import plain
from apps.sections import attention_score_data as results
from apps.sections import attention_score_text, attention_score_verdicts
from apps.sections.attention_score_data import MEASURES, ROWS, Measure

COMMAND = results.COMMAND
ALIGNMENT = ("aer", "precision", "recall")
FAITHFUL = ("comprehensiveness", "sufficiency", "correlation")
LOOKS = ("normalised_entropy", "entropy", "coverage", "monotonicity", "diagonality")
SUMMED = {"aer": "↓", "comprehensiveness": "↑", "sufficiency": "↓", "correlation": "↑"}
"""The measures of the first table, and which way is better."""
HEADS = ("importance", "importance_metric", "aer", *FAITHFUL, *LOOKS)
RULES = {
    "argmax": "most looked at",
    "threshold": "weight above a threshold",
    "intersection": "both directions agree",
    "grow-diag-final-and": "both directions, with neighbouring links (grow-diag-final-and)",
}
"""How links are read off a head's map, in plain words."""


def render() -> None:
    """The page."""
    st.title("Scores", anchor=False)
    st.caption(
        "How good are the maps? The attention of every shipped model is compared with known word "
        "alignments, with what happens when parts of the input are hidden, and with the same "
        "model after a head is switched off."
    )
    state.begin("scores")
    if (task := widgets.task()) is None:
        return
    if absent := results.missing(task):
        listed = ", ".join(saved_models.label(name) for name in absent)
        names = shlex.join(map(saved_models.typed, absent))
        st.info(
            f"Not measured yet: {listed}. `{COMMAND} {names}` does it.",
            icon=":material/info:",
        )
    names = results.measured_models(task)
    if not names:
        return
    _summary(names)
    _aligner(task, names)
    _heads(task, names)
    _explanation(task, names)
    _looks(task, names)
    _definitions()


def _summary(names: Sequence[str]) -> None:
    """A line a model: what is graded of it; the same with intervals behind it."""
    plainly, fully = [], []
    headers = []
    for name in names:
        line: dict[str, Any] = {"Model": saved_models.label(name)}
        whole: dict[str, Any] = dict(line)
        for key, arrow in SUMMED.items():
            one = results.overall(name, key, attention_score_text.graded(name, key))
            header = f"{MEASURES[key].label} {arrow}"
            headers.append(header)
            line[header], whole[header] = (one.value, str(one)) if one else (None, None)
        line["Heads of use"] = whole["Heads of use"] = attention_score_text.useful(name) or None
        plainly.append(line)
        fully.append(whole)
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(
        plainly,
        hide_index=True,
        column_config=dict.fromkeys(headers, number),
        placeholder="–",
        alt="Attention of each model, graded",
    )
    st.caption(
        "Of a model with several heads the error rate is that of the best one, chosen on other "
        "examples than it is reported on, and the rest is of their mean; of a model without "
        "attention everything is of its saliency, gradient × input."
    )
    with st.expander("The same with 95 % intervals", icon=":material/straighten:"):
        st.dataframe(fully, hide_index=True, placeholder="–", alt="The same, with intervals")


def _aligner(task: str, names: Sequence[str]) -> None:
    """Whether attention is an aligner, and whose is the best."""
    st.header("Is attention an aligner?", anchor=False)
    graded = [name for name in names if _rows(name, "aer")]
    if not graded:
        reasons = {results.reason(name, "aer") for name in names} - {""}
        st.info(" ".join(sorted(map(plain, reasons))) or "The files hold no such figures.")
        return
    family = {saved_models.family_of(name): name for name in graded}
    lines = []
    if {"lstm-bahdanau", "transformer"} <= set(family):
        lines.append(
            attention_score_text.best_aligner(family["lstm-bahdanau"], family["transformer"])
        )
    _verdict(
        attention_score_verdicts.aligner(graded),
        [*lines, *map(attention_score_text.aligner, graded)],
    )
    measure = _measure(ALIGNMENT, "Measure of alignment", key="aligner")
    rows = [
        row
        for name in graded
        for row in _rows(name, measure.key)
        if row["what"] != ROWS["diagonal"]
    ]
    # Of all models the same, but for sentences that one of them cannot read.
    rows += [
        {**row, "model": score_charts.NO_MODEL}
        for row in _rows(graded[0], measure.key)
        if row["what"] == ROWS["diagonal"]
    ]
    _intervals(task, measure, rows, graded)


def _heads(task: str, names: Sequence[str]) -> None:
    """Every head by itself."""
    st.header("Which heads matter?", anchor=False)
    _verdict(attention_score_verdicts.heads(names), map(attention_score_text.heads, names))
    graded = [name for name in names if results.several_heads(name)]
    if not graded:
        st.caption("None of these models has more than one head.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = widgets.model(graded) if len(graded) > 1 else graded[0]
        available = [key for key in HEADS if results.kinds(name, key)]
        measure = _measure(available or HEADS, "Measure of a head", key="grade")
    maps = {
        kind: results.cells(name, measure.key, kind) for kind in results.kinds(name, measure.key)
    }
    values = [cell["value"] for cells in maps.values() for cell in cells]
    if not values:
        st.caption("The file has no figures for single heads.")
        return
    better = measure.higher_is_better
    # What lies below nothing is no better than nothing.
    domain = (0.0 if measure.key.startswith("importance") else min(values), max(values))
    darker = "more" if better is None else "better"
    st.caption(
        f"{saved_models.label(name)}. {measure.meaning} Darker: {darker}."
        + _whole(name, measure.key)
    )
    titles = {kind: _kind(kind) for kind in maps}
    columns = st.columns(min(len(maps), 3) or 1, gap="medium")
    for place, (kind, cells) in enumerate(maps.items()):
        with columns[place % len(columns)]:
            st.subheader(plain(titles[kind]), anchor=False)
            spoken = "; ".join(
                f"layer {cell['layer']} head {cell['head']} {cell['value']:.3f}" for cell in cells
            )
            figures.show(
                score_charts.heads(
                    cells, title=measure.label, domain=domain, higher_is_better=better
                ),
                alt_text=f"{measure.label}, {titles[kind]}, by layer and head: {spoken}.",
                rows=[{**cell, **results.source(name, measure.key)} for cell in cells],
                file=f"{name}-{measure.key}-{kind.replace(' ', '-')}",
                caption=downloads.caption(
                    f"{measure.label}, {titles[kind]}; {_tested(name, measure.key)}", name
                ),
            )
    figures.table(
        [{"kind": titles[kind], **cell} for kind, cells in maps.items() for cell in cells]
    )
    _origins(measure.key, [name])


def _explanation(task: str, names: Sequence[str]) -> None:
    """Whether attention explains what is written."""
    st.header("Is attention an explanation here?", anchor=False)
    graded = [name for name in names if _rows(name, "comprehensiveness")]
    if not graded:
        st.info("The files hold no such figures.")
        return
    _verdict(
        attention_score_verdicts.explanation(graded), map(attention_score_text.explanation, graded)
    )
    measure = _measure(FAITHFUL, "Measure of explanation", key="faithful")
    rows = [row for name in graded for row in _rows(name, measure.key)]
    _intervals(task, measure, rows, graded)


def _looks(task: str, names: Sequence[str]) -> None:
    """What the maps look like, in numbers."""
    st.header("What the maps look like", anchor=False)
    available = [key for key in LOOKS if any(_kind_rows(name, key) for name in names)]
    if not available:
        st.info("The files hold no such figures.")
        return
    measure = _measure(available, "Measure of maps", key="look")
    rows = [row for name in names for row in _kind_rows(name, measure.key)]
    if text := attention_score_verdicts.looks(rows, measure):
        st.markdown(text)
    _intervals(task, measure, rows, names)


def _rows(name: str, key: str) -> list[dict[str, Any]]:
    """A model's line for everything that is graded by a measure."""
    found = []
    for row, what in ROWS.items():
        one = results.overall(name, key, row)
        if one:
            numbers = {"value": one.value, "low": one.low, "high": one.high}
            how = results.described(name, key, row)
            found.append(
                {"what": what, "model": saved_models.label(name), **numbers, "how": how}
                | results.source(name, key)
            )
    return found


def _kind_rows(name: str, key: str) -> list[dict[str, Any]]:
    """A model's line for every kind of map, its heads' mean."""
    found = []
    for kind, label in attention_score_text.KINDS.items():
        one = results.overall(name, key, kind)
        if one:
            numbers = {"value": one.value, "low": one.low, "high": one.high}
            found.append(
                {"what": label, "model": saved_models.label(name), **numbers}
                | results.source(name, key)
            )
    return found


def _kind(kind: str) -> str:
    """A kind of attention, or a rule and position of an alignment, in plain words."""
    if kind in attention_score_text.KINDS:
        return attention_score_text.KINDS[kind]
    rule, _, position = kind.partition(" ")
    return f"{RULES.get(rule, rule)}{', a step later' if position == 'read' else ''}".capitalize()


def _measure(keys: Sequence[str], label: str, *, key: str) -> Measure:
    """One of some measures; the address keeps it."""
    chosen = st.selectbox(
        label,
        keys,
        format_func=lambda key: MEASURES[key].label,
        required=True,
        width=300,
        **state.choice(key, keys, keys[0], labels=lambda key: MEASURES[key].label),
    )
    return MEASURES[chosen if chosen in keys else keys[0]]


def _intervals(
    task: str, measure: Measure, rows: list[dict[str, Any]], names: Sequence[str]
) -> None:
    if not rows:
        st.caption(f"The files hold no {measure.label.lower()}.")
        return
    st.caption(f"**{measure.label}.** {measure.meaning}")
    described = "; ".join(
        f"{row['model']}, {row['what']}: {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        for row in rows
    )
    figures.show(
        score_charts.intervals(
            rows,
            title=measure.label,
            order=list(dict.fromkeys([*ROWS.values(), *attention_score_text.KINDS.values()])),
        ),
        alt_text=f"{measure.label} with 95 % intervals. {described}.",
        rows=rows,
        file=f"{task}-attention-{measure.key}",
        caption=downloads.caption(
            f"{measure.label} with 95 % intervals; {_tested(names[0], measure.key)}", *names
        ),
    )
    figures.table(rows)
    _origins(measure.key, names)


def _whole(name: str, key: str) -> str:
    """Which measure of quality a loss is of, and how much of it the model has with all heads."""
    found = results.figure(name, key)
    if not isinstance(found.get("metric"), str):
        return ""
    label, whole = (
        quality.figure(found["metric"], saved_models.task_of(name)).label,
        found.get("whole"),
    )
    return f" In {plain(label)}; with all heads it is {plain(str(whole))}."


def _tested(name: str, key: str) -> str:
    """The test set and how many examples of it, for the caption of a saved picture."""
    found = results.source(name, key)
    return f"{found['test_set']}, {found['examples']} examples"


def _origins(key: str, names: Sequence[str]) -> None:
    """Where the numbers come from, a line a model, and what else the files say."""
    with st.expander("Where these numbers come from", icon=":material/history:"):
        lines = [
            f"- **{saved_models.label(name)}.** {results.origin(name, key)}"
            for name in names
            if results.figure(name, key)
        ]
        st.markdown("\n".join(lines))


def _verdict(text: str, lines: Iterable[str]) -> None:
    """The answer in plain words, and behind it the readings with their intervals."""
    if text:
        st.markdown(text)
    if kept := [f"- {line}" for line in lines if line]:
        with st.expander("The numbers, with 95 % intervals", icon=":material/straighten:"):
            st.markdown("\n".join(kept))


def _definitions() -> None:
    with st.expander("What the measures mean"):
        for measure in MEASURES.values():
            st.markdown(f"**{measure.label}.** {measure.meaning}")
        st.markdown(
            "**95 % interval.** Where the figure falls in 95 of 100 test sets drawn anew, with "
            "replacement, from this one (bootstrap). What is called better or worse is so by the "
            "interval of the difference on the same draws.\n\n"
            "`docs/attention.md` says how each of them is counted."
        )
