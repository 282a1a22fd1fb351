"""Sets of TensorFlow Datasets: opened, prepared on disk, and what cards say of them.

The package is imported only when a set is asked for: that takes seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.data import download
from training.tasks.base import Provenance

SPLIT_NAMES = {"train": ("train",), "valid": ("validation", "valid", "dev"), "test": ("test",)}


def opened(name: str) -> Any:
    """The builder of a set, which knows its features; nothing is fetched yet.

    Raises:
        ValueError: there is no such set, configuration or version.
        training.data.download.DownloadError: the package is missing.
    """
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise download.DownloadError(
            f"tfds:{name} needs TensorFlow Datasets: pip install tensorflow-datasets ({error})"
        ) from None
    try:
        with _quiet():
            return tensorflow_datasets.builder(name, data_dir=str(_folder()))
    except (ValueError, AssertionError):  # their messages are lists of hundreds of names
        raise ValueError(
            f"TensorFlow Datasets has no such set, configuration or version. Received: {name!r}"
        ) from None


def prepare(builder: Any, name: str) -> None:
    """Fetch and prepare a set that is not on disk.

    Raises:
        training.data.download.DownloadError: it is not on disk and cannot be fetched or prepared.
    """
    import tensorflow_datasets

    if not Path(builder.data_dir).is_dir():
        download.check_may_fetch(f"tfds:{name}")
    build = f"`tfds build {name} --data_dir {_folder()}`"
    try:
        with _quiet():
            builder.download_and_prepare()
    except (OSError, tensorflow_datasets.download.DownloadError) as error:
        raise download.DownloadError(
            f"TensorFlow Datasets could not fetch {name} ({error}). With a network, run {build}."
        ) from None
    except ImportError as error:
        raise download.DownloadError(
            f"TensorFlow Datasets needs one more package to prepare {name} ({error}). "
            f"Install it, or copy a set that is already prepared to {builder.data_dir}."
        ) from None
    except AssertionError as error:
        raise download.DownloadError(
            f"TensorFlow Datasets cannot prepare {name} without help: {error}"
        ) from None


def split_names(given: Collection[str]) -> dict[str, str | None]:
    """What a set calls "train", "valid" and "test"; None: it has no such split.

    Raises:
        ValueError: it has no split for training.
    """
    if "train" not in given:
        raise ValueError(f"the data set has no train split. Received: splits={sorted(given)}")
    return {
        split: next((name for name in names if name in given), None)
        for split, names in SPLIT_NAMES.items()
    }


def provenance(builder: Any, sha256: str, split_rule: str) -> Provenance:
    """What TensorFlow Datasets knows of a set, for a card."""
    return Provenance(
        corpus=f"TensorFlow Datasets {builder.info.full_name}",
        url=builder.info.homepage or "",
        sha256=sha256,
        licence=builder.info.as_proto.redistribution_info.license or "see the home page",
        attribution=builder.info.full_name,
        split_rule=split_rule,
    )


def _folder() -> Path:
    """Where sets are kept."""
    return download.writable_folder() / "tensorflow_datasets"


@contextmanager
def _quiet() -> Iterator[None]:
    """Within it there is no warning at each retry without a network."""
    logger = logging.getLogger("urllib3.connectionpool")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
