"""Chapter: many heads, and what is lost without one of them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from apps import downloads, state
from apps.components import attention_grid
from apps.labels import axes, chosen_map, from_prediction, read
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.sections import answer_view
from apps.sections.intervention_steps import spans_of

TITLE = "Heads"
LESSON = Lesson(
    text="""
One softmax gives one mixture. A word may need two things at once, such as its verb and its article,
and a mixture of the two is neither. *Multi-head* attention splits queries, keys and values into
narrower ones and runs the same attention several times in parallel; a final matrix combines the
results of the heads (Vaswani et al. 2017, section 3.2.2). Several narrow heads cost about as much
as one wide head.

What do heads do? In translators like this Voita et al. (2019) found a few with a clear job, such as
looking at the neighbour or along the grammar, and could cut most of the others away. Michel et al.
(2019) switched heads off one at a time, after training, and found that the quality hardly moved for
most of them, and fell for a few.

A clear map does not prove that a head has a job. Switching a head off is an experiment that can:
its output is set to zero and everything else stays the same.
""",
    try_this="""
Click a map of the grid (or choose layer and head), then *Switch it off*. Try *All of the layer*
too, and other kinds of attention.
""",
    see="""
The bars: how much the network's prediction changes at each token of its output (KL divergence, a
distance between two probability distributions, in nats, the unit of natural logarithms; 0 means no
change). Above them: what it then writes. A head without effect on this sentence may have one on
another: Michel et al. did the experiment on whole test sets.
""",
    question="""
Suppose that any single head can be switched off without much loss. Can all of them?
""",
    answer="""
No. Heads that do similar work can replace each other: without one, another still does it, so each
one on its own seems unnecessary. The losses of single heads do not add up to the loss of a group.
Michel et al. therefore removed heads in order of importance, and beyond a certain share, quality
fell steeply.
""",
    papers=("vaswani", "voita", "michel"),
)
SENTENCE = "My sister, who lives in Boston, is a doctor."
ALL = "All of the layer"


def render() -> None:
    """The live view."""
    name = shared_views.TRANSFORMER
    text, prediction = shared_views.answered(name, SENTENCE, key="heads.text")
    if prediction is None:
        return
    own = read(from_prediction(name, prediction), "character")  # token by token
    kinds = [kind for kind in answer_view.KIND_LABELS if kind in own.maps]
    if not kinds:
        st.info("Nothing was written.")
        return
    labels = [answer_view.KIND_LABELS[kind] for kind in kinds]
    kind = kinds[shared_views.one_of("Kind of attention", labels, key="heads.kind")]
    layers, heads = own.maps[kind].shape[:2]
    rows, columns = axes(own, kind)
    place = st.empty()
    layer, head = _choose(layers, heads)
    with place.container():
        attention_grid.show(
            own.maps[kind],
            key=f"heads.grid.{kind}",
            rows=rows,
            columns=columns,
            selected=(layer, head or 0),
            on_select=_selected,
            caption=downloads.caption(
                f"{answer_view.KIND_LABELS[kind]}: every layer and head.", name, text=text
            ),
            file=f"learn-heads-{kind}",
        )
    off = st.toggle("Switch it off", **state.flag("heads.off"))
    shared_views.written(name, prediction, title="As it is", text=text)
    if off:
        _off(text, prediction, own.target, kind, layer, head)
    elif head is not None:
        title = f"{answer_view.KIND_LABELS[kind]}, {shared_views.which(layer, head)}"
        st.markdown(f"**{title}**")
        shared_views.heat_map(
            chosen_map(own, kind, layer, head),
            rows,
            columns,
            title=title,
            file="learn-heads-map",
            caption=downloads.caption(f"{title}.", name, text=text),
        )


def _choose(layers: int, heads: int) -> tuple[int, int | None]:
    """Layer, and head or None for all of them."""
    options = {
        "layer": [str(number) for number in range(1, layers + 1)],
        "head": [*(str(number) for number in range(1, heads + 1)), ALL],
    }
    chosen = []
    with st.container(horizontal=True, gap="medium"):
        for name, listed in options.items():
            picked = st.selectbox(
                name.capitalize(),
                listed,
                width=170,
                **state.choice(f"heads.{name}", listed, listed[0], ids=state.slug),
            )
            chosen.append(listed.index(picked) if picked in listed else 0)
    layer, head = chosen
    return layer, None if head == heads else head


def _selected(layer: int, head: int) -> None:
    state.put("heads.layer", str(layer + 1))
    state.put("heads.head", str(head + 1))


def _off(
    text: str, prediction: Any, target: list[str], kind: str, layer: int, head: int | None
) -> None:
    from zoo.interpret import Intervention, Off

    outcome = shared_views.intervened(
        shared_views.TRANSFORMER, text, Intervention(off=(Off(kind, layer, head),))
    )
    if outcome is None:
        return
    shared_views.written(
        shared_views.TRANSFORMER, outcome.after, beside=prediction, title="Without it"
    )
    rows = [
        {"word": word, "value": round(float(outcome.kl[a:b].sum()), 4)}
        for word, (a, b) in zip(
            target, spans_of(outcome.before.target_pieces, "piece"), strict=True
        )
    ]
    shared_views.bars(
        rows,
        title="How much its prediction changed at each token",
        unit="KL, nats",
        file="learn-heads-off",
        caption=downloads.caption(
            f"How far the expectation at each token moved without {answer_view.KIND_LABELS[kind]}, "
            f"layer {layer + 1}, {'all heads' if head is None else f'head {head + 1}'}.",
            shared_views.TRANSFORMER,
            text=text,
        ),
        alt_text=f"KL divergence at each written token: {shared_views.spoken(rows)}.",
        domain=(0, _top([row["value"] for row in rows])),
    )


SCALES = (1, 5, 25)
"""Nats at the top of the bars: the same for most heads, so that they can be compared."""


def _top(values: list[float]) -> float:
    most = max(values, default=0.0)
    return next((top for top in SCALES if top >= most), most)
