"""What a task is: examples in three splits, the tokenizers they want, figures and provenance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from training import paths
from zoo import writing_systems
from zoo.normalizer import Step
from zoo.task_info import TaskInfo

if TYPE_CHECKING:  # metrics pulls in sacrebleu: needed when scoring, not when reading data
    from training.metrics.text import Figure

SPLITS = ("train", "valid", "test")
Pair = tuple[str, str]  # source, target
SEED = 2017  # of every split and every generated corpus: a split must not change with --seed


@dataclass(frozen=True)
class Example:
    """One source with every target that is accepted for it.

    `references[0]` is the target trained on. `alignment`, where the truth is known, holds for each
    character of `references[0]` the indices of the source characters it comes from.
    """

    source: str
    references: tuple[str, ...]
    alignment: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True)
class TokenizerSpec:
    """Which SentencePiece model to train on the training side.

    `model_type` is "unigram", "bpe", "char" or "word" (tokens separated by spaces).
    `vocabulary_size`: of sub-words, the most tokens there may be, special ones included;
    characters and words are all kept, and are far fewer. `shared`: one model for both sides.
    `normalizer`: steps that texts of this side go through first, as `zoo.normalizer` has them.
    """

    model_type: str
    vocabulary_size: int = 1_000
    shared: bool = False
    normalizer: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where the data came from and how it was split; goes into the model card as it is."""

    corpus: str
    url: str
    sha256: str
    licence: str
    attribution: str
    split_rule: str


class Stream(Protocol):
    """Training pairs too many for memory: read from disk, part by part, always in one order."""

    def parts(self) -> Sequence[Iterable[Pair]]:
        """The pairs in consecutive parts; each can be pickled, and read by a process of its own."""

    def sample(self, count: int) -> list[Pair]:
        """At most `count` of the pairs, drawn at random, always the same."""

    def first(self, count: int) -> Stream:
        """A stream of only the first `count` pairs."""

    def identity(self) -> dict[str, Any]:
        """All that the pairs and their parts depend on, as JSON."""


class Task(ABC):
    """Something to learn from pairs of texts. One task (or one family of corpora) is one file."""

    kind: ClassVar[str] = "seq2seq"
    objective: ClassVar[str] = "training.objectives.seq2seq:Seq2SeqObjective"
    name: str
    unit: ClassVar[str] = "word"  # what people read: "word" or "character"
    metric: ClassVar[str]  # the figure early stopping watches, a key of `score`
    higher_is_better: ClassVar[bool] = True
    main_metrics: ClassVar[tuple[str, ...]] = ()  # in tables; the one it is judged by first
    max_source_length: ClassVar[int]  # tokens, the closing </s> included
    max_target_length: ClassVar[int]
    length_edges: ClassVar[tuple[int, ...]] = (5, 10, 15, 20, 30)  # of the source, in `unit`s
    scoring: Mapping[str, Any] | None = None  # what `score_as` was given; goes into the card
    checks: ClassVar[Mapping[str, Any]] = {"empty": {}}  # of its models, as `zoo.checks` has them
    aligned: ClassVar[str] = ""  # where examples have true alignments: what is to be said of them
    floor_name: ClassVar[str] = "copy of the input"  # a method that learns nothing

    @abstractmethod
    def examples(self, split: str) -> list[Example]:
        """The examples of "train" (one per pair), "valid" or "test" (one per distinct source).

        Always in the same order. Raises ValueError for any other split, and
        training.data.download.DownloadError when the corpus can be neither found nor fetched.
        """

    def forget_training(self) -> None:  # noqa: B027 - most tasks keep little
        """Give up the memory of the training side, which is read again if it is asked for."""

    def stream(self) -> Stream | None:
        """The training side when it is too large for memory; None: `examples` has it."""
        return None

    @abstractmethod
    def tokenizers(self) -> dict[str, TokenizerSpec]:
        """The tokenizers wanted for "source" and "target"; equal and `shared` for one model."""

    @abstractmethod
    def provenance(self) -> Provenance:
        """The corpus, its checksum, licence and attribution, and the split rule."""

    @abstractmethod
    def figures(self, predictions: Sequence[str], examples: Sequence[Example]) -> dict[str, Figure]:
        """Every figure of the task as sufficient statistics, ready for an interval."""

    @abstractmethod
    def showcase(self) -> list[str]:
        """Eight to ten inputs the dashboard offers."""

    def info(self) -> TaskInfo:
        """How pages call the task and ask for its input; goes into the config.json of a model."""
        name = paths.shown(self.name)
        return TaskInfo(label=name, output_unit=self.unit, input_unit=self.unit)

    def floor(self, source: str) -> str:
        """What the method answers that learns nothing: a model should be better."""
        return source

    def accepted(self, source: str) -> tuple[str, ...]:
        """What people accept as an answer to an input of the showcase; () where it is not known."""
        return ()

    def score(self, predictions: Sequence[str], examples: Sequence[Example]) -> dict[str, float]:
        """Every figure of the task in percent (0 to 100); `metric` is one of the keys."""
        return {key: figure.value for key, figure in self.figures(predictions, examples).items()}

    def judge(self, prediction: str, example: Example) -> dict[str, float | bool]:
        """One prediction by itself, for browsing: {"correct": bool}, or a graded figure."""
        return {"correct": prediction in example.references}

    def choose_scoring(self, examples: Sequence[Example]) -> dict[str, Any] | None:
        """How targets like those of `examples` are to be scored, as JSON; None: in one way only."""
        return None

    def score_as(self, scoring: Mapping[str, Any] | None) -> None:
        """Score as `choose_scoring` said when the model was trained; None: as seems best.

        Raises ValueError where that cannot be done here.
        """
        self.scoring = scoring or None

    def length(self, source: str) -> int:
        """The length of a source in the task's unit: words or characters.

        Of words, those of scripts without spaces (Chinese, Thai, ...) count by the character.
        """
        return len(writing_systems.units(source)) if self.unit == "word" else len(source)


def check_split(split: str) -> None:
    """Raises ValueError unless `split` is one of SPLITS."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}. Received: split={split!r}")


def group(pairs: Iterable[tuple[str, str]]) -> list[Example]:
    """One example per distinct source with all its distinct targets, in order of appearance."""
    references: dict[str, dict[str, None]] = {}
    for source, target in pairs:
        references.setdefault(source, {})[target] = None
    return [Example(source, tuple(targets)) for source, targets in references.items()]
