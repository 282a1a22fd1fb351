"""Compare for classifiers, the input: a text, an image drawn or uploaded, a series, an example."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from apps import classifying, saved_models, state, widgets
from apps.classifying import Example, Question
from apps.components import drawing
from apps.markdown import plain

SOURCES = {
    "text": {"own": "Your own text", "test": "Test side"},
    "image": {"test": "Test side", "draw": "Draw", "file": "Your own file"},
    "series": {"test": "Test side", "own": "Your own numbers"},
}
"""Where an input comes from, by what models read; the first is usual."""
MEGABYTES = 8
"""Of an uploaded image."""
INK = 0.25
"""Brightness from which a pixel counts as drawn on."""
SAMPLE = 100
"""Test examples that tell how large their figures are drawn."""
NUMBERS = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def choose(task: str, names: tuple[str, ...]) -> Question | None:
    """The controls; None, and a sentence on the page, until there is something to classify."""
    what = classifying.reads(task)
    every = classifying.examples(task)
    sources = dict(SOURCES[what])
    if what == "image" and _channels(task) != 1:
        sources.pop("draw")
    if not every:
        sources.pop("test")
    first = next(iter(sources))
    source = st.segmented_control(
        {"text": "Text", "image": "Image", "series": "Series"}[what],
        list(sources),
        required=True,
        format_func=sources.get,
        label_visibility="collapsed",
        **state.choice("source", list(sources), first, labels=sources.get),
    )
    if source == "test":
        example = _of_test_side(every, names)
        if example is None:
            return None
        return Question(task, names, example.given, what, example.truth)
    if what == "text":
        given = _typed(task)
    elif what == "series":
        given = _numbers(task)
    else:
        given = _drawn(task, every) if source == "draw" else _file()
    return None if given is None else Question(task, names, given, what)


def _channels(task: str) -> int:
    """Of the images that the models of a task read."""
    for name in saved_models.models(task):
        sizes = saved_models.config(name).get("hyperparameters")
        if isinstance(sizes, dict) and isinstance(sizes.get("channels"), int):
            return sizes["channels"]
    return 1


def _of_test_side(every: Mapping[int, Example], names: tuple[str, ...]) -> Example | None:
    """An example of the test side: any, or one of those that a model got wrong."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        options = ["all", "any", *(saved_models.id_of(name) for name in names)]
        ids = {saved_models.id_of(name): name for name in names}
        labels = {"all": "All", "any": "Some model is wrong"} | {
            one: f"{saved_models.label(name)} is wrong" for one, name in ids.items()
        }
        only = st.selectbox(
            "Examples",
            options,
            format_func=labels.get,
            width=280,
            **state.choice("only", options, "all", labels=labels.get),
        )
        kept = [
            number
            for number, one in every.items()
            if only == "all" or any(map(one.wrong, names if only == "any" else [ids[only]]))
        ]
        if not kept:
            st.info("There is no such example.", icon=":material/info:")
            return None
        asked = state.get("example")
        if asked is not None and asked.isdigit() and int(asked) - 1 in every:
            # A link to an example stands, whatever the list is narrowed to.
            kept = sorted({*kept, int(asked) - 1})
        number = st.select_slider(
            f"Example, of {len(kept):,}",
            kept,
            format_func=_counted,
            width=340,
            **state.choice("example", kept, kept[0], ids=_counted, labels=_counted),
        )
    return every[number]


def _counted(number: int) -> str:
    """The number of an example, from 1, as the page and the address have it."""
    return str(number + 1)


def _typed(task: str) -> str:
    """A text, and examples to press."""
    showcase = next(
        (
            found
            for name in saved_models.models(task)
            if isinstance(found := saved_models.config(name).get("showcase"), list) and found
        ),
        [],
    )
    showcase = [one for one in showcase if isinstance(one, str) and one]
    if showcase:
        widgets.example_texts("Examples", showcase, state.get("text"))
    info = saved_models.info(task)
    usual = showcase[0] if showcase else info.hint
    typed = st.text_area(
        info.prompt,
        height=68,
        placeholder=info.hint or None,
        help=f"At most {state.MAX_CHARACTERS:,} characters are read. Ctrl+Enter reads it.",
        **state.written("text", usual),
    )
    return typed or usual


def _numbers(task: str) -> np.ndarray | None:
    """A series that is typed or pasted."""
    sizes = saved_models.config(saved_models.models(task)[0]).get("hyperparameters")
    sizes = sizes if isinstance(sizes, dict) else {}
    length, channels = sizes.get("length"), sizes.get("channels", 1)
    wanted = f"{length:,} numbers" if isinstance(length, int) else "the numbers of a series"
    wanted += f" of {channels} channels, step by step" if channels != 1 else ", first step first"
    typed = st.text_area(
        f"Paste {wanted}",
        height=100,
        max_chars=100_000,
        key=state.key("numbers"),
        help="Commas, semicolons, spaces or lines between them; a point before decimals.",
    )
    if not (typed or "").strip():
        return None
    odd = re.sub(r"[\s,;]+", "", NUMBERS.sub("", typed))
    found = [float(one) for one in NUMBERS.findall(typed)]
    many = length * channels if isinstance(length, int) else len(found)
    if odd:
        st.error(
            f"These are not all numbers: {plain(odd[:40])}. Decimals have a point.",
            icon=":material/error:",
        )
        return None
    if len(found) != many or not np.isfinite(found).all():
        st.error(
            f"The models read {many:,} finite numbers. Received: {len(found):,}.",
            icon=":material/error:",
        )
        return None
    return np.asarray(found, "float64").reshape(-1, channels)


def _file() -> np.ndarray | None:
    """An uploaded image."""
    from zoo import images

    file = st.file_uploader(
        "An image",
        ["png", "jpg", "jpeg", "gif", "bmp", "webp"],
        key=state.key("image"),
        max_upload_size=MEGABYTES,
        help=f"At most {MEGABYTES} MB. It is read in memory and not kept.",
    )
    if file is None:
        return None
    try:
        image = images.decoded(file.getvalue())
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    return image[..., None] if image.ndim == 2 else image


def _drawn(task: str, every: Mapping[int, Example]) -> np.ndarray | None:
    """What is drawn on the page, in the place and size of the examples' figures."""
    name = state.key("sheet.image")

    def drawn(image: np.ndarray | None) -> None:
        st.session_state[name] = image

    sheet, said = st.columns([1, 3], gap="medium")
    with sheet:
        drawing.show(
            key="sheet",
            label=f"Draw here: {saved_models.info(task).prompt}",
            on_draw=drawn,
        )
    image = st.session_state.get(name)
    with said:
        st.caption(
            "Draw with mouse, pen or finger. Each stroke asks every model. What is drawn is cut "
            "out, centred and made as large as the figures of the test side."
        )
    if image is None or not (image > INK).any():
        return None
    sizes = [one.given for one in list(every.values())[:SAMPLE]]
    height, width = sizes[0].shape[:2] if sizes else (28, 28)
    return fitted(image, height, width, usual_share(sizes))


def usual_share(pictures: list[Any]) -> float:
    """How much of the side of an image its figure takes, the median of some; 0.7 of none."""
    shares = []
    for one in pictures:
        box = _box(one.max(axis=2))
        if box is not None:
            (top, bottom), (left, right) = box
            shares.append(max(bottom - top, right - left) / max(one.shape[:2]))
    return float(np.median(shares)) if shares else 0.7


def fitted(image: np.ndarray, height: int, width: int, share: float) -> np.ndarray:
    """What is drawn in an image (H, W, 1), cut out and centred in one of (height, width, 1).

    Args:
        image: bright on dark, from 0 to 1.
        height, width: of the result.
        share: of its smaller side, which the longer side of the figure takes.
    """
    from zoo import images

    box = _box(image[..., 0])
    if box is None:
        return np.zeros((height, width, 1))
    (top, bottom), (left, right) = box
    figure = image[top:bottom, left:right]
    side = share * min(height, width)
    scale = side / max(figure.shape[:2])
    tall, broad = (max(round(one * scale), 1) for one in figure.shape[:2])
    small = images.resized(figure, min(tall, height), min(broad, width))
    found = np.zeros((height, width, 1))
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    found[y : y + small.shape[0], x : x + small.shape[1]] = small
    return found


def _box(brightness: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """First and last row and column (the last not counted) that are drawn on; None: nothing is."""
    ink = brightness > INK
    if not ink.any():
        return None
    ends = []
    for axis in (1, 0):
        places = np.flatnonzero(ink.any(axis=axis))
        ends.append((int(places[0]), int(places[-1]) + 1))
    return ends[0], ends[1]
