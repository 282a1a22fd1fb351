"""The store of encoded pairs: what stands in it, when it is made, and what a kill leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from training.data import encoded_corpus
from training.data.batches import Batches
from training.tasks import corpora
from training.tasks.streaming import LargeFiles
from zoo.tokenizer import EOS, train_tokenizer

ROOT = Path(__file__).resolve().parents[3]
WORDS = "the red car sees a book and this old house buys two dogs from my sister".split()
LONGEST = (2000, 2000)


@pytest.fixture(scope="module")
def pairs():
    """220 pairs of mixed lengths; a few have a side of 300 words."""
    random = np.random.default_rng(1)
    sizes = [(300, 5), (1, 300), (300, 1), *random.integers(1, 15, (217, 2)).tolist()]
    return [
        tuple(" ".join(["w", str(n), *random.choice(WORDS, size)]) for size in both)
        for n, both in enumerate(sizes)
    ]


@pytest.fixture(scope="module")
def encoding(pairs):
    texts = [text for pair in pairs for text in pair]
    models = [
        train_tokenizer(texts, model_type=kind, vocabulary_size=60).bytes
        for kind in ("unigram", "bpe")
    ]
    return encoded_corpus.Encoding(tuple(models), LONGEST)


@pytest.fixture
def path(pairs, tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    return path


def stream(path: Path) -> LargeFiles:
    return LargeFiles([path], part=30)


def expected(path: Path, encoding: encoded_corpus.Encoding) -> list[tuple[list[int], list[int]]]:
    source, target = map(encoded_corpus.Tokenizer, encoding.models)
    return [(source.encode(a), target.encode(b)) for part in stream(path).parts() for a, b in part]


def content(found: encoded_corpus.Store) -> list[tuple[list[int], list[int]]]:
    rows = zip(found.sources, found.targets, strict=True)
    return [(source.tolist(), target.tolist()) for source, target in rows]


def folders(root: Path) -> list[Path]:
    return sorted(p for p in root.iterdir() if p.is_dir())


def test_a_store_holds_what_the_tokenizers_say(path, encoding, tmp_path):
    seen = []
    found = encoded_corpus.build(
        tmp_path / "s", stream(path), encoding, 1, lambda *now: seen.append(now)
    )
    wanted = expected(path, encoding)
    assert content(found) == wanted
    assert found.read == len(wanted) == 220 - 22 - 11
    assert max(len(row) for both in wanted for row in both) > 300
    assert isinstance(found.sources.ids.base, np.memmap)
    assert found.sources.ids.dtype == np.uint16
    assert seen == [(n, 8) for n in range(9)]
    [folder] = folders(tmp_path / "s")
    names = {
        "index.json",
        "lock",
        *(f"{s}.{k}" for s in encoded_corpus.SIDES for k in ("ids", "offsets")),
    }
    assert {p.name for p in folder.iterdir()} == names


def test_pairs_with_a_side_too_long_are_left_out_and_counted(path, encoding, tmp_path):
    short = encoded_corpus.Encoding(encoding.models, (20, 25))
    found = encoded_corpus.build(tmp_path, stream(path), short, 1)
    wanted = [(a, b) for a, b in expected(path, encoding) if len(a) <= 20 and len(b) <= 25]
    assert content(found) == wanted and 0 < len(wanted) < found.read
    none = encoded_corpus.build(
        tmp_path, stream(path), encoded_corpus.Encoding(encoding.models, (1, 1)), 1
    )
    assert len(none.sources) == len(none.targets) == 0 and none.read == found.read


def test_empty_texts_are_rows_of_their_end(encoding, tmp_path):
    encoded_corpus.encode_part([("", ""), ("a book", "")], tmp_path / "0.npz", encoding)
    with np.load(tmp_path / "0.npz") as arrays:
        assert arrays["target.ids"].tolist() == [EOS, EOS]
        assert arrays["source.offsets"][:2].tolist() == [0, 1]


class Large:
    """A tokenizer with more pieces than sixteen bits count."""

    size = 100_000

    def __init__(self, model: bytes, normalizer: object = None):
        pass

    def encode(self, text: str) -> list[int]:
        return [99_999, len(text), EOS]


def test_ids_of_a_large_vocabulary_are_kept_whole(path, encoding, tmp_path, monkeypatch):
    monkeypatch.setattr(encoded_corpus, "Tokenizer", Large)
    found = encoded_corpus.build(tmp_path, stream(path), encoding, 1)
    assert found.sources.ids.dtype == np.int32
    assert all(row[0] == 99_999 and row[2] == EOS for row in found.targets)
    assert [encoded_corpus.id_type(size) for size in (1 << 16, (1 << 16) + 1)] == [
        "uint16",
        "int32",
    ]


def test_a_finished_store_is_used_again_and_another_is_made_for_other_input(
    path, encoding, tmp_path, monkeypatch
):
    root = tmp_path / "s"
    encoded_corpus.build(root, stream(path), encoding, 1)
    with monkeypatch.context() as patch:
        patch.setattr(encoded_corpus, "encode_part", None)  # nothing is encoded
        encoded_corpus.build(root, stream(path), encoding, 1)
    encoded_corpus.build(
        root, stream(path), encoded_corpus.Encoding(encoding.models[::-1], LONGEST), 1
    )
    encoded_corpus.build(root, stream(path), encoded_corpus.Encoding(encoding.models, (20, 20)), 1)
    encoded_corpus.build(root, stream(path).first(100), encoding, 1)
    path.write_text(path.read_text() + "one\tmore\n")
    assert len(content(encoded_corpus.build(root, stream(path), encoding, 1))) > 180
    assert len(folders(root)) == 5


def test_a_run_that_was_stopped_goes_on_with_the_parts_missing(
    path, encoding, tmp_path, monkeypatch
):
    encode, made = encoded_corpus.encode_part, []

    def failing(part, file, how):
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append(file)
        encode(part, file, how)

    root = tmp_path / "s"
    monkeypatch.setattr(encoded_corpus, "encode_part", failing)
    with pytest.raises(KeyboardInterrupt):
        encoded_corpus.build(root, stream(path), encoding, 1)
    before = {file: file.stat().st_mtime_ns for file in made}
    assert len(before) == 3 and not list(root.glob("*/index.json"))

    again = []

    def counted(part, file, how):
        assert {file: file.stat().st_mtime_ns for file in before} == before
        again.append(file)
        encode(part, file, how)

    monkeypatch.setattr(encoded_corpus, "encode_part", counted)
    found = encoded_corpus.build(root, stream(path), encoding, 1)
    assert len(again) == 5 and not set(again) & set(before)
    assert content(found) == expected(path, encoding)


SLOW = """
import sys, time
from pathlib import Path
from training.data import encoded_corpus
from training.tasks.streaming import LargeFiles, Part
folder = Path(sys.argv[1])

class Slow(Part):
    def __iter__(self):
        if self.first >= 90:
            time.sleep(60)
        return super().__iter__()

class Parts(LargeFiles):
    def parts(self):
        return [Slow(**vars(part)) for part in super().parts()]

if __name__ == "__main__":
    encoding = encoded_corpus.Encoding(
        tuple((folder / f"{n}.model").read_bytes() for n in (0, 1)), (2000, 2000)
    )
    encoded_corpus.build(folder / "s", Parts([folder / "pairs.tsv"], part=30), encoding, 2)
"""


def test_several_processes_and_a_kill(path, encoding, tmp_path):
    """The first three parts are written by two processes, then the run is killed."""
    for n, model in enumerate(encoding.models):
        (tmp_path / f"{n}.model").write_bytes(model)
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen([sys.executable, script, tmp_path], env=environment)
    try:
        until = time.monotonic() + 100
        while len(done := list(tmp_path.glob("s/*/parts/*.npz"))) < 3:
            assert run.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        workers = children(run.pid)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert len(workers) >= 2
    while any(map(alive, workers)):  # no parent, no work
        assert time.monotonic() < until
        time.sleep(0.02)
    before = {file.name: file.stat().st_mtime_ns for file in done}
    seen = []
    found = encoded_corpus.build(
        tmp_path / "s", stream(path), encoding, 1, lambda done, parts: seen.append(done)
    )
    assert sorted(before) == ["00000.npz", "00001.npz", "00002.npz"]
    assert seen == [3, 4, 5, 6, 7, 8]
    assert content(found) == expected(path, encoding)


def children(pid: int) -> list[int]:
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def damage_index(folder: Path) -> None:
    (folder / "index.json").write_text("{")


def damage_ids(folder: Path) -> None:
    with (folder / "source.ids").open("r+b") as file:
        file.truncate(11)


def damage_offsets(folder: Path) -> None:
    shutil.copy(folder / "source.offsets", folder / "target.offsets")


@pytest.mark.parametrize("damage", [damage_index, damage_ids, damage_offsets])
def test_a_damaged_store_is_told_and_made_anew(path, encoding, tmp_path, damage):
    root = tmp_path / "s"
    encoded_corpus.build(root, stream(path), encoding, 1)
    [folder] = folders(root)
    damage(folder)
    with pytest.raises(encoded_corpus.StoreError, match=str(folder)):
        encoded_corpus.read(folder)
    assert content(encoded_corpus.build(root, stream(path), encoding, 1)) == expected(
        path, encoding
    )
    assert len(content(encoded_corpus.read(folder))) == 187


def test_a_damaged_part_is_told_and_made_anew(path, encoding, tmp_path, monkeypatch):
    def half(part, file, how):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"PK half a file")

    with (
        monkeypatch.context() as patch,
        pytest.raises(encoded_corpus.StoreError, match=r"00000\.npz"),
    ):
        patch.setattr(encoded_corpus, "encode_part", half)
        encoded_corpus.build(tmp_path, stream(path).first(20), encoding, 1)
    found = encoded_corpus.build(tmp_path, stream(path).first(20), encoding, 1)
    assert content(found) == expected(path, encoding)[:20]


def test_batches_of_a_store_are_those_of_lists(path, encoding, tmp_path):
    found = encoded_corpus.build(tmp_path, stream(path), encoding, 1)
    mapped = Batches(found.sources, found.targets, tokens=250, seed=3)
    listed = Batches(*zip(*expected(path, encoding), strict=True), tokens=250, seed=3)
    for start in (0, 4):
        ours, theirs = list(mapped.epoch(1, start)), list(listed.epoch(1, start))
        assert len(ours) == len(theirs) == mapped.count(1) - start
        for one, other in zip(ours, theirs, strict=True):
            assert (one.source == other.source).all()
            assert (one.target_out == other.target_out).all()
            assert one.source.dtype == np.int32


def test_a_line_that_cannot_be_read_is_named(path, encoding, tmp_path):
    lines = path.read_text().splitlines()
    held = {corpora.key(a) for pairs in stream(path).held_out.values() for a, _ in pairs}
    number = next(n for n, line in enumerate(lines) if corpora.key(line.split("\t")[0]) not in held)
    lines[number] = "no tab"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=f"line {number + 1} of pairs.tsv has no tab"):
        encoded_corpus.build(tmp_path, stream(path), encoding, 1)
