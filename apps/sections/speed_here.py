"""The Speed page's measurement on the machine at hand: each model of a task, stage by stage.

A language model reads and writes in one loop: its one stage is a token of what it writes.
"""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from apps import classifying, figures, inference, saved_models, state
from apps.charts import speed as speed_charts
from apps.json_values import number
from apps.markdown import plain
from apps.sections import latency, speed_data

MEASURED = "measured"
"""In the session, by task, text and model: what was measured here, or why it could not be."""
BEYOND_TEXT = "maps"
"""The stage that an answer without attention does without."""
RUNS = 5
"""Warm runs of each stage, of which the median is taken."""
WRITTEN, TEMPERATURE = 200, 0.8
"""Tokens that a language model writes in a run, and how it draws them: as its card says."""
RATES = ("Here, tokens/s", "Stored, tokens/s")
WHOLE = ("forecaster", "classifier")
"""The kinds of models that answer all at once, and not token by token."""
STEPS = 4
"""What `say` is told for each model: waiting, loading, compiling, timing."""


@dataclass(frozen=True)
class Measured:
    """One model's answer to one text, timed, or one token of a continuation.

    `stages`: milliseconds, medians of warm runs. `pieces`: how many tokens were written meanwhile.
    """

    stages: Mapping[str, float]
    pieces: int
    device: str

    @property
    def milliseconds(self) -> float:
        """Text in, text out, without the maps."""
        return text_only(self.stages)


def text_only(stages: Mapping[str, float]) -> float:
    """Milliseconds of all stages but the maps'."""
    return sum(ms for stage, ms in stages.items() if stage != BEYOND_TEXT)


def measure(name: str, text: str, say: Callable[[str], None]) -> Measured:
    """Load the model, let it compile, and time `RUNS` warm runs of each stage.

    Raises:
        Exception: whatever went wrong.
    """
    with inference.turn(name, say) as model:
        if saved_models.kind_of(name) == "language_model":
            return _measure_writing(model, text, say)
        if saved_models.kind_of(name) in WHOLE:
            return _measure_whole(model, say)
        from zoo.inference import profiling

        say("first run, which compiles it")
        (prediction,) = model.predict([text])
        say(f"timing {RUNS} warm runs of each stage")
        stages = profiling.stages(model, text, RUNS)
        return Measured(stages, len(prediction.target_pieces), device_name())


def _measure_writing(model: Any, prompt: str, say: Callable[[str], None]) -> Measured:
    """The median time of a token in `RUNS` warm runs of a language model."""
    from zoo.inference.sampling import Sampling

    how = {"sampling": Sampling(TEMPERATURE), "attention": False}
    say("first run, which compiles it")
    model.predict(prompt, WRITTEN, **how)
    say(f"timing {RUNS} warm runs")
    answers = [model.predict(prompt, WRITTEN, **how)[0] for _ in range(RUNS)]
    token = statistics.median(answer.seconds / len(answer.tokens) for answer in answers)
    return Measured({"write": 1000 * token}, 1, device_name())


def _measure_whole(model: Any, say: Callable[[str], None]) -> Measured:
    """The median time of one answer, which has no stages, in `RUNS` warm runs."""
    given = model.usual_input()
    say("first run, which compiles it")
    model.predict(given, attention=False)
    say(f"timing {RUNS} warm runs")
    seconds = [model.predict(given, attention=False)[0].seconds for _ in range(RUNS)]
    return Measured({"write": 1000 * statistics.median(seconds)}, 0, device_name())


def device_name() -> str:
    """This machine as results name it; what Python knows of it where that fails."""
    from zoo.runtime import devices

    try:
        return devices.device_name()
    except Exception:  # a driver may fail in any way, and a name is not worth the measurement
        return platform.processor() or platform.machine()


def section(task: str, stored: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> None:
    """The button, the progress while it measures, and the results beside the stored ones.

    Args:
        stored: of `speeds.breakdown` for this task.
        about: device and date of `stored`.
    """
    text = str(stored[0].get("text") or "") if stored else ""
    text = text or next(iter(saved_models.prompts(task)), saved_models.info(task).hint) or "hello"
    does = f"answers “{plain(text)}” alone"
    if latency.per(task) == "token":
        does = f"writes {WRITTEN} tokens after “{plain(text)}”, drawn at temperature {TEMPERATURE}"
    if latency.per(task) == "forecast":
        does = "forecasts one window"
    if latency.per(task) == "input":
        does = f"answers one {classifying.reads(task)}"
    st.caption(
        f"Every shipped model of the task {does}, {RUNS} times "
        "after a first run that compiles it. A minute or so; what else this machine does "
        "meanwhile is measured with it."
    )
    measured = state.remembered(MEASURED, dict).setdefault((task, text), {})
    with st.container(horizontal=True, vertical_alignment="center"):
        begun = st.button("Measure on this machine", icon=":material/timer:", type="primary")
        stop = st.empty()
    bar, results = st.empty(), st.empty()
    if begun:
        # Any click ends this run of the page at its next word to it: that is all stopping takes.
        stop.button("Stop", icon=":material/stop:", help="What was measured by then stays.")
        measured.clear()
        _measure_all(task, text, measured, bar, results, (stored, about))
        stop.empty()
    elif measured:
        with results.container():
            _results(measured, stored, about)
            if len(measured) < len(saved_models.models(task)):
                st.caption("Stopped before all models were measured.")


def _measure_all(
    task: str,
    text: str,
    measured: dict[str, Measured | str],
    bar: DeltaGenerator,
    results: DeltaGenerator,
    compared: tuple[Sequence[Mapping[str, Any]], Mapping[str, Any]],
) -> None:
    """One model after the other; each result is shown, and kept, as soon as it is there."""
    names = saved_models.models(task)
    for place, name in enumerate(names):
        said: list[str] = []

        def say(step: str, name: str = name, place: int = place, said: list[str] = said) -> None:
            if step not in said:
                said.append(step)
            share = min(len(said) / (STEPS + 1), 1.0)
            bar.progress((place + share) / len(names), f"{saved_models.label(name)}: {step} ...")

        try:
            measured[name] = measure(name, text, say)
        except Exception as error:  # one broken model must not end the others' measurement
            measured[name] = inference.explain(error)
        if place < len(names) - 1:
            with results.container():
                st.dataframe(_table(measured, *compared), hide_index=True, placeholder="–")
    bar.empty()
    with results.container():
        _results(measured, *compared)


def _results(
    measured: Mapping[str, Measured | str],
    stored: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> None:
    """Errors, the table, and the stages of what was measured here beside what is stored."""
    for name, found in measured.items():
        if isinstance(found, str):
            st.error(
                f"{saved_models.label(name)} could not be measured. {plain(found)}",
                icon=":material/error:",
            )
    here = {name: found for name, found in measured.items() if isinstance(found, Measured)}
    if not here:
        return
    device = next(iter(here.values())).device
    st.markdown(f"Measured just now on **{plain(device)}**.")
    st.dataframe(
        _table(measured, stored, about),
        hide_index=True,
        column_config={
            header: st.column_config.NumberColumn(format="%.2f")
            for header in ("Here, ms", "Stored, ms", "Times as fast here")
        }
        | {
            header: st.column_config.NumberColumn(format="localized")
            for header in ("Here, tokens/s", "Stored, tokens/s")
        },
        placeholder="–",
        alt="Milliseconds and tokens a second of each model, measured here and stored",
    )
    units = {latency.each(saved_models.task_of(name)) for name in here}
    if units <= {"a token", "a forecast", "an input"}:
        st.caption(f"Milliseconds are those of {' or '.join(sorted(units))}.")
        return
    st.caption(
        "Text in, text out, without the maps; tokens are those written, the closing one included."
    )
    records = _stage_records(here, stored)
    sums = ", ".join(
        f"{saved_models.label(name)} {sum(f.stages.values()):.2f}" for name, f in here.items()
    )
    figures.show(
        speed_charts.stage_bars(records),
        alt_text=f"Milliseconds a request by stage, measured here; in all {sums}.",
        rows=records,
        file="speed-here",
    )


def _stage_records(
    here: Mapping[str, Measured], stored: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    kept = {one["model"]: one["stages"] for one in stored}
    records = []
    for name, found in here.items():
        label = saved_models.label(name)
        records += speed_data.stage_records(f"{label}, here" if kept else label, found.stages)
        if name in kept:
            records += speed_data.stage_records(f"{label}, stored", kept[name])
    return records


def _table(
    measured: Mapping[str, Measured | str],
    stored: Sequence[Mapping[str, Any]],
    about: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """A line a model that was measured; stored figures are of the same input, or the card's."""
    kept = {one["model"]: one for one in stored}
    lines = []
    for name, found in measured.items():
        if isinstance(found, str):
            continue
        ms, rate, source = _stored(name, kept.get(name), about)
        lines.append(
            {
                "Model": saved_models.label(name),
                "Here, ms": found.milliseconds,
                "Stored, ms": ms,
                "Times as fast here": ms / found.milliseconds
                if ms and found.milliseconds
                else None,
                "Here, tokens/s": _rate(found.pieces, found.milliseconds),
                "Stored, tokens/s": rate,
                "Stored on": source,
            }
        )
    rates = [title for title in RATES if all(line[title] is None for line in lines)]
    if len(rates) == len(RATES):  # forecasters write no tokens
        return [{title: one for title, one in line.items() if title not in rates} for line in lines]
    return lines


def _stored(
    name: str, entry: Mapping[str, Any] | None, about: Mapping[str, Any]
) -> tuple[float | None, int | None, str | None]:
    """Milliseconds, tokens a second and where and when they were measured."""
    if entry:
        ms = text_only(entry["stages"])
        pieces = number(entry.get("pieces_written"))
        where = [str(about[key]) for key in ("device", "date") if about.get(key)]
        return ms, _rate(pieces, ms), "; ".join(["same input", *where])
    speed = latency.speed(name)
    ms, rate = latency.milliseconds(name), latency.tokens_per_second(name)
    if ms is None:
        return None, None, None
    where = [str(speed[key]) for key in ("device", "date") if speed.get(key)]
    return ms, None if rate is None else round(rate), "; ".join(["the card's mean", *where])


def _rate(pieces: float | None, ms: float) -> int | None:
    return round(1000 * pieces / ms) if pieces and ms else None
