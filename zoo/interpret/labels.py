"""What of an input speaks for its class: attention, gradient x input, occlusion.

Axes: T places of an answer, U units of the input: words of a text, pixels of an image, time steps
of a series.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.class_inputs import TextInput
from zoo.cleaning import clean
from zoo.interpret import attention_maps

if TYPE_CHECKING:
    from zoo.inference.classifier import ClassifierPredictor
    from zoo.inference.classifier_base import ClassifierBase
    from zoo.kinds.base import Tensor
    from zoo.kinds.classifier import Classifier
    from zoo.label import Label

MOST_WORDS = 256
"""Words of a text that are hidden one after the other at most."""
SPACE = "␣"
"""What the first token of a word begins with, as labels show it."""
CELLS = 7
"""An image is hidden in about so many squares a side."""
STRETCHES = 12
"""A series is hidden in about so many stretches."""


def looked_at(
    answer: Label, layer: int | None = None, head: int | None = None, *, rollout: bool = False
) -> np.ndarray:
    """How much of the attention of what is classified went to each place.

    Args:
        answer: of a model with attention.
        layer, head: one of them, counted from 0; None: the mean of all.
        rollout: carried through all layers (`attention_maps.rollout`); then of no layer or head.

    Returns:
        (T,) float32 that sum to 1.

    Raises:
        ValueError: the answer has no attention, or rollout is wanted of a layer or head.

    Example:
        >>> from zoo.label import Label
        >>> maps = {"pooling": np.array([[[[0.25, 0.75]]]], "float32")}
        >>> looked_at(Label("a b", {"x": 1.0, "y": 0.0}, maps, classified=0)).tolist()
        [0.25, 0.75]
    """
    if not answer.attention:
        raise ValueError("The answer has no attention. Received: attention={}")
    [maps] = list(answer.attention.values())[:1]  # (L, H, T or 1, T)
    if rollout:
        if layer is not None or head is not None:
            raise ValueError(
                f"Rollout goes through all layers. Received: layer={layer}, head={head}"
            )
        square = maps.shape[-2] == maps.shape[-1]
        rows = attention_maps.rollout(maps)[-1, 0] if square else maps.mean(axis=(0, 1))
    else:
        some = maps if layer is None else maps[layer : layer + 1]
        some = some if head is None else some[:, head : head + 1]
        rows = some.mean(axis=(0, 1))  # (T or 1, T)
    return rows.mean(axis=0) if answer.classified is None else rows[answer.classified]


def words_of(model: ClassifierBase, text: str) -> list[str]:
    """The words of a text as the model reads them: cleaned and in its own spelling."""
    return clean(model.reader.normalizer(text)).split()


def over_words(answer: Label, scores: np.ndarray, words: Sequence[str]) -> np.ndarray:
    """Scores of tokens (T,) added up over the words that they spell, (U,).

    What was cut off, and the token in front, count nothing.

    Args:
        answer: of a text, of a model that reads sub-words, words or characters.
        scores: of its places.
        words: of the text, `words_of`.

    Example:
        >>> from zoo.label import Label
        >>> answer = Label("a film", {"x": 1.0}, labels=["<s>", "␣a", "␣fi", "lm"])
        >>> over_words(answer, np.array([0.4, 0.1, 0.2, 0.3], "float32"), ["a", "film"]).tolist()
        [0.10000000149011612, 0.5]
    """
    found, place = np.zeros(len(words), "float32"), -1
    spaced = any(label.startswith(SPACE) for label in answer.labels)
    for label, score in zip(answer.labels[1:], scores[1:], strict=True):
        place += 1 if label.startswith(SPACE) or not spaced else 0
        if 0 <= place < len(words):
            found[place] += score
    return found


def gradient(model: ClassifierPredictor, answer: Label, of: str | None = None) -> np.ndarray:
    """Gradient of a class's log-probability by what was read, times that: signed.

    Denil et al. 2014 (arXiv:1412.6815), summed over the width of an embedding or the channels.

    Args:
        model: of Keras, with weights that were trained.
        answer: of the model.
        of: the class; the likeliest unless given.

    Returns:
        (T,) of a text's tokens, (H, W) of an image, (T,) of a series' steps, float32, in nats.

    Raises:
        ValueError: a model of counts or examples, which has no gradient that says anything.
    """
    from keras import ops

    from zoo import registry
    from zoo.runtime import backend

    if registry.architecture(model.config["model"], model.kind).closed_form:
        raise ValueError(f"{model.name} was not trained by gradient: see what occlusion says")
    [read] = model.read([answer.input])
    array = model.reader.stack([read.array])
    number = np.array([model.classes.index(of or answer.name)], "int32")
    run = _of_tokens if isinstance(model.reader, TextInput) else _of_numbers
    scores = ops.convert_to_numpy(backend.traced(model.model, run)(array, number))[0]
    return scores[: len(read.array)] if isinstance(model.reader, TextInput) else scores


def _of_tokens(network: Classifier, ids: Tensor, number: Tensor) -> Tensor:
    """(1, T) gradient x input of tokens (1, T)."""
    from keras import ops

    from zoo.interpret.gradients import replaced_embedding, values_and_gradient

    embedded = network.embedding(ids)  # (1, T, D)

    def log_prob(points: Tensor) -> Tensor:
        with replaced_embedding(network.embedding, points):
            return _log_prob(network, ids, number)

    _, found = values_and_gradient(log_prob, embedded)
    return ops.sum(ops.cast(found * embedded, "float32"), axis=-1)


def _of_numbers(network: Classifier, inputs: Tensor, number: Tensor) -> Tensor:
    """(1, H, W) or (1, T) gradient x input of an image or a series."""
    from keras import ops

    from zoo.interpret.gradients import values_and_gradient

    inputs = ops.convert_to_tensor(inputs)
    _, found = values_and_gradient(lambda x: _log_prob(network, x, number), inputs)
    return ops.sum(ops.cast(found * inputs, "float32"), axis=-1)


def _log_prob(network: Classifier, inputs: Tensor, number: Tensor) -> Tensor:
    """(1,) log-probability of a class."""
    from keras import ops

    from zoo.layers.attention_hooks import without_maps

    with without_maps():
        logits = network.read(inputs)[0]  # (1, C)
    return ops.take(ops.log_softmax(logits, axis=-1)[0], number)


def occlusion(model: ClassifierBase, answer: Label, of: str | None = None) -> np.ndarray:
    """How far a class's log-probability falls as each part of the input is hidden: signed.

    Zeiler and Fergus 2014 (arXiv:1311.2901); Li et al. 2016 (arXiv:1612.08220). A word is left
    out, a square of an image becomes what its border is like, a stretch of a series its mean. It
    asks for nothing but answers, so it works for every model and on every runtime.

    Args:
        model: any classifier.
        answer: of the model.
        of: the class; the likeliest unless given.

    Returns:
        (U,) of a text's words (`words_of`), of which the first 256 are hidden; (H, W) of an image;
        (T,) of a series' steps. float32, in nats.
    """
    number = model.classes.index(of or answer.name)
    if model.reads == "text":
        words = words_of(model, answer.input)
        some = words[:MOST_WORDS]
        hidden = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(some))]
        found = np.zeros(len(words), "float32")
        if some:
            found[: len(some)] = _fallen(model, [" ".join(words), *hidden], number)
        return found
    given = np.asarray(answer.input, "float64")  # (H, W, C) or (T, C)
    parts = squares(*given.shape[:2]) if given.ndim == 3 else stretches(len(given))
    ground = border(given) if given.ndim == 3 else given.mean(axis=0)
    inputs = [given]
    for part in parts:
        inputs.append(given.copy())
        inputs[-1][part] = ground
    falls = _fallen(model, inputs, number)
    found = np.zeros(given.shape[:-1], "float32")
    for part, fall in zip(parts, falls, strict=True):
        found[part] = fall
    return found


def _fallen(model: ClassifierBase, inputs: Sequence[object], number: int) -> np.ndarray:
    """By how much the class is less likely than for the first of the inputs, for each other one."""
    log_probs = model.log_probs(inputs)[:, number]
    return log_probs[0] - log_probs[1:]


def squares(height: int, width: int) -> list[tuple[slice, slice]]:
    """The squares in which an image is hidden, row by row; those at the edge may be smaller."""
    side = max(round(min(height, width) / CELLS), 1)
    return [
        (slice(y, y + side), slice(x, x + side))
        for y in range(0, height, side)
        for x in range(0, width, side)
    ]


def stretches(length: int) -> list[tuple[slice]]:
    """The stretches in which a series is hidden."""
    size = max(round(length / STRETCHES), 1)
    return [(slice(at, at + size),) for at in range(0, length, size)]


def border(image: np.ndarray) -> np.ndarray:
    """(C,) the mean of the outermost pixels of an image (H, W, C)."""
    edge = np.ones(image.shape[:2], bool)
    edge[1:-1, 1:-1] = False
    return image[edge].mean(axis=0)
