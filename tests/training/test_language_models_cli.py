"""`python -m training.train` on a text: it learns, goes on after a kill, and says what is wrong.

All calls are made by one process of their own: a run fixes threads and determinism for good.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path

import pytest

import zoo
from tests import thorough
from tests.training import training_runs
from training import card_writer, tasks
from zoo import registry

pytestmark = pytest.mark.slow

MODELS = list(registry.of_kind("language_model"))
ALWAYS = ["feed-forward", "lstm", "gpt"]
RUN = [
    *("--preset=nano", "--steps=24", "--validate-every=12", "--validate-on=4", "--window=16"),
    *("--batch-tokens=128", "--learning-rate=0.02", "--warmup=4", "--checkpoint-every=5"),
    *("--seed=1", "--threads=1", "--precision=float32", "--averaging=0.5"),
]
CHARACTERS, SUB_WORDS = "--task=text-characters:own.txt", "--task=text:own.txt"
CARRIED = [CHARACTERS, *RUN, "--model=lstm", "--carry-state", "--optimizer=sgd", "--clip=0.25"]
CARRIED += ["--learning-rate=2", "--precision=mixed_bfloat16"]
GPT = [CHARACTERS, *RUN, "--model=gpt", "--set=layers=1"]
WRONG: dict[str, tuple[list[str], list[str]]] = {
    "a language model for dates": (
        ["--task=dates", "--model=gpt", "--preset=nano"],
        ["gpt is a language_model, and a seq2seq is wanted", "lstm-bahdanau", "'gpt'"],
    ),
    "a translator for a text": (
        [SUB_WORDS, *RUN, "--model=transformer"],
        ["transformer is a seq2seq, and a language_model is wanted", "min-gru"],
    ),
    "an unknown model": ([CHARACTERS, *RUN, "--model=mamba"], ["Unknown model", "'mamba'"]),
    "no path": (["--task=text:", *RUN, "--model=gpt"], ["text:PATH"]),
    "no name of a set": (["--task=text:tfds:", *RUN, "--model=gpt"], ["wants a data set's name"]),
    "no such set": (
        ["--task=text-characters:tfds:there_is_no_such_set", *RUN, "--model=gpt"],
        ["no such set", "there_is_no_such_set"],
    ),
    "no such file": (["--task=text:nowhere.txt", *RUN, "--model=gpt"], ["nowhere.txt"]),
    "an empty file": (["--task=text:empty.txt", *RUN, "--model=gpt"], ["empty"]),
    "one line": (["--task=text:line.txt", *RUN, "--model=gpt"], ["3 lines or 1,000 characters"]),
    "no text": (["--task=text-characters:binary.txt", *RUN, "--model=gpt"], ["binary.txt"]),
    "not UTF-8": (["--task=text:latin.txt", *RUN, "--model=gpt"], ["UTF-8", "latin.txt"]),
    "a folder without texts": (["--task=text:bare", *RUN, "--model=gpt"], ["no .txt files"]),
    "shorter than a window": (
        ["--task=text-characters:short.txt", *RUN, "--model=gpt"],
        ["a window needs 17", "--window"],
    ),
    "too few for sub-words": (["--task=text:short.txt", *RUN, "--model=gpt"], ["tokens"]),
    "a window beyond the context": ([*GPT, "--window=33"], ["context, 32", "33"]),
    "a vocabulary of characters": ([*GPT, "--vocabulary=99"], ["leave out --vocabulary"]),
    "too small a vocabulary": (
        [SUB_WORDS, *RUN, "--model=gpt", "--vocabulary=50"],
        ["cannot learn 50 sub-words", "--vocabulary"],
    ),
    "noise": ([*GPT, "--noise=0.1"], ["--noise is for tasks of pairs"]),
    "subword regularization": (
        [*GPT, "--subword-regularization=1"],
        ["--subword-regularization is for tasks of pairs"],
    ),
    "heads that do not divide": ([*GPT, "--set=heads=3"], ["hidden_size=16, heads=3"]),
    "heads of odd size": ([*GPT, "--set=hidden_size=6"], ["even"]),
    "unknown positions": ([*GPT, "--set=positions=alibi"], ["rotary, learned", "'alibi'"]),
    "a context of one": ([*GPT, "--set=max_length=1"], ["max_length", "at least 2"]),
    "a text for a model of pairs": (
        [CHARACTERS, *RUN, "--start-from=./pairs"],
        ["pairs is a seq2seq", "language_model"],
    ),
    "pairs for a language model": (
        ["--task=tsv:pairs.tsv", *RUN, "--start-from=./gpt"],
        ["gpt is a language_model", "seq2seq"],
    ),
    "a start with another context": (
        [CHARACTERS, *RUN, "--start-from=./gpt", "--window=40"],
        ["context, 32", "40"],
    ),
    "a start with another vocabulary": (
        [CHARACTERS, *RUN, "--start-from=./gpt", "--vocabulary=40"],
        ["a vocabulary of", "--vocabulary 40"],
    ),
    "a start that was counted": (
        [CHARACTERS, *RUN, "--start-from=./ngram"],
        ["counted and not trained"],
    ),
    "other settings": ([*GPT, "--out=gpt", "--window=8"], ["other settings", "window"]),
    "no state to carry": ([*GPT, "--carry-state"], ["for recurrent networks, and gpt is none"]),
    "too short to go on": (
        ["--task=text-characters:line.txt", *RUN, "--model=lstm", "--carry-state"],
        ["3 lines or 1,000 characters"],
    ),
    "an unknown optimizer": ([*GPT, "--optimizer=lion"], ["optimizer", "adam, sgd", "'lion'"]),
}
SCRIPT = """
import hashlib, shutil
from pathlib import Path
from training.loop import Trainer
from training.train import app

class Killed(BaseException):
    pass

step = Trainer._step
def dies(self, batch):
    if self.progress.step == 17:
        raise Killed
    step(self, batch)

def files():
    found = {p: p.read_bytes() for p in sorted(Path("gpt").rglob("*")) if p.is_file()}
    return {str(p): hashlib.sha256(data).hexdigest() for p, data in found.items()}

for name, arguments in calls["right"].items():
    found[name] = call(app, arguments)
for name, arguments in calls["broken"].items():
    Trainer._step = dies
    try:
        call(app, arguments)
    except Killed:
        found[f"killed {name}"] = sorted(p.name for p in Path(f"broken-{name}").iterdir())
    Trainer._step = step
    found[f"broken {name}"] = call(app, arguments)
shutil.copytree("gpt", "other")
found["fresh"] = call(app, calls["fresh"])
before = files()
for name, arguments in calls["wrong"].items():
    found[name] = call(app, arguments)
found["untouched"] = files() == before
"""


def corpus(path: Path) -> None:
    """Texts of several kinds, most of them no good."""
    verses = [
        f"{who} {does} the {what}, {how}."
        for who in ("Ann", "the king", "nobody", "a friend of mine")
        for does in ("sees", "buys", "sold", "wants")
        for what in ("house", "red ship", "old book")
        for how in ("they say", "if she can", "à propos")
    ]
    (path / "own.txt").write_text("\n".join(verses) + "\n", encoding="utf-8")
    (path / "other.txt").write_text("\n".join(verses[:60]).upper() + "\n", encoding="utf-8")
    (path / "empty.txt").write_text("")
    (path / "line.txt").write_text("Only one line of text\n")
    (path / "short.txt").write_text("ab\ncd\nef\n")
    (path / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (path / "latin.txt").write_bytes("à propos\n".encode("latin-1") * 200)
    for folder in ("bare", "texts"):
        (path / folder).mkdir()
    (path / "bare" / "table.csv").write_text("a,b\n")
    (path / "texts" / "a.txt").write_text("\n".join(verses))
    training_runs.corpus(path / "pairs.tsv")


@pytest.fixture(scope="module")
def place(tmp_path_factory, pytestconfig) -> Path:
    """A folder with texts, after all calls were made in it."""
    models = MODELS if pytestconfig.option.thorough else ALWAYS
    path = tmp_path_factory.mktemp("texts")
    corpus(path)
    right = {model: [CHARACTERS, *RUN, f"--model={model}", f"--out={model}"] for model in models}
    right["gpt"] = [*GPT, "--out=gpt"]
    right["ngram"] = [CHARACTERS, *RUN, "--model=ngram", "--out=ngram"]
    sub_words = [*RUN, "--model=feed-forward", "--vocabulary=300"]
    right["sub-words"] = [SUB_WORDS, *sub_words, "--out=sub-words"]
    right["a folder"] = ["--task=text:texts", *sub_words, "--steps=1", "--out=folder"]
    right["pairs"] = [
        *("--task=tsv:pairs.tsv", "--model=simple-rnn", "--preset=nano", "--steps=2"),
        *("--validate-on=2", "--validate-with=keras", "--threads=1", "--precision=float32"),
        "--out=pairs",
    ]
    began = ["--start-from=./gpt", *RUN, "--steps=3", "--dropout=0.1", "--out=begun"]
    right["begun"] = ["--task=text-characters:other.txt", *began]
    right["carried"] = [*CARRIED, "--out=carried"]
    right["again"] = right["gpt"]
    wrong = {
        name: [*given, *([] if any("--out" in one for one in given) else ["--out=wrong"])]
        for name, (given, _) in WRONG.items()
    }
    calls = {
        "right": right,
        "broken": {
            "gpt": [*GPT, "--out=broken-gpt"],
            "carried": [*CARRIED, "--out=broken-carried"],
        },
        "fresh": ["--task=text-characters:other.txt", *GPT[1:], "--out=other", "--fresh"],
        "wrong": wrong,
    }
    training_runs.make_calls(SCRIPT, path, calls)
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "found.json").read_text())


def curve(folder: Path) -> list[dict[str, str]]:
    """The curve without what depends on the clock."""
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    clock = ("tokens_per_second", "minutes")
    return [{key: value for key, value in row.items() if key not in clock} for row in rows]


@pytest.mark.parametrize("model", thorough.params(MODELS, ALWAYS))
def test_every_architecture_learns_from_a_text(place, found, model):
    status, said, error = found[model]
    assert (status, error) == (0, None), said
    rows = curve(place / model)
    assert [row["step"] for row in rows] == ["12", "24"]
    for figure in ("loss", "valid_loss", "valid_nats", "valid_bits_per_byte", "valid_perplexity"):
        assert float(rows[1][figure]) < float(rows[0][figure]), figure
    assert float(rows[1]["valid_nats"]) == pytest.approx(float(rows[1]["valid_loss"]), abs=1e-3)
    card = card_writer.read(place / model)
    assert card["model"] == model and card["training"]["best_step"] == 24
    assert card["training"]["valid"]["nats"] == pytest.approx(
        float(rows[1]["valid_nats"]), abs=1e-3
    )
    loaded = zoo.load(place / model)
    assert loaded.kind == "language_model" and loaded.tokenizer.unit == "character"
    assert loaded.parameters == card["parameters"]
    texts = tasks.get(f"text-characters:{place / 'own.txt'}")
    counts = {split: len(texts.text(split)) for split in ("train", "valid", "test")}
    assert card["data"]["examples"] == counts
    assert "text-characters:own.txt" in (place / model / "README.md").read_text()


@pytest.mark.parametrize("name", ["gpt", "sub-words", "ngram", "begun"])
def test_what_is_written_continues_a_prompt(place, found, name):
    status, said, error = found[name]
    assert (status, error) == (0, None), said
    (answer,) = zoo.load(place / name).predict("the king ", 12)
    assert len(answer.tokens) == 12 and answer.text and answer.notes == []


def test_sub_words_are_those_asked_for(place, found):
    loaded = zoo.load(place / "sub-words")
    assert loaded.tokenizer.unit == "sub-word" and 280 < loaded.tokenizer.size <= 300
    assert curve(place / "sub-words")[1]["valid_bits_per_byte"]
    assert found["a folder"][:2][0] == 0
    assert json.loads((place / "folder" / "config.json").read_text())["task"] == "text:texts"


def test_the_task_of_a_folder_of_texts_is_found_again(place, monkeypatch):
    config = json.loads((place / "folder" / "config.json").read_text())
    monkeypatch.chdir(place)
    assert tasks.of_model(config).text("train").startswith("Ann sees the house")
    monkeypatch.chdir(place / "bare")
    with pytest.raises(ValueError, match=r"texts is not in this folder.*--task text:PATH"):
        tasks.of_model(config)


@pytest.mark.parametrize("name", ["gpt", "carried"])
def test_a_run_that_is_killed_ends_with_the_same_bytes(place, found, name):
    killed, broken = found[f"killed {name}"], f"broken-{name}"
    assert "weights.safetensors" not in killed and "training" in killed
    status, said, error = found[f"broken {name}"]
    assert (status, error) == (0, None), said
    assert "Going on at step 15 of 24" in said
    for file in ("weights.safetensors", "tokenizer.json", "config.json"):
        there = (place / broken / file).read_bytes().replace(broken.encode(), name.encode())
        assert there == (place / name / file).read_bytes(), file
    assert curve(place / broken) == curve(place / name)


def test_a_finished_run_is_left_alone(found):
    status, said, error = found["again"]
    assert (status, error) == (0, None) and "is finished (step 24)" in " ".join(said.split())


def test_a_run_that_begins_from_a_model_has_all_but_its_dropout_from_it(place, found):
    status, said, error = found["begun"]
    assert (status, error) == (0, None), said
    assert "Starting from the weights and tokenizers of gpt" in " ".join(said.split())
    first = curve(place / "begun")[0]
    assert first["step"] == "0" and not first["loss"]
    base, begun = (json.loads((place / n / "config.json").read_text()) for n in ("gpt", "begun"))
    assert begun["hyperparameters"].pop("dropout") == 0.1 != base["hyperparameters"].pop("dropout")
    for config, name, task in ((base, "gpt", "own"), (begun, "begun", "other")):
        assert config.pop("name") == name and config.pop("task") == f"text-characters:{task}.txt"
    assert base == begun
    files = [(place / name / "tokenizer.json").read_bytes() for name in ("gpt", "begun")]
    assert files[0] == files[1]
    weights = hashlib.sha256((place / "gpt" / "weights.safetensors").read_bytes()).hexdigest()
    origin = card_writer.read(place / "begun")["training"]["settings"]["start_from"]
    assert origin == {"name": "gpt", "weights": weights}


def test_a_fresh_run_has_nothing_of_the_one_before(place, found):
    status, said, error = found["fresh"]
    assert (status, error) == (0, None), said
    loaded = zoo.load(place / "other")
    assert loaded.tokenizer.missing("THE KING") == []
    assert loaded.tokenizer.missing("king") == list("king")


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_are_answered_with_one_line(found, case):
    status, said, error = found[case]
    assert (status, error) == (2, None), said
    assert len(said.strip().splitlines()) == 1, said
    for word in WRONG[case][1]:
        assert word in said


def test_no_mistake_cost_a_model_or_a_run(place, found):
    assert found["untouched"] is True
    assert not (place / "wrong" / "weights.safetensors").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_text_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("to be\n" * 300)
    path.chmod(0)
    with pytest.raises(ValueError, match="permission to read is denied"):
        tasks.get(f"text:{path}").text("train")
