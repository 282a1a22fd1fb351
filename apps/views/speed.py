"""Speed: the zoo beside its peers, against length and batch, and on the machine at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from apps import figures, quality, saved_models, state, widgets
from apps.charts import speed as speed_charts
from apps.markdown import plain
from apps.sections import speed_curves, speed_data, speed_here, time_budget
from apps.sections.speed_data import Results
from zoo.metric_info import MetricInfo

DRAW = "python -m benchmarks.speed.curves"
MEASURE = "python -m benchmarks.speed.run"


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
    _contents(peers, groups, texts=widgets.kind_shown() == "language_model")
    for name in results.damaged:
        st.error(
            f"`{plain(name)}` is damaged and was left out. "
            f"`{DRAW if speed_data.CURVES in name else MEASURE}` makes it anew.",
            icon=":material/error:",
        )
    st.header("Which model fits?", anchor="fits")
    time_budget.section()
    _peers(results, peers)
    _curves(results, groups)
    _shipped(results)


def _contents(
    peers: Sequence[Mapping[str, Any]],
    groups: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    texts: bool,
) -> None:
    """Links to every section and finding of the page; `texts`: the task is of language models."""
    found = {
        ("Which model fits?", "fits"): [],
        ("Beside other toolkits", "peers"): [
            (
                speed_data.TITLES.get(row["measure"], row["measure"]),
                _anchor("peers", row["measure"]),
            )
            for row in peers
        ],
        ("Against length and batch", "curves"): [
            (_titled(group), _anchor("curves", name)) for name, group in groups.items()
        ],
        ("The shipped models", "shipped"): [
            *([] if texts else [("Where a request's time goes", "stages")]),
            ("Quality for the time of training", "training"),
            ("On this machine", "here"),
        ],
    }
    lines = []
    for (title, anchor), findings in found.items():
        links = " · ".join(f"[{plain(name)}](#{one})" for name, one in findings)
        lines.append(f"- **[{title}](#{anchor})**{f': {links}' if links else ''}")
    st.markdown("\n".join(lines))


def _anchor(section: str, name: str) -> str:
    return f"{section}-{speed_data.file_name(name)}"


def _titled(group: Sequence[Mapping[str, Any]]) -> str:
    return str(group[0].get("title") or group[0]["measure"])


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


def _in_pairs(drawn: Sequence[Callable[[], None]]) -> None:
    """Two side by side where there is room; one under the other, in order, where there is not."""
    for place in range(0, len(drawn), 2):
        for draw, column in zip(drawn[place : place + 2], st.columns(2, gap="large"), strict=False):
            with column:
                draw()


def _as_table(rows: Sequence[Mapping[str, Any]], *, file: str, alt: str) -> None:
    with st.expander("As a table", key=state.key(f"table.{file}")):
        st.dataframe(list(map(dict, rows)), hide_index=True, placeholder="–", alt=alt)


def _peers(results: Results, rows: Sequence[Mapping[str, Any]]) -> None:
    """A chart a measure: ours beside the other toolkits. The same unit has the same scale."""
    st.header("Beside other toolkits", anchor="peers")
    if not rows:
        st.info(
            f"Nothing has been measured beside other toolkits yet. `{MEASURE}` does it and writes "
            "`benchmarks/results/`."
        )
        return
    st.caption(
        "Medians over rounds in which every system was measured in turn; lines from the least to "
        "the most. In brackets: how many times better zoo was (above 1: zoo is ahead). Blue is "
        "zoo, pale blue its other networks and settings; dashed and dotted lines are what the "
        "machine's matrix products alone would allow. Charts in one unit have one scale."
    )
    bars: dict[str, list[dict[str, Any]]] = {}
    limits: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        bars.setdefault(row["unit"], []).extend(speed_data.bars(row))
        limits.setdefault(row["unit"], []).extend(speed_data.ceilings(row, results.rows))
    wide = {unit for unit, found in bars.items() if speed_charts.differs_widely(found)}
    log = bool(wide) and st.toggle(
        "Logarithmic scale where values lie far apart",
        **state.flag("log", True),
        help="Each step of the scale is then a multiple, and a system is a point, not a bar.",
    )
    domains = {
        unit: speed_charts.peer_domain(found, limits[unit], log=log and unit in wide)
        for unit, found in bars.items()
    }
    _in_pairs(
        [
            lambda row=row: _peer_chart(
                row, results.rows, log=log and row["unit"] in wide, domain=domains[row["unit"]]
            )
            for row in rows
        ]
    )


def _peer_chart(
    row: Mapping[str, Any], rows: list[dict[str, Any]], *, log: bool, domain: tuple[float, float]
) -> None:
    found = speed_data.bars(row)
    limits = speed_data.ceilings(row, rows)
    measure, unit = row["measure"], row["unit"]
    title = speed_data.TITLES.get(measure, measure)
    st.subheader(plain(title), anchor=_anchor("peers", measure))
    st.markdown(f"{speed_data.verdict(row, found)} {speed_data.reach(row, limits)}")
    file = f"speed-{speed_data.file_name(measure)}"
    described = ", ".join(f"{bar['system']} {speed_charts.written(bar)}" for bar in found)
    figures.show(
        speed_charts.peer_bars(found, limits, unit=unit, log=log, domain=domain),
        alt_text=f"{title}, {unit}: {described}.",
        rows=[{"measure": measure, "unit": unit, **bar} for bar in found],
        file=file,
    )
    st.caption(speed_data.origin(row, speed_data.command(row)))
    _as_table(
        [
            {
                "System": bar["system"],
                f"Median, {unit}": bar["value"],
                "Least": bar["low"],
                "Most": bar["high"],
                "zoo is ahead, ×": bar["ratio"],
                "at least": bar["ratio_low"],
                "at most": bar["ratio_high"],
            }
            for bar in found
        ],
        file=file,
        alt=title,
    )


def _curves(results: Results, groups: Mapping[str, list[dict[str, Any]]]) -> None:
    """A chart a measure: lines by model against length or batch. One unit has one scale."""
    st.header("Against length and batch", anchor="curves")
    if not groups:
        st.info(
            f"No curves have been measured on this device yet. `{DRAW}` does it and writes "
            "`benchmarks/results/`."
        )
        return
    st.caption(
        "Both axes are logarithmic: a straight line is a power of the length, and its slope the "
        "exponent. At 1, twice the length takes twice as much; at 2, four times. Pale bars reach "
        "from the least to the most. Charts in one unit have one scale."
    )
    ends = speed_curves.shared_ends(groups)
    _in_pairs(
        [
            lambda name=name, group=group: _curve_chart(
                name, group, results, ends[speed_curves.axes_of(group)]
            )
            for name, group in groups.items()
        ]
    )


def _curve_chart(
    name: str, group: list[dict[str, Any]], results: Results, ends: tuple[float, float]
) -> None:
    first = group[0]
    title = _titled(group)
    unit, x_title = speed_curves.axes_of(group)
    points = speed_data.curve_points(group)
    st.subheader(plain(title), anchor=_anchor("curves", name))
    better = "Higher is better." if first.get("higher_is_better") else "Lower is better."
    st.markdown(f"{better} {speed_curves.reading(group)}")
    file = f"speed-curves-{name}"
    fitted = speed_data.exponents(group)
    described = "; ".join(
        f"{one['line']} {point['value']:,.4g} {unit} at {point['x']:,g}"
        for one in group
        for point in (one["points"][0], one["points"][-1])
    )
    figures.show(
        speed_charts.curve_lines(points, x_title=x_title, unit=unit, ends=ends),
        alt_text=f"{title}, against {x_title}: {described}.",
        rows=[{"measure": first["measure"], "unit": unit, **point} for point in points],
        file=file,
    )
    if fitted:
        st.markdown(
            "Fitted exponents: "
            + "; ".join(
                f"{plain(one['line'])} **{one['exponent']:.2f}**"
                + (f" ({one['range']})" if one["range"] else "")
                for one in fitted
            )
            + "."
        )
    for note in speed_curves.notes(group):
        st.caption(note)
    st.caption(speed_data.origin(results.curves, _curves_command(results)))
    _as_table(speed_data.by_place(points, x_title), file=file, alt=title)


def _curves_command(results: Results) -> str:
    return str(results.curves.get("command") or DRAW)


def _shipped(results: Results) -> None:
    """What is known of the models in saved_models, by task, and the button that measures them."""
    st.header("The shipped models", anchor="shipped")
    if (task := widgets.task(kinds=widgets.KINDS)) is None:
        return
    stored = speed_data.breakdown(results.curves, task)
    if saved_models.kind(task) == "language_model":  # which reads and writes in one loop
        _quality(task)
    else:
        _in_pairs([lambda: _stages(task, stored, results), lambda: _quality(task)])
    for name, records in speed_data.quality_files().items():
        title = f"Quality of longer training: {plain(name)}"
        st.subheader(title, anchor=_anchor("longer", name))
        _as_table(records, file=f"quality-{name}", alt=f"Records of {name}")
    st.subheader("On this machine", anchor="here")
    speed_here.section(task, stored, results.curves)


def _stages(task: str, stored: list[dict[str, Any]], results: Results) -> None:
    """Where the time of a stored request went."""
    st.subheader("Where a request's time goes", anchor="stages")
    if not stored:
        st.info(
            f"Not yet measured for this task on this device. `{DRAW}` does it; the button below "
            "measures it here."
        )
        return
    st.markdown(
        f"One request, warm: “{plain(str(stored[0].get('text') or ''))}” is cut into tokens, read "
        "(encoded) and answered token by token; a pass over both then gives the maps."
    )
    records = [
        record
        for one in stored
        for record in speed_data.stage_records(saved_models.label(one["model"]), one["stages"])
    ]
    described = "; ".join(
        f"{saved_models.label(one['model'])}: "
        + ", ".join(f"{speed_data.STAGES.get(s, s)} {ms:.2f}" for s, ms in one["stages"].items())
        for one in stored
    )
    figures.show(
        speed_charts.stage_bars(records),
        alt_text=f"Milliseconds of one request by stage. {described}.",
        rows=records,
        file=f"speed-{task}-stages",
    )
    st.caption(speed_data.origin(results.curves, _curves_command(results)))
    _as_table(
        [
            {
                "Model": saved_models.label(one["model"]),
                **{speed_data.STAGES.get(s, s): ms for s, ms in one["stages"].items()},
                "Tokens written": one.get("pieces_written"),
            }
            for one in stored
        ],
        file=f"speed-{task}-stages",
        alt="Milliseconds of one request by stage",
    )


def _quality(task: str) -> None:
    """Quality over the processor's minutes of training, from the models' cards."""
    st.subheader("Quality for the time of training", anchor="training")
    found = quality.figures(task)
    rows = quality_records(task, found[0]) if found else []
    if not rows:
        st.info("The cards of these models do not say both how good they are and how long it took.")
        return
    figure = found[0]
    st.markdown(f"{quality.ahead(figure)} {figure.label}: {figure.meaning}")
    described = "; ".join(
        f"{row['model']} {quality.brief(figure, row['quality'])} after {row['cpu_minutes']:.1f}"
        for row in rows
    )
    file = f"speed-{task}-quality"
    figures.show(
        speed_charts.quality_minutes(
            rows,
            title=figure.label,
            higher_is_better=figure.higher_is_better is not False,
            digits=figure.digits,
        ),
        alt_text=f"{figure.label} over CPU-minutes of training: {described}.",
        rows=rows,
        file=file,
    )
    device = "; ".join(dict.fromkeys(str(row["device"]) for row in rows))
    dates = ", ".join(dict.fromkeys(str(row["date"]) for row in rows))
    st.caption(f"{plain(device)}; {dates}. The commands are in the table and on the models' cards.")
    _as_table(_quality_table(rows, figure), file=file, alt=f"{figure.label} and CPU-minutes")


def _quality_table(rows: Sequence[Mapping[str, Any]], figure: MetricInfo) -> list[dict]:
    return [
        {
            "Model": row["model"],
            figure.label: row["quality"],
            "CPU-minutes": row["cpu_minutes"],
            # Errors per minute would praise the network that makes many in little time.
            **(
                {f"{figure.label} a CPU-minute": round(row["quality"] / row["cpu_minutes"], 3)}
                if figure.higher_is_better
                else {}
            ),
            "Device": row["device"],
            "Date": row["date"],
            "Command": row["command"],
        }
        for row in rows
    ]


def quality_records(task: str, figure: MetricInfo) -> list[dict[str, Any]]:
    """One record a model whose card tells both quality and CPU-minutes."""
    rows = []
    for name in saved_models.models(task):
        card = saved_models.card(name)
        training = speed_data.mapping(card.get("training"))
        minutes = speed_data.number(training.get("cpu_minutes"))
        values = next(
            (v for beams in quality.decodings(task) if (v := quality.measured(name, beams))), {}
        )
        score = quality.value(values, figure.key)
        if not minutes or score is None:
            continue
        low, high = (quality.value(values, figure.key, part) for part in ("low", "high"))
        rows.append(
            {
                "model": saved_models.label(name),
                "quality": score,
                "low": score if low is None else low,
                "high": score if high is None else high,
                "cpu_minutes": minutes,
                "device": training.get("device") or "unknown device",
                "date": card.get("date") or "unknown date",
                "command": training.get("command"),
            }
        )
    return rows
