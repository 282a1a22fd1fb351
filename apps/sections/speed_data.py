"""What lies in benchmarks/results: devices, rows beside peers, curves, and where the time goes.

Nothing here fails on a file that is missing or damaged: what cannot be read is left out, and the
page says so where it matters.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from apps import saved_models
from apps.json_values import mapping, number
from apps.markdown import plain
from benchmarks.speed import registry, table
from benchmarks.speed.rows import OURS

CURVES = "-curves"
SINGLE = "engine"
"""The folder of runs of a few measures."""
TITLES = {
    "train/transformer": "Training the Transformer",
    "train/lstm-bahdanau": "Training the LSTM with attention",
    "train/lstm": "Training the LSTM",
    "train/simple-rnn": "Training the Simple RNN",
    "train/gpt": "Training a GPT of 4 layers",
    "train/gpt-larger": "Training a GPT of 6 layers",
    "greedy/b1": "Answering one sentence",
    "beam5/b1": "Answering one sentence, beam of 5",
    "greedy/b32": "Answering 32 sentences at once",
    "beam5/b32": "Answering 32 sentences at once, beam of 5",
    "generate/gpt": "Writing 200 tokens with a GPT",
    "train/patch-forecaster": "Training a PatchTST",
    "train/minilm": "Fine-tuning MiniLM",
    "generate/smollm2": "Writing 64 tokens with SmolLM2",
    "peak-memory/train": "Memory while training the Transformer",
    "peak-memory/train-lstm-bahdanau": "Memory while training the LSTM with attention",
    "peak-memory/train-gpt": "Memory while training a GPT of 4 layers",
    "peak-memory/train-gpt-larger": "Memory while training a GPT of 6 layers",
    "peak-memory/train-patch-forecaster": "Memory while training a PatchTST",
    "peak-memory/train-minilm": "Memory while fine-tuning MiniLM",
    "peak-memory/generate-gpt": "Memory while writing with a GPT",
    "peak-memory/generate-smollm2": "Memory while writing with SmolLM2",
    "quality-per-minute": "Quality for the time of training",
}
"""Headings of the measures, in the order of the page; an unknown one goes by its own name."""
STAGES = {
    "tokenise": "Cut into tokens",
    "encode": "Read",
    "write": "Write",
    "maps": "Maps",
    "rest": "Rest",
}
"""Where the time of a request goes, in the order of the request."""


@dataclass(frozen=True)
class Results:
    """What is stored of one device. `damaged`: names of files that could not be read."""

    slug: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, Any] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()

    @property
    def device(self) -> str:
        """Its name, as the files tell it."""
        names = [row.get("device") for row in self.rows] + [self.curves.get("device")]
        return next((name for name in names if isinstance(name, str) and name), self.slug)


def folder() -> Path:
    """Where results lie: the repository's `benchmarks`, or the folder ZOO_BENCHMARKS names."""
    return Path(os.environ.get("ZOO_BENCHMARKS") or registry.ROOT / "benchmarks")


def devices() -> list[str]:
    """Slugs of the devices with results: a file of their own, those that were measured beside peers
    first, then those that have single measures alone.
    """
    slugs = _with_files()
    named = {_read_files(slug).device for slug in slugs}
    return [*slugs, *(file_name(device) for device in _single_measures() if device not in named)]


def read(slug: str) -> Results:
    """What is stored of a device: both its files, and single measures that these lack.

    What is missing or malformed is left out.
    """
    single = _single_measures()
    if slug not in _with_files():
        rows = next((rows for name, rows in single.items() if file_name(name) == slug), [])
        return Results(slug, rows)
    found = _read_files(slug)
    known = {row["measure"] for row in found.rows}
    more = [row for row in single.get(found.device, []) if row["measure"] not in known]
    return replace(found, rows=[*found.rows, *more])


def _with_files() -> list[str]:
    stems = sorted(path.stem for path in (folder() / "results").glob("*.json"))
    measured = [stem for stem in stems if not stem.endswith(CURVES)]
    drawn = [stem.removesuffix(CURVES) for stem in stems if stem.endswith(CURVES)]
    return list(dict.fromkeys([*measured, *drawn]))


def _single_measures() -> dict[str, list[dict[str, Any]]]:
    """Rows of runs of a few measures, the newest of each, by the name of their device."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    files = sorted((folder() / "results" / SINGLE).glob("*.json"))
    rows = [row for path in files for row in _list(_parsed(path)) if _is_row(row)]
    for row in sorted(rows, key=lambda row: str(row.get("date"))):
        if isinstance(row.get("device"), str) and row["device"]:
            found.setdefault(row["device"], {})[row["measure"]] = row
    return {device: list(by_measure.values()) for device, by_measure in found.items()}


def _read_files(slug: str) -> Results:
    damaged = []
    found: list[Any] = []
    for name, kind in ((f"{slug}.json", list), (f"{slug}{CURVES}.json", dict)):
        path = folder() / "results" / name
        value = _parsed(path) if path.exists() else kind()
        if not isinstance(value, kind):
            damaged.append(name)
        found.append(value if isinstance(value, kind) else kind())
    rows = [row for row in found[0] if _is_row(row)]
    return Results(slug, rows, found[1], tuple(damaged))


def measures(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows to draw: all but the machine's own, one a measure, in the order of the page."""
    order = list(TITLES)
    peers = [dict(row) for row in rows if not row["measure"].startswith("ceiling/")]
    shown = {file_name(row["measure"]): row for row in peers}.values()

    def place(row: Mapping[str, Any]) -> int:
        return order.index(row["measure"]) if row["measure"] in order else len(order)

    return sorted(shown, key=place)


def bars(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record a system, the best first.

    `value`, `low`, `high`; `ratio`: how many times better ours is, with `ratio_low` and
    `ratio_high`; `kind`: "zoo", "zoo, otherwise" or "other".
    """
    found = []
    for system in table.systems([row]):
        value = number(row["values"][system])
        if value is None:
            continue
        spread = mapping(row.get("spread")).get(system)
        low, high = spread if isinstance(spread, list) and len(spread) == 2 else (None, None)
        ratio = mapping(mapping(row.get("ratios")).get(system))
        found.append(
            {
                "system": table.label(system).replace("*", ""),
                "kind": kind(system),
                "value": value,
                "low": value if number(low) is None else low,
                "high": value if number(high) is None else high,
                "ratio": number(ratio.get("median")),
                "ratio_low": number(ratio.get("low")),
                "ratio_high": number(ratio.get("high")),
            }
        )
    sign = -1 if row["higher_is_better"] else 1
    return sorted(found, key=lambda bar: sign * bar["value"])


def kind(system: str) -> str:
    """Whose a system is: ours as people get it, ours otherwise set, or another's."""
    return "zoo" if system == OURS else "zoo, otherwise" if system.startswith("zoo-") else "other"


def ceilings(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the machine's matrix products alone would allow of `row`, by precision."""
    begin = f"ceiling/{row['measure'].replace('/', '-')}-"
    return [
        {"limit": f"{one['measure'].removeprefix(begin)} products", "value": value}
        for one in rows
        if one["measure"].startswith(begin)
        and (value := number(one["values"].get("machine"))) is not None
    ]


def verdict(row: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> str:
    """Which way is better and how ours stands, in plain words (Markdown); `found`: its `bars`."""
    better = "Higher is better." if row["higher_is_better"] else "Lower is better."
    ours = next((bar for bar in found if bar["kind"] == "zoo"), None)
    if ours is None:
        return better
    text = f"{better} **zoo: {table.figure(ours['value'])} {row['unit']}**"
    peers = [bar for bar in found if bar["kind"] == "other" and bar["ratio"]]
    if not peers:
        return f"{text}."
    best = min(peers, key=lambda bar: bar["ratio"])
    ahead = sum(bar["ratio"] >= 1 for bar in peers)
    of = "its only peer" if len(peers) == 1 else f"all {len(peers)} peers"
    if ahead == len(peers):
        last = "" if len(peers) == 1 else f", the best of which is {best['system']},"
        return f"{text}, ahead of {of}{last} by {table.figure(best['ratio'])}×."
    lead = f"{best['system']} leads by {table.figure(1 / best['ratio'])}×."
    return f"{text}, ahead of {ahead} of {len(peers)}; {lead}" if ahead else f"{text}; {lead}"


def reach(row: Mapping[str, Any], limits: Sequence[Mapping[str, Any]]) -> str:
    """How much of each of its `ceilings` ours has reached; empty where there is none."""
    ours = number(row["values"].get(OURS))
    if not ours:
        return ""
    parts = [
        f"{100 * (ours / one['value'] if row['higher_is_better'] else one['value'] / ours):.0f} % "
        f"of the limit of {one['limit']} ({table.figure(one['value'])})"
        for one in limits
        if one["value"]
    ]
    return f"zoo reaches {' and '.join(parts)}." if parts else ""


def command(row: Mapping[str, Any]) -> str:
    """What measures a row anew."""
    if isinstance(row.get("command"), str):
        return row["command"]
    measure = re.sub(r"^peak-memory/(\w+)-", r"\1/", row["measure"])
    measure = measure.replace("peak-memory/train", "train/transformer")
    known = measure in (*registry.MEASURES, *registry.MORE, *registry.PRETRAINED)
    return "python -m benchmarks.speed.run" + (f" --measures {measure}" if known else "")


def origin(about: Mapping[str, Any], how: str) -> str:
    """Device, date, commit, rounds and command of a number, in one line of Markdown."""
    config = mapping(about.get("config"))
    parts = [plain(str(about[name])) for name in ("device", "date") if about.get(name)]
    if about.get("commit"):
        parts.append(f"commit {plain(str(about['commit']))}")
    if isinstance(config.get("rounds"), int):
        parts.append(f"{config['rounds']} rounds")
    return f"{'; '.join(parts) or 'Of unknown origin'}. `{how.replace('`', '')}`"


def curve_groups(curves: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The curves by their measure, as a file is named; each with at least one point that can be
    drawn, and with `line`, what it is called.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in _list(curves.get("curves")):
        if not isinstance(one, dict) or not isinstance(one.get("measure"), str):
            continue
        points = [p for p in map(_point, _list(one.get("points"))) if p]
        model, variant = str(one.get("model")), str(one.get("variant") or "")
        model = saved_models.labels().get(model, model)
        line = f"{model}, {variant}" if variant else model
        if points:
            named = {"model": model, "variant": variant, "line": line, "points": points}
            groups.setdefault(file_name(one["measure"]), []).append({**one, **named})
    return groups


def curve_points(group: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The points of all curves of one measure as records, for the chart and the CSV."""
    return [
        {"model": one["model"], "variant": one["variant"], "line": one["line"], **point}
        for one in group
        for point in one["points"]
    ]


def by_place(points: Sequence[Mapping[str, Any]], x_title: str) -> list[dict[str, Any]]:
    """The same points as a table: a line an x, a column a curve."""
    lines: dict[float, dict[str, Any]] = {}
    for point in sorted(points, key=lambda point: point["x"]):
        line = lines.setdefault(point["x"], {x_title: point["x"]})
        line[point["line"]] = point["value"]
    return list(lines.values())


def exponents(group: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fitted exponent of each curve that has one: `line`, `exponent`, `range`."""
    found = []
    for one in group:
        exponent = number(one.get("exponent"))
        if exponent is None:
            continue
        ends = [end for end in map(number, _list(one.get("fitted"))) if end is not None]
        span = f"{ends[0]:,.0f} to {ends[1]:,.0f}" if len(ends) == 2 else ""
        found.append({"line": one["line"], "exponent": exponent, "range": span})
    return found


def breakdown(curves: Mapping[str, Any], task: str) -> list[dict[str, Any]]:
    """The stored requests of `task`, by model in the order of the registry: `model`, `text`,
    `pieces_written`, and `stages`, milliseconds by stage.
    """
    found = {}
    for one in _list(curves.get("breakdown")):
        if not isinstance(one, dict) or one.get("model") not in saved_models.models(task):
            continue
        stages = {
            str(part["stage"]): ms
            for part in _list(one.get("stages"))
            if isinstance(part, dict)
            and "stage" in part
            and (ms := number(part.get("ms"))) is not None
        }
        if stages:
            found[one["model"]] = {**one, "stages": stages}
    return [found[name] for name in saved_models.models(task) if name in found]


def stage_records(label: str, stages: Mapping[str, float]) -> list[dict[str, Any]]:
    """One request as records for the chart of stages."""
    return [
        {"request": label, "stage": STAGES.get(stage, stage), "ms": round(max(ms, 0.0), 4)}
        for stage, ms in stages.items()
    ]


def quality_files() -> dict[str, list[dict[str, Any]]]:
    """By file of benchmarks/quality, its records, with what is nested written flat (`a.b`)."""
    found = {}
    for path in sorted((folder() / "quality").glob("*.json")):
        value = _parsed(path)
        listed = value if isinstance(value, list) else mapping(value).get("rows")
        if records := [_flat(one) for one in _list(listed) if isinstance(one, dict)]:
            found[path.stem] = records
    return found


def file_name(text: str) -> str:
    """`text` as a part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _parsed(path: Path) -> Any:
    """What a JSON file holds, None where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_row(row: Any) -> bool:
    """Whether a chart can be made of it: a measure, a unit, a direction, and a number."""
    return (
        isinstance(row, dict)
        and isinstance(row.get("measure"), str)
        and isinstance(row.get("unit"), str)
        and isinstance(row.get("higher_is_better"), bool)
        and any(number(value) is not None for value in mapping(row.get("values")).values())
    )


def _point(point: Any) -> dict[str, float] | None:
    """A point of a curve with both ends of its spread; None where a logarithm has none."""
    point = mapping(point)
    x, value = number(point.get("x")), number(point.get("value"))
    if x is None or value is None or x <= 0 or value <= 0:
        return None
    low, high = number(point.get("low")), number(point.get("high"))
    return {"x": x, "value": value, "low": low or value, "high": high or value}


def _flat(record: Mapping[str, Any], begin: str = "") -> dict[str, Any]:
    """Texts and numbers of a record and of those in it; lists are left out."""
    found: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{begin}{key}.")
        elif isinstance(value, str | int | float):
            found[f"{begin}{key}"] = value
    return found
