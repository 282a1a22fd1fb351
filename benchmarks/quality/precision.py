"""What training in bfloat16 costs: runs that differ in nothing but seed and precision, compared."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.quality import markdown

EXACT, FAST = "float32", "mixed_bfloat16"
NEAR = 0.3
"""BLEU within which the means of the two are to end."""
SEEDS = 3
"""How many of each are wanted before that is said."""
FIGURES = {"bleu": "sacreBLEU", "tokenised_bleu": "tokenised BLEU"}

Curve = dict[int, float]
"""Training loss by step."""
Curves = dict[str, Curve]
"""By the name of a run."""


def group(runs: Mapping[Path, Mapping[str, Any]]) -> list[Curves]:
    """Runs that differ only in seed and precision, each with its loss curve.

    Args:
        runs: folders with their cards.

    Raises:
        ValueError: a group with fewer than two runs, or with two of one seed and precision.
    """
    groups: dict[str, Curves] = {}
    seen: set[tuple[str, Any, Any]] = set()
    for folder, card in runs.items():
        settings = card["training"]["settings"]
        same = {k: v for k, v in settings.items() if k not in ("seed", "precision")}
        key = json.dumps([same, card["data"]["sha256"]], sort_keys=True)
        this = (key, settings["seed"], settings["precision"])
        if this in seen:
            raise ValueError(
                f"every run must differ in seed or precision. Received: {folder.name} with "
                f"seed {settings['seed']} in {settings['precision']}, as another"
            )
        seen.add(this)
        groups.setdefault(key, {})[folder.name] = read_curve(folder / "history.csv")
    for curves in groups.values():
        if len(curves) < 2:
            raise ValueError(
                "a comparison wants runs that differ only in seed and precision. "
                f"Received: {', '.join(curves)}, which no other run is like"
            )
    return list(groups.values())


def read_curve(path: Path) -> Curve:
    """The training loss by step of a run's history. Raises OSError: there is none."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("loss")]
    return {int(row["step"]): float(row["loss"]) for row in rows}


def study(rows: Sequence[Mapping[str, Any]], curves: Curves) -> dict[str, Any]:
    """One group's figures by precision, their difference, and how far its loss curves part.

    Args:
        rows: of `benchmarks.quality.multi30k`; those of the group are taken.
        curves: of the group.
    """
    rows = [row for row in rows if row["run"] in curves]
    first = rows[0]
    scores: dict[str, Any] = {}
    for name in FIGURES:
        for width in first["scores"]:
            values = {(row["seed"], row["precision"]): read(row, width, name) for row in rows}
            if found := compare(values):
                scores.setdefault(name, {})[width] = found
    return {
        **{name: first[name] for name in ("task", "model", "preset", "parameters")},
        "runs": [row["run"] for row in rows],
        "scores": scores,
        "minutes": {
            precision: round(statistics.mean(found), 2)
            for precision in dict.fromkeys(row["precision"] for row in rows)
            if (found := [r["minutes"] for r in rows if r["precision"] == precision])
        },
        "loss": gaps(rows, curves),
    }


def read(row: Mapping[str, Any], width: str, name: str) -> float | None:
    """One score of a row, None where it was not counted."""
    return row["scores"].get(width, {}).get(name, {}).get("value")


def compare(values: Mapping[tuple[int, str], float | None]) -> dict[str, Any]:
    """Mean and range by precision, and the difference bfloat16 - float32 in mean and by seed.

    Args:
        values: of a figure, by seed and precision; {} is given where one of them is unknown.
    """
    if None in values.values():
        return {}
    found: dict[str, Any] = {}
    for precision in dict.fromkeys(precision for _, precision in values):
        some = [value for (_, which), value in values.items() if which == precision]
        mean = round(statistics.mean(some), 3)
        found[precision] = {"mean": mean, "low": min(some), "high": max(some), "runs": len(some)}
    if EXACT in found and FAST in found:
        found["difference"] = round(found[FAST]["mean"] - found[EXACT]["mean"], 3)
        found["by_seed"] = {
            str(seed): round(value - values[seed, EXACT], 3)
            for (seed, precision), value in sorted(values.items())
            if precision == FAST and (seed, EXACT) in values
        }
    return found


def gaps(rows: Sequence[Mapping[str, Any]], curves: Curves) -> dict[str, Any]:
    """The largest gap between two loss curves: of one seed in both precisions, and for scale of
    two seeds in float32. Each of {"runs", "largest", "step", "mean"}; {} where there are no two.
    """
    by_kind: dict[str, list[dict[str, Any]]] = {"precisions": [], "seeds": []}
    for a, b in combinations(rows, 2):
        same_seed, same_precision = a["seed"] == b["seed"], a["precision"] == b["precision"]
        if same_seed:
            kind = "precisions"
        elif same_precision and a["precision"] == EXACT:
            kind = "seeds"
        else:
            continue
        found = gap(curves[a["run"]], curves[b["run"]])
        if found:
            by_kind[kind].append({"runs": [a["run"], b["run"]], **found})
    return {
        kind: max(found, key=lambda one: one["largest"]) if found else {}
        for kind, found in by_kind.items()
    }


def gap(a: Curve, b: Curve) -> dict[str, Any]:
    """How far two curves part at most, at which step, and in mean; {} without common steps."""
    apart = {step: abs(a[step] - b[step]) for step in sorted(a.keys() & b.keys())}
    if not apart:
        return {}
    step = max(apart, key=lambda one: apart[one])
    mean = statistics.mean(apart.values())
    return {"largest": round(apart[step], 4), "step": step, "mean": round(mean, 4)}


def page(studies: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]) -> str:
    """Every group, then every run with its command, as a Markdown page."""
    lines = ["# bfloat16 beside float32", ""]
    lines += [
        "Runs that differ in nothing but seed and precision, scored on Multi30k's test 2016; "
        "all decoded alike. Written by "
        "`python -m benchmarks.quality.multi30k --precision-study RUN...`.",
        "",
    ]
    for one in studies:
        lines += [f"## {one['task']}, {one['model']} {one['preset']}", "", *tables(one), ""]
    lines += ["## Runs", "", *markdown.table(rows), ""]
    for row in rows:
        lines += [*markdown.details(row), ""]
    return "\n".join(lines)


def tables(one: Mapping[str, Any]) -> Iterator[str]:
    """Means and ranges of one group, what follows from them, and its loss curves."""
    yield "| figure | precision | runs | mean | least – most | bfloat16 - float32, by seed |"
    yield "|---|---|--:|--:|--:|---|"
    for name, width, found in figures(one):
        for precision in (EXACT, FAST):
            if precision not in found:
                continue
            some = found[precision]
            seeds = ""
            if precision == FAST and "difference" in found:
                each = ", ".join(f"{s}: {d:+.2f}" for s, d in found["by_seed"].items())
                seeds = f"{found['difference']:+.2f}{f' ({each})' if each else ''}"
            yield (
                f"| {FIGURES[name]}, {markdown.search(width)} "
                f"| {markdown.PRECISIONS.get(precision, precision)} | {some['runs']} "
                f"| {some['mean']:.2f} | {some['low']:.2f} – {some['high']:.2f} | {seeds} |"
            )
    yield ""
    for name, width, found in figures(one):
        if "difference" in found:
            yield f"- {FIGURES[name]}, {markdown.search(width)}: {said(found)}."
    minutes = (
        f"{markdown.PRECISIONS.get(precision, precision)} {mean:.1f}"
        for precision, mean in one["minutes"].items()
    )
    yield f"- Minutes of training, in mean: {', '.join(minutes)}."
    between = {"precisions": "one seed in both precisions", "seeds": "two seeds in float32"}
    for kind, words in between.items():
        if apart := one["loss"][kind]:
            yield (
                f"- Training loss, largest gap between {words}: {apart['largest']:.3f} at step "
                f"{apart['step']:,}, {apart['mean']:.3f} in mean ({' and '.join(apart['runs'])})."
            )


def figures(one: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(name, width, comparison) of each figure of a group."""
    for name, by_width in one["scores"].items():
        for width, found in by_width.items():
            yield name, width, found


def said(found: Mapping[str, Any]) -> str:
    """Whether the means are as near as they are to be, and by how many runs."""
    near = abs(found["difference"]) <= NEAR
    few = min(found[EXACT]["runs"], found[FAST]["runs"])
    words = f"the means are {'within' if near else 'not within'} {NEAR:g}"
    return words if few >= SEEDS else f"{words}, but of only {few} of each (wanted: {SEEDS} seeds)"
