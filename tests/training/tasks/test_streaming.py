"""Corpora too large for memory: read in parts, and split so that no source stands in two splits."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from training import objectives, run, tasks
from training.config import TrainConfig
from training.data import prepare
from training.tasks import corpora, reading, streaming
from training.tasks.streaming import LargeFiles


def lines(count: int = 3_000) -> list[str]:
    """Every source three times, told apart by case and punctuation."""
    forms = ("Line {} here.", "line {} here!", "LINE {}  here")
    return [f"{forms[n % 3].format(n // 3)}\tZeile {n}." for n in range(count)]


def write(path: Path, rows: list[str], end: str = "\n") -> Path:
    path.write_bytes("".join(row + end for row in rows).encode())
    return path


@pytest.fixture
def large(tmp_path, monkeypatch) -> Path:
    """A file that counts as large; what is made of it goes to the test's folder."""
    monkeypatch.setattr(streaming, "LARGE", 1)
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    return write(tmp_path / "pairs.tsv", lines())


def everything(files: LargeFiles) -> list[tuple[str, str]]:
    return [pair for part in files.parts() for pair in part]


def test_no_source_is_shared_between_splits(large):
    files = LargeFiles([large], part=700)
    held = files.held_out
    kept = {
        "train": {corpora.key(a) for a, _ in everything(files)},
        **{name: {corpora.key(a) for a, _ in held[name]} for name in ("valid", "test")},
    }
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not kept[one] & kept[other]
    assert len(held["test"]) == 300 and 100 < len(held["valid"]) <= 150
    assert set.union(*kept.values()) == {f"line {n} here" for n in range(1_000)}


def test_the_pairs_do_not_depend_on_the_size_of_parts(large):
    whole = everything(LargeFiles([large], part=10_000))
    assert len(whole) == 3 * 1_000 - 3 * len({corpora.key(a) for a, _ in held(large)})
    for part in (1, 7, 1_000, 3_000):
        assert everything(LargeFiles([large], part=part)) == whole
    parts = pickle.loads(pickle.dumps(LargeFiles([large], part=1_000).parts()))  # noqa: S301
    assert [len(list(part)) > 0 for part in parts] == [True] * 3


def held(path: Path) -> list[tuple[str, str]]:
    return [pair for pairs in LargeFiles([path]).held_out.values() for pair in pairs]


def test_it_reads_what_is_read_of_small_files(tmp_path):
    rows = ["\ufeffGo.\tVe.\tCC-BY", "", "Hi.\t ", "  é\u00a0!\t¡Corre!", *lines(40), "", ""]
    tsv = write(tmp_path / "a.tsv", rows, "\r\n")
    files = LargeFiles([tsv], part=6)
    wanted = [p for p in reading.read_pairs([tsv]) if p not in held(tsv)]
    tested = {corpora.key(a) for a, _ in held(tsv)}
    assert everything(files) == [p for p in wanted if corpora.key(p[0]) not in tested]
    assert files.lines == 44

    pairs = [line.split("\t") for line in lines(90)]
    left = write(tmp_path / "a.en", [*(a for a, _ in pairs), "two\u2028in one", ""])
    right = write(tmp_path / "a.de", [*(b for _, b in pairs), "zwei"])
    files = LargeFiles([left, right], part=8)
    tested = {corpora.key(a) for pairs in files.held_out.values() for a, _ in pairs}
    wanted = [p for p in reading.read_pairs([left, right]) if corpora.key(p[0]) not in tested]
    assert everything(files) == wanted and wanted[-1] == ("two in one", "zwei")
    write(left, ["one", "two"])
    with pytest.raises(ValueError, match=r"a.en with 2 and a.de with 91"):
        LargeFiles([left, right]).parts()


def test_what_is_no_text_is_said_with_its_line(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"a\tb\n\xff\tb\n")
    with pytest.raises(ValueError, match=r"UTF-8.*line 2 of a\.tsv"):
        everything(LargeFiles([path]))


@pytest.mark.parametrize("count", [1, 699, 1_500, 10_000])
def test_the_first_pairs_are_counted_exactly(large, count):
    files = LargeFiles([large], part=700)
    assert everything(files.first(count)) == everything(files)[:count]
    assert files.first(count).held_out == files.held_out
    assert files.first(count).identity() != files.identity() or count == 10_000


def test_a_sample_is_of_the_training_pairs_and_repeats(large):
    files = LargeFiles([large], part=700)
    drawn = files.sample(400)
    assert drawn == LargeFiles([large]).sample(400)
    assert 200 < len(drawn) <= 400 and set(drawn) <= set(everything(files))
    assert {int(target[6:-1]) // 1_000 for _, target in drawn} == {0, 1, 2}  # from all of it
    assert set(files.sample(10**6)) == set(everything(files))


def test_large_own_files_stream_and_small_ones_do_not(large, monkeypatch):
    task = tasks.get(f"tsv:{large}")
    train = [(e.source, e.references[0]) for e in task.examples("train")]
    assert train == everything(task.stream())
    for split in ("valid", "test"):
        examples = task.examples(split)
        assert len({e.source for e in examples}) == len(examples) > 100
        assert not {e.source for e in examples} & {source for source, _ in train}
    assert "2017" in task.provenance().split_rule and "lines" in task.provenance().split_rule
    assert task.provenance().sha256 == corpora.checksum([large])
    assert len(task.showcase()) == 9
    monkeypatch.setattr(streaming, "LARGE", 1 << 30)
    small = tasks.get(f"tsv:{large}")
    assert small.stream() is None and "shuffled" in small.provenance().split_rule


def test_a_large_corpus_cannot_be_cut_anew_in_every_epoch(large):
    config = TrainConfig(f"tsv:{large}", model="lstm", preset="tiny", subword_regularization=0.2)
    with pytest.raises(ValueError, match=r"encoded once .*--subword-regularization"):
        run.check(config, objectives.of_task(tasks.get(config.task)))


def test_a_large_corpus_is_encoded_without_being_held(large, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks.get(f"tsv:{large}").__class__, "vocabulary_size", 300)
    config = TrainConfig(f"tsv:{large}", batch_tokens=200, threads=1)
    task = tasks.get(config.task)
    stream = prepare.read(task, limit=900)
    monkeypatch.setattr(task, "examples", None)  # what would hold it
    tokenizers = prepare.make_tokenizers(task, stream, tmp_path / "run")
    batches, pairs = prepare.encode(task, stream, tokenizers, config)
    assert len(batches) == pairs == 900
    assert len(list(tmp_path.glob("encoded/*/index.json"))) == 1
    assert not list(tmp_path.glob("encoded/*/parts"))
    again = prepare.make_tokenizers(task, stream, tmp_path / "run")
    assert [t.bytes for t in again.values()] == [t.bytes for t in tokenizers.values()]
    # As a small corpus of the same pairs is encoded.
    listed = [tasks.Example(a, (b,)) for part in stream.parts() for a, b in part]
    other, _ = prepare.encode(task, listed, tokenizers, config)
    for ours, theirs in zip(batches.epoch(0), other.epoch(0), strict=True):
        assert (ours.source == theirs.source).all() and (ours.weights == theirs.weights).all()
