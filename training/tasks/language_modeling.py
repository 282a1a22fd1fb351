"""Running text whose next token is learnt: known corpora, one's own text, sets of TFDS."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar

from training import paths
from training.data import text_corpora, text_sets
from training.tasks.base import Provenance, check_split
from zoo.task_info import TaskInfo
from zoo.text_tokenizers import Characters, SubWords, TextTokenizer, Words

VOCABULARY = 4_000
"""Sub-words of a text of one's own, where no other number is asked for."""


class LanguageModeling:
    """A text in three splits, of which models learn what comes next.

    Args:
        name: of the task.
        token: what a token is: "character", "word" or "sub-word".
        read: gives the three splits.
        info: what pages say of it.
        provenance: where the text comes from.
        showcase: prompts that pages offer.
    """

    kind: ClassVar[str] = "language_model"
    objective: ClassVar[str] = "training.objectives.language_model:LanguageModelObjective"
    metric: ClassVar[str] = "nats"
    higher_is_better: ClassVar[bool] = False
    scoring: ClassVar[None] = None  # there is one way only

    def __init__(
        self,
        name: str,
        token: str,
        read: Any,
        info: TaskInfo,
        provenance: Any,
        showcase: tuple[str, ...],
    ):
        self.name, self.token, self._read, self._info = name, token, read, info
        self._provenance, self._showcase = provenance, showcase

    @property
    def main_metrics(self) -> tuple[str, ...]:
        """In tables; the one it is judged by first."""
        return ("perplexity",) if self.token == "word" else ("nats", "bits_per_byte")

    @cached_property
    def _texts(self) -> dict[str, str]:
        return self._read()

    def text(self, split: str) -> str:
        """The text of "train", "valid" or "test"."""
        check_split(split)
        return self._texts[split]

    def learn_tokenizer(self, text: str, vocabulary: int = 0) -> TextTokenizer:
        """The tokenizer of the training text; `vocabulary`: how many sub-words, 0: as usual."""
        if self.token == "sub-word":
            return SubWords.learn(text, vocabulary or VOCABULARY)
        if vocabulary:
            raise ValueError(
                f"{paths.shown(self.name)} has {self.token}s as tokens, all of them: "
                f"leave out --vocabulary. Received: --vocabulary {vocabulary}"
            )
        return (Characters if self.token == "character" else Words).learn(text)

    def provenance(self) -> Provenance:
        """Where the text comes from, with a checksum of all three splits."""
        digest = hashlib.sha256()
        for split in ("train", "valid", "test"):
            digest.update(self.text(split).encode())
        return self._provenance(digest.hexdigest())

    def info(self) -> TaskInfo:
        """How pages call the task and ask for a prompt."""
        return self._info

    def showcase(self) -> list[str]:
        """Prompts that pages offer."""
        return list(self._showcase)


SHAKESPEARE_PROMPTS = (
    "ROMEO:\n",
    "First Citizen:\nBefore we proceed any further, hear me speak.\n",
    "KING RICHARD III:\n",
    "What is thy name, ",
    "O, never shall ",
    "JULIET:\nO Romeo, Romeo! ",
    "The king is ",
    "Good morrow, ",
)
PTB_PROMPTS = (
    "the company said",
    "shares of the company fell",
    "the stock market",
    "mr. <unk> is chairman of",
    "in new york stock exchange composite trading",
    "the president of the united states",
    "analysts expect",
    "a year earlier the company",
)


def make(name: str) -> LanguageModeling:
    """`shakespeare`, `ptb`, `text:PATH` or `text:tfds:NAME`; `text-characters:` likewise.

    What begins with `tfds:` is a set of TensorFlow Datasets; a file so called is `./tfds:...`.

    Raises:
        ValueError: another name, or `text:` without a path.
    """
    kind, _, path = name.partition(":")
    if name == "shakespeare":
        info = TaskInfo(
            "Shakespeare", "A beginning", "ROMEO:", output_unit="character", input_unit="character"
        )
        corpus = ("Tiny Shakespeare", text_corpora.SHAKESPEARE)
        licence = ("public domain", "William Shakespeare; collected by Andrej Karpathy (char-rnn)")
        made = (text_corpora.shakespeare, info, corpus, licence, SHAKESPEARE_PROMPTS)
        return _known(name, "character", *made)
    if name == "ptb":
        info = TaskInfo("Penn Treebank", "A beginning", "the company said")
        corpus = ("Penn Treebank, as Mikolov et al. 2010 prepared it", text_corpora.PTB)
        licence = (
            "for research; the text belongs to the Linguistic Data Consortium and is not passed on",
            "Marcus et al. 1993; Mikolov et al. 2010",
        )
        return _known(name, "word", text_corpora.ptb, info, corpus, licence, PTB_PROMPTS)
    if kind in ("text", "text-characters") and path:
        token = "character" if kind == "text-characters" else "sub-word"
        info = TaskInfo(paths.shown(name), "A beginning", output_unit=token, input_unit=token)
        if path.startswith(paths.DATASET):
            return _dataset(name, token, path.removeprefix(paths.DATASET), info)
        own = (paths.shown(path), "")
        mine = ("the owner's", "")
        return _known(name, token, lambda: text_corpora.text(Path(path)), info, own, mine, ())
    raise ValueError(
        "a text to continue is shakespeare, ptb, text:PATH, text-characters:PATH, text:tfds:NAME "
        f"or text-characters:tfds:NAME. Received: {name!r}"
    )


def _dataset(name: str, token: str, dataset: str, info: TaskInfo) -> LanguageModeling:
    if not dataset.partition("#")[0]:
        raise ValueError(f"text:tfds: wants a data set's name. Received: name={name!r}")
    found = cache(lambda: text_sets.read(dataset))
    return LanguageModeling(
        name,
        token,
        lambda: found()[0],
        info,
        lambda digest: replace(found()[1], sha256=digest),
        (),
    )


def _known(
    name: str,
    token: str,
    read: Callable[[], text_corpora.TextCorpus],
    info: TaskInfo,
    corpus: tuple[str, str],
    licence: tuple[str, str],
    prompts: tuple[str, ...],
) -> LanguageModeling:
    found = cache(read)
    return LanguageModeling(
        name,
        token,
        lambda: {split: getattr(found(), split) for split in ("train", "valid", "test")},
        info,
        lambda digest: Provenance(*corpus, digest, *licence, found().split_rule),
        prompts,
    )
