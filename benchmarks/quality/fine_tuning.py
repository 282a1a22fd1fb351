"""How many labels does fine-tuning save? An encoder pre-trained, or from scratch, and floors.

    python -m benchmarks.quality.fine_tuning --seeds 3

Draws 50, 200, 1,000 and 5,000 of SST-2's phrases and trains each arm on them for as many steps, the
last weights kept: nothing is chosen by a side that has more labels than the arm. Scores the whole
test side. Arms: MiniLM, all of it, by LoRA, or frozen with a head; the same encoder from random
weights, all of it or frozen; naive Bayes and TF-IDF. Writes
benchmarks/results/quality/fine_tuning.json, and .md beside it; a run that is there is taken as it
is, with `--further` what the results have already too, of another machine for one.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.quality import training_runs
from benchmarks.quality.multi30k import FOLDER
from training import tasks
from training.data.labelled import Labelled
from zoo.pretrained import sources
from zoo.pretrained.bert import CONFIG, VOCABULARY, WEIGHTS, BertFolder

RUNS = Path("runs/fine-tuning")
SIZES = (50, 200, 1_000, 5_000)
STEPS = 300
BASE, RANDOM = "minilm", "minilm-random"
COMMON = (
    *("--steps", str(STEPS), "--warmup", "30", "--batch-tokens", "512", "--averaging", "0"),
    *("--keep", "last", "--validate-every", str(STEPS), "--validate-on", "100"),
    *("--checkpoint-every", str(STEPS)),
)
ARMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "full": ("MiniLM, all of it", ("--start-from", BASE, "--learning-rate", "1e-4")),
    "lora": (
        "MiniLM by LoRA",
        ("--start-from", BASE, "--adapt", "lora", "--learning-rate", "1e-3"),
    ),
    "head": (
        "MiniLM frozen, a head",
        ("--start-from", BASE, "--adapt", "head", "--learning-rate", "1e-2"),
    ),
    "scratch": (
        "the same encoder from random weights",
        ("--start-from", RANDOM, "--learning-rate", "1e-4", "--set", "pooling=mean"),
    ),
    "random-head": (
        "random weights frozen, a head",
        (
            *("--start-from", RANDOM, "--adapt", "head", "--learning-rate", "1e-2"),
            *("--set", "pooling=mean"),
        ),
    ),
    "naive-bayes": ("naive Bayes", ("--model", "naive-bayes")),
}
TFIDF = "tf-idf"
LABELS = {name: label for name, (label, _) in ARMS.items()} | {TFIDF: "TF-IDF, logistic regression"}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    seeds: Annotated[int, typer.Option(help="How many draws of each size, from 1 on.")] = 3,
    arms: Annotated[
        list[str] | None, typer.Option("--arm", help=f"Of {', '.join(LABELS)}; by default all.")
    ] = None,
    sizes: Annotated[list[int] | None, typer.Option("--size", help="By default all four.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the runs go.")] = RUNS,
    further: Annotated[
        bool, typer.Option("--further", help="Only what the results do not have.")
    ] = False,
) -> None:
    """Draw, train, score, write figures and page; see the text of the module."""
    path = FOLDER / "fine_tuning"
    before = training_runs.results(path) if further else {}
    known = {key for key, one in before.items() if "accuracy" in one}
    found = measured(range(1, seeds + 1), arms or list(LABELS), sizes or SIZES, folder, known)
    training_runs.record(path, found, page)


def measured(
    seeds: Sequence[int],
    arms: Sequence[str],
    sizes: Sequence[int],
    folder: Path,
    known: Collection[str] = (),
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Accuracy of every arm, size and seed: {"arm", "labels", "seed", "accuracy"} or "failed".

    But for those that are `known`, as ARM-SIZE-SEED.
    """
    random_base(folder / "bases" / RANDOM)
    os.environ[sources.PLACE] = str((folder / "bases").resolve())
    task = tasks.get("sst2")
    for seed in seeds:
        for size in sizes:
            files = drawn(task, size, seed, folder)
            for arm in arms:
                key = f"{arm}-{size}-{seed}"
                if key in known:
                    continue
                told = {"arm": arm, "labels": size, "seed": seed}
                if arm == TFIDF:
                    told |= {"accuracy": tf_idf(files)}
                else:
                    told |= run(arm, files, seed, folder / key)
                typer.echo(f"{key}: {told.get('accuracy', told.get('failed'))}")
                yield key, told


def run(arm: str, files: Sequence[Path], seed: int, place: Path) -> dict[str, Any]:
    """Train one arm and score it."""
    task = "labels:" + ",".join(map(str, files))
    arguments = ["--task", task, *ARMS[arm][1], *COMMON, "--seed", str(seed)]
    found = training_runs.trained(arguments, place)
    if "failed" in found:
        return {"failed": found["failed"]}
    card = found["card"]
    return {
        "accuracy": training_runs.figures(card)["accuracy"],
        "minutes": card["training"].get("minutes"),
    }


def drawn(task: Any, size: int, seed: int, folder: Path) -> list[Path]:
    """Files of `size` training phrases, half of each class, of the validation and test side."""
    folder.mkdir(parents=True, exist_ok=True)
    train, chance = task.examples("train"), np.random.default_rng(seed)
    kept = np.concatenate(
        [
            chance.choice(np.flatnonzero(train.labels == one), size // 2, replace=False)
            for one in range(len(task.classes))
        ]
    )
    some = Labelled([train.inputs[i] for i in kept], train.labels[kept])
    parts = {f"train-{size}-{seed}": some}
    parts |= {split: task.examples(split) for split in ("valid", "test")}
    paths = []
    for name, part in parts.items():
        path = folder / f"{name}.tsv"
        rows = zip(part.inputs, part.labels, strict=True)
        path.write_text("".join(f"{text}\t{task.classes[label]}\n" for text, label in rows))
        paths.append(path)
    return paths


def random_base(place: Path) -> None:
    """The encoder of MiniLM with random weights, as BERT begins: deviation 0.02."""
    from safetensors.numpy import load_file, save_file

    base = sources.find(BASE)
    assert isinstance(base, BertFolder)  # noqa: S101 - it is
    place.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    made = {}
    for name, array in load_file(base.folder / WEIGHTS).items():
        if name.endswith("LayerNorm.weight"):
            made[name] = np.ones_like(array)
        elif name.endswith("bias") or array.dtype.kind != "f":
            made[name] = np.zeros_like(array)
        else:
            made[name] = random.normal(0, 0.02, array.shape).astype("float32")
    save_file(made, place / WEIGHTS)
    for file in (CONFIG, VOCABULARY):
        (place / file).write_bytes((base.folder / file).read_bytes())


def tf_idf(files: Sequence[Path]) -> float:
    """Accuracy of logistic regression on TF-IDF of words and pairs, in percent."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    (train, classes), (test, wanted) = (_columns(files[0]), _columns(files[2]))
    made = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+"),
        LogisticRegression(C=10, max_iter=1_000),
    )
    made.fit(train, classes)
    return round(100 * float((made.predict(test) == np.array(wanted)).mean()), 3)


def _columns(path: Path) -> tuple[list[str], list[str]]:
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [row[0] for row in rows], [row[1] for row in rows]


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A table of arms by labels as a Markdown page."""
    sizes = sorted({one["labels"] for one in found.values()})
    lines = [
        "# Accuracy on SST-2 by number of labels",
        "",
        f"Mean of the draws (their deviation; how many), in percent of the 1,821 test sentences. "
        f"Every network was trained for {STEPS} steps of 512 tokens. Written by "
        "`python -m benchmarks.quality.fine_tuning`.",
        "",
        "| | " + " | ".join(f"{size:,} labels" for size in sizes) + " |",
        "|---|" + "--:|" * len(sizes),
    ]
    for arm, label in LABELS.items():
        cells = []
        for size in sizes:
            own = [o for o in found.values() if (o["arm"], o["labels"]) == (arm, size)]
            values = [one["accuracy"] for one in own if "accuracy" in one]
            if not values:
                cells.append("")
                continue
            spread = f"± {statistics.stdev(values):.1f}, " if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.1f} ({spread}{len(values)})")
        if any(cells):
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    failed = [f"- {key}: {one['failed']}" for key, one in sorted(found.items()) if "failed" in one]
    if failed:
        lines += ["", "## Failed", "", *failed]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    app()
