"""Readers of gold alignments: small files of our own, corrupt ones, and the real ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from training.attention import gold_alignments
from training.data.download import DownloadError
from training.metrics import text as metrics
from training.tasks.base import Example
from zoo.interpret import alignment
from zoo.interpret.alignment import Gold
from zoo.stats import bootstrap


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """A data folder of our own, and an empty cache."""
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for folder in (gold_alignments.GOLDEN, gold_alignments.HANSARDS):
        (tmp_path / "data" / folder).mkdir(parents=True)
    return tmp_path / "data"


def hansards(data: Path, links: str, english: str = "a b\nc .\n", french: str = "x y z\nw .\n"):
    folder = data / gold_alignments.HANSARDS
    (folder / "test.e").write_text(english, encoding="utf-8")
    (folder / "test.f").write_text(french, encoding="utf-8")
    (folder / "test.wa.nonullalign").write_text(links, encoding="utf-8")
    return gold_alignments.read("hansards-en-fr")


def row(source: list, target: list, links: list) -> str:
    return json.dumps({"src_words": source, "tgt_words": target, "alignment": links}) + "\n"


def golden(data: Path, train: str, valid: str = ""):
    folder = data / gold_alignments.GOLDEN
    (folder / "es_golden.train.jsonl").write_text(train, encoding="utf-8")
    (folder / "es_golden.valid.jsonl").write_text(valid, encoding="utf-8")
    return gold_alignments.read("golden-en-es")


def test_golden_is_both_files_with_all_links_sure(data):
    first = row(["the", "sitting"], ["la", "sesión"], [[0, 0], [1, 1]])
    found = golden(data, first, row(["no"], ["¡", "no"], [[0, 1]]))
    assert [pair.target for pair in found] == [("la", "sesión"), ("¡", "no")]
    assert found[0].gold == Gold({(0, 0), (1, 1)})
    assert found[1].gold.sure == found[1].gold.possible == {(0, 1)}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"line 2 of es_golden\.train\.jsonl: "),
        (row(["a"], ["b"], [[0, 1]]), r"line 2 of .*1 and 1 words\. Received: 0-1"),
        (row(["a"], ["b"], [[-1, 0]]), r"line 2 of .*Received: -1-0"),
        (row(["a"], ["b"], [[0]]), "line 2 of .*ValueError"),
        (row(["a"], ["b"], [["0", 0]]), "line 2 of .*links are numbers"),
        (row([1], ["b"], [[0, 0]]), "line 2 of .*words are strings"),
        ('{"src_words": ["a"], "alignment": []}\n', "line 2 of .*KeyError: 'tgt_words'"),
        ("[]\n", "line 2 of .*TypeError"),
        (row(["a"], ["b"], 5), "line 2 of .*TypeError"),
    ],
)
def test_a_corrupt_jsonl_is_told_by_its_line(data, line, message):
    with pytest.raises(ValueError, match=message):
        golden(data, row(["a"], ["b"], [[0, 0]]) + line)


def test_hansards_counts_from_one_and_knows_sure_and_possible(data):
    found = hansards(data, "0001 1 1 S\n0001 2 3 P\n1 2 2 P\n0002 2 2\n2 1 0 S\n2 1 1 P 0.5\n")
    assert found[0].source == ("a", "b")
    assert found[0].target == ("x", "y", "z")
    assert found[0].gold == Gold({(0, 0)}, {(1, 1), (1, 2)})
    assert found[1].gold == Gold({(1, 1)}, {(0, 0)})  # no mark is sure; 0 is no word


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ("1 1 1 S\n1 1 S\n", r"line 2 of test\.wa\.nonullalign must be"),
        ("1 1 1 Q\n", "line 1 .*Received: '1 1 1 Q'"),
        ("1 -1 1 S\n", "line 1 .*must be"),
        ("3 1 1 S\n", "line 1 .*not there"),
        ("0 1 1 S\n", "line 1 .*not there"),
        ("1 3 1 S\n", "line 1 .*not there"),
        ("1 1 4 S\n", "line 1 .*not there"),
    ],
)
def test_a_corrupt_link_is_told_by_its_line(data, links, message):
    with pytest.raises(ValueError, match=message):
        hansards(data, links)


def test_texts_that_went_apart_or_are_not_utf8_are_told(data):
    with pytest.raises(ValueError, match=r"test\.e with 1 and test\.f with 2"):
        hansards(data, "1 1 1 S\n", english="a b\n")
    (data / gold_alignments.HANSARDS / "test.f").write_bytes("é\n\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"UTF-8.*test\.f"):
        gold_alignments.read("hansards-en-fr")


def test_pharaoh_lines_there_and_back():
    gold = gold_alignments.parse_pharaoh("0-1 2p3 0p1")
    assert gold == Gold({(0, 1)}, {(0, 1), (2, 3)})
    assert gold_alignments.parse_pharaoh("1-2 3p4", first=1) == gold
    assert gold_alignments.format_pharaoh(gold) == "0-1 2p3"
    assert gold_alignments.parse_pharaoh(gold_alignments.format_pharaoh(gold)) == gold
    assert gold_alignments.parse_pharaoh("") == Gold()
    for wrong in ("0", "0-", "0x1", "0--1", "a-b", "0-1,2-3"):
        with pytest.raises(ValueError, match=r"written 0-1 or 2p3\. Received"):
            gold_alignments.parse_pharaoh(wrong)


def test_awesome_files_count_from_one(data):
    folder = data / gold_alignments.HANSARDS
    text, gold = folder / "awesome_enfr.src-tgt", folder / "awesome_enfr.gold"
    text.write_text("a b ||| x y z \nc ||| w\n", encoding="utf-8")
    gold.write_text("1-1 2p3\n\n", encoding="utf-8")
    first, second = gold_alignments.read("awesome-en-fr")
    assert (first.source, first.target) == (("a", "b"), ("x", "y", "z"))
    assert first.gold == Gold({(0, 0)}, {(1, 2)})
    assert second.gold == Gold()
    gold.write_text("1-1\n1-2\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2 of awesome_enfr\.gold: .*Received: 0-1"):
        gold_alignments.read("awesome-en-fr")
    gold.write_text("0-1\n\n", encoding="utf-8")  # counted from 0 by mistake
    with pytest.raises(ValueError, match=r"line 1 of awesome_enfr\.gold: .*Received: -1-0"):
        gold_alignments.read("awesome-en-fr")
    gold.write_text("1-1\n\n", encoding="utf-8")
    text.write_text("a b ||| x y z \nc\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"line 2 of awesome_enfr\.src-tgt must be two"):
        gold_alignments.read("awesome-en-fr")
    gold.write_text("1-1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="as many lines"):
        gold_alignments.read("awesome-en-fr")


def test_what_is_missing_is_told_with_its_place(data):
    for name, chosen in gold_alignments.SETS.items():
        with pytest.raises(DownloadError, match=str(data / chosen.files[0])):
            gold_alignments.read(name)
        with pytest.raises(DownloadError, match="not fetched"):
            chosen.provenance()
    with pytest.raises(ValueError, match=r"hansards-en-fr.*Received: name='hansards'"):
        gold_alignments.read("hansards")


def test_provenance_changes_with_the_content(data):
    chosen = gold_alignments.SETS["golden-en-es"]
    golden(data, row(["a"], ["b"], [[0, 0]]))
    first = chosen.provenance()
    golden(data, row(["a"], ["c"], [[0, 0]]))
    assert len(first.sha256) == 64
    assert first.sha256 != chosen.provenance().sha256


def test_the_truth_of_a_date_is_sure_of_digits_and_possible_of_names():
    source, target = "3 May 1984", "1984-05-03"
    digits = [(i,) for i in range(6, 10)]
    truth = (*digits, (), (2, 3, 4), (2, 3, 4), (), (), (0,))
    pair = gold_alignments.from_example(Example(source, (target,), truth))
    assert "".join(pair.source) == source
    assert "".join(pair.target) == target
    assert pair.gold.sure == {(6, 0), (7, 1), (8, 2), (9, 3), (0, 9)}
    assert (3, 5) in pair.gold.possible
    # a model that looks at any letter of the month is right; the dashes come from nowhere
    looked = np.zeros((10, 10))
    looked[np.arange(10), [6, 7, 8, 9, 0, 2, 4, 0, 0, 0]] = 1.0
    links = alignment.within(alignment.argmax(looked), pair.gold)
    found = alignment.evaluate([links], [pair.gold], resamples=10)
    assert found["aer"].value == 0.0
    with pytest.raises(ValueError, match="no true alignment"):
        gold_alignments.from_example(Example("a", ("b",)))


def test_every_date_of_the_task_aligns_with_itself():
    from training.tasks import dates

    pairs = [gold_alignments.from_example(e) for e in dates.make("dates").examples("valid")[:100]]
    links = [alignment.matrix(p.gold.possible, len(p.target), len(p.source)) for p in pairs]
    found = alignment.evaluate(links, [p.gold for p in pairs], resamples=10)
    assert found["aer"].value == 0.0
    assert all(p.gold.sure for p in pairs)


def test_intervals_are_those_of_the_cards():
    statistics = np.random.default_rng(3).integers(1, 9, (40, 2)).astype("float64")
    figure = metrics.Figure(statistics, metrics.ratio)

    def percent(sums: np.ndarray) -> np.ndarray:
        return 100 * sums[..., 0] / sums[..., 1]

    found = bootstrap(statistics, percent, resamples=250, seed=5)
    low, high = metrics.bootstrap(figure, resamples=250, seed=5)
    assert found.value == pytest.approx(figure.value)
    assert (found.low, found.high) == pytest.approx((low, high))


def real(name: str):
    """A set of the real data folder, or a skip."""
    if "ZOO_DATA_DIR" not in os.environ:
        pytest.skip("ZOO_DATA_DIR is not set")
    try:
        return gold_alignments.read(name)
    except DownloadError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("name", "sentences", "sure", "possible"),
    [
        ("golden-en-es", 100, 835, 835),
        ("golden-en-fr", 100, 1009, 1009),
        ("hansards-en-fr", 447, 4038, 17438),
        ("hansards-en-fr-dev", 37, 338, 1784),
        ("awesome-en-fr", 447, 4038, 17438),
        ("awesome-ro-en", 248, 6198, 6198),
    ],
)
def test_the_real_files_have_their_published_sizes(name, sentences, sure, possible):
    found = real(name)
    assert len(found) == sentences
    assert sum(len(pair.gold.sure) for pair in found) == sure
    assert sum(len(pair.gold.possible) for pair in found) == possible


def test_two_publications_of_the_hansards_are_read_alike():
    assert real("hansards-en-fr") == real("awesome-en-fr")


def test_real_sure_links_have_no_error_and_the_diagonal_has_what_counting_says():
    pairs = real("hansards-en-fr")
    gold = [pair.gold for pair in pairs]
    sizes = [(len(pair.target), len(pair.source)) for pair in pairs]
    sure = [alignment.matrix(g.sure, *size) for g, size in zip(gold, sizes, strict=True)]
    assert alignment.evaluate(sure, gold, resamples=10)["aer"].value == 0.0
    # straight down the diagonal, counted with plain sets
    straight = [np.eye(*size, dtype=bool) for size in sizes]
    found = alignment.evaluate(straight, gold, resamples=100)
    proposed = [set(alignment.pairs(links)) for links in straight]
    both = list(zip(proposed, gold, strict=True))
    hits = sum(len(a & g.sure) + len(a & g.possible) for a, g in both)
    size = sum(len(a) + len(g.sure) for a, g in both)
    assert found["aer"].value == pytest.approx(1 - hits / size)
    assert found["aer"].low < found["aer"].value < found["aer"].high
