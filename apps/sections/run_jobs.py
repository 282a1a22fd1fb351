"""Evaluation and export of a user's own model: buttons, progress, the output, and how it ended."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import streamlit as st

from apps import jobs, model_places, saved_models, state
from apps.jobs import Job, JobError
from apps.markdown import plain
from apps.sections.run_data import Run

EVERY = 1.0
"""Seconds between two looks at a job at work."""
TAIL = 12
"""Lines of output that are shown."""
BAR = re.compile(r"[━╸╺\s]+|-:--:--")
"""What Rich draws a bar with; the page has its own."""
REFUSED = "job.refused"
"""In the session: the model whose job could not be started, and why."""
MEANS = {
    "evaluate": "Scores the model on the test side of its task and writes the figures into its "
    "card; then they are on Leaderboard.",
    "export": "Writes a TensorFlow SavedModel into the model's folder, {}.",
}
IN_AND_OUT = {
    "forecaster": "series in, quantiles of what follows out",
    "classifier": "input in, probabilities of the classes out",
}
"""What an exported model takes and gives, by its kind; any other: a text."""


def section(run: Run) -> None:
    """What can be done with one model, as commands and as buttons."""
    if not run.model:
        st.caption(
            "There is no model in this folder yet: it is written at the end of the training."
        )
        return
    takes = IN_AND_OUT.get(saved_models.kind_of(run.id), "text in, text out")
    for kind, (title, module, options) in jobs.KINDS.items():
        st.markdown(f"**{title}.** {MEANS[kind].format(takes)}")
        st.code(shlex.join(["python", "-m", module, run.typed, *options]), language=None)
    if not run.own:
        st.caption("Shipped models are changed by command only.")
        return
    if not jobs.allowed():
        return
    if run.state == "training":
        st.caption("While it is being trained it can be changed by command only.")
        return
    working = _at_work(run)
    every = EVERY if working else None
    st.fragment(_panel, run_every=every)(run, working=working)


def _at_work(run: Run) -> bool:
    job = jobs.shared().of(saved_models.folder(run.id))
    return job is not None and job.running


def _panel(run: Run, *, working: bool) -> None:
    """The buttons and the last job; looks again while it is at work."""
    job = jobs.shared().of(saved_models.folder(run.id))
    if (job is not None and job.running) != working:
        st.rerun()  # the whole page: what the card says is new
    with st.container(horizontal=True):
        for kind, label, icon in (
            ("evaluate", "Evaluate", "fact_check"),
            ("export", "Export", "deployed_code"),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                key=state.key(f"job.{kind}"),
                disabled=working,
                on_click=_start,
                args=(kind, run.id, run.typed),
            )
        if working:
            st.button(
                "Stop",
                icon=":material/stop:",
                key=state.key("job.stop"),
                on_click=_stop,
                args=(run.id,),
            )
    refused, why = st.session_state.get(state.key(REFUSED), (None, ""))
    if refused == run.id:
        st.warning(plain(why), icon=":material/warning:")
    if job is not None:
        _show(job)


def _show(job: Job) -> None:
    seconds = f"{job.seconds:.0f} s"
    if job.running:
        line = BAR.sub(" ", job.current).strip()
        st.progress(job.share or 0.0, f"{job.title}: {seconds}{f', {plain(line)}' if line else ''}")
    elif job.stopped:
        st.info(f"{job.title} was stopped after {seconds}.", icon=":material/stop_circle:")
    elif job.failed:
        st.error(f"{job.title} failed after {seconds}. {plain(job.said)}", icon=":material/error:")
    else:
        st.success(f"{job.title} is done, in {seconds}.", icon=":material/check:")
    if job.lines:
        with st.expander("What it said", expanded=job.running):
            st.code("\n".join(list(job.lines)[-TAIL:]), language=None)


def _start(kind: str, name: str, typed: str) -> None:
    # The name is looked up once more: the folder may be gone, or hold something else by now.
    saved_models.refresh()
    st.session_state.pop(state.key(REFUSED), None)
    try:
        if not saved_models.is_own(name) or not saved_models.config(name):
            raise JobError("There is no model in this folder any more.")
        more = _corpus(name) if kind == "evaluate" else ()
        jobs.shared().start(kind, saved_models.folder(name), typed, more)
    except JobError as error:
        st.session_state[state.key(REFUSED)] = name, str(error)


def _stop(name: str) -> None:
    jobs.shared().stop(saved_models.folder(name))


def _corpus(name: str) -> tuple[str, ...]:
    """Where a model's own corpus is, as an option, if that is not where its config says.

    It is looked for beside the model and in the folders above it, up to the place they lie in.
    """
    kind, colon, listed = str(saved_models.config(name).get("task") or "").partition(":")
    files = [file.strip() for file in listed.split(",")]
    if kind not in ("tsv", "files") or not colon or all(Path(file).is_file() for file in files):
        return ()
    for folder in (saved_models.folder(name), *saved_models.folder(name).parents):
        found = [folder / Path(file).name for file in files]
        if not all(map(model_places.inside, found)):
            break
        if all(path.is_file() for path in found):
            return ("--task", f"{kind}:{','.join(map(str, found))}")
    return ()
