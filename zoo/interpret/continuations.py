"""What was read and written for a language model's continuation: its tokens, words and ids.

Axes: N tokens read in all: those of the prompt, then all written ones but the last.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np

from zoo.continuation import Continuation
from zoo.padding import LENGTHS, bucket

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.kinds.language_model import LanguageModel

LONGEST = 512
"""The most tokens that a network without a context is asked about at once."""
COUNTED = "This model is a table of counts: there is no network in it to look into or to change."


def word_spans(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Begin and end of each word of a running text: a word takes the white space before it.

    Args:
        texts: what each token adds to the text.

    Example:
        >>> word_spans(["t", "o", " ", "b", "e"]), word_spans(["to", " be"])
        ([(0, 2), (2, 5)], [(0, 1), (1, 2)])
    """
    starts, space = [], False
    for place, text in enumerate(texts):
        begins = text[:1].isspace() and not (space and text.isspace())
        if place == 0 or begins:
            starts.append(place)
        space = text.isspace()
    return list(itertools.pairwise([*starts, len(texts)]))


def prompt_units(model: LanguageModelPredictor, prompt: str, unit: str) -> list[tuple[int, int]]:
    """Begin and end of each word, or token, of what is read of a prompt: tokens counted from 0.

    The start token in front of a text is none of them.
    """
    ids, begin = model.read_ids(prompt)
    ids = ids[begin:]
    if unit != "word":
        return [(i, i + 1) for i in range(len(ids))]
    return word_spans(texts_of(model, ids))


def texts_of(model: LanguageModelPredictor, ids: Sequence[int]) -> list[str]:
    """What each of some tokens adds to the text of those before it."""
    return [model.tokenizer.growth(ids[max(i - 8, 0) : i], one) for i, one in enumerate(ids)]


def network_of(model: LanguageModelPredictor) -> LanguageModel:
    """The network of a model.

    Raises:
        ValueError: it is an n-gram model.
    """
    if not isinstance(model.model, keras.Model):
        raise ValueError(COUNTED)
    return model.model


def padded_size(model: LanguageModelPredictor, tokens: int) -> int:
    """The padded length of a text of so many tokens.

    Raises:
        ValueError: the network cannot read as many at once.
    """
    most = model.context or LONGEST
    if tokens > most:
        raise ValueError(
            f"Prompt and continuation may have {most:,} tokens together: shorten one of them. "
            f"Received: {tokens:,} tokens"
        )
    return min(bucket(tokens, (*LENGTHS, most)), most)


def read_and_written(
    model: LanguageModelPredictor, answer: Continuation
) -> tuple[list[int], list[int]]:
    """The ids (N,) that were read for an answer, and those (T,) that were written.

    Raises:
        ValueError: they are more than the network reads at once.
    """
    ids, _ = model.read_ids(answer.prompt)
    written = [token.id for token in answer.tokens]
    read = [*ids, *written[:-1]]
    padded_size(model, len(read))
    return read, written


def padded(
    model: LanguageModelPredictor, answer: Continuation
) -> tuple[tuple[np.ndarray], dict[str, int]]:
    """All tokens read for an answer, (1, N) with padding, and N as the target's length."""
    read, _ = read_and_written(model, answer)
    tokens = np.zeros((1, padded_size(model, len(read))), "int32")
    tokens[0, : len(read)] = read
    return (tokens,), {"target": len(read)}
