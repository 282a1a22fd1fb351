"""What lies beside the SavedModel of a language model: warm-up requests and its tokenizer.

Its README is in `zoo.export.language_model_readme`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from zoo.export.language_model_readme import readme
from zoo.export.tf_serving import EXTRA, WARMUP, Request, write_warmup

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor

WARMUP_PROMPTS = 2
"""With so many prompts, each by itself, a server warms up: a continuation takes a while."""


def write(
    folder: Path,
    loaded: LanguageModelPredictor,
    name: str,
    counts: tuple[int, int],
    text: bool,
    prompts: Sequence[str],
    states: Mapping[str, tf.Tensor],
) -> None:
    """Write README, warm-up requests and tokenizer into the `folder` of a SavedModel.

    Args:
        folder: where `saved_model.pb` is.
        loaded: the model that was exported.
        name: what it is called when it is served.
        counts: how many tokens are written where a request cannot say, and at most.
        text: whether there are signatures of text.
        prompts: to warm up with; the README asks for the first.
        states: the state of one empty row, by name.
    """
    write_warmup(folder / WARMUP, name, requests(loaded, text, prompts, states))
    suffix = loaded.tokenizer.suffix
    (folder / EXTRA / f"tokenizer{suffix}").write_bytes(loaded.tokenizer.bytes)
    words = readme(loaded, name, counts, text, prompts[0], states)
    (folder / "README.md").write_text(words, encoding="utf-8")


def requests(
    loaded: LanguageModelPredictor,
    text: bool,
    prompts: Sequence[str],
    states: Mapping[str, tf.Tensor],
) -> list[Request]:
    """One for each signature that takes long, and one for each of some prompts."""
    tokenizer = loaded.tokenizer
    ids = tf.constant([[tokenizer.start, *tokenizer.encode(prompts[0])[:8]]], tf.int32)
    one = tf.constant([0], tf.int32)
    made: list[Request] = [
        ("ids", {"ids": ids}),
        ("prefill", {"tokens": ids, "lengths": tf.constant([ids.shape[1]], tf.int32)}),
        ("step", {"token": ids[:, 0], "index": one, **states}),
    ]
    if not text:
        return [("serving_default", made[0][1]), *made]
    for prompt in prompts[:WARMUP_PROMPTS]:
        made.append(("serving_default", {"prompts": tf.constant([prompt])}))
    options: dict[str, Any] = {"max_new_tokens": tf.constant([20]), "temperature": tf.ones([1])}
    options |= {"top_k": one, "top_p": tf.ones([1]), "seed": tf.constant([0], tf.int64)}
    made.append(("sample", {"prompts": tf.constant([prompts[0]]), **options}))
    return made
