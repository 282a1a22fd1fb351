"""Chapter: what attention does all at once, and what that costs as inputs grow."""

from __future__ import annotations

from typing import Any

import streamlit as st

from apps import figures, saved_models, state
from apps.charts import speed as speed_charts
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.sections import speed_curves, speed_data

TITLE = "Parallelism and its price"
LESSON = Lesson(
    text="""
A recurrent network cannot start with word 20 before it has finished word 19: *n* words take *n*
steps, one after the other, and most of a processor's thousands of arithmetic units are idle. A
layer of self-attention processes all words at once, so the number of steps that have to wait for
each other is the number of layers, however long the text is. In training, the decoder does the
same, because all the words that it should write are known. (In use, both still write token by
token.) This, more than quality alone, made large models possible.

The price: every position looks at every position, which takes *n* × *n* scores in each head of each
layer. According to table 1 of Vaswani et al. (2017), a layer of self-attention takes about
*n*² × *d* operations and a recurrent layer *n* × *d*². As long as texts are shorter than the width
*d*, attention is cheaper. For much longer texts, the square makes it more expensive. Dao et al.
(2022) avoid storing the *n* × *n* map, but it still has to be computed.
""",
    try_this="""
Move the length and watch the number of cells and the line in the chart. Then go through the
measures: reading, answering, a step of training, memory.
""",
    see="""
Both axes are logarithmic: a straight line is a power of the length, and its slope is the exponent.
With a slope of 1, twice the length takes twice as much; with 2, four times as much. A line bends
where the part that grows with the square becomes the largest part. Measures in the same unit are
drawn to the same scale; the chapter starts with the measure whose lines differ most. The numbers
were measured on the device named below.
""",
    question="""
A sentence of 20 tokens becomes a document of 2,000. How many times larger is a map, and how many
times longer does a recurrent encoder take?
""",
    answer="""
100 times as many tokens: 100² = 10,000 times as many cells, and about 100 times as many steps. The
Transformer's feed-forward layers and projections also grow only 100-fold, so its time grows more
slowly than its maps, until the maps take longer than everything else.
""",
    papers=("vaswani", "dao"),
)
AXIS = "source tokens"
"""What the x-axis of the stored curves over length is called."""


def render() -> None:
    """The live view; it begins with the measure and the length that have most to say."""
    groups = [
        (speed_data.read(slug), group)
        for slug in speed_data.devices()
        for group in speed_data.curve_groups(speed_data.read(slug).curves).values()
        if group[0].get("x") == AXIS
    ]
    points = [point for _, group in groups for point in speed_data.curve_points(group)]
    lengths = sorted({int(point["x"]) for point in points}) or [2**n for n in range(3, 12)]
    length = st.select_slider(
        "Tokens of the source",
        lengths,
        **state.choice("parallel.length", lengths, lengths[-1]),
    )
    _cells(length)
    if not groups:
        st.info("No curves have been measured yet. `python -m benchmarks.speed.curves` does it.")
        return
    titles = list(dict.fromkeys(str(group[0].get("title")) for _, group in groups))
    first = str(groups[speed_curves.steepest([group for _, group in groups])][1][0].get("title"))
    title = st.selectbox(
        "Measure", titles, **state.choice("parallel.measure", titles, first, ids=state.slug)
    )
    results, group = next(
        (one for one in groups if str(one[1][0].get("title")) == title), groups[0]
    )
    ends = speed_curves.shared_ends({str(i): one for i, (_, one) in enumerate(groups)})
    _curve(results, group, length, ends[speed_curves.axes_of(group)])


def _cells(length: int) -> None:
    """How many steps and cells a source of that length takes."""
    sizes = saved_models.config(shared_views.TRANSFORMER).get("hyperparameters", {})
    layers, heads = sizes.get("encoder_layers"), sizes.get("heads")
    if not shared_views.there(shared_views.TRANSFORMER) or not layers or not heads:
        return
    with st.container(horizontal=True):
        st.metric("Steps of a recurrent encoder", f"{length:,}")
        st.metric("Steps of the Transformer's", layers, help="Its layers, one after the other.")
        st.metric(
            "Cells of its maps",
            f"{layers * heads * length**2:,}",
            help=f"{layers} layers × {heads} heads × {length:,} × {length:,}",
        )


def _curve(
    results: Any, group: list[dict[str, Any]], length: int, ends: tuple[float, float]
) -> None:
    first = group[0]
    unit = str(first.get("unit") or "")
    points = speed_data.curve_points(group)
    here = [point for point in points if point["x"] == length]
    described = "; ".join(f"{point['line']} {point['value']:,.4g} {unit}" for point in here)
    figures.show(
        speed_charts.curve_lines(points, x_title=AXIS, unit=unit, ends=ends, mark=length),
        alt_text=f"{first.get('title')}. At {length:,} {AXIS}: {described}.",
        rows=[{"measure": first["measure"], "unit": unit, **point} for point in points],
        file=f"learn-parallel-{speed_data.file_name(first['measure'])}",
        caption=f"{first.get('title')}. Measured on {results.device}.",
    )
    st.markdown(speed_curves.reading(group, length))
    fitted = {one["line"]: one for one in speed_data.exponents(group)}
    least = min((point["x"] for point in points), default=0)
    start = {point["line"]: point["value"] for point in points if point["x"] == least}
    st.dataframe(
        [
            {
                "Model": point["line"],
                f"{unit} at {length:,}": point["value"],
                f"times that at {least:,g}": round(
                    point["value"] / start.get(point["line"], point["value"]), 1
                ),
                "Exponent": fitted.get(point["line"], {}).get("exponent"),
                "fitted from": fitted.get(point["line"], {}).get("range"),
            }
            for point in here
        ],
        hide_index=True,
        placeholder="–",
        alt=f"{first.get('title')} at {length:,} {AXIS}",
    )
    for note in speed_curves.notes(group):
        st.caption(note)
    st.caption(
        speed_data.origin(
            results.curves,
            str(results.curves.get("command") or "python -m benchmarks.speed.curves"),
        )
    )
