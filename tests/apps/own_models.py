"""Places with made-up models and runs of a user's own; no network is built."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from pathlib import Path

from zoo import registry

SETTINGS = {
    "task": "tsv:mine.tsv",
    "model": "lstm",
    "preset": "nano",
    "steps": 200,
    "epochs": 10.0,
    "learning_rate": 0.002,
    "override": {},
}
CURVE = [
    "step,epoch,loss,learning_rate,tokens_per_second,minutes,valid_loss,valid_bleu,kept,decided_by",
    "50,1.0,5.5,0.001,900,0.1,,,,",
    "100,2.0,4.5,0.002,1000,0.2,4.25,12.5,1,valid_bleu",
    "150,3.0,3.5,0.002,1100,0.3,,,,",
    "200,4.0,2.5,0.002,1000,0.4,3.75,20.0,1,valid_bleu",
]


def header(metadata: dict | None = None) -> bytes:
    """A safetensors file without a tensor."""
    text = json.dumps({"__metadata__": metadata} if metadata else {}).encode()
    return struct.pack("<Q", len(text)) + text


def curve(folder: Path, rows: int = 4) -> None:
    (folder / "history.csv").write_text("\n".join(CURVE[: rows + 1]) + "\n", encoding="utf-8")


def progress(folder: Path, *, step: int, finished: bool, **settings) -> None:
    """The checkpoint of a run, its weights left out."""
    known = {
        "step": step,
        "minutes": 0.4,
        "cpu_minutes": 0.3,
        "peak_memory": 700.4,
        "finished": finished,
        "settings": {**SETTINGS, **settings},
    }
    (folder / "training").mkdir(parents=True, exist_ok=True)
    (folder / "training" / "last.safetensors").write_bytes(header({"progress": json.dumps(known)}))


def run(folder: Path, *, step: int = 100, **settings) -> Path:
    """A run that has left no model yet."""
    folder.mkdir(parents=True)
    curve(folder, step // 50)
    progress(folder, step=step, finished=False, **settings)
    return folder


def model(
    folder: Path, *, task: str = "tsv:mine.tsv", family: str = "lstm", hint: str = "", **settings
) -> Path:
    """A finished run with a model that passes for one until it is loaded."""
    folder.mkdir(parents=True)
    config = registry.configuration(family, "nano", source_vocabulary=9, target_vocabulary=9)
    content = {
        "format": 1,
        "name": folder.name,
        "task": task,
        "model": family,
        "preset": "nano",
        "hyperparameters": asdict(config),
        "tokenizers": {"source": "source.model", "target": "target.model"},
        "max_source_length": 64,
        "max_target_length": 32,
        "unit": "word",
        "task_info": {"label": task, "hint": hint},
    }
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    for file in ("source.model", "target.model"):
        (folder / file).write_bytes(b"x")
    (folder / "weights.safetensors").write_bytes(header())
    curve(folder)
    progress(folder, step=200, finished=True, task=task, model=family, **settings)
    return folder
