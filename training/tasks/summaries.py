"""Summaries: of dialogues (SAMSum), of one's own texts, of sets of TensorFlow Datasets.

Names: "samsum", "jsonl:FILE", "tfds:samsum", "tfds:cnn_dailymail", "summaries:tfds:NAME".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from training import paths
from training.data import dialogues
from training.data.dialogues import BREAK
from training.tasks.base import (
    Example,
    Pair,
    Provenance,
    Task,
    TokenizerSpec,
    check_split,
    group,
)
from training.tasks.translation import PLAIN_QUOTES
from zoo.task_info import TaskInfo

if TYPE_CHECKING:
    from training.metrics.text import Figure

LINES = {"replace": {"\r\n": f" {BREAK} ", "\n": f" {BREAK} "}}
"""What parts two lines of a text that is typed or pasted."""
SHOWCASE = (
    f"Ann: Are you coming tonight? {BREAK} Bob: I can't, I have to work. {BREAK} "
    "Ann: Pity. Tomorrow then? "
    f"{BREAK} Bob: Tomorrow is fine. I'll bring the cake.",
    f"Eva: I lost my keys :( {BREAK} Tom: Again? {BREAK} Eva: Yes. Can you let me in? {BREAK} "
    "Tom: Sure, I'm home at six.",
)
Read = Callable[[], tuple[dict[str, list[Pair]], Provenance]]


class Summaries(Task):
    """Texts with a summary each.

    Args:
        name: of the task.
        read: gives the pairs by split, and where they come from.
        info: what pages say of it.
    """

    unit = "word"
    metric = "rouge1"
    main_metrics = ("rouge1", "rouge2", "rouge_lsum", "deeds")
    max_source_length = 400
    max_target_length = 100
    vocabulary_size = 8_000
    length_edges: ClassVar[tuple[int, ...]] = (40, 80, 120, 200, 300)
    floor_name = "LONGEST-3"

    def __init__(self, name: str, read: Read, info: TaskInfo):
        self.name, self._given, self._info = name, read, info

    @cached_property
    def _read(self) -> tuple[dict[str, list[Example]], Provenance]:
        pairs, origin = self._given()
        held = {split: group(pairs[split]) for split in ("valid", "test")}
        tested = {one.source for one in held["test"]}
        held["valid"] = [one for one in held["valid"] if one.source not in tested]
        seen = tested | {one.source for one in held["valid"]}
        train = [pair for pair in dict.fromkeys(pairs["train"]) if pair[0] not in seen]
        return {"train": [Example(a, (b,)) for a, b in train], **held}, origin

    def examples(self, split: str) -> list[Example]:
        """One example per pair for training, one per text with all its summaries else."""
        check_split(split)
        return self._read[0][split]

    def tokenizers(self) -> dict[str, TokenizerSpec]:
        """One unigram model over texts and summaries, so that a word can be copied."""
        spec = TokenizerSpec("unigram", self.vocabulary_size, True, (LINES, *PLAIN_QUOTES))
        return {"source": spec, "target": spec}

    def provenance(self) -> Provenance:
        return self._read[1]

    def figures(self, predictions: Sequence[str], examples: Sequence[Example]) -> dict[str, Figure]:
        """ROUGE-1, -2, -Lsum against the first summary; names and deeds, where somebody speaks."""
        from training.metrics import summaries as metrics

        references = [item.references for item in examples]
        sources = [item.source for item in examples]
        return {
            **metrics.rouge(predictions, references),
            **metrics.who_did_what(predictions, references, sources),
        }

    def judge(self, prediction: str, example: Example) -> dict[str, float | bool]:
        """{"rouge1": of this summary}: none is simply right or wrong."""
        from training.metrics import summaries as metrics

        found = metrics.rouge([prediction], [example.references])
        return {"rouge1": round(found["rouge1"].value, 2)}

    def floor(self, source: str) -> str:
        """The three longest lines."""
        from training.metrics import summaries as metrics

        return metrics.longest(source)

    def info(self) -> TaskInfo:
        return self._info

    def showcase(self) -> list[str]:
        """Made-up dialogues for SAMSum, else short texts of the validation side."""
        if self.name == "samsum":
            return list(SHOWCASE)
        return [one.source for one in self.examples("valid") if len(one.source) <= 400][:8]


def make(name: str) -> Summaries:
    """The task called `name`; see the top of this file.

    Raises:
        ValueError: another name, or one without a file or a set.
    """
    asked = {"prompt": "A text to summarise", "target_prompt": "Your summary"}
    if name == "samsum":
        info = TaskInfo("Dialogues", "A dialogue, a line for each turn", SHOWCASE[0])
        return Summaries(name, dialogues.samsum, info)
    kind, colon, rest = name.partition(":")
    info = TaskInfo(paths.shown(name), **asked)
    if kind == "jsonl" and colon and rest.strip():
        return Summaries(name, partial(dialogues.own, Path(rest.strip())), info)
    whole = rest if kind == "summaries" else name
    dataset = whole.removeprefix(paths.DATASET)
    if whole.startswith(paths.DATASET) and dataset:
        return Summaries(name, partial(dialogues.of_tfds, dataset), info)
    raise ValueError(
        f"summaries are called samsum, jsonl:FILE or summaries:tfds:NAME. Received: name={name!r}"
    )
