"""A small benchmarks folder for the tests: two devices, rows beside peers, curves, a breakdown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.apps import fake_saved_models
from tests.apps.fake_saved_models import FAMILIES

ABOUT = {"device": "CPU: a test computer", "date": "2026-01-02", "commit": "abc123"}
STAGES = {"tokenise": 0.1, "encode": 0.9, "write": 3.0, "maps": 0.5, "rest": 0.25}


def row(measure: str, unit: str, higher: bool, values: dict[str, float]) -> dict[str, Any]:
    """One row as benchmarks.speed.run writes it; a spread of a tenth either way."""
    ours = values.get("zoo")
    ratios = {
        name: (ours / value if higher else value / ours)
        for name, value in values.items()
        if ours and name != "zoo"
    }
    return {
        "measure": measure,
        "unit": unit,
        "higher_is_better": higher,
        "values": values,
        "spread": {name: [0.9 * value, 1.1 * value] for name, value in values.items()},
        "ratios": {
            name: {"median": ratio, "low": 0.8 * ratio, "high": 1.2 * ratio}
            for name, ratio in ratios.items()
        },
        "config": {"rounds": 3, "seconds": 4.0},
        **ABOUT,
    }


def rows() -> list[dict[str, Any]]:
    latency = {"zoo": 10.0, "zoo-lstm": 5.0, "tf-tutorial": 1500.0, "ctranslate2-int8": 5.0}
    trained = {"zoo": 5000.0, "joeynmt": 1000.0, "hf-marian": 4000.0}
    return [
        row("quality-per-minute", "chrF", True, {"zoo": 40.0}),
        row("greedy/b1", "ms", False, latency),
        row("ceiling/greedy-b1-float32", "ms", False, {"machine": 4.0}),
        row("train/transformer", "target tokens/s", True, trained),
        row("ceiling/train-transformer-float32", "target tokens/s", True, {"machine": 6000.0}),
        row("ceiling/train-transformer-bfloat16", "target tokens/s", True, {"machine": 16000.0}),
        row("peak-memory/train", "MB", False, {"zoo": 2000.0, "joeynmt": 3000.0}),
    ]


def curve(measure: str, unit: str, model: str, power: float, **more: Any) -> dict[str, Any]:
    x = "sentences" if measure.startswith("throughput") else "source tokens"
    places = [8, 32, 128, 512, 2048] if x == "source tokens" else [1, 4, 16, 64, 256]
    values = [2.0 + 0.01 * place**power for place in places]
    return {
        "measure": measure,
        "title": f"{measure} of every network",
        "model": model,
        "x": x,
        "unit": unit,
        "higher_is_better": measure.startswith("throughput"),
        "points": [
            {"x": x, "value": v, "low": 0.9 * v, "high": 1.1 * v}
            for x, v in zip(places, values, strict=True)
        ],
        "exponent": power,
        "fitted": [128, 2048],
        "note": "",
        **more,
    }


def curves() -> dict[str, Any]:
    drawn = [
        curve(measure, unit, family, power)
        for measure, unit in (
            ("latency/source-length", "ms"),
            ("memory/source-length", "MB"),
            ("throughput/batch", "sentences/s"),
        )
        for family, power in zip(FAMILIES, (0.9, 0.95, 1.0, 1.5), strict=True)
    ]
    drawn.append(
        curve("latency/source-length", "ms", "transformer", 1.9, variant="with maps", note="a note")
    )
    stages = [{"stage": stage, "ms": ms} for stage, ms in STAGES.items()]
    return {
        **ABOUT,
        "command": "python -m benchmarks.speed.curves --seconds 1",
        "curves": drawn,
        "breakdown": [
            {
                "model": f"dates-{family}",
                "text": "3 May 2021",
                "pieces_read": 11,
                "pieces_written": 11,
                "stages": stages,
            }
            for family in FAMILIES
        ],
    }


def make(root: Path) -> Path:
    """The folder to name by ZOO_BENCHMARKS: one device with everything, one with rows alone."""
    (root / "results").mkdir(parents=True)
    fake_saved_models.write(root / "results" / "cpu-test.json", rows())
    fake_saved_models.write(root / "results" / "cpu-test-curves.json", curves())
    other = [row("greedy/b1", "ms", False, {"zoo": 2.0}) | {"device": "GPU: another"}]
    fake_saved_models.write(root / "results" / "gpu-test.json", other)
    (root / "results" / "quality").mkdir()
    accuracies = {("full", 50): 80.0, ("full", 1_000): 88.0, ("naive-bayes", 1_000): 67.0}
    labels = {
        f"{arm}-{count}-1": {"arm": arm, "labels": count, "seed": 1, "accuracy": accuracy}
        for (arm, count), accuracy in accuracies.items()
    }
    fake_saved_models.write(root / "results" / "quality" / "fine_tuning.json", labels)
    return root
