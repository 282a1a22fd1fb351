"""Examples with classes: what is read of files and folders, how it is split, what is refused."""

from __future__ import annotations

import importlib.util
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from training.data import labelled, labelled_images, labelled_series, labelled_texts
from training.data.download import DownloadError
from training.data.labelled import Labelled
from zoo import images

CLASSES = ("a", "b", "c")


def texts(count: int, classes: int = 3) -> str:
    return "".join(f"text number {i}\t{CLASSES[i % classes]}\n" for i in range(count))


def write(path, content: str):
    path.write_text(content, encoding="utf-8")
    return path


def test_a_file_is_split_by_class_without_leaks(tmp_path):
    content = texts(60) + "Text number 3\ta\n" * 4  # one text, written in two ways
    found = labelled_texts.own([write(tmp_path / "mine.tsv", content)])
    assert found.classes == CLASSES
    parts = [found.train, found.valid, found.test]
    assert sum(map(len, parts)) == 64
    keys = [{text.casefold() for text in part.inputs} for part in parts]
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]
    for part in parts:
        assert set(part.labels.tolist()) == {0, 1, 2}
    again = labelled_texts.own([tmp_path / "mine.tsv"])
    assert again.test.inputs == found.test.inputs and again.sha256() == found.sha256()


@pytest.mark.parametrize(
    "first, row",
    [
        ("label\tsentence", "b\ta text"),
        ("Text\tLabel", "a text\tb"),
        ("id\tlabel\ttext", "7\tb\ta text"),
    ],
)
def test_a_first_line_may_name_the_columns(tmp_path, first, row):
    path = write(tmp_path / "mine.tsv", f"{first}\n{row}\n")
    assert labelled_texts.rows(path) == [(2, "a text", "b")]


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "mine.tsv has no rows"),
        ("text\tlabel\n", "names its columns and has no rows"),
        (texts(12, 1), "all 12 texts of mine.tsv are 'a'"),
        (texts(12) + "no tab here\n", "row 13 of mine.tsv has 1 columns, not 2"),
        (texts(12) + " \u200b \ta\n", "row 13 of mine.tsv has no text"),
        (texts(12) + "some text\t \n", "row 13 of mine.tsv has no class"),
        (texts(8), "each class needs 3 different examples or more.*Received: 2 of 'c'"),
        (texts(12) + "same\td\n" * 5, "Received: 1 of 'd'"),
        ("one\ttwo\tthree\n", "there are 3 columns"),
        ("".join(f"text {i}\tclass {i}\n" for i in range(9)), "is the last column the class"),
    ],
)
def test_what_cannot_be_learnt_is_named(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        labelled_texts.own([write(tmp_path / "mine.tsv", content)])


def test_three_files_are_the_three_splits_and_a_new_class_is_named(tmp_path):
    paths = [write(tmp_path / f"{n}.tsv", texts(6)) for n in ("train", "valid", "test")]
    assert [len(p) for p in (labelled_texts.own(paths).valid, labelled_texts.own(paths).test)] == [
        6,
        6,
    ]
    write(paths[2], texts(4) + "a new one\tz\n")
    with pytest.raises(ValueError, match=r"row 5 of test\.tsv has the class 'z'"):
        labelled_texts.own(paths)
    with pytest.raises(ValueError, match="one file, or three"):
        labelled_texts.own(paths[:2])


def picture(path, colour, size=(12, 10)) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60,000 x 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    found = b"\x89PNG\r\n\x1a\n"
    for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")):
        found += struct.pack(">I", len(data)) + name + data
        found += struct.pack(">I", zlib.crc32(name + data))
    return found


@pytest.fixture
def folder(tmp_path):
    for name, red in (("cats", 200), ("dogs", 20)):
        for i in range(10):
            picture(tmp_path / name / f"{i}.png", (red, i, 3 * i))
    return tmp_path


def test_a_folder_of_images_is_read_and_what_is_no_image_is_named(folder, caplog):
    (folder / "cats" / "broken.png").write_bytes((folder / "cats" / "0.png").read_bytes()[:45])
    (folder / "cats" / "notes.txt").write_text("not an image")
    (folder / "dogs" / "bomb.png").write_bytes(bomb())
    (folder / "dogs" / ".hidden").write_text("x")
    found = labelled_images.folder(folder)
    assert found.classes == ("cats", "dogs") and found.train.inputs.shape[1:] == (10, 10, 3)
    assert sum(map(len, (found.train, found.valid, found.test))) == 20
    reds = [found.train.inputs[found.train.labels == i][..., 0].mean() for i in (0, 1)]
    np.testing.assert_allclose(reds, [200 / 255, 20 / 255], atol=0.01)
    assert "3 of 23 files are left out" in caplog.text
    for name in ("cats/broken.png", "cats/notes.txt", "dogs/bomb.png: An image may have"):
        assert name in caplog.text


def test_a_folder_without_classes_or_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no such folder"):
        labelled_images.folder(tmp_path / "none")
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=r"two or more\. Received: 1"):
        labelled_images.folder(tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no file in the folders"):
        labelled_images.folder(tmp_path)


def test_series_are_read_as_the_archive_writes_them(tmp_path):
    path = write(tmp_path / "x_TRAIN.ts", "@problemName x\n@data\n1.0,2.0:1\n3,4:2\n")
    found = labelled_series.read(path, ["1", "2"])
    assert found.inputs.shape == (2, 2, 1) and found.labels.tolist() == [0, 1]
    with pytest.raises(ValueError, match=r"line 4 of x_TRAIN\.ts has the class '2'"):
        labelled_series.read(path, ["1"])
    with pytest.raises(ValueError, match="several lengths"):
        labelled_series.read(write(path, "@data\n1,2:1\n3:2\n"), ["1", "2"])


def test_data_of_a_package_that_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(labelled, "find_spec", lambda name: None)
    with pytest.raises(DownloadError, match="pip install --no-deps scikit-learn"):
        labelled_images.digits()


@pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="no scikit-learn")
def test_digits_are_halved_as_the_example_does():
    found = labelled_images.digits()
    assert len(found.train) + len(found.valid) == 898 and len(found.test) == 899
    assert found.test.inputs.max() == 1.0 and found.train.inputs.shape[1:] == (8, 8, 1)
    with_fifths = labelled_images.digits80()
    assert 355 <= len(with_fifths.test) <= 364


def test_a_draw_takes_a_share_of_each_class_and_keeps_keys_together():
    labels = np.array([0] * 50 + [1] * 20)
    keys = [i // 2 for i in range(70)]
    chosen = labelled.drawn(labels, 0.2, keys)
    assert chosen[labels == 0].sum() == 10 and chosen[labels == 1].sum() == 4
    assert (chosen[::2] == chosen[1::2]).all()


def test_some_examples_are_spread_over_all():
    every = Labelled(np.arange(100.0)[:, None], np.repeat([0, 1], 50))
    few = every.first(10)
    assert len(few) == 10 and few.labels.sum() == 5 and len(every.first(200)) == 100


def test_images_are_made_one_size_and_one_depth():
    assert images.as_array(np.full((2, 2), 255, "uint8")).max() == 1.0
    clear = np.zeros((2, 2, 4))
    np.testing.assert_allclose(images.with_channels(clear, 1), 1.0)  # nothing, on white
    smooth = images.resized(np.ones((7, 5, 3)), 3, 4)
    np.testing.assert_allclose(smooth, np.ones((3, 4, 3)))
    data = images.png(np.linspace(0, 1, 12).reshape(3, 4, 1))
    assert np.asarray(Image.open(io.BytesIO(data))).shape == (3, 4)
    np.testing.assert_allclose(
        images.as_array(data), np.linspace(0, 1, 12).reshape(3, 4), atol=0.01
    )


@pytest.mark.parametrize(
    "given, error, message",
    [
        (b"nothing", ValueError, "no image that Pillow knows"),
        (bomb(), ValueError, "may have 16,000,000 pixels"),
        ("a path", TypeError, "array or the bytes of a file"),
        (np.zeros((2, 2, 5)), ValueError, r"shape=\(2, 2, 5\)"),
        (np.full((2, 2), 300), ValueError, "from 0 to 255"),
        (np.full((2, 2), np.nan), ValueError, "from 0 to 255"),
        (np.zeros((0, 3)), ValueError, "must have pixels"),
    ],
)
def test_what_is_no_image_is_refused(given, error, message):
    with pytest.raises(error, match=message):
        images.as_array(given)
