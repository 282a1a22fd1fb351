"""Compare: one input through every model of a task, side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import (
    inference,
    links,
    model_places,
    presentation,
    quality,
    saved_models,
    state,
    turns,
    widgets,
)
from apps.labels import Answer, Reading, read
from apps.markdown import plain
from apps.sections import answer_view, continuations, forecasts, labels
from apps.sections.answer_view import Which

KINDS = tuple(answer_view.KIND_LABELS)
OTHERS = {"language_model": continuations, "forecaster": forecasts, "classifier": labels}
"""The section of the page for each kind of model that does not answer a text with a text."""


@dataclass(frozen=True)
class Question:
    """What every model is asked. `max_length` None stands for the models' own cap.

    `here`: run the models also where a stored answer exists. `names`: the models that are asked.
    """

    task: str
    names: tuple[str, ...]
    text: str
    beams: int
    max_length: int | None
    here: bool


def render() -> None:
    """The page."""
    st.title("One input, every network", anchor=False)
    st.caption("What did each write, how sure and how fast was it, and where did it look?")
    state.begin("compare")
    with presentation.controls():
        task = widgets.task(label_visibility="collapsed", kinds=widgets.KINDS)
        section = OTHERS.get(saved_models.kind(task)) if task else None
        question = _choose(task) if task and not section else None
    if section:
        section.render(task)
        _waiting(task)
        return
    if question is None:
        return
    if not question.text:
        st.info("Type something above, or pick an example, then press **Compare**.")
        return
    _answers(question, question.text)
    if damaged := saved_models.damaged():
        listed = "; ".join(f"`{name}`: {plain(fault)}" for name, fault in damaged.items())
        st.warning(f"Not shown, because the folder holds no model that can be read: {listed}.")
    if training := model_places.in_training():
        st.caption(
            f":material/info: Still training, and not here yet: {plain(', '.join(training))}. "
            "The page Runs shows how far it is."
        )


def _waiting(task: str) -> None:
    """Which models of the task would be here too, were their bases installed."""
    for name, said in saved_models.waiting(task).items():
        st.caption(
            f":material/info: `{name}` is not here: {plain(said)}. `make pretrained` installs all "
            "that the shipped models need."
        )


def _choose(task: str) -> Question:
    """The controls: examples, and a form so that nothing runs while text is typed."""
    opening = saved_models.opening(task) or ""
    text = state.get("text")
    text = opening if text is None else text
    _examples(task, text)
    cap = saved_models.length_cap(task)
    beams = state.value("beams", widgets.BEAMS, 1, labels=widgets.BEAM_LABELS.get)
    length = state.value("max", range(1, cap + 1), cap)
    fields = {
        "text": state.seed("text", text),
        "beams": state.seed("beams", beams, widgets.BEAMS),
        "max": state.seed("max", length, cap),
    }
    names = tuple(widgets.several_models(task))
    with st.form(state.key("question"), border=False):
        typed, how = st.columns([9, 11], gap="medium", vertical_alignment="bottom")
        typed.text_area(
            saved_models.info(task).prompt,
            key=fields["text"],
            placeholder=saved_models.info(task).hint or None,
            height=68,
            help=f"At most {state.MAX_CHARACTERS:,} characters are read.",
        )
        with how, st.container(horizontal=True, vertical_alignment="bottom"):
            _how(fields, cap)
    here = state.get("run") == "here"
    return Question(task, names, text, beams, None if length == cap else length, here)


def _examples(task: str, text: str) -> None:
    """Examples of the task, each answered at once; `text`: what is asked now."""
    examples = saved_models.example_sources(task)
    if not examples:
        return
    widgets.example_texts("Examples, answered at once", examples, text)


def _how(fields: dict[str, str], cap: int) -> None:
    """How to decode, and the button of the form; `fields`: the keys of its controls."""
    st.segmented_control(
        "Decoding",
        widgets.BEAMS,
        key=fields["beams"],
        format_func=widgets.BEAM_LABELS.get,
        required=True,
        help=widgets.BEAM_HELP,
    )
    st.number_input(
        "Longest output",
        min_value=1,
        max_value=cap,
        key=fields["max"],
        width=130,
        help="In tokens: the word parts, characters or sounds that the models write.",
    )
    st.form_submit_button(
        "Compare",
        type="primary",
        icon=":material/play_arrow:",
        on_click=_submitted,
        args=(fields, cap),
    )


def _submitted(fields: dict[str, str], cap: int) -> None:
    text, beams, length = (st.session_state[fields[name]] for name in ("text", "beams", "max"))
    state.put("text", state.tidied("text", text))
    state.put("beams", None if beams == 1 else str(beams))
    state.put("max", None if length == cap else str(length))
    state.put("run", None)


def _run_here() -> None:
    state.put("run", "here")


def _answers(question: Question, text: str) -> None:
    """Every model's answer, drawn as it comes in: first the best model, the others' yardstick."""
    names = question.names
    st.header("What each wrote", anchor=False)
    accepted = saved_models.references(question.task, text)
    with st.container():  # always there, so that nothing below moves
        if accepted:
            answer_view.reference(accepted)
    origin = st.empty()
    slots = {name: column.empty() for name, column in widgets.columns(names).items()}
    rest = st.empty()
    waiting = _Waiting(origin, slots, rest)
    answers, readings = _answer_all(question, text, waiting, accepted)
    ordered = {name: answers[name] for name in names if name in answers}
    with origin.container(horizontal=True, vertical_alignment="center"):
        _say_origin(ordered)
    if ordered:
        turns.after_others()
        with rest.container():
            _maps(question, ordered, readings, text)
            answer_view.speed(ordered)
    inference.warm(names, saved_models.opening(question.task) or "")


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
                    f"### {saved_models.label(other)}\n\nWaiting ...", anchors=False
                )
        self.origin.info(f"{saved_models.label(name)}: {step} ...", icon=":material/hourglass_top:")

    def fill(self, name: str) -> DeltaGenerator:
        """The column of `name`, emptied, for its answer or its error."""
        self.answered.add(name)
        return self.slots[name].container()


def _answer_all(
    question: Question, text: str, waiting: _Waiting, accepted: list[str]
) -> tuple[dict[str, Answer], dict[str, Reading]]:
    """Ask the models one after the other and fill each one's column as soon as it has answered."""
    answers: dict[str, Answer] = {}
    readings: dict[str, Reading] = {}
    best = None
    for name in quality.best_first(question.task, question.names):
        try:
            answer = _answer(question, name, text, functools.partial(waiting.say, name))
            reading = read(answer, saved_models.unit(question.task))
        except Exception as error:  # one broken model must not take the page down
            with waiting.fill(name):
                answer_view.heading(name)
                st.error(
                    f"This model could not answer. {plain(inference.explain(error))}",
                    icon=":material/error:",
                )
            continue
        answers[name], readings[name] = answer, reading
        best = best or name
        with waiting.fill(name):
            answer_view.heading(name)
            answer_view.output(answer, reading, (answers[best], readings[best]), accepted)
            links.look_closer(name, text, answer.text)
    return answers, readings


def _answer(question: Question, name: str, text: str, say: Callable[[str], None]) -> Answer:
    options = {"beams": question.beams, "max_length": question.max_length}
    kept = None if question.here else inference.stored(name, text, **options)
    return kept or inference.computed(name, text, say=say, **options)


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
        "Shaded by probability: the stronger the colour, the more certain the model was.",
        width="content",
    )


def _maps(
    question: Question, answers: dict[str, Answer], readings: dict[str, Reading], text: str
) -> None:
    """Where each looked: the controls, then one map a model, gradients where there is no map."""
    st.header("Where each looked", anchor=False)
    info = saved_models.info(question.task)
    written, seen = info.output_unit, info.input_unit
    signs = "" if saved_models.unit(question.task) == "word" else " ↵ is the end, ␣ a space."
    st.caption(
        f"Each row is a {written} of the output, each column a {seen} of the input; the stronger "
        "the colour, the more of the attention went there (from 0 to 1, the same scale for all "
        f"maps).{signs} Attention shows what the network looked at in that step, not why it "
        "decided as it did."
    )
    kinds = [kind for kind in KINDS if any(kind in reading.maps for reading in readings.values())]
    which = _map_controls(kinds, readings) if kinds else Which()
    for name, column in widgets.columns(question.names).items():
        with column:
            if name in answers:
                answer, reading = answers[name], readings[name]
                if not reading.maps and answer.target_pieces:
                    found = _salient(answer, text, saved_models.unit(question.task))
                    if found is None:
                        continue
                    answer, reading = found
                answer_view.attention(answer, reading, which)
            else:
                st.markdown(f"**{saved_models.label(name)}**")
                st.caption("No answer, so there is no map.")


def _salient(answer: Answer, text: str, unit: str) -> tuple[Answer, Reading] | None:
    """The answer with its input saliency, which takes gradients; None: the page says why."""
    waiting = st.empty()
    label = saved_models.label(answer.model)
    try:
        answer = inference.with_saliency(
            answer,
            text,
            lambda step: waiting.info(f"{label}: {step} ...", icon=":material/hourglass_top:"),
        )
        return answer, read(answer, unit)
    except Exception as error:  # the answers stand, whatever happens here
        st.error(f"{label} has no map. {plain(inference.explain(error))}", icon=":material/error:")
        return None
    finally:
        waiting.empty()


def _map_controls(kinds: list[str], readings: dict[str, Reading]) -> Which:
    """Kind, layer and head, where some model has more than one."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = widgets.map_kind(kinds)
        shapes = [reading.maps[kind].shape for reading in readings.values() if kind in reading.maps]
        layer, head = (
            widgets.layer_or_head(
                name,
                max(shape[axis] for shape in shapes),
                label=f"{name.capitalize()} (Transformer)",
                all_of_them="Mean of all",
                width=170,
            )
            for axis, name in enumerate(("layer", "head"))
        )
    return Which(kind, layer, head)
