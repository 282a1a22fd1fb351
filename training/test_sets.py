"""What a model is scored on: sentences of one's own, and whether the corpus is that of the card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from training.data import download
from training.tasks import Example, Task, corpora, reading
from zoo.cleaning import clean
from zoo.normalizer import Normalizer


def read_examples(source: Path, references: Sequence[Path]) -> list[Example]:
    """Examples of parallel text files, read and cleaned as training texts are.

    Line n of every file belongs together. An example needs a source and a reference: other lines
    are left out, and told.

    Raises:
        ValueError: a file has no text, is not UTF-8, or they do not have as many lines.
    """
    paths = (source, *references)
    for path in paths:
        if not any(map(clean, reading.read_lines(path))):
            raise ValueError(f"{path.name} has no text, so there is nothing to score")
    examples, left_out = [], []
    for number, (text, *targets) in reading.read_rows(paths, header=True):
        given = tuple(filter(None, targets))
        if text and given:
            examples.append(Example(text, given))
        else:
            left_out.append(number)
    names = " and ".join(path.name for path in paths)
    if not examples:
        raise ValueError(f"no line has both a source and a reference. Received: {names}")
    if left_out:
        reading.tell_blank(names, left_out)
    return examples


def normalised(examples: Sequence[Example], task: Task) -> list[Example]:
    """The examples with their references as the task's training has its targets."""
    spec = task.tokenizers().get("target")
    normalizer = Normalizer(spec.normalizer if spec else ())
    return [
        Example(e.source, tuple(clean(normalizer(text)) for text in e.references)) for e in examples
    ]


def other_data(card: Mapping[str, Any], task: Task, split: str) -> str:
    """In what the corpus at hand is not that of the card, as a sentence; "" where it is.

    Raises what reading the corpus raises.
    """
    known = _mapping(card, "data")
    here = task.provenance().sha256
    there = known.get("sha256")
    if here and there and here != there:
        return (
            f"The corpus here is not the one of the model's card (SHA-256 {here[:12]}... here, "
            f"{str(there)[:12]}... there): this is another test set, and its figures cannot be "
            "compared with the card's."
        )
    count, size = _mapping(known, "examples").get(split), len(task.examples(split))
    if isinstance(count, int) and count != size:
        return (
            f"The corpus here is split in another way than when the model was trained: the split "
            f"{split} has {size:,} examples, {count:,} in the card. Its figures cannot be compared "
            "with the card's, and the model may have seen some of its sentences in training."
        )
    return ""


def seen(
    examples: Sequence[Example], card: Mapping[str, Any], task: Task
) -> tuple[int | None, str]:
    """How many of these sources the model was trained on, and a sentence that says so.

    None where that is not known: the training corpus is not at hand (nothing is fetched for it),
    or it is another one than the card's. Sentences count as the same when they differ only in
    case, spacing and punctuation; words and dates, when they are the same after cleaning.
    """
    unknown = "Whether the model has seen these sentences in training is not known: {}."
    spec = task.tokenizers().get("source")
    normalizer = Normalizer(spec.normalizer if spec else ())

    def key(text: str) -> str:
        text = clean(normalizer(text))
        return corpora.key(text) if task.unit == "word" else text

    texts = [key(example.source) for example in examples]
    wanted = set(texts)
    try:
        with download.only_what_is_here():
            if other_data(card, task, "test"):
                return None, unknown.format("the corpus here is not the one of the model's card")
            found = {text for source in _trained_on(card, task) if (text := key(source)) in wanted}
    except (ValueError, OSError, RuntimeError, ImportError):
        return None, unknown.format("its training corpus is not at hand")
    count = sum(text in found for text in texts)
    origin = _mapping(_mapping(_mapping(card, "training"), "settings"), "start_from").get("name")
    before = f" What {origin}, from which it started, was trained on is not counted."
    return count, _said(count, len(texts)) + (before if origin else "")


def _said(count: int, of: int) -> str:
    if not count:
        return f"None of the {of:,} sentences is in the model's training data."
    return (
        f"{count:,} of the {of:,} sentences {'is' if count == 1 else 'are'} in the model's "
        "training data. What it makes of such a sentence it may have learnt by heart, so the "
        "figures are too good."
    )


def _trained_on(card: Mapping[str, Any], task: Task) -> Iterator[str]:
    """The sources of the training side, as far as the run used it."""
    settings = _mapping(_mapping(card, "training"), "settings")
    limit = settings.get("limit") or None
    stream = task.stream()
    if stream is None:
        yield from (example.source for example in task.examples("train")[:limit])
        return
    for part in (stream.first(limit) if limit else stream).parts():
        yield from (source for source, _ in part)


def _mapping(card: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = card.get(key)
    return value if isinstance(value, Mapping) else {}
