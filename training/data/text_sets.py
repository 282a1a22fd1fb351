"""Text sets of TensorFlow Datasets as running text for language models: `read("imdb_reviews")`.

A row is one text. Rows are joined by line feeds, in the order in which the set stores them; a line
ends with a line feed, empty rows are left out, and nothing else is changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from training.data import text_corpora, tfds
from training.tasks.base import Provenance

USUAL = "text"
"""The feature that is read where a set has several and none is named."""

CUT = {"valid": "5 % for validation", "test": "5 % as the test"}
"""What is cut from the training text where a set does not have it."""


def read(name: str) -> tuple[dict[str, str], Provenance]:
    """The texts of "train", "valid" and "test", and where they come from, without a checksum.

    Splits that the set does not have are cut from the end of its training text, 5 % each, as
    `text_corpora.text` cuts a text of one's own.

    Args:
        name: of the set, with a configuration and the feature to read where it has several:
            "imdb_reviews", "wiki40b/en", "ted_hrlr_translate/pt_to_en#en".

    Raises:
        ValueError: there is no such set, it has no text feature or no training split, several text
            features and none is named or called "text", or too little text.
        training.data.download.DownloadError: it cannot be found, fetched or prepared.
    """
    dataset, _, wanted = name.partition("#")
    builder = tfds.opened(dataset)
    feature = text_feature(builder.info.features, dataset, wanted)
    tfds.prepare(builder, dataset)
    names = tfds.split_names(builder.info.splits)
    texts = {split: _text(builder, own, feature) for split, own in names.items() if own}
    if not texts["train"]:
        raise ValueError(f"a corpus must have text, and the train split of tfds:{name} is empty")
    missing = [split for split in CUT if not texts.get(split)]
    parts = text_corpora.cut(texts["train"], f"the train split of tfds:{name}", len(missing))
    texts |= dict(zip(["train", *missing], parts, strict=True))
    rule = f"official: {', '.join(own for split, own in names.items() if split not in missing)}"
    if missing:
        cut = ", then ".join(CUT[split] for split in missing)
        rule += f"; cut by position from the end of train: {cut}"
    return texts, tfds.provenance(builder, "", rule)


def text_feature(features: Any, dataset: str, wanted: str = "") -> str:
    """The feature of each row that is its text.

    Args:
        features: of the set, by name.
        dataset: its name, for messages.
        wanted: the feature asked for; "": the one called "text", else the only one there is.

    Raises:
        ValueError: there is none, or not this one, or several.
    """
    texts = [name for name, one in features.items() if _is_text(one)]
    if not texts:
        raise ValueError(
            f"a text set has a text in each row, and tfds:{dataset} has none. "
            f"Received: features={', '.join(features)}"
        )
    found = wanted or (USUAL if USUAL in texts else texts[0])
    if found not in texts:
        raise ValueError(
            f"tfds:{dataset} has no text feature of that name; there is {', '.join(texts)}. "
            f"Received: {wanted!r}"
        )
    if not wanted and found != USUAL and len(texts) > 1:
        raise ValueError(
            f"tfds:{dataset} has several text features: {', '.join(texts)}. "
            f"Name one, as in tfds:{dataset}#{found}"
        )
    return found


def _is_text(feature: Any) -> bool:
    """Whether a feature is one string."""
    from tensorflow_datasets.core.features import Tensor

    return (
        isinstance(feature, Tensor)
        and feature.shape == ()
        and np.dtype(feature.np_dtype) == np.dtype(object)
    )


def _text(builder: Any, split: str, feature: str) -> str:
    """The rows of a split, joined."""
    import tensorflow_datasets

    in_order = tensorflow_datasets.ReadConfig(interleave_cycle_length=1)  # one file after another
    rows = builder.as_dataset(split=split, read_config=in_order)
    try:
        found = [row[feature].decode() for row in tensorflow_datasets.as_numpy(rows)]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the feature {feature} of {builder.info.full_name} is not UTF-8 text ({error.reason})"
        ) from None
    lines = [text_corpora.with_line_feeds(row).strip("\n") for row in found]
    return "".join(f"{line}\n" for line in lines if line.strip())
