"""Translation corpora: reading, cleaning, splitting, and the user's own files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from training import tasks
from training.data.download import DownloadError
from training.tasks import corpora


def tatoeba(folder: Path, code: str, lines: list[str]) -> None:
    path = folder / f"tatoeba-{code}" / f"{code}.txt"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def lines(count: int = 6_000) -> list[str]:
    return [f"Line {n} here.\tLigne {n} ici.\tby someone" for n in range(count)]


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("It's HIS.", "it s his", True),
        ("Well - known!", "well known", True),
        ("ไม่ใช่", "ไม้ใช่", False),  # a tone mark
        ("की", "का", False),  # a vowel sign
        ("क्या?", "क्या", True),
        ("!!!", "???", False),
    ],
)
def test_sentences_are_the_same_without_case_spacing_and_punctuation(one, other, same):
    assert (corpora.key(one) == corpora.key(other)) is same


def test_sizes_and_all_references(data):
    rows = [f"Line {n}.\t{word} {n}." for n in range(6_000) for word in ("Uno", "Dos")]
    tatoeba(data, "spa", rows)
    task = tasks.get("tatoeba/en-es")
    sizes = {s: len(task.examples(s)) for s in ("train", "valid", "test")}
    assert sizes == {"train": 2 * 2_000, "valid": 1_000, "test": 3_000}
    assert all(len(e.references) == 2 for e in task.examples("test"))
    before, held = task.examples("train"), task.examples("valid")
    task.forget_training()
    task.forget_training()
    assert task.examples("valid") is held
    assert task.examples("train") == before and task.examples("train") is not before


def test_sentences_that_differ_in_case_or_punctuation_share_a_split(data):
    rows = [f"Line {n}{end}\tFrase {n}{end}" for n in range(5_000) for end in (".", "!", "?")]
    tatoeba(data, "spa", rows)
    task = tasks.get("tatoeba/en-es")
    kept = {s: {corpora.key(e.source) for e in task.examples(s)} for s in ("train", "test")}
    assert not kept["train"] & kept["test"]
    assert len(task.examples("test")) == 3_000


def test_the_split_does_not_depend_on_the_order_of_the_file(data):
    pairs = [(f"Line {n}.", f"Frase {n}.") for n in range(500)]
    one = corpora.split(pairs, valid=20, test=50)
    other = corpora.split(pairs[::-1], valid=20, test=50)
    assert one["test"] == other["test"] and one["valid"] == other["valid"]
    assert sorted(one["train"]) == sorted(other["train"])
    assert [len(one[s]) for s in ("train", "valid", "test")] == [430, 20, 50]


def test_held_out_splits_begin_with_a_fair_sample(data):
    """ManyThings files are sorted by length: a prefix must not be the short sentences."""
    pairs = [("a " * n + "b", "x") for n in range(1, 2_001)]
    test = corpora.split(pairs, valid=10, test=500)["test"]
    lengths = [len(source) for source, _ in test[:100]]
    assert min(lengths) < 1_000 and max(lengths) > 3_000


def test_into_english_no_test_source_is_trained_on(data):
    # the same Spanish for many English sentences: they fall into different splits
    rows = [f"Line {n}.\tFrase {n % 4_500}." for n in range(9_000)]
    tatoeba(data, "spa", rows)
    task = tasks.get("tatoeba/es-en")
    train, valid, test = ({e.source for e in task.examples(s)} for s in ("train", "valid", "test"))
    assert test and valid and train
    assert not train & test and not train & valid and not valid & test
    assert next(iter(test)).startswith("Frase")


def test_keys_leave_case_and_punctuation_out():
    assert corpora.key("It's HERE!") == corpora.key("it s here")
    assert corpora.key("?!") == "?!"  # nothing but punctuation is its own key


def test_a_manythings_file_may_have_any_third_column_or_be_tatoebas_own(data):
    rows = lines(5_000)
    rows[7] = rows[7].rpartition("\t")[0]
    tatoeba(data, "fra", rows)
    numbers = [f"{n}\tLine {n}.\t{n + 9_000}\tZeile {n}." for n in range(5_000)]
    tatoeba(data, "deu", numbers)
    task = tasks.get("tatoeba/en-fr")
    assert sum(len(task.examples(split)) for split in ("train", "valid", "test")) == 5_000
    for example in tasks.get("tatoeba/en-de").examples("valid"):
        number = example.source.removeprefix("Line ")
        assert example.references == (f"Zeile {number}",)


def test_own_tsv_and_own_files_agree(tmp_path):
    pairs = [(f"Line {n}.", f"Zeile {n}.") for n in range(200)]
    (tmp_path / "a.tsv").write_text("\n".join("\t".join(p) for p in pairs), encoding="utf-8")
    for side, name in enumerate(("a.en", "a.de")):
        (tmp_path / name).write_text("\n".join(p[side] for p in pairs), encoding="utf-8")
    tsv = tasks.get(f"tsv:{tmp_path / 'a.tsv'}")
    files = tasks.get(f"files:{tmp_path / 'a.en'}, {tmp_path / 'a.de'}")
    sizes = {}
    for split in ("train", "valid", "test"):
        assert tsv.examples(split) == files.examples(split)
        sizes[split] = len(tsv.examples(split))
    assert sizes == {"train": 170, "valid": 10, "test": 20}
    assert files.provenance().corpus == "a.en + a.de"
    assert str(tmp_path) not in repr(files.provenance())


def test_own_data_too_small_or_missing(tmp_path):
    with pytest.raises(ValueError, match="no such file"):
        tasks.get(f"tsv:{tmp_path / 'missing.tsv'}").examples("train")
    path = tmp_path / "few.tsv"
    path.write_text("a\tb\n" * 50)
    with pytest.raises(ValueError, match="at least 20 different"):
        tasks.get(f"tsv:{path}").examples("train")


def test_figures_of_own_data_need_no_file(tmp_path):
    task = tasks.get(f"tsv:{tmp_path / 'gone.tsv'}")
    example = tasks.Example("Hello there, you.", ("Hola a todos, amigos.",))
    assert task.score(["Hola a todos, amigos."], [example])["bleu"] == pytest.approx(100.0)


def test_multi30k_has_its_official_splits(data):
    folder = data / "multi30k"
    folder.mkdir()
    for part, count in (("train", 5), ("val", 3), ("test_2016_flickr", 2)):
        for language in ("en", "de"):
            text = "\n".join(f"{part} {language} {n}." for n in range(count))
            (folder / f"{part}.{language}").write_text(text + "\n", encoding="utf-8")
    task = tasks.get("multi30k/de-en")
    assert [len(task.examples(s)) for s in ("train", "valid", "test")] == [5, 3, 2]
    assert task.examples("test")[1].source == "test_2016_flickr de 1."
    assert task.examples("test")[1].references == ("test_2016_flickr en 1.",)
    assert tasks.get("multi30k/en-de").provenance().sha256 != task.provenance().sha256


def test_no_corpus_and_no_network_says_what_to_fetch(data, monkeypatch):
    monkeypatch.setenv("HOME", str(data / "home"))
    nowhere = "http://127.0.0.1:9/{code}.zip"
    monkeypatch.setattr(corpora, "MANYTHINGS", nowhere)
    monkeypatch.setattr(corpora, "MIRRORS", {})
    with pytest.raises(DownloadError) as error:
        tasks.get("tatoeba/en-it").examples("train")
    message = str(error.value)
    assert "\n" not in message
    assert "http://127.0.0.1:9/ita.zip" in message
    assert str(data / "tatoeba-ita" / "ita.txt") in message


@pytest.mark.parametrize("name", ["tfds:ted_hrlr_translate/pt_to_en", "text:tfds:imdb_reviews"])
def test_missing_tensorflow_datasets_is_one_clear_line(name, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorflow_datasets", None)
    with pytest.raises(DownloadError, match="pip install tensorflow-datasets") as error:
        tasks.get(name).provenance()
    assert "\n" not in str(error.value)


def test_splits_of_a_published_set():
    pairs = [(f"s {n}", f"t {n}") for n in range(3_000)]
    given = corpora.official({"train": pairs, "validation": [("v", "v")], "test": [("x", "y")]})
    assert given == {"train": pairs, "valid": [("v", "v")], "test": [("x", "y")]}
    cut = corpora.official({"train": pairs, "test": [("x", "y")]})
    assert (len(cut["train"]), len(cut["valid"]), cut["test"]) == (2_000, 1_000, [("x", "y")])
    with pytest.raises(ValueError, match="no train split"):
        corpora.official({"test": pairs})


REAL = Path(os.environ.get("ZOO_DATA_DIR", "/nowhere"))


@pytest.mark.skipif(not (REAL / "tatoeba-spa/spa.txt").is_file(), reason="no real Tatoeba corpus")
def test_the_real_tatoeba_corpus(monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(REAL))
    task = tasks.get("tatoeba/en-es")
    if task.provenance().sha256 != corpora.KNOWN_SHA256[corpora.MIRRORS["spa"]]:
        pytest.skip("another release of the corpus")
    sizes = {s: len(task.examples(s)) for s in ("train", "valid", "test")}
    assert sizes == {"train": 114_325, "valid": 1_000, "test": 3_000}
    assert max(len(e.references) for e in task.examples("test")) > 5
    assert not {e.source for e in task.examples("train")} & set(task.showcase())
