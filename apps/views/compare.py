"""Compare: one input through every model of a task, side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import choose, loading, panels, shipped, state
from apps.answers import Answer, Reading, read
from apps.plain import plain
from apps.results import quality
from apps.state import BEAMS, KINDS, WIDGET, View

NOTICE = "notice"  # a sentence for the next run, about the text just submitted


def render() -> None:
    """The page."""
    st.title("One input, four networks", anchor=False)
    st.caption("What did each write, how sure and how fast was it, and where did it look?")
    tasks = shipped.tasks()
    if not tasks:
        st.info(choose.NO_MODELS)
        return
    view = state.current(tasks)
    examples = shipped.example_sources(view.task)
    _choose(view, tasks, examples)
    state.write(view)
    if notice := st.session_state.pop(NOTICE, None):
        st.info(notice, icon=":material/info:")
    text = _text(view, examples)
    if not text:
        st.info("Type something above, or pick an example, then press **Compare**.")
        return
    _answers(view, text)


def _text(view: View, examples: list[str]) -> str:
    return view.text if view.text is not None else (examples[0] if examples else "")


def _choose(view: View, tasks: list[str], examples: list[str]) -> None:
    """The controls: task, examples, and a form so that nothing runs while somebody types."""
    _seed("task", view.task)
    st.segmented_control(
        "Task",
        tasks,
        key=f"{WIDGET}task",
        format_func=lambda task: shipped.TASK_LABELS.get(task, task),
        required=True,
        on_change=_task_chosen,
        label_visibility="collapsed",
    )
    if examples:
        shown = _text(view, examples)
        st.session_state[f"{WIDGET}example"] = shown if shown in examples else None
        st.pills(
            "Examples, answered at once",
            examples,
            key=f"{WIDGET}example",
            format_func=plain,
            on_change=_example_chosen,
        )
    cap = shipped.length_cap(view.task)
    _seed("text", _text(view, examples))
    _seed("beams", view.beams)
    _seed("length", min(view.max_length or cap, cap))
    with st.form("question", border=False):
        st.text_area(
            shipped.PROMPTS.get(view.task, "Your text"),
            key=f"{WIDGET}text",
            placeholder=shipped.HINTS.get(view.task),
            height=80,
            help=f"At most {state.MAX_CHARACTERS:,} characters are read.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            st.segmented_control(
                "Decoding",
                BEAMS,
                key=f"{WIDGET}beams",
                format_func=choose.BEAM_LABELS.get,
                required=True,
                help=choose.BEAM_HELP,
            )
            st.number_input(
                "Longest output, in pieces",
                min_value=1,
                max_value=cap,
                key=f"{WIDGET}length",
                width=190,
            )
            st.form_submit_button(
                "Compare", type="primary", icon=":material/play_arrow:", on_click=_submitted
            )


def _seed(name: str, value: object) -> None:
    """Give a widget its value from the view, unless it already has one of its own."""
    st.session_state.setdefault(f"{WIDGET}{name}", value)


def _now() -> View:
    return state.current(shipped.tasks())


def _task_chosen() -> None:
    task = st.session_state[f"{WIDGET}task"]
    state.forget_widgets()
    state.change(View(task))


def _example_chosen() -> None:
    text = st.session_state[f"{WIDGET}example"]
    if text is not None:
        st.session_state[f"{WIDGET}text"] = text
        state.change(replace(_now(), text=text, here=False))


def _submitted() -> None:
    view = _now()
    text, notice = state.tidy(st.session_state[f"{WIDGET}text"] or "")
    length = st.session_state[f"{WIDGET}length"]
    st.session_state[f"{WIDGET}text"] = text
    st.session_state[NOTICE] = notice
    state.change(
        replace(
            view,
            text=text,
            beams=st.session_state[f"{WIDGET}beams"],
            max_length=None if length == shipped.length_cap(view.task) else length,
            here=False,
        )
    )


def _run_here() -> None:
    state.change(replace(_now(), here=True))


def _map_chosen() -> None:
    session = st.session_state
    state.change(
        replace(
            _now(),
            kind=session[f"{WIDGET}kind"],
            layer=_index(session.get(f"{WIDGET}layer")),
            head=_index(session.get(f"{WIDGET}head")),
        )
    )


def _index(choice: int | None) -> int | None:
    """Of a layer or head from its number in the list, where 0 is the mean of all."""
    return choice - 1 if choice else None


def _answers(view: View, text: str) -> None:
    """Every model's answer, drawn as it comes in: first the best model, the others' yardstick."""
    names = shipped.models(view.task)
    st.subheader("What each wrote", anchor=False)
    origin = st.empty()
    columns = st.columns(len(names), border=True)
    slots = {name: column.empty() for name, column in zip(names, columns, strict=True)}
    rest = st.empty()
    answers, readings = _answer_all(view, text, _Waiting(origin, slots, rest))
    ordered = {name: answers[name] for name in names if name in answers}
    with origin.container(horizontal=True, vertical_alignment="center"):
        _say_origin(ordered)
    if ordered:
        with rest.container():
            _maps(view, ordered, readings)
            panels.speed(ordered)
    examples = shipped.example_sources(view.task)
    loading.warm(tuple(names), examples[0] if examples else "")


@dataclass
class _Waiting:
    """The places of the page that answers go to, and what they say until then."""

    origin: DeltaGenerator
    slots: dict[str, DeltaGenerator]
    rest: DeltaGenerator
    answered: set[str] = field(default_factory=set)
    begun: bool = False

    def say(self, name: str, step: str) -> None:
        """What is being done for `name`; the first time, answers to an older question go."""
        if not self.begun:
            self.begun = True
            self.rest.empty()
            for other in self.slots.keys() - self.answered:
                self.slots[other].markdown(
                    f"### {shipped.label(other)}\n\nWaiting ...", anchors=False
                )
        self.origin.info(f"{shipped.label(name)}: {step} ...", icon=":material/hourglass_top:")

    def fill(self, name: str) -> DeltaGenerator:
        """The column of `name`, emptied, for its answer or its error."""
        self.answered.add(name)
        return self.slots[name].container()


def _answer_all(
    view: View, text: str, waiting: _Waiting
) -> tuple[dict[str, Answer], dict[str, Reading]]:
    """Ask the models one after the other and fill each one's column as soon as it has answered."""
    answers: dict[str, Answer] = {}
    readings: dict[str, Reading] = {}
    best = None
    for name in quality.best_first(view.task):
        try:
            answer = _answer(view, name, text, functools.partial(waiting.say, name))
            reading = read(answer, shipped.unit(view.task))
        except Exception as error:  # one broken model must not take the page down
            with waiting.fill(name):
                panels.heading(name)
                st.error(
                    f"This model could not answer. {plain(loading.explain(error))}",
                    icon=":material/error:",
                )
            continue
        answers[name], readings[name] = answer, reading
        best = best or name
        with waiting.fill(name):
            panels.heading(name)
            panels.output(answer, reading, (answers[best], readings[best]))
    return answers, readings


def _answer(view: View, name: str, text: str, say: Callable[[str], None]) -> Answer:
    options = {"beams": view.beams, "max_length": view.max_length}
    kept = None if view.here else loading.stored(name, text, **options)
    return kept or loading.computed(name, text, say=say, **options)


def _say_origin(answers: dict[str, Answer]) -> None:
    """Whether these answers were stored (where, when) or computed here."""
    origins = {answer.stored for answer in answers.values()}
    if kept := sorted(origin for origin in origins if origin):
        st.caption(f"Stored answers, computed on {plain('; '.join(kept))}.", width="content")
        st.button(
            "Run on this computer", on_click=_run_here, type="tertiary", icon=":material/refresh:"
        )
    elif answers:
        st.caption("Computed on this computer.", width="content")
    st.caption(
        "Shaded by probability: the stronger the colour, the surer the model was.", width="content"
    )


def _maps(view: View, answers: dict[str, Answer], readings: dict[str, Reading]) -> None:
    """Where each looked: the controls, then one map a model."""
    st.subheader("Where each looked", anchor=False)
    written, heard = shipped.NOUNS[view.task]
    signs = "" if shipped.unit(view.task) == "word" else " ↵ is the end, ␣ a space."
    st.caption(
        f"Each row is one {written} written, each column one {heard} read; the stronger the "
        f"colour, the more of the attention went there (0 to 1, the same scale everywhere).{signs} "
        "Attention shows what was mixed in at that step, not why the network decided as it did."
    )
    kinds = [kind for kind in KINDS if any(kind in reading.maps for reading in readings.values())]
    if kinds:
        view = view if view.kind in kinds else replace(view, kind=kinds[0])
        _map_controls(view, kinds, readings)
    names = shipped.models(view.task)
    for name, column in zip(names, st.columns(len(names), border=True), strict=True):
        with column:
            if name in answers:
                panels.attention(answers[name], readings[name], view)
            else:
                st.markdown(f"**{shipped.label(name)}**")
                st.caption("No answer, hence no map.")


def _map_controls(view: View, kinds: list[str], readings: dict[str, Reading]) -> None:
    """Kind, layer and head, where some model has more than one."""
    shapes = [
        reading.maps[view.kind].shape for reading in readings.values() if view.kind in reading.maps
    ]
    layers = max((shape[0] for shape in shapes), default=1)
    heads = max((shape[1] for shape in shapes), default=1)
    _seed("kind", view.kind)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            "Map",
            kinds,
            key=f"{WIDGET}kind",
            format_func=panels.KIND_LABELS.get,
            required=True,
            on_change=_map_chosen,
        )
        for name, count, value in (("layer", layers, view.layer), ("head", heads, view.head)):
            if count > 1:
                _seed(name, value + 1 if value is not None and value < count else 0)
                st.selectbox(
                    f"{name.capitalize()} (Transformer)",
                    range(count + 1),
                    key=f"{WIDGET}{name}",
                    format_func=lambda number: str(number or "Mean of all"),
                    on_change=_map_chosen,
                    width=170,
                )
