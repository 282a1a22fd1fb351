"""Dialogues are read line by line, and scored by words and by who did what."""

from __future__ import annotations

import json
import zipfile

import pytest

from training import tasks
from training.data import dialogues, download
from training.data.dialogues import BREAK, joined
from training.metrics import summaries as metrics
from training.tasks.base import Example

ROWS = [
    {"id": str(i), "dialogue": f"Ann: Hi {i}\r\nBob: Hello!\r\n\r\nAnn: Bye", "summary": f"A {i}."}
    for i in range(30)
]


@pytest.fixture
def samsum(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    folder = tmp_path / "samsum"
    folder.mkdir()
    for part, rows in (("train", ROWS), ("val", ROWS[:2]), ("test", ROWS[1:4])):
        extra = [{"dialogue": " ", "summary": "none"}] if part == "train" else []
        (folder / f"{part}.json").write_text(json.dumps(rows + extra))
    return folder


def test_lines_stay_apart_and_no_dialogue_is_in_two_splits(samsum):
    task = tasks.get("samsum")
    sizes = {split: len(task.examples(split)) for split in ("train", "valid", "test")}
    assert sizes == {"train": 26, "valid": 1, "test": 3}
    assert task.examples("valid")[0].source == f"Ann: Hi 0 {BREAK} Bob: Hello! {BREAK} Ann: Bye"
    assert len(task.provenance().sha256) == 64 and "NC" in task.provenance().licence


def test_the_published_zip_is_read_too(samsum, monkeypatch):
    made = samsum / "samsum.zip"
    with zipfile.ZipFile(made, "w") as file:
        for path in samsum.glob("*.json"):
            file.write(path, f"corpus/{path.name}")
            path.unlink()
    monkeypatch.setattr(download, "fetch", lambda *given, **others: made)
    assert len(tasks.get("samsum").examples("train")) == 26
    made.write_bytes(b"no zip")
    with pytest.raises(ValueError, match="has not the three files"):
        tasks.get("samsum").examples("train")


def test_a_file_of_ones_own_is_split(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"t {i}", "summary": "s"}) for i in range(60)))
    task = tasks.get(f"jsonl:{path}")
    sizes = [len(task.examples(split)) for split in ("train", "valid", "test")]
    assert sizes == [51, 3, 6]
    assert task.info().label == "jsonl:mine.jsonl"
    both = task.tokenizers()
    assert both["source"] == both["target"] and both["source"].shared


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 of mine.jsonl is no JSON"),
        ("[1]", "row 2 of mine.jsonl is no object"),
        ('{"a": 1}', "row 2 of mine.jsonl needs dialogue and summary or"),
        ('{"text": 1, "summary": "s"}', "must be texts"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(tmp_path, line, said):
    path = tmp_path / "mine.jsonl"
    path.write_text(f'{{"text": "t", "summary": "s"}}\n{line}\n')
    with pytest.raises(ValueError, match=said):
        dialogues.lines(path)


def test_what_cannot_be_read_is_said(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text("\n\n")
    with pytest.raises(ValueError, match="has no texts"):
        dialogues.lines(path)
    path.write_text('{"text": "t", "summary": "s"}\n' * 30)
    with pytest.raises(ValueError, match="at least 20 different"):
        dialogues.own(path)
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(ValueError, match="must be UTF-8"):
        dialogues.lines(path)
    with pytest.raises(ValueError, match="no such file"):
        dialogues.lines(tmp_path / "none.jsonl")
    for name in ("jsonl:", "summaries:samsum", "samsum/x"):
        with pytest.raises(ValueError, match="summaries are called"):
            tasks.get(name)
    assert tasks.get("tfds:cnn_dailymail").name == "tfds:cnn_dailymail"


def test_line_breaks_of_all_kinds_are_one_sign():
    assert joined("a\r\nb\rc\n\n d ") == f"a {BREAK} b {BREAK} c {BREAK} d"


def test_the_longest_lines_are_taken_in_their_order():
    text = f" {BREAK} ".join(
        ["Ann: long enough", "Bob: no", "Ann: the longest of all", "Bob: so so"]
    )
    assert metrics.longest(text, 2) == f"Ann: long enough {BREAK} Ann: the longest of all"
    assert metrics.longest("one line") == "one line"


def test_rouge_takes_sentences_apart():
    found = metrics.rouge(["Bob sleeps. Ann runs."], [["Ann runs. Bob sleeps."]])
    assert {key: figure.value for key, figure in found.items()} == {
        "rouge1": 100.0,
        "rouge2": pytest.approx(66.67, abs=0.01),
        "rouge_lsum": 100.0,
    }
    assert metrics.rouge(["She was running"], [["she runs"]])["rouge1"].value == pytest.approx(80)


def pairs(text, names=("Ann", "Bob", "Will", "Chae-yeong")):
    found: dict[str, set[str]] = {}
    for name, word in metrics.deeds(text, names):
        found.setdefault(name, set()).add(word)
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Ann called Bob.", {"ann": {"called"}}),
        ("Ann and Bob sing.", {"ann": {"sing"}, "bob": {"sing"}}),
        ("Ann sings but Bob sleeps.", {"ann": {"sings"}, "bob": {"sleeps"}}),
        ("Ann met Will and Bob at noon.", {"ann": {"met", "noon"}}),
        ("Ann will wait for Will.", {"ann": {"wait"}}),
        ("Will will wait.", {"will": {"wait"}}),
        ("Ann's cat sleeps.", {}),
        ("Bob didn't come. Ann does not sing.", {"bob": {"not", "come"}, "ann": {"not", "sing"}}),
        ("Chae-yeong left.", {"chae-yeong": {"left"}}),
        ("It rains.", {}),
        ("", {}),
    ],
)
def test_words_belong_to_who_is_their_subject(text, wanted):
    assert pairs(text) == wanted


def test_the_right_words_of_the_wrong_person_do_not_count():
    source = f"Ann: Can you cook? {BREAK} Bob: Yes, you wash."
    right, wrong = "Bob cooks. Ann washes.", "Ann cooks. Bob washes."
    found = metrics.who_did_what([right, wrong], [[right], [right]], [source, source])
    assert found["deeds"].value == 50 and found["names"].value == 100
    assert metrics.rouge([wrong], [[right]])["rouge1"].value == 100
    assert metrics.who_did_what(["a"], [["b"]], ["No one speaks here."]) == {}
    # One of which nothing is known takes nothing away, and keeps its place among the others.
    more = metrics.who_did_what(
        [right, "a", wrong], [[right], ["b"], [right]], [source, "No one speaks.", source]
    )
    assert {key: one.value for key, one in more.items()} == {
        key: one.value for key, one in found.items()
    }
    assert len(more["deeds"].statistics) == 3
    assert metrics.speakers(source) == ["Ann", "Bob"]


def test_a_summariser_is_scored_whole_and_by_length(samsum):
    from types import SimpleNamespace

    from training.evaluate_pairs import evaluate_examples, floor_figures

    class Model:
        """Writes the first line."""

        def predict(self, texts, beams, attention):
            return [SimpleNamespace(text=text.split(BREAK)[0], log_probs=[-1.0]) for text in texts]

    task = tasks.get("samsum")
    examples = [
        Example(f"Ann: Hi! {BREAK} Bob: I'm late.", ("Bob is late.",)),
        Example("Nobody speaks here.", ("Nobody speaks.",)),
    ]
    found, records = evaluate_examples(Model(), task, examples)
    assert set(found) >= {"rouge1", "rouge_lsum", "deeds", "by_length"}
    assert len(records) == len(examples)
    assert floor_figures(task, examples)["name"] == "LONGEST-3"
