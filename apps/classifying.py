"""Labels by classifiers in memory, remembered for all readers; what of an input spoke for them."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from apps import inference, memory, saved_models

if TYPE_CHECKING:
    from zoo.label import Label

READS = ("text", "image", "series")


@dataclass(frozen=True)
class Question:
    """What every model is asked.

    Args:
        task: of the models.
        names: of the models.
        given: a text; or an image (H, W, C) from 0 to 1; or a series (T, C).
        reads: which of them: "text", "image" or "series".
        truth: its class, where it is known.
    """

    task: str
    names: tuple[str, ...]
    given: Any
    reads: str
    truth: str | None = None

    @property
    def mark(self) -> str:
        """Stands for the input in the memory of answers."""
        return digest(self.given)


@dataclass(frozen=True)
class Example:
    """An example of the test side, with what each model took it for.

    Args:
        number: of the example in the test side.
        given: as `Question` has it.
        truth: its class.
        said: by model, the class it was taken for and how likely that was, 0 to 1.
    """

    number: int
    given: Any
    truth: str
    said: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    def wrong(self, name: str) -> bool:
        """Whether a model took it for something else; False where it was not asked."""
        return name in self.said and self.said[name][0] != self.truth


def reads(task: str) -> str:
    """What the models of a task read; "text" where that is not told."""
    for name in saved_models.models(task):
        if (found := saved_models.config(name).get("reads")) in READS:
            return found
    return "text"


def examples(task: str) -> dict[int, Example]:
    """The test side by number, as the stored predictions of the models have it; {} without any."""
    names = [name for name in saved_models.models(task) if saved_models.predictions(name)]
    return _examples(tuple((name, _stamp(name)) for name in names), reads(task))


def _stamp(name: str) -> str:
    """Changes when the stored predictions of a model do."""
    try:
        status = (saved_models.folder(name) / "predictions.json").stat()
    except OSError:
        return ""
    return f"{saved_models.folder(name)}:{status.st_mtime_ns}.{status.st_size}"


@functools.lru_cache(maxsize=16)
def _examples(stamped: tuple[tuple[str, str], ...], what: str) -> dict[int, Example]:
    found: dict[int, Example] = {}
    for name, _ in stamped:
        for record in saved_models.predictions(name):
            try:
                number, said = int(record["index"]), str(record["prediction"])
                chance = float(record["probabilities"][said])
                one = found.get(number)
                if one is None:
                    given = _given(record["input"], what)
                    one = found[number] = Example(number, given, str(record["truth"]), {})
                if one.truth == str(record["truth"]):
                    one.said[name] = said, chance
            except (KeyError, TypeError, ValueError, binascii.Error):
                continue  # what is damaged is left out
    return dict(sorted(found.items()))


def _given(stored: Any, what: str) -> Any:
    """An input as predictions.json holds it, as a model reads it; raises ValueError, TypeError."""
    if what == "text":
        if not isinstance(stored, str):
            raise TypeError("a text is a string")
        return stored
    if what == "series":
        series = np.asarray(stored, "float64")
        if series.ndim != 2 or not np.isfinite(series).all():
            raise ValueError("a series is (steps, channels)")
        return series
    from zoo import images

    image = images.decoded(base64.b64decode(stored, validate=True))
    return image[..., None] if image.ndim == 2 else image


def answered(name: str, question: Question, say: Callable[[str], None]) -> Label:
    """What a model takes the input for, with its maps.

    Raises:
        Exception: whatever went wrong; nothing of it stays in memory.
    """
    return _remembered(
        (name, "label", question.mark),
        lambda: inference.answering(name, say),
        lambda model: _timed(model, question.given, say),
        say,
    )


def _timed(model: Any, given: Any, say: Callable[[str], None]) -> Label:
    """An answer, and how long it took warm: 0 where others were at work, which is not timed."""
    [answer] = model.predict([given])
    with inference.undisturbed(model) as free:
        if free:
            say(f"timing {inference.RUNS} warm runs")
        runs = [
            model.predict([given], attention=False)[0] for _ in range(inference.RUNS if free else 0)
        ]
    answer.seconds = statistics.median(run.seconds for run in runs) if runs else 0.0
    return answer


def words(name: str, question: Question, answer: Label, say: Callable[[str], None]) -> list[str]:
    """The words of a text as a model reads them."""
    from zoo.interpret import labels

    return _scored(name, question, "words", lambda model: labels.words_of(model, answer.input), say)


def scores(
    name: str, question: Question, answer: Label, method: str, say: Callable[[str], None]
) -> np.ndarray:
    """A score of every word of a text (`words`), pixel (H, W) of an image or step (T,) of a series.

    Args:
        method: "gradient" or "occlusion"; where attention went is in the answer.

    Raises:
        ValueError: the model has no such scores; the message says why.
        Exception: whatever else went wrong.
    """
    from zoo.interpret import labels

    def compute(model: Any) -> np.ndarray:
        if method == "occlusion":
            return labels.occlusion(model, answer)
        found = labels.gradient(model, answer)
        if question.reads != "text":
            return found
        return labels.over_words(answer, found, labels.words_of(model, answer.input))

    return _scored(name, question, method, compute, say)


def _scored(
    name: str,
    question: Question,
    method: str,
    compute: Callable[[Any], Any],
    say: Callable[[str], None],
) -> Any:
    entry = saved_models.architecture(name)
    if method == "gradient" and entry is not None and entry.closed_form:
        raise ValueError("Nothing of it was trained by gradient.")
    # Gradients are computed by Keras; all else needs nothing but answers.
    with_keras = method == "gradient"
    ask = inference.turn if with_keras else inference.answering
    return _remembered((name, method, question.mark), lambda: ask(name, say), compute, say)


def _remembered(
    asked: tuple[Any, ...],
    ask: Callable[[], Any],
    compute: Callable[[Any], Any],
    say: Callable[[str], None],
) -> Any:
    key = memory.key(*asked)
    if (found := memory.get(key)) is not None:
        return found
    with ask() as model:
        if (found := memory.get(key)) is not None:  # another session has asked the same meanwhile
            return found
        say("computing")
        return memory.put(key, compute(model))


def digest(given: Any) -> str:
    """Stands for an input."""
    if isinstance(given, str):
        return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
    array = np.ascontiguousarray(given, "float64")
    return hashlib.sha256(str(array.shape).encode() + array.tobytes()).hexdigest()
