"""Running text: known corpora found and split, files of one's own split at borders or refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from training.data import download
from training.data.text_corpora import cut, ptb, read, shakespeare, text, words

BOOK = "".join(f"Chapter {n} begins here,\nand goes on for a line or two.\n\n" for n in range(400))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """ZOO_DATA_DIR and a home of our own, and no network."""
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "data"


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def whole(corpus):
    return corpus.train + corpus.valid + corpus.test


def test_shakespeare_is_split_by_characters(home, write):
    write("data/tinyshakespeare/input.txt", "To be, or not to be.\r\n" * 10)  # 210 characters read
    corpus = shakespeare()
    assert (len(corpus.train), len(corpus.valid)) == (189, 21)
    assert corpus.train + corpus.valid == "To be, or not to be.\n" * 10
    assert corpus.test == corpus.valid
    assert corpus.unit == "character" and "nanoGPT" in corpus.split_rule
    assert corpus.paths == (home / "tinyshakespeare" / "input.txt",)
    assert shakespeare(home / "tinyshakespeare") == corpus


def test_the_treebank_has_its_official_splits(home, write):
    write("data/ptb/ptb.train.txt", " mr. <unk> is chairman of <unk> n.v. \n rates fell N % \n")
    write("data/ptb/ptb.valid.txt", " consumers may want \n")
    write("data/ptb/ptb.test.txt", " no it was n't \n but \n")
    corpus = ptb()
    assert corpus.train == "mr. <unk> is chairman of <unk> n.v.\nrates fell N %\n"
    assert corpus.test == "no it was n't\nbut\n"
    assert words(corpus.test) == ["no", "it", "was", "n't", "<eos>", "but", "<eos>"]
    assert corpus.unit == "word"
    assert [path.name for path in corpus.paths] == [
        "ptb.train.txt",
        "ptb.valid.txt",
        "ptb.test.txt",
    ]
    assert ptb(home / "ptb") == corpus


def test_what_is_not_there_is_fetched_with_its_checksum(home, monkeypatch):
    asked = {}

    def fetch(urls, relative, *, sha256):
        asked[relative] = urls[0], sha256[urls[0]]
        path = home / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a line\n")
        return path

    monkeypatch.setattr(download, "fetch", fetch)
    shakespeare()
    ptb()
    assert list(asked) == [
        "tinyshakespeare/input.txt",
        "ptb/ptb.train.txt",
        "ptb/ptb.valid.txt",
        "ptb/ptb.test.txt",
    ]
    assert all(url.startswith("https://raw.githubusercontent.com/") for url, _ in asked.values())
    assert len({sha256 for _, sha256 in asked.values()}) == 4
    assert all(len(sha256) == 64 for _, sha256 in asked.values())
    asked.clear()
    shakespeare()
    ptb()
    assert not asked


def test_nothing_is_fetched_where_only_what_is_here_counts(home):
    with download.only_what_is_here(), pytest.raises(download.DownloadError, match="not on disk"):
        shakespeare()


def test_a_folder_without_the_corpus_is_named(tmp_path):
    for corpus, name in ((shakespeare, "input.txt"), (ptb, "ptb.train.txt")):
        with pytest.raises(ValueError, match=f"no such file.*{name}"):
            corpus(tmp_path)


def test_an_empty_file_of_a_known_corpus_is_refused(write, tmp_path):
    write("input.txt", "\n")
    write("ptb.train.txt", "")
    for corpus, name in ((shakespeare, "input.txt"), (ptb, "ptb.train.txt")):
        with pytest.raises(ValueError, match=f"the file is empty.*{name}"):
            corpus(tmp_path)


def test_own_text_is_split_between_paragraphs(write):
    corpus = text(write("book.txt", BOOK))
    assert whole(corpus) == BOOK.rstrip("\n") + "\n"
    for part in (corpus.valid, corpus.test):
        assert part.startswith("Chapter") and abs(len(part) / len(BOOK) - 0.05) < 0.01
    assert corpus.train.endswith("\n\n") and corpus.unit == "character"


@pytest.mark.parametrize(
    ("content", "mark"),
    [
        ("".join(f"line {n} of many\n" for n in range(500)), "\n"),
        (" ".join(f"word{n}" for n in range(500)), " "),
        ("x" * 5_000, ""),
        ("title\nauthor\n" + "one line of many words " * 400, " "),
    ],
)
def test_without_paragraphs_lines_then_words_are_the_borders(write, content, mark):
    corpus = text(write("a.txt", content))
    assert whole(corpus) == content + "\n" * (not content.endswith("\n"))
    assert corpus.train.endswith(mark) and corpus.valid.endswith(mark)
    for part, share in ((corpus.train, 0.9), (corpus.valid, 0.05), (corpus.test, 0.05)):
        assert abs(len(part) / len(content) - share) < 0.03


def test_a_border_around_the_position_is_found(write):
    content = "a" * 1_799 + "\n\n" + "b" * 198 + "\n"  # 90 % of 2,000 are between the two
    assert text(write("a.txt", content)).train == "a" * 1_799 + "\n\n"


def test_a_short_text_has_a_line_in_each_part(write):
    corpus = text(write("a.txt", "one\n\ntwo\nthree\n"))
    assert (corpus.train, corpus.valid, corpus.test) == ("one\n\n", "two\n", "three\n")
    corpus = text(write("b.txt", "".join(f"{n}\n" for n in range(60))))
    assert (corpus.valid, corpus.test) == ("54\n55\n56\n", "57\n58\n59\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines_and_byte_order_marks_do_not_matter(write, end):
    expected = text(write("a.txt", BOOK))
    found = text(write("b.txt", "\ufeff" + BOOK.replace("\n", end)))
    assert (found.train, found.valid, found.test) == (
        expected.train,
        expected.valid,
        expected.test,
    )


def test_other_characters_stay(write):
    content = "a\u2028b\x0cc\x85d\u00a0é e\u0301\n"
    assert read(write("a.txt", content)) == content
    assert words("a\x0cb\n\nc") == ["a", "b", "<eos>", "<eos>", "c", "<eos>"]
    assert words("") == []


def test_a_folder_is_read_in_the_order_of_its_paths(write, tmp_path, caplog):
    for name in ("b/2.txt", "b/10.TXT", "a.txt", "c.txt"):
        write(f"corpus/{name}", f"{name} one\n{name} two\n\n\n")
    write("corpus/b/empty.txt", "\n")
    write("corpus/b/notes.md", "no text")
    write("corpus/._a.txt", b"\x00\x05\x16\x07")
    write("corpus/.git/x.txt", "hidden")
    (tmp_path / "corpus" / "folder.txt").mkdir()
    corpus = text(tmp_path / "corpus")
    order = ("a.txt", "b/10.TXT", "b/2.txt", "c.txt")
    assert whole(corpus) == "\n\n".join(f"{name} one\n{name} two" for name in order) + "\n"
    assert "empty files are left out: empty.txt" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("\ufeff\n \n", "the file is empty"),
        ("one\ntwo\n", "at least 3 lines or 1,000 characters. Received: 2 lines, 8 characters"),
        (b"plain text\n" * 9 + b"\0\1\2", "byte 99 of this file is NUL"),
        (b"fine\ncaf\xe9 noir\n", r"byte 8 .* line 2, is not .*Windows-1252.*Received: a\.txt"),
        (b"\xef\xbb\xbfab\xff\n", "byte 5 of this file"),
        ("text\n".encode("utf-16"), "looks like UTF-16"),
        (gzip.compress(b"text", mtime=0), "compressed by gzip"),
    ],
)
def test_what_is_no_text_is_refused(write, content, message):
    with pytest.raises(ValueError, match=message):
        text(write("a.txt", content))


def test_paths_that_lead_nowhere_are_refused(tmp_path, write):
    with pytest.raises(ValueError, match=r"no such file or folder\. Received: path='.*nowhere'"):
        text(tmp_path / "nowhere")
    write("folder/notes.md", "x")
    with pytest.raises(ValueError, match=r"has no \.txt files\. Received: path='.*folder'"):
        text(tmp_path / "folder")
    write("folder/a.txt", "")
    write("folder/b.txt", " \n")
    with pytest.raises(ValueError, match="all 2 files are empty"):
        text(tmp_path / "folder")


def test_what_may_not_be_read_is_refused(tmp_path, write, monkeypatch):
    path = write("a.txt", BOOK)

    def refuse(place, *_):
        raise PermissionError(13, "Permission denied", str(place))

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        with pytest.raises(ValueError, match=r"denied\. Received: path='"):
            text(tmp_path)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ValueError, match=r"permission to read is denied\. Received: path='.*a.txt"):
        text(path)


def test_the_least_may_be_chosen(write):
    line = write("a.txt", "word " * 60)  # 300 characters in one line
    with pytest.raises(ValueError, match=r"Received: 1 line, 301 characters in path="):
        text(line)
    corpus = text(line, least=100)
    assert corpus.train and corpus.valid and corpus.test
    assert whole(corpus) == "word " * 60 + "\n"
    with pytest.raises(ValueError, match="least must be at least 100"):
        text(line, least=0)


def test_as_many_parts_are_cut_as_are_asked_for():
    assert cut(BOOK, "a book", 0) == [BOOK]
    train, test = cut(BOOK, "a book", 1)
    assert train + test == BOOK and test.startswith("Chapter")
    assert abs(len(test) / len(BOOK) - 0.05) < 0.01
    assert cut("one\ntwo\n", "two lines", 1) == ["one\n", "two\n"]
    with pytest.raises(ValueError, match=r"at least 2 lines .* 1 line, 4 characters in one line"):
        cut("one\n", "one line", 1)
