"""Results as Markdown: `python -m benchmarks.speed.table --write`.

Writes a page beside every results file, and README's section between two comments: no figure in
either was typed by hand, and a test compares README with the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed import rows
from benchmarks.speed.registry import ROOT, SYSTEMS
from training.commands import plainly
from zoo.saving import write_aside

RESULTS = Path(__file__).resolve().parents[1] / "results"
BEGIN, END = "<!-- speed: python -m benchmarks.speed.table --write -->", "<!-- end of speed -->"

HEADS = {
    "train/transformer": "train Transformer",
    "train/lstm-bahdanau": "train LSTM-Bahdanau",
    "greedy/b1": "greedy, 1 sentence",
    "greedy/b32": "greedy, 32",
    "beam5/b1": "beam 5, 1 sentence",
    "beam5/b32": "beam 5, 32",
    "train/gpt": "train gpt, 4 layers",
    "train/gpt-larger": "train gpt, 6 layers",
    "generate/gpt": "write with gpt",
    "train/patch-forecaster": "train PatchTST",
    "train/minilm": "fine-tune MiniLM",
    "generate/smollm2": "write with SmolLM2",
    "peak-memory/train": "training's memory",
}
FLOORS = {
    "train/transformer": (
        "ceiling/train-transformer-float32",
        "ceiling/train-transformer-bfloat16",
    ),
    "greedy/b1": ("ceiling/greedy-b1-float32", "ceiling/greedy-b1-bfloat16"),
}
"""The rows that say what the machine's matrix products alone would allow."""

Row = Mapping[str, Any]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def figure(value: float) -> str:
    """A number with about three digits: 4,943 or 571 or 14.6 or 0.83."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def summary(found: Sequence[Row]) -> Iterator[str]:
    """Systems down, measures across; in brackets how many times as fast ours was (`ratios`)."""
    by_name = {row["measure"]: row for row in found}
    shown = {name: by_name[name] for name in HEADS if name in by_name}
    if not shown:
        yield "Nothing measured yet."
        return
    heads = [
        f"{HEADS[name]}, {row['unit']} {'↑' if row['higher_is_better'] else '↓'}"
        for name, row in shown.items()
    ]
    yield f"| | {' | '.join(heads)} |"
    yield f"|---|{'--:|' * len(heads)}"
    for system in systems(shown.values()):
        cells = [cell(row, system) for row in shown.values()]
        yield f"| {label(system)} | {' | '.join(cells)} |"


def systems(found: Sequence[Row]) -> list[str]:
    """Which systems these rows have, in the registry's order; unknown ones last."""
    present = dict.fromkeys(name for row in found for name in row["values"])
    return [name for name in SYSTEMS if name in present] + [n for n in present if n not in SYSTEMS]


def label(system: str) -> str:
    """What a table calls a system."""
    return SYSTEMS[system].label if system in SYSTEMS else system


def cell(row: Row, system: str) -> str:
    """The median, and for others how many times better ours was."""
    if system not in row["values"]:
        return ""
    ratio = row.get("ratios", {}).get(system)
    return figure(row["values"][system]) + (f" ({ratio['median']:.2f}×)" if ratio else "")


def reach(found: Sequence[Row]) -> Iterator[str]:
    """How far ours is from what the machine's matrix products alone would allow."""
    by_name = {row["measure"]: row for row in found}
    for name, floors in FLOORS.items():
        ours = by_name.get(name, {"values": {}})["values"].get(rows.OURS)
        for floor in floors:
            if ours is None or floor not in by_name:
                continue
            limit = by_name[floor]["values"]["machine"]
            share = ours / limit if by_name[floor]["higher_is_better"] else limit / ours
            kind = floor.rpartition("-")[2]
            yield (
                f"- {HEADS[name]}: {figure(ours)} {by_name[name]['unit']}, "
                f"{100 * share:.0f} % of what the probe's {kind} matrix products alone would "
                f"allow ({figure(limit)})."
            )


def details(row: Row) -> Iterator[str]:
    """One measure in full: median, spread, ratio with its spread."""
    better = "higher is better" if row["higher_is_better"] else "lower is better"
    yield f"### `{row['measure']}` ({row['unit']}, {better})"
    yield ""
    yield "| system | median | least – most | zoo is ahead by |"
    yield "|---|--:|--:|--:|"
    for system in systems([row]):
        low, high = row["spread"][system]
        ratio = row.get("ratios", {}).get(system)
        ahead = (
            f"{ratio['median']:.2f}× ({ratio['low']:.2f} – {ratio['high']:.2f})" if ratio else ""
        )
        yield (
            f"| {label(system)} | {figure(row['values'][system])} "
            f"| {figure(low)} – {figure(high)} | {ahead} |"
        )
    yield ""
    yield origin(row)


def origin(row: Row) -> str:
    """When, on which commit and how a row was measured, and by which versions."""
    config = row["config"]
    data = ""
    if "task" in config:
        data = f"{config['task']}, {config['vocabulary']:,} tokens, "
        data += f"mean target {config['mean_target']}"
    elif "context" in config:
        data = (
            f"{config['layers']} layers of {config['hidden_size']}, {config['heads']} heads, "
            f"context {config['context']}, {config['rows']} rows, {config['vocabulary']} tokens"
        )
    packages = {
        f"{name} {version}"
        for versions in row["versions"].values()
        for name, version in versions.items()
    }
    return (
        f"{row['date']}, commit {row['commit'] or 'unknown'}; "
        f"{config.get('rounds', 1)} rounds of {config.get('seconds', 0):g} s; {data}; "
        f"{', '.join(sorted(packages))}."
    )


def page(found: Sequence[Row], name: str) -> str:
    """Everything one results file knows, as a Markdown page; `name` is that of the file."""
    lines = [f"# Speed on {found[0].get('device', name)}", "", *summary(found), "", LEGEND, ""]
    lines += [*reach(found), ""]
    for row in found:
        lines += [*details(row), ""]
    return "\n".join(lines)


def section(folder: Path = RESULTS) -> str:
    """README's tables of every device, between the two comments."""
    parts = [BEGIN]
    for path in rows.files(folder):
        found = rows.read(path)
        parts += [
            "",
            f"{found[0].get('device', path.stem)} ([in full](benchmarks/results/{path.stem}.md)):",
            "",
        ]
        parts += [*summary(found), "", *reach(found)]
    if len(parts) == 1:
        parts += ["", "Nothing measured yet."]
    return "\n".join([*parts, "", END])


def replace(text: str, tables: str) -> str:
    """`text` with what is between the two comments replaced. Raises ValueError: no such."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The file has no place for speeds: {BEGIN} ... {END}")
    return f"{before}{tables}{after}"


LEGEND = (
    "Medians over rounds in which every system was measured in turn. In brackets: how many times "
    "better `zoo` was, the median of the ratios within a round. Training counts real target "
    "tokens, EOS included, padding not; decoding writes exactly 16 tokens with random weights, a "
    "language model 200 tokens. "
    "How each system is set up: benchmarks/systems."
)


@app.command()
@plainly()
def main(
    write: Annotated[bool, typer.Option("--write", help="Into README.md and the pages.")] = False,
) -> None:
    """Print the tables of every device, or write them into README.md and benchmarks/results."""
    if not write:
        typer.echo(section())
        return
    for path in rows.files(RESULTS):
        write_aside(path.with_suffix(".md"), page(rows.read(path), path.stem).encode())
    path = ROOT / "README.md"
    write_aside(path, replace(path.read_text(encoding="utf-8"), section()).encode())


if __name__ == "__main__":
    app()
