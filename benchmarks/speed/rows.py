"""From blocks to rows of results: medians, spread, and ratios within a round."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.saving import read_json, write_json

OURS = "zoo"

Values = Mapping[str, Sequence[float | None]]
"""By system, one value a round; None where the system failed."""


def row(
    measure: str, unit: str, higher_is_better: bool, rounds: Values, **about: Any
) -> dict[str, Any] | None:
    """One row of a results file; None where nothing was measured.

    `values` are medians over the rounds, `spread` the least and the most, `ratios` how many times
    better than each other system ours was: the median, least and most over the rounds that both
    took part in, so that a machine which is slower for a while slows both.
    """
    measured = {
        name: [value for value in values if value is not None] for name, values in rounds.items()
    }
    measured = {name: values for name, values in measured.items() if values}
    if not measured:
        return None
    return {
        "measure": measure,
        "unit": unit,
        "higher_is_better": higher_is_better,
        "values": {name: digits(statistics.median(v)) for name, v in measured.items()},
        "spread": {name: [digits(min(v)), digits(max(v))] for name, v in measured.items()},
        "ratios": ratios(rounds, higher_is_better),
        "rounds": {name: [v and digits(v) for v in rounds[name]] for name in measured},
        **about,
    }


def ratios(rounds: Values, higher_is_better: bool) -> dict[str, dict[str, float]]:
    """How many times better ours is than each other system, round by round; above 1 is ahead."""
    found = {}
    for name, values in rounds.items():
        pairs = [
            (ours / theirs if higher_is_better else theirs / ours)
            for ours, theirs in zip(rounds.get(OURS, ()), values, strict=False)
            if ours and theirs
        ]
        if name != OURS and pairs:
            found[name] = {
                "median": digits(statistics.median(pairs)),
                "low": digits(min(pairs)),
                "high": digits(max(pairs)),
            }
    return found


def digits(value: float, many: int = 4) -> float:
    """`value` with so many significant digits: more would say more than was measured."""
    return float(f"{value:.{many}g}")


def training_flops(about: Mapping[str, Any]) -> float:
    """Floating-point operations of a training step for each target token, padding aside.

    Of the Transformer `small`: 6 for every weight that a token meets (2 forward, 4 backward);
    attention's own products, a few percent at these lengths, are left out.
    """
    from zoo import registry

    size = about["vocabulary"]
    config = registry.configuration("transformer", source_vocabulary=size, target_vocabulary=size)
    square, inner = config.width**2, 2 * config.width * config.feedforward
    # Self-attention has four matrices; of cross-attention, two are met by target tokens.
    decoder = config.decoder_layers * (6 * square + inner) + size * config.width
    encoder = config.encoder_layers * (4 * square + inner) + config.decoder_layers * 2 * square
    return 6 * (decoder + encoder * about["mean_source"] / about["mean_target"])


def files(folder: Path) -> list[Path]:
    """Files of rows in a folder of results; those of `benchmarks.speed.curves` differ."""
    return sorted(path for path in folder.glob("*.json") if not path.stem.endswith("-curves"))


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a results file; none where there is no file."""
    return read_json(path) if path.exists() else []


def merge(path: Path, rows: Iterable[dict[str, Any] | None]) -> None:
    """Put these rows into the file, in place of earlier ones of the same measures."""
    new = {row["measure"]: row for row in rows if row}
    if new:
        kept = {row["measure"]: row for row in read(path)}
        write_json(path, list((kept | new).values()))
