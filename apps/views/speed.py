"""Speed: the zoo beside its peers, against length and batch, and on the machine at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from apps import state, widgets
from apps.markdown import plain
from apps.sections import speed_curves, speed_data, speed_peers, speed_shipped, time_budget
from apps.sections.speed_data import Results
from apps.sections.speed_layout import DRAW, MEASURE, anchor, titled


def render() -> None:
    """The page."""
    st.title("Speed", anchor=False)
    st.caption(
        "How fast these networks train and answer, compared with the same networks in other "
        "toolkits."
    )
    state.begin("speed")
    results = _choose_device()
    groups = speed_data.curve_groups(results.curves)
    peers = speed_data.measures(results.rows)
    _contents(peers, groups, stages=widgets.kind_shown() == "seq2seq")
    for name in results.damaged:
        st.error(
            f"`{plain(name)}` is damaged and was left out. "
            f"`{DRAW if speed_data.CURVES in name else MEASURE}` makes it anew.",
            icon=":material/error:",
        )
    st.header("Which model fits?", anchor="fits")
    time_budget.section()
    speed_peers.section(results, peers)
    speed_curves.section(results, groups)
    speed_shipped.section(results)


def _contents(
    peers: Sequence[Mapping[str, Any]],
    groups: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    stages: bool,
) -> None:
    """Links to every section and finding of the page; `stages`: a request has several of them."""
    found = {
        ("Which model fits?", "fits"): [],
        ("Beside other toolkits", "peers"): [
            (
                speed_data.TITLES.get(row["measure"], row["measure"]),
                anchor("peers", row["measure"]),
            )
            for row in peers
        ],
        ("Against length and batch", "curves"): [
            (titled(group), anchor("curves", name)) for name, group in groups.items()
        ],
        ("The shipped models", "shipped"): [
            *([("Where a request's time goes", "stages")] if stages else []),
            ("Quality for the time of training", "training"),
            ("On this machine", "here"),
        ],
    }
    lines = []
    for (title, place), findings in found.items():
        links = " · ".join(f"[{plain(name)}](#{one})" for name, one in findings)
        lines.append(f"- **[{title}](#{place})**{f': {links}' if links else ''}")
    st.markdown("\n".join(lines))


def _choose_device() -> Results:
    """The results of the device that the reader, or the address, chose; the first by default."""
    slugs = speed_data.devices()
    if not slugs:
        return Results("")
    found = {slug: speed_data.read(slug) for slug in slugs}
    if len(slugs) == 1:
        st.markdown(f"Measured on **{plain(found[slugs[0]].device)}**.")
        return found[slugs[0]]
    names = [one.device for one in found.values()]

    def called(slug: str) -> str:
        name = found[slug].device
        return name if names.count(name) == 1 else f"{name} ({slug})"

    slug = st.selectbox(
        "Measured on",
        slugs,
        format_func=called,
        required=True,
        width=480,
        **state.choice("device", slugs, slugs[0], labels=called),
    )
    return found[slug if slug in found else slugs[0]]
