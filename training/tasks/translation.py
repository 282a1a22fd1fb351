"""Translation of sentence pairs: Tatoeba, Multi30k, the user's own files, TensorFlow Datasets.

Names: "tatoeba/en-es", "multi30k/de-en", "tsv:PATH", "files:SOURCE_PATH,TARGET_PATH",
"tfds:ted_hrlr_translate/pt_to_en". Text is NFC with plain single spaces; case is kept.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training import paths
from training.tasks import corpora, reading
from training.tasks.base import (
    SEED,
    Example,
    Pair,
    Provenance,
    Stream,
    Task,
    TokenizerSpec,
    check_split,
    group,
)
from training.tasks.showcase import ACCEPTED, SHOWCASE
from training.tasks.streaming import LargeFiles, is_large
from zoo.task_info import TaskInfo

if TYPE_CHECKING:
    from training.metrics.scoring import Scoring
    from training.metrics.text import Figure

PLAIN_QUOTES = (
    {"replace": {"‘": "'", "’": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "„": '"'}},
)
"""Phones and word processors write quotes that few training sentences have."""


NAMES = {"en": "English", "es": "Spanish", "de": "German", "fr": "French"}
"""Of languages; others go by their code."""


def described(name: str, source: str, target: str) -> TaskInfo:
    """What pages say of a task of translation; of texts in no known language, its name."""
    if not source or not target:
        return TaskInfo(label=name)
    if (source, target) == ("en", "es"):
        return TaskInfo(
            label="Translation",
            prompt="An English sentence to translate into Spanish",
            hint="Where is the train station?",
            target_prompt="Your Spanish translation",
            target_hint="As you would write it, with capitals and full stop",
        )
    read, written = NAMES.get(source, source), NAMES.get(target, target)
    return TaskInfo(
        label=f"Translation, {read} to {written}",
        prompt=f"A sentence in {read} to translate into {written}",
        target_prompt=f"Your translation into {written}",
    )


class Translation(Task):
    """Pairs of sentences in two languages; subclasses say where the pairs come from."""

    unit = "word"
    metric = "bleu"
    main_metrics = ("chrf", "bleu", "rouge1", "rouge2")
    max_source_length = 128
    max_target_length = 128
    vocabulary_size = 6_000
    _scoring: Scoring | None = None

    def __init__(self, name: str, source: str = "", target: str = "") -> None:
        self.name = name
        self.source_language, self.target_language = source, target

    @cached_property
    def _splits(self) -> dict[str, list[Example]]:
        pairs = self.pairs()
        held = {s: group(pairs[s]) for s in ("valid", "test")}
        # the same source may be in several splits of a corpus: then it is no test any more
        seen = {corpora.key(e.source) for examples in held.values() for e in examples}
        train = [p for p in dict.fromkeys(pairs["train"]) if corpora.key(p[0]) not in seen]
        tested = {corpora.key(e.source) for e in held["test"]}
        held["valid"] = [e for e in held["valid"] if corpora.key(e.source) not in tested]
        return {"train": [Example(source, (target,)) for source, target in train], **held}

    @abstractmethod
    def pairs(self) -> dict[str, list[Pair]]:
        """All (source, target) pairs by split, cleaned."""

    def examples(self, split: str) -> list[Example]:
        """One example per pair for training, one per source with all its references else."""
        check_split(split)
        if split not in self._splits:
            del self._splits
        return self._splits[split]

    def forget_training(self) -> None:
        """See `Task.forget_training`."""
        self._splits.pop("train", None)

    def tokenizers(self) -> dict[str, TokenizerSpec]:
        """One unigram model over both languages; the source is read with plain quotes."""
        source = TokenizerSpec("unigram", self.vocabulary_size, True, PLAIN_QUOTES)
        return {"source": source, "target": replace(source, normalizer=())}

    def choose_scoring(self, examples: Sequence[Example]) -> dict[str, Any]:
        """BLEU's tokenizer and order, by the target's language or else by the targets' script."""
        return self._choose(examples).record()

    def _choose(self, examples: Sequence[Example]) -> Scoring:
        from training.metrics.scoring import choose

        return choose(self.target_language, [example.references[0] for example in examples])

    def score_as(self, scoring: Mapping[str, Any] | None) -> None:
        """Count BLEU as the card says. Raises ValueError for a tokenizer that is not there."""
        from training.metrics.scoring import Scoring

        super().score_as(scoring)
        self._scoring = Scoring.of(scoring) if scoring else None

    def figures(self, predictions: Sequence[str], examples: Sequence[Example]) -> dict[str, Figure]:
        """BLEU and chrF (sacreBLEU, all references), ROUGE F1 lower-cased, exact match.

        BLEU is counted as `score_as` says, without that as these examples ask for. ROUGE is left
        out where BLEU needs a tokenizer of its own: rouge-score drops all letters but a to z.
        "rouge1", "rouge2", "rougeL" are against the first reference, as the Keras example has
        them; "rouge1_best", ... against whichever reference is closest.
        """
        from training.metrics import text as metrics

        references = [item.references for item in examples]
        scoring = self._scoring or self._choose(examples)
        return {
            "bleu": metrics.bleu(predictions, references, scoring),
            "chrf": metrics.chrf(predictions, references),
            **(metrics.rouge(predictions, references) if scoring.rouge else {}),
            "exact_match": metrics.exact_match(predictions, references),
        }

    def judge(self, prediction: str, example: Example) -> dict[str, float | bool]:
        """{"chrf": chrF of the sentence}: no translation is simply right or wrong."""
        from training.metrics import text as metrics

        return {"chrf": round(metrics.sentence_chrf(prediction, example.references), 2)}

    def info(self) -> TaskInfo:
        """What pages say of the task."""
        return described(paths.shown(self.name), self.source_language, self.target_language)

    def showcase(self) -> list[str]:
        """Nine sentences of the source language, else short ones of the validation split."""
        listed = SHOWCASE.get(self.source_language)
        if listed:
            return list(listed)
        return [e.source for e in self.examples("valid") if len(e.source) <= 100][:9]

    def accepted(self, source: str) -> tuple[str, ...]:
        """Translations of a showcase sentence by people, else the corpus's own, if it has any."""
        known = ACCEPTED.get((self.source_language, self.target_language), {})
        if source in known or self.source_language in SHOWCASE:
            return known.get(source, ())
        return next((e.references for e in self.examples("valid") if e.source == source), ())


class Tatoeba(Translation):
    """A ManyThings file of Tatoeba pairs, split by the English sentence."""

    VALID, TEST = 1_000, 3_000  # English sentences

    def __init__(self, name: str) -> None:
        source, target = direction(name)
        if (source == "en") == (target == "en"):
            raise ValueError(f"one side of a Tatoeba pair must be en. Received: name={name!r}")
        super().__init__(name, source, target)
        self.other = target if source == "en" else source
        self.code = corpora.manythings_code(self.other)

    @cached_property
    def path(self) -> Path:
        """The text file, found under ZOO_DATA_DIR or fetched."""
        return corpora.tatoeba(self.code)

    def pairs(self) -> dict[str, list[Pair]]:
        """English sentences that differ only in case or punctuation share a split."""
        english = reading.read_pairs([self.path], first_two=True)
        splits = corpora.split(english, valid=self.VALID, test=self.TEST)
        if self.source_language == "en":
            return splits
        return {name: [(b, a) for a, b in pairs] for name, pairs in splits.items()}

    def provenance(self) -> Provenance:
        """The checksum is of the text file read."""
        return Provenance(
            corpus=f"Tatoeba sentence pairs of ManyThings.org, {self.path.name} (English first)",
            url=corpora.MANYTHINGS.format(code=self.code),
            sha256=corpora.checksum([self.path]),
            licence="CC BY 2.0 FR",
            attribution="tatoeba.org and www.manythings.org/anki",
            split_rule=(
                f"by English sentence (ignoring case and punctuation), shuffled with seed {SEED}; "
                f"{self.VALID:,} English sentences for validation, {self.TEST:,} for the test; "
                "all references of a sentence count"
            ),
        )


class Multi30k(Translation):
    """Image captions, task 1 of Multi30k; the official splits with test_2016_flickr."""

    def __init__(self, name: str) -> None:
        source, target = direction(name)
        for language in (source, target):
            if language not in corpora.MULTI30K_LANGUAGES:
                raise ValueError(
                    f"Multi30k has {', '.join(corpora.MULTI30K_LANGUAGES)}. Received: name={name!r}"
                )
        super().__init__(name, source, target)

    @cached_property
    def paths(self) -> dict[str, tuple[Path, Path]]:
        """The two text files of each split."""
        sides = self.source_language, self.target_language
        return {
            split: (corpora.multi30k(part, sides[0]), corpora.multi30k(part, sides[1]))
            for split, part in corpora.MULTI30K_PARTS.items()
        }

    def pairs(self) -> dict[str, list[Pair]]:
        """The official splits as they are."""
        return {split: reading.read_pairs(paths) for split, paths in self.paths.items()}

    def provenance(self) -> Provenance:
        """The checksum is over the six text files, in the order train, valid, test."""
        return Provenance(
            corpus="Multi30k task 1, raw text",
            url="https://github.com/multi30k/dataset",
            sha256=corpora.checksum([path for pair in self.paths.values() for path in pair]),
            licence="research and education, non-commercial (Flickr30k terms)",
            attribution="Elliott et al. 2016, 2017, on Flickr30k",
            split_rule="official: train, val, test_2016_flickr",
        )


class OwnFiles(Translation):
    """Pairs of the user's own: one TSV file, or two text files with a sentence a line.

    Large files are not read into memory. Which are large is fixed: they are split by another rule,
    and a model must be tested on the split that it was trained by.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        super().__init__(name)
        self._paths = list(paths)

    @cached_property
    def paths(self) -> list[Path]:
        """The files. Looked at when read: a trained model is scored without them."""
        for path in self._paths:
            if not path.is_file():
                raise ValueError(f"there is no such file. Received: path={str(path)!r}")
        return self._paths

    @cached_property
    def _large(self) -> LargeFiles | None:
        return LargeFiles(self.paths) if is_large(self.paths) else None

    def stream(self) -> Stream | None:
        """The training side of large files."""
        return self._large

    def examples(self, split: str) -> list[Example]:
        """As for any translation; a held-out source of large files has the targets drawn for it.

        The training side of large files is better read by `stream`: this takes it into memory.
        """
        if self._large is None:
            return super().examples(split)
        check_split(split)
        if split != "train":
            return group(self._large.held_out[split])
        return [Example(a, (b,)) for part in self._large.parts() for a, b in part]

    def pairs(self) -> dict[str, list[Pair]]:
        """Split by source sentence: 5 % validation up to 1,000 and 10 % test up to 3,000."""
        pairs = reading.read_pairs(self.paths)
        sources = len({corpora.key(source) for source, _ in pairs})
        if sources < 20:
            raise ValueError(
                "own data needs at least 20 different source sentences to be split. "
                f"Received: {sources} in {', '.join(map(str, self.paths))}"
            )
        return corpora.split(pairs, valid=min(1000, sources // 20), test=min(3000, sources // 10))

    def provenance(self) -> Provenance:
        """File names without folders: a card is published, a home folder is not."""
        return Provenance(
            corpus=" + ".join(path.name for path in self.paths),
            url="",
            sha256=self._large.sha256 if self._large else corpora.checksum(self.paths),
            licence="the owner's",
            attribution="",
            split_rule=(
                self._large.split_rule()
                if self._large
                else f"by source sentence (ignoring case, punctuation), shuffled, seed {SEED}"
            ),
        )


class TensorFlowDataset(Translation):
    """A translation set of TensorFlow Datasets by its name, with its own splits."""

    def __init__(self, name: str) -> None:
        self.dataset = name.removeprefix("tfds:")
        if not self.dataset:
            raise ValueError(f"tfds: wants a data set's name. Received: name={name!r}")
        super().__init__(name)

    @cached_property
    def _read(self) -> tuple[dict[str, list[Pair]], Provenance]:
        return corpora.tensorflow_dataset(self.dataset)

    def pairs(self) -> dict[str, list[Pair]]:
        """The set's train, validation and test splits; those missing are cut from train."""
        return self._read[0]

    def provenance(self) -> Provenance:
        """What TensorFlow Datasets knows of the set; the checksum is over the pairs."""
        return self._read[1]


def direction(name: str) -> Pair:
    """The two languages of "corpus/en-es". Raises ValueError for any other form."""
    source, dash, target = name.partition("/")[2].partition("-")
    if not (source.isalpha() and dash and target.isalpha()) or source == target:
        raise ValueError(f'a pair of languages is written as in "tatoeba/en-es". Received: {name=}')
    return source, target


def make(name: str) -> Translation:
    """The task of a name in one of the forms above. Raises ValueError for what is malformed."""
    if name.startswith("tatoeba"):
        return Tatoeba(name)
    if name.startswith("multi30k"):
        return Multi30k(name)
    if name.startswith("tfds:"):
        return TensorFlowDataset(name)
    kind, colon, rest = name.partition(":")
    paths = [Path(part.strip()).expanduser() for part in rest.split(",") if part.strip()]
    if not colon or len(paths) != {"tsv": 1, "files": 2}[kind]:
        raise ValueError(
            f'own data is written "tsv:PATH" or "files:SOURCE_PATH,TARGET_PATH". Received: {name=}'
        )
    return OwnFiles(name, paths)
