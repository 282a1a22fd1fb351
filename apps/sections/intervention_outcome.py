"""What came of an intervention, in words, in a table, in a chart: the same on every page."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from apps import figures, interpretation, saved_models
from apps.charts import base as charts
from apps.components import shaded_words
from apps.labels import Reading, axes, chosen_map, from_prediction, read
from apps.markdown import plain
from apps.sections import answer_view
from zoo import interpret
from zoo.interpret import Intervention, Outcome

MOST = 160
"""Characters of a text that a sentence repeats."""
STILL = 0.005
"""Nats below which a difference is rounded away on the page."""
HOW_LABELS = {"unknown": "Unknown", "hidden": "Hidden", "removed": "Removed"}
HOW_HELP = (
    "Unknown: replaced by the sign for a word that the model has never seen. Hidden: it keeps its "
    "position, but nothing can look at it. Removed: taken out, and later ones move up."
)
MASKED = {"<unk>": ("?", "unknown"), "<hidden>": ("░", "hidden")}
"""What masked characters are drawn as, where columns are narrow, and what that means."""
COLUMNS = {
    "unit": "Written",
    "before": "Log-probability before",
    "under": "With the change",
    "difference": "Difference",
    "kl": "KL (nats)",
}


def quoted(text: str) -> str:
    """`text` in quotes, cut where it is long; its own direction does not turn the sentence."""
    text = text if len(text) <= MOST else f"{text[:MOST].rstrip()} ..."
    return f"“\u2068{text}\u2069”" if text else "nothing"


def listed(items: Sequence[str]) -> str:
    """Items as people list them: a, b and c."""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def clauses(
    what: Intervention, before: Reading, kinds: Mapping[str, str] = answer_view.KIND_LABELS
) -> list[str]:
    """Each thing that is done, in words; `before` holds the words that are meant.

    `kinds`: what the page calls each kind of attention.
    """
    found = []
    if what.mask:
        names = listed([quoted(before.source[one]) for one in what.mask])
        found.append(f"without {names}" if what.how == "removed" else f"with {names} {what.how}")
    for one, other in what.swap:
        names = listed([quoted(before.source[one]), quoted(before.source[other])])
        found.append(f"with {names} swapped")
    found += _forced(what, before)
    found += _off(what, kinds)
    if what.prefix:
        found.append(f"made to begin with {quoted(what.prefix)}")
    return found


def _forced(what: Intervention, before: Reading) -> list[str]:
    if not what.force:
        return []
    if len(what.force) > 2:
        return [f"with {len(what.force)} rows of attention forced"]
    found = []
    for force in what.force:
        rows, columns = axes(before, force.kind)
        places = (("layer", force.layer), ("head", force.head))
        where = ", ".join(f"{name} {place + 1}" for name, place in places if place is not None)
        looks = f"{quoted(rows[force.target])} made to look at {quoted(columns[force.source])}"
        found.append(f"with {looks}" + (f" ({where})" if where else ""))
    return found


def _off(what: Intervention, kinds: Mapping[str, str]) -> list[str]:
    if not what.off:
        return []
    heads = [one for one in what.off if one.head is not None]
    if len(what.off) == 1:
        one = what.off[0]
        kind = kinds[one.kind].lower()
        head = (
            f"head {one.head + 1} of layer {one.layer + 1}" if heads else f"layer {one.layer + 1}"
        )
        return [f"with {head} ({kind}) switched off"]
    counts = (("head", len(heads)), ("layer", len(what.off) - len(heads)))
    parts = [f"{count} {name}{'s' * (count > 1)}" for name, count in counts if count]
    return [f"with {listed(parts)} switched off"]


def sentence(
    outcome: Outcome,
    what: Intervention,
    before: Reading,
    unit: str = "word",
    kinds: Mapping[str, str] = answer_view.KIND_LABELS,
) -> str:
    """What was done and what came of it, as plain text.

    Args:
        outcome: what came of it.
        what: what was done.
        before: the reading of `outcome.before`, in the units of `what`.
        unit: as for `apps.labels.read`.
        kinds: as for `clauses`.
    """
    done = clauses(what, before, kinds)
    lead = listed(done) if done else "with nothing changed"
    lead = lead[0].upper() + lead[1:]
    old, new = total(outcome.before), total(outcome.forced)
    if outcome.changed:
        texts = f"{quoted(outcome.before.text)} to {quoted(outcome.after.text)}"
        said = f"{lead}, the text changed from {texts}."
        if abs(new - old) >= STILL:
            said += f" The old text now has log-probability {nats(new)} instead of {nats(old)}."
    elif abs(new - old) < STILL:
        said = f"{lead}, the text stayed the same, and so did its log-probability ({nats(old)})."
    else:
        went = "rose" if new > old else "fell"
        said = f"{lead}, the text stayed the same; its log-probability {went} "
        said += f"from {nats(old)} to {nats(new)}."
    rows = records(outcome, unit)
    most = max(rows, key=lambda row: row["kl"], default=None)
    if most and most["kl"] >= STILL:
        said += f" The prediction changed most at {quoted(most['unit'])}"
        said += f" (KL {most['kl']:.2f} nats)."
    return said


def total(prediction: Any) -> float:
    """Log-probability of a whole text, in nats."""
    return float(np.sum(prediction.log_probs))


def nats(value: float) -> str:
    """A log-probability as people read it: nothing is not less than nothing."""
    return f"{round(value, 2) + 0.0:.2f}"


def per_piece(prediction: Any) -> float:
    """Its mean over tokens, which texts of different length can be compared by."""
    return total(prediction) / max(len(prediction.log_probs), 1)


def records(outcome: Outcome, unit: str) -> list[dict[str, Any]]:
    """Each word (or token, for `unit` "character") that was written before, a record each.

    Log-probabilities and KL are added up over the tokens of a word. `under`: the log-probability
    under the intervention, given the same words before it.
    """
    reading = read(from_prediction("", outcome.before), unit)
    spans = spans_of(outcome.before.target_pieces, unit)
    sums = {
        "before": outcome.before.log_probs,
        "under": outcome.forced.log_probs,
        "difference": outcome.difference,
        "kl": outcome.kl,
    }
    return [
        {
            "step": step + 1,
            "unit": label,
            # Plus zero: -0.0 would be shown with its sign.
            **{name: round(float(np.sum(array[a:b])), 4) + 0.0 for name, array in sums.items()},
        }
        for step, (label, (a, b)) in enumerate(zip(reading.target, spans, strict=True))
    ]


def spans_of(pieces: Sequence[str], unit: str) -> list[tuple[int, int]]:
    """Begin and end of each unit among the tokens, as `apps.labels.read` cuts them."""
    from zoo.prediction import unit_spans

    return unit_spans(pieces, unit)


def kl_bars(rows: Sequence[dict[str, Any]], *, upright: bool = False) -> alt.Chart:
    """How far the expectation moved at each written unit: `rows` of `records`, in order."""
    digits = charts.CATEGORY_DIGITS
    data = pd.DataFrame(
        [{**row, "place": f"{row['step']:0{digits}d}{row['unit']}"} for row in rows],
        columns=["step", "unit", "before", "under", "difference", "kl", "place"],
    )
    most = max([0.1, *(row["kl"] for row in rows)])
    axis = alt.Axis(
        labelExpr=f"slice(datum.label, {digits})",
        labelAngle=0 if upright else -50,
        labelLimit=90,
        labelOverlap="greedy" if len(rows) > 40 else False,
        title=None,
        ticks=False,
    )
    return (
        alt.Chart(data)
        .mark_bar(color=charts.RAMP[6])
        .encode(
            x=alt.X("place:N", sort=None, axis=axis),
            y=alt.Y("kl:Q", title="KL (nats)", scale=alt.Scale(domain=[0, most])),
            tooltip=[
                alt.Tooltip("unit:N", title="Written"),
                alt.Tooltip("kl:Q", title="KL (nats)", format=".3f"),
                alt.Tooltip("before:Q", title="Log-probability before", format=".3f"),
                alt.Tooltip("under:Q", title="With the change", format=".3f"),
            ],
        )
        .properties(height=150, autosize=charts.FIT, padding=charts.PADDING)
    )


def kl_alt(rows: Sequence[dict[str, Any]]) -> str:
    """The bars in words: the strongest few."""
    strongest = sorted(rows, key=lambda row: -row["kl"])[: charts.SPOKEN]
    said = "; ".join(f"{row['unit']} {row['kl']:.2f}" for row in strongest)
    return f"How much the prediction changed at each step, KL in nats, most first: {said}."


def computed(
    name: str, asked: Hashable, before: Any, what: Intervention, **options: Any
) -> Outcome | None:
    """What the model `name` does under `what`; None, and a notice, where it cannot be done.

    Args:
        asked: what the answer `before` depends on, for the memory of answers.
        options: of `zoo.interpret.intervene`.
    """
    if what == Intervention(unit=what.unit):
        st.info("Nothing is changed yet. Press a word above.", icon=":material/info:")
        return Outcome(before, before, before, np.zeros(len(before.log_probs), "float32"))

    def compute(loaded: Any) -> Outcome | str:
        try:
            return interpret.intervene(loaded, before, what, **options)
        except ValueError as error:  # nothing is wrong with the model, so it is kept
            return str(error).partition(" Received:")[0]

    with st.container():
        found = interpretation.run(name, ("intervene", asked, what), compute)
    if isinstance(found, str):
        st.warning(f"That cannot be done. {plain(found)}", icon=":material/warning:")
        return None
    return found


def show(name: str, outcome: Outcome, what: Intervention) -> None:
    """What came of `what`, done to the model `name`: a sentence, both texts, and each step."""
    unit = saved_models.unit(saved_models.task_of(name))
    before, after = (
        read(from_prediction(name, one), unit) for one in (outcome.before, outcome.after)
    )
    if clauses(what, before):
        st.markdown(f"**{plain(sentence(outcome, what, before, unit))}**")
    _texts(name, outcome, before, after)
    steps(name, records(outcome, unit), unit)


def _texts(name: str, outcome: Outcome, before: Reading, after: Reading) -> None:
    """Both texts side by side, shaded by probability, with what differs underlined."""
    sides = (
        ("before", "Before", before, after, outcome.before),
        ("after", "After", after, before, outcome.after),
    )
    for column, (key, title, own, other, prediction) in zip(
        st.columns(2, border=True), sides, strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            words = answer_view.word_records(own, other)
            shaded_words.show(words, key=f"outcome.{key}", nothing="(wrote nothing)")
            st.caption(
                f"Log-probability {nats(total(prediction))}, {nats(per_piece(prediction))} a token"
                + (" (with the change)" if key == "after" else "")
                + f". Underlined: different {'after' if key == 'before' else 'before'} the change."
            )
            for note in prediction.notes:
                st.caption(f":material/info: {plain(note)}")
            if words:
                kept = ("text", "probability", "differs")
                rows = [{field: word[field] for field in kept} for word in words]
                figures.save(
                    functools.partial(charts.shaded_words, words), rows=rows, file=f"{name}-{key}"
                )


def steps(name: str, rows: list[dict[str, Any]], unit: str) -> None:
    """What became of each step of the text before: a chart and a table."""
    st.header("Step by step", anchor=False)
    st.caption(
        "The text from before, scored again with the change: how likely each step is after the "
        "same steps, and how much the prediction there has changed as a whole (KL divergence: a "
        "distance between two probability distributions; 0 means no change). Log-probabilities "
        "and KL are in nats, the unit of natural logarithms."
    )
    bars, table = st.columns(2, gap="medium")
    with bars:
        figures.show(
            kl_bars(rows, upright=unit == "character"),
            alt_text=kl_alt(rows),
            rows=rows,
            file=f"{name}-kl",
        )
    with table:
        st.dataframe(
            [{header: row[field] for field, header in COLUMNS.items()} for row in rows],
            hide_index=True,
            height="auto" if len(rows) <= 12 else 460,
            column_config={
                header: st.column_config.NumberColumn(format="%.3f")
                for field, header in COLUMNS.items()
                if field != "unit"
            },
            alt="Log-probability of each step before and with the change, and their difference",
        )


def maps(
    name: str,
    outcome: Outcome,
    *,
    kind: str = "cross",
    layer: int | None = None,
    head: int | None = None,
    unit: str | None = None,
    kinds: Mapping[str, str] = answer_view.KIND_LABELS,
) -> None:
    """Where it looked before and where it looks after, on the same scale.

    `kind`: one that the network has; `layer`, `head`: None is the mean over all; `unit`: None is
    that of the task; `kinds`: as for `clauses`.
    """
    unit = unit or saved_models.unit(saved_models.task_of(name))
    upright = unit == "character" and kind != "decoder"
    shape = outcome.before.attention[kind].shape
    signs = MASKED.items() if unit == "character" else ()
    st.caption(
        f"{which(shape, layer, head)}. Each row looks, each column is looked at; the stronger the "
        "colour, the more of the attention goes there, from 0 to 1."
        + "".join(
            f" {sign} is {name}."
            for piece, (sign, name) in signs
            if piece in outcome.after.source_pieces
        )
    )
    sides = (("Before", outcome.before), ("After", outcome.after))
    for column, (title, prediction) in zip(st.columns(2, border=True), sides, strict=True):
        reading = read(from_prediction(name, prediction), unit)
        with column:
            st.markdown(f"**{title}**")
            if kind not in reading.maps:
                st.caption("It wrote nothing, so there is no map.")
                continue
            weights = chosen_map(reading, kind, layer, head)
            rows, columns = (
                [dict(signs).get(label, (label,))[0] for label in side]
                for side in axes(reading, kind)
            )
            alt_text = charts.heat_map_alt(
                weights, rows, columns, f"{title}: {kinds[kind].lower()}"
            )
            figures.show(
                charts.heat_map(weights, rows, columns, upright=upright),
                alt_text=alt_text,
                rows=charts.heat_map_rows(weights, rows, columns),
                file=f"{name}-{kind}-{title.lower()}",
            )


def which(shape: tuple[int, ...], layer: int | None, head: int | None) -> str:
    """Which layer and head of a map (L, H, T, S) `chosen_map` takes, in words."""
    layers, heads = shape[:2]
    if layers * heads == 1:
        return "The only layer and head"
    one = layer is not None and layer < layers
    first = f"Layer {layer + 1} of {layers}" if one else f"Mean over {layers} layers"
    if head is not None and head < heads:
        return f"{first}, head {head + 1} of {heads}"
    return f"{first}, mean over {heads} heads"


def as_written(task: str, text: str | None) -> str:
    """What a reader typed, as the models of `task` would write it: sounds in capitals."""
    text = " ".join((text or "").split())
    return text.upper() if task == "pronounce" else text
