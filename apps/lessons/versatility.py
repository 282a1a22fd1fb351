"""Chapter: one encoder that reads words, pictures and series, each beside a floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from apps import classifying, downloads, inference, quality, saved_models, state
from apps.charts import labels as charts
from apps.classifying import Example, Question
from apps.components import shaded_words
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.markdown import plain
from apps.sections import floor, label_maps

if TYPE_CHECKING:
    from zoo.label import Label

TITLE = "One block for everything"
LESSON = Lesson(
    text="""
Nothing in the encoder knows that it reads text. It gets a row of vectors, one a token, and compares
each with each. What a token is, is decided in front of it: a table gives each word its vector; a
linear map makes a vector of a *patch*, a small square of an image (Dosovitskiy et al. 2021), or of
a stretch of a series (Nie et al. 2023). The block behind it is the same, and so is the code that
runs here.

To *classify*, one vector must stand for all: that of an extra token in front, which can look
everywhere, as in BERT (Devlin et al. 2019), or the mean.

Versatile does not mean best. A convolution knows beforehand that neighbouring pixels belong
together, and that a line is a line wherever it is; attention has to learn that, and needs more
examples for it. So each network here has a floor next to it that learns nothing: counted words, or
the most similar example that was seen in training.
""",
    try_this="""
Choose what is read, then an example of the test side that none of the networks was trained on.
""",
    see="""
What the network takes the example for, and on which tokens the deciding vector drew. The table:
how many tokens it had, and how often it is right over the whole test side beside its floor. Floors
are hardest to pass where there are few examples to learn from.
""",
    question="""
Without positions, what would the encoder make of an image whose patches were shuffled?
""",
    answer="""
The same as of the image itself: attention compares vectors, whatever their order, and a sum does
not depend on the order of its parts. Only the positions that are added to the vectors say what is
where. Here they are learned, one vector a place: that neighbours are neighbours is learned too.
""",
    papers=("dosovitskiy", "nie", "devlin"),
)
READERS = {
    "text": ("sst2", "sst2-bert", "Words"),
    "image": ("digits", "digits-vit", "A picture"),
    "series": ("italy-power", "italy-power-transformer", "A series"),
}
"""By what is read: the task, the network, and what the page calls it."""
PRETRAINED = "sst2-minilm"
"""The same kind of encoder with weights that others trained, where they are installed."""


def reader(kind: str) -> tuple[str, str]:
    """The task and the network of what is read."""
    task, name, _ = READERS[kind]
    return task, PRETRAINED if PRETRAINED in saved_models.models(task) else name


@dataclass(frozen=True)
class Line:
    """One line of the table; None where not known, or there is none."""

    reads: str
    tokens: int | None
    network: str
    right: float | None
    floor: str
    floor_right: float | None


def render() -> None:
    """The live view."""
    if not shared_views.there(*(reader(kind)[1] for kind in READERS)):
        return
    kinds = list(READERS)
    place = shared_views.one_of(
        "It reads", [called for *_, called in READERS.values()], key="versatility.reads", first=1
    )
    task, name = reader(kinds[place])
    example = _example(task)
    if example is None:
        st.info(
            "This view needs models that are not in `saved_models/` with their stored examples.",
            icon=":material/info:",
        )
        return
    answer = _answer(Question(task, (name,), example.given, kinds[place], example.truth))
    if answer is None:
        return
    _shown(name, kinds[place], example, answer)
    lines = [line(kind) for kind in kinds]
    st.dataframe(
        [
            {
                "It reads": one.reads,
                "Tokens": one.tokens,
                "Network": one.network,
                "Right, %": one.right,
                "Floor": one.floor,
                "Floor right, %": one.floor_right,
            }
            for one in lines
        ],
        hide_index=True,
        column_config={
            column: st.column_config.NumberColumn(format="%.1f")
            for column in ("Right, %", "Floor right, %")
        },
        placeholder="–",
        alt="Tokens and accuracy of each network over its test side, beside its floor",
    )
    st.markdown(verdict(lines))


def _example(task: str) -> Example | None:
    """One of the test side, which the reader chooses; None where none is stored."""
    every = classifying.examples(task)
    if not every:
        return None
    numbers = list(every)
    number = st.select_slider(
        f"Example of the test side, of {len(numbers):,}",
        numbers,
        format_func=_counted,
        **state.choice(f"versatility.{task}", numbers, numbers[0], ids=_counted, labels=_counted),
    )
    return every[number]


def _counted(number: int) -> str:
    return str(number + 1)


def _answer(question: Question) -> Label | None:
    """The network's answer; None, and an error on the page, where that failed."""
    waiting = st.empty()
    try:
        return classifying.answered(
            question.names[0],
            question,
            lambda step: waiting.caption(f":material/hourglass_top: {step} ..."),
        )
    except Exception as error:  # the chapter's words stand, whatever happens here
        st.error(plain(inference.explain(error)), icon=":material/error:")
        return None
    finally:
        waiting.empty()


def _shown(name: str, reads: str, example: Example, answer: Label) -> None:
    """The example, shaded by the attention of what is classified, and what it is taken for."""
    from zoo.interpret import labels

    looked = labels.looked_at(answer)
    layers, heads = next(iter(answer.attention.values())).shape[:2]
    right = "which it is" if answer.name == example.truth else f"but it is {plain(example.truth)}"
    st.markdown(
        f"**{plain(saved_models.label(name))}** takes it for **{plain(answer.name)}** "
        f"({charts.percent(answer.probability)}), {right}."
    )
    said = f"{saved_models.label(name)}: mean of {layers} layers and {heads} heads."
    if reads == "text":
        shaded_words.show(
            shaded_words.scored(answer.labels, looked, signed=False),
            key="versatility.tokens",
            nothing="(nothing was read)",
        )
        st.caption(said)
        return
    places = looked[answer.ahead :]
    if answer.grid:
        shades = places.reshape(answer.grid)
        chart = charts.picture(answer.input, shades).properties(height=260)
    else:
        chart = charts.curve(answer.input, label_maps.over_steps(places, len(answer.input)))
    # An image keeps its sides; a series takes all the width there is.
    with st.columns([2, 3])[0] if answer.grid else st.container():
        shared_views.draw(
            chart,
            alt_text=f"The {reads}, shaded by attention. {said}",
            rows=[
                {"token": label, "weight": round(float(weight), 4)}
                for label, weight in zip(answer.labels, looked, strict=True)
            ],
            file=f"learn-versatility-{reads}",
            caption=downloads.caption(said, name),
        )


def line(kind: str) -> Line:
    """What the table says of one network, of its card and that of its floor."""
    (task, name), called = reader(kind), READERS[kind][2]
    figure = quality.first(task)
    names = saved_models.models(task)
    best = floor.of(names, figure, "1")
    return Line(
        called,
        _tokens(name, kind),
        saved_models.label(name),
        quality.value(quality.measured(name, "1"), figure.key),
        best.label if best else "",
        best.value if best else None,
    )


def _tokens(name: str, kind: str) -> int | None:
    """How many tokens a network's input has; None of texts, which differ in length."""
    sizes = saved_models.config(name).get("hyperparameters")
    patch = sizes.get("patch") if isinstance(sizes, dict) else None
    if not isinstance(patch, int) or patch < 1 or kind == "text":
        return None
    axes = ("height", "width") if kind == "image" else ("length",)
    counts = [-(-size // patch) for axis in axes if isinstance(size := sizes.get(axis), int)]
    ahead = 1 if sizes.get("pooling") == "first" else 0
    return int(np.prod(counts)) + ahead if len(counts) == len(axes) else None


def verdict(lines: Sequence[Line]) -> str:
    """Where the network is above its floor, in words."""
    known = [one for one in lines if one.right is not None and one.floor_right is not None]
    above = [one for one in known if one.right > one.floor_right]
    if not known:
        return ""
    said = f"The network is above its floor in {len(above)} of {len(known)} cases"
    if above:
        listed = ", ".join(
            f"{plain(one.network)} ({one.right:.1f} beside {one.floor_right:.1f} %)"
            for one in above
        )
        return f"{said}: {listed}."
    return f"{said}."
