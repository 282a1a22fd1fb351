"""`python -m training.train`: what it says when something is wrong, in one line and with status 2.

All calls are made by one process of their own: a run fixes threads and determinism for good.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training import training_runs

pytestmark = pytest.mark.slow

RUN = [
    "--model=simple-rnn",
    "--preset=nano",
    "--steps=4",
    "--validate-every=2",
    "--validate-on=2",
    "--validate-with=keras",
    "--checkpoint-every=1",
    "--batch-tokens=100",
    "--seed=1",
]
TASK = "--task=tsv:pairs.tsv"
CASES: dict[str, tuple[list[str], list[str]]] = {
    "unknown task": (["--task=gossip", *RUN], ["unknown task", "tatoeba/en-es", "'gossip'"]),
    "unknown language": (["--task=tatoeba/en-klingon", *RUN], ["klingon"]),
    "missing file": (["--task=tsv:nothing.tsv", *RUN], ["no such file", "nothing.tsv"]),
    "unknown model": ([TASK, *RUN, "--model=gpt"], ["Unknown model", "lstm-bahdanau", "'gpt'"]),
    "unknown preset": ([TASK, *RUN, "--preset=huge"], ["Unknown preset", "small", "'huge'"]),
    "unknown hyper-parameter": (
        [TASK, *RUN, "--set=hiden_size=3"],
        ["hidden_size", "'hiden_size'"],
    ),
    "no value": ([TASK, *RUN, "--set=hidden_size"], ["NAME=VALUE", "'hidden_size'"]),
    "value of another type": ([TASK, *RUN, "--set=hidden_size=wide"], ["hidden_size='wide'"]),
    "dropout of all": ([TASK, *RUN, "--dropout=1"], ["dropout=1.0"]),
    "odd hidden size": ([TASK, *RUN, "--model=lstm", "--set=hidden_size=25"], ["units=25"]),
    "too few positions": (
        [TASK, *RUN, "--model=transformer", "--set=max_length=64"],
        ["128 tokens", "max_length=64"],
    ),
    "a rate for each block without blocks": (
        [TASK, *RUN, "--layer-decay=0.8"],
        ["--layer-decay is for networks of several blocks"],
    ),
    "unknown precision": ([TASK, *RUN, "--precision=float8"], ["mixed_bfloat16", "float8"]),
    "too few pairs": (["--task=tsv:few.tsv", *RUN], ["at least 20"]),
    "out is a file": ([TASK, *RUN, "--out=pairs.tsv"], ["pairs.tsv"]),
    "other settings": (
        [TASK, *RUN, "--out=run", "--seed=2", "--steps=9"],
        ["other settings", "seed, steps", "--fresh"],
    ),
    "damaged checkpoint": ([TASK, *RUN, "--out=cut"], ["last.safetensors is damaged", "--fresh"]),
    "loss that is no number": (
        [TASK, *RUN, "--out=hot", "--learning-rate=3e38", "--warmup=0", "--clip=1e30"],
        ["lower --learning-rate"],
    ),
}
BEGUN = {"a rate for each block without blocks", "loss that is no number"}
"""Cases that are known when the data has been read."""
OUT_OF_RANGE = {
    "--steps": "-1",
    "--epochs": "-1",
    "--batch-tokens": "0",
    "--validate-on": "0",
    "--checkpoint-every": "0",
    "--limit": "-5",
    "--seed": "-1",
    "--smoothing": "1.5",
    "--averaging": "2",
    "--layer-decay": "1.1",
}
SCRIPT = """
import shutil
from training.train import app

run = calls.pop("run")
found["run"] = call(app, run)
shutil.copytree("run", "cut")
with open("cut/training/last.safetensors", "r+b") as file:
    file.truncate(1000)
# A run of other data that was killed before its first checkpoint left its tokenizer.
shutil.copytree("run", "left")
for name in ("last.safetensors", "best.safetensors"):
    __import__("os").remove(f"left/training/{name}")
with open("left/training/tokenizer.model", "wb") as file:
    file.write(b"of another run")
found["left"] = call(app, [*run, "--out=left"])
for name, arguments in calls.items():
    found[name] = call(app, arguments)
found["anew"] = call(app, [*run, "--out=cut", "--fresh", "--seed=2"])
found["again"] = call(app, [*run, "--out=cut", "--seed=2"])
found["help"] = call(app, ["--help"])
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with corpora, after all calls were made in it."""
    path = tmp_path_factory.mktemp("cli")
    training_runs.corpus(path / "pairs.tsv")
    lines = (path / "pairs.tsv").read_text().splitlines(keepends=True)
    (path / "few.tsv").write_text("".join(lines[:5]))
    calls = {"run": [TASK, *RUN, "--out=run"]}
    for name, (arguments, _) in CASES.items():
        out = [] if any(a.startswith("--out") for a in arguments) else [f"--out=out-{name}"]
        calls[name] = [*arguments, *out]
    for option, value in OUT_OF_RANGE.items():
        calls[option] = [TASK, *RUN, f"{option}={value}", "--out=out"]
    training_runs.make_calls(SCRIPT, path, calls)
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "found.json").read_text())


def test_a_small_run_leaves_a_model(place, found):
    status, said, error = found["run"]
    assert (status, error) == (0, None), said
    left = {path.name for path in (place / "run").iterdir()}
    assert left == {
        *("config.json", "weights.safetensors", "tokenizer.model", "card.json"),
        *("README.md", "history.csv", "config.yaml", "training"),
    }
    card = json.loads((place / "run" / "card.json").read_text())
    assert card["model"] == "simple-rnn" and card["seed"] == 1
    assert card["training"]["steps"] == 4 and card["training"]["best_step"] in (2, 4)
    files = ("weights.safetensors", "tokenizer.model")
    assert card["bytes"] == sum((place / "run" / file).stat().st_size for file in files)


@pytest.mark.parametrize("case", CASES)
def test_mistakes_are_answered_with_one_line(found, case):
    status, said, error = found[case]
    assert (status, error) == (2, None), said
    assert "Traceback" not in said
    for word in CASES[case][1]:
        assert word in said
    # Only a run that had begun says anything before.
    complaints = said.strip().splitlines()
    assert len(complaints) == 1 or case in BEGUN, said


@pytest.mark.parametrize("option", OUT_OF_RANGE)
def test_numbers_out_of_range_are_refused(found, option):
    status, said, error = found[option]
    assert (status, error) == (2, None), said
    assert f"Invalid value for '{option}'" in said


def test_what_another_run_left_is_not_used(place, found):
    status, said, error = found["left"]
    assert (status, error) == (0, None), said
    for file in ("weights.safetensors", "tokenizer.model"):
        assert (place / "left" / file).read_bytes() == (place / "run" / file).read_bytes()


def test_fresh_starts_anew_and_finished_runs_are_left_alone(found):
    assert found["anew"][0] == 0 and "best bleu" in found["anew"][1]
    assert found["again"][0] == 0 and "is finished (step 4)" in found["again"][1]


def test_help_explains_every_option(found):
    import inspect

    from training.train import main

    status, said, _ = found["help"]
    assert status == 0
    hidden = {"context", "sampling"}  # what typer is told, and a former name
    for name in inspect.signature(main).parameters.keys() - hidden:
        option = {"override": "set"}.get(name, name).replace("_", "-")
        assert f"--{option}" in said
