"""Runs: the curves, settings and cost of trainings, over one another; evaluation and export."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from apps import figures, model_places, presentation, saved_models, state
from apps.charts import runs as run_charts
from apps.markdown import plain
from apps.sections import run_curves, run_data, run_jobs, run_settings
from apps.sections.run_curves import ALONG
from apps.sections.run_data import COLUMNS, COSTS, Run
from apps.widgets import KINDS

LOSSES = {
    "seq2seq": "Nats a token.",
    "language_model": "Nats a token.",
    "forecaster": "Of series: squared error of the expected value and twice the mean pinball loss "
    "of the quantiles, in z-scores.",
    "classifier": "Nats an input.",
}
"""What a loss is counted in, by the kind of model."""
MOST = 8
"""Runs that are drawn over one another until a reader chooses others."""
LIVE = 3.0
"""Seconds between two looks at a run that is still training."""
WATCH = 5.0
"""Seconds between two looks for new folders."""
HOW = (
    "Your own models appear here, and beside the shipped ones on every page: "
    "`make dashboard MODELS=runs` takes every model folder below `runs`. Several places: "
    "`streamlit run apps/dashboard.py -- --models runs --models elsewhere/model`."
)


def render() -> None:
    """The page."""
    st.title("Runs", anchor=False)
    st.caption(
        "Trainings over one another: how the loss fell, what the validation side said, which "
        "settings differ, and what it took."
    )
    state.begin("runs")
    saved_models.refresh()
    places()
    if model_places.scan().places:
        st.fragment(_watch, run_every=WATCH)(run_data.signature())
    names = run_data.names()
    if not names:
        st.info("There are no runs yet. `python -m training.train --help` says how to begin one.")
        return
    with presentation.controls():
        chosen = _choose(names)
        runs = [run_data.read(name) for name in chosen]
        measure, along, log = _axes(runs)
    live = any(run.state == "training" for run in runs)
    st.fragment(_curves, run_every=LIVE if live else None)(
        tuple(chosen), measure, along, log=log, live=live
    )
    _settings(runs)
    _one(names, chosen)


def places() -> None:
    """What is wrong with the places that were given, and with folders in them."""
    scan = model_places.scan()
    for remark in scan.remarks:
        st.warning(plain(remark), icon=":material/warning:")
    faults = {one.shown: one.fault for one in scan.folders.values() if one.fault}
    if faults:
        listed = "; ".join(f"`{name}`: {plain(fault)}" for name, fault in faults.items())
        st.warning(
            f"Not shown as a model, because it cannot be read: {listed}.",
            icon=":material/warning:",
        )
    if not scan.places and not scan.remarks:
        st.info(HOW, icon=":material/info:")
    elif scan.places and not scan.folders:
        listed = ", ".join(f"“{plain(place.typed)}”" for place in scan.places)
        st.info(
            f"No model and no run lies below {listed} yet. New ones appear here by themselves.",
            icon=":material/info:",
        )


def _watch(drawn: tuple) -> None:
    """Draw the page anew when a folder has come or gone, or a run began or ended."""
    saved_models.refresh()
    if run_data.signature() != drawn:
        st.rerun()


def _choose(names: Sequence[str]) -> list[str]:
    """The runs that are drawn; by default the newest of the reader's own and others of its task."""
    own = [name for name in names if saved_models.is_own(name)]
    usual = run_data.alike(own, MOST) if own else saved_models.models(saved_models.tasks(KINDS)[0])
    chosen = st.multiselect(
        "Runs",
        names,
        format_func=run_data.label,
        placeholder=f"The newest of your own and others of its task, {MOST} at most"
        if own
        else "Those of the first task",
        **state.several("runs", names),
    )
    return chosen or usual[:MOST]


def _axes(runs: Sequence[Run]) -> tuple[str | None, str, bool]:
    """What is drawn, against what, and whether on a logarithmic scale."""
    found = run_curves.measures(runs)
    if not found:
        return None, "step", False
    keys = list(found)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        measure = st.selectbox(
            "Curve",
            keys,
            format_func=lambda key: f"{found[key].label} {found[key].arrow}".strip(),
            width=220,
            **state.choice("curve", keys, keys[0]),
        )
        along = st.segmented_control(
            "Against",
            list(ALONG),
            required=True,
            format_func=ALONG.get,
            **state.choice("along", list(ALONG), "step", labels=ALONG.get),
        )
        log = st.toggle("Logarithmic scale", **state.flag("log"))
    return measure, along, log


def _curves(
    names: Sequence[str], measure: str | None, along: str, *, log: bool, live: bool
) -> None:
    """How far each run is, their curves, and what they took; looks again while one is training."""
    runs = [run_data.read(name) for name in names]
    if any(run.state == "training" for run in runs) != live:
        st.rerun()
    _states(runs)
    if measure is None:
        measure = next(iter(run_curves.measures(runs)), None)
    if measure is None and all(run.averaged for run in runs):
        st.info("A mean of models has no curve of its own: its members have.")
    elif measure is None:
        st.info("No curve yet: `history.csv` is written while a run trains.")
    else:
        _chart(runs, measure, along, log=log)
    _cost(runs)


def _states(runs: Sequence[Run]) -> None:
    lines = []
    for run in runs:
        icon = {"training": "progress_activity", "stopped": "pause_circle"}.get(run.state, "check")
        lines.append(f":material/{icon}: **{plain(run.label)}**: {plain(run.told)}")
    st.markdown("  \n".join(lines))


def _chart(runs: Sequence[Run], measure: str, along: str, *, log: bool) -> None:
    info = run_curves.measures(runs).get(measure)
    title = info.label if info else measure
    rows = run_curves.points(runs, measure, along)
    if not rows or (log and all(row["y"] <= 0 for row in rows)):
        st.info(f"None of these runs has values of this kind: {plain(title)}.")
        return
    if info and info.meaning:
        st.caption(f"**{title}.** {info.meaning}")
    if measure == run_curves.LOSS:
        kinds = {saved_models.kind_of(run.id) for run in runs}
        units = [text for kind, text in LOSSES.items() if kind in kinds] or [LOSSES["seq2seq"]]
        st.caption(
            f"{' '.join(dict.fromkeys(units))} The training side counts with label smoothing and "
            "dropout; the validation side without, and with averaged weights. So either may be "
            "the lower one."
        )
    figures.show(
        run_charts.curves(rows, title=title, x_title=ALONG[along], log=log),
        alt_text=run_charts.described(rows, f"{title} against {ALONG[along].lower()}"),
        rows=rows,
        file=f"runs-{measure}",
        caption=f"{title}: {', '.join(run.label for run in runs)}.",
    )


def _cost(runs: Sequence[Run]) -> None:
    st.header("Time and memory", anchor=False)
    infos = run_curves.measures(runs)
    rows = []
    for run in runs:
        bests = {}
        for info in infos.values():
            if info.key not in run_curves.OTHERS and (found := run_curves.best(run, info)):
                name = "validation loss" if info.key == run_curves.LOSS else info.label
                bests[f"Best {name} {info.arrow}"] = found[0]
        facts = {header: run.facts.get(key) for key, header in COLUMNS.items()}
        rows.append({"Run": run.label, "State": run.told.partition(";")[0], **bests, **facts})
    found = dict.fromkeys(header for row in rows for header in row if header.startswith("Best "))
    headers = dict.fromkeys(["Run", "State", *COSTS.values(), *found, *COLUMNS.values()])
    # A column that no run says anything about is left out.
    kept = [header for header in headers if any(row.get(header) is not None for row in rows)]
    number = st.column_config.NumberColumn
    formats = {
        **{header: number(format="%.4g") for header in kept if header.startswith("Best ")},
        **{header: number(format="%.1f") for header in ("Epochs", "Minutes", "CPU minutes")},
        **{header: number(format="%.1f") for header in ("MB on disk",)},
        **{header: number(format="localized") for header in ("Tokens/s", "Parameters")},
        "Memory, MB": number(format="localized"),
    }
    st.dataframe(
        [{header: row.get(header) for header in kept} for row in rows],
        hide_index=True,
        column_config={header: formats[header] for header in kept if header in formats},
        placeholder="–",
        alt="How far each run is, what it took, and its best figures on the validation side",
    )
    st.caption("Best: on the validation side, over all its validations. Memory: the most at once.")


def _settings(runs: Sequence[Run]) -> None:
    st.header("Settings that differ", anchor=False)
    told = [run for run in runs if run.settings]
    if len(told) < len(runs):
        listed = ", ".join(plain(run.label) for run in runs if not run.settings)
        st.caption(f":material/info: Nothing is recorded of the settings of {listed}.")
    if not told:
        return
    every = st.toggle("All settings", **state.flag("all"))
    rows = run_settings.differing({run.label: run.settings for run in told}, every=every)
    if not rows:
        st.markdown("None: they were trained alike." if len(told) > 1 else "This is one run alone.")
        return
    st.dataframe(rows, hide_index=True, alt="Settings of each run that are not the same in all")


def _one(names: Sequence[str], chosen: Sequence[str]) -> None:
    """One run: its command, and evaluation and export of its model."""
    st.header("Commands", anchor=False)
    name = st.selectbox(
        "Run",
        names,
        format_func=run_data.label,
        width=380,
        **state.choice("folder", names, chosen[0]),
    )
    run = run_data.read(name)
    st.markdown(f"**Training.** {plain(run.told)}.")
    if run.command:
        st.code(run.command, language=None, wrap_lines=True)
        if not run.whole:
            st.caption(
                "Put together from the settings of the run: how often it saves, and when it gives "
                "up, are not among them. Of a path only the last part is kept."
            )
    else:
        st.caption("The command is not recorded.")
    run_jobs.section(run)
