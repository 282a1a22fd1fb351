"""What a metric is called, its unit, which way is better and how it is written; in every card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class MetricInfo:
    """How to show one metric and how to compare models by it.

    Args:
        key: its name in a card.
        label: its name on a page.
        title: its name in full; "" for the label.
        unit: "%", "ms", ...; "" where a number stands alone.
        higher_is_better: None where neither way is known to be better.
        digits: after the point.
        description: what it says, in a sentence or two.

    Example:
        >>> METRICS["wer"].text(23.456)
        '23.46 %'
        >>> METRICS["wer"].arrow
        '↓'
    """

    key: str
    label: str
    title: str = ""
    unit: str = ""
    higher_is_better: bool | None = None
    digits: int = 2
    description: str = ""

    @property
    def name(self) -> str:
        """In full."""
        return self.title or self.label

    @property
    def arrow(self) -> str:
        """Which way is better; "" where that is not known."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    @property
    def direction(self) -> str:
        """Which way is better, as a sentence; "" where that is not known."""
        return {True: "Higher is better.", False: "Lower is better.", None: ""}[
            self.higher_is_better
        ]

    @property
    def meaning(self) -> str:
        """What it says, and which way is better."""
        return " ".join(part for part in (self.description, self.direction) if part)

    def text(self, value: float, digits: int | None = None) -> str:
        """`value` with its unit."""
        number = f"{value:,.{self.digits if digits is None else digits}f}"
        return f"{number} {self.unit}" if self.unit else number

    def record(self) -> dict[str, Any]:
        """As JSON, without the key."""
        return {name: value for name, value in asdict(self).items() if name != "key"}


METRICS: dict[str, MetricInfo] = {
    info.key: info
    for info in (
        MetricInfo(
            "chrf",
            "chrF",
            higher_is_better=True,
            description="How many short sequences of characters the output shares with a "
            "reference translation; a wrong ending costs little. 0 to 100.",
        ),
        MetricInfo(
            "bleu",
            "BLEU",
            higher_is_better=True,
            description="How many sequences of one to four words the outputs share with the "
            "reference translations, over the whole test set. 0 to 100.",
        ),
        *(
            MetricInfo(
                f"{key}{end}",
                f"{label}{', best reference' if end else ''}",
                title=f"{label} F1{', best reference' if end else ''}",
                higher_is_better=True,
                description=description,
            )
            for end in ("", "_best")
            for key, label, description in (
                (
                    "rouge1",
                    "ROUGE-1",
                    "Share of single words that output and reference have in common (F1).",
                ),
                ("rouge2", "ROUGE-2", "Share of pairs of neighbouring words in common (F1)."),
                (
                    "rougeL",
                    "ROUGE-L",
                    "Longest sequence of words in the same order, with gaps allowed (F1).",
                ),
            )
        ),
        MetricInfo(
            "rouge_lsum",
            "ROUGE-Lsum",
            title="ROUGE-Lsum F1",
            higher_is_better=True,
            description="Longest sequence of words in the same order, with gaps allowed, sentence "
            "by sentence (F1).",
        ),
        MetricInfo(
            "names",
            "Names",
            title="names kept",
            higher_is_better=True,
            description="Whether a summary names the speakers that the reference names (F1).",
        ),
        MetricInfo(
            "deeds",
            "Who did what",
            title="who did what",
            higher_is_better=True,
            description="Words that summary and reference say of the same speaker (F1): the right "
            "word beside the wrong name does not count.",
        ),
        MetricInfo(
            "exact_match",
            "Exact match",
            title="exact match",
            unit="%",
            higher_is_better=True,
            description="Percent of outputs that are right to the last character.",
        ),
        MetricInfo(
            "cer",
            "CER",
            title="character error rate (CER)",
            unit="%",
            higher_is_better=False,
            description="Character error rate: characters to change, add or drop, per character "
            "of the right answer, in percent.",
        ),
        MetricInfo(
            "wer",
            "WER",
            title="word error rate (WER)",
            unit="%",
            higher_is_better=False,
            description="Word error rate: percent of words whose pronunciation is none of the "
            "accepted ones.",
        ),
        MetricInfo(
            "per",
            "PER",
            title="phoneme error rate (PER)",
            unit="%",
            higher_is_better=False,
            description="Phoneme error rate: sounds to change, add or drop, per sound of the "
            "closest accepted pronunciation, in percent.",
        ),
        MetricInfo(
            "nats",
            "Nats a token",
            title="cross-entropy, nats a token",
            higher_is_better=False,
            digits=3,
            description="How surprised the model is by each token of a text it has not seen: the "
            "mean negative natural logarithm of the probability it gave it.",
        ),
        MetricInfo(
            "perplexity",
            "Perplexity",
            title="perplexity",
            higher_is_better=False,
            digits=1,
            description="Between how many equally likely tokens the model hesitates on average: "
            "e to the nats a token.",
        ),
        MetricInfo(
            "bits_per_byte",
            "Bits a byte",
            title="bits a byte",
            higher_is_better=False,
            digits=3,
            description="The same surprise in bits, for each byte of the text: this can be "
            "compared between models with other tokens.",
        ),
        MetricInfo(
            "mse",
            "MSE",
            title="mean squared error",
            higher_is_better=False,
            digits=3,
            description="Mean squared error of the expected values, in z-scores: 1 is what the "
            "mean of the training part would have if nothing else changed.",
        ),
        MetricInfo(
            "mae",
            "MAE",
            title="mean absolute error",
            higher_is_better=False,
            digits=3,
            description="Mean absolute error of the expected values, in z-scores.",
        ),
        MetricInfo(
            "mase",
            "MASE",
            title="mean absolute scaled error",
            higher_is_better=False,
            digits=3,
            description="Absolute error over that of repeating the last season in the training "
            "part, a step ahead of a season: below 1 is better than that.",
        ),
        MetricInfo(
            "crps",
            "CRPS",
            title="continuous ranked probability score",
            higher_is_better=False,
            digits=3,
            description="How far the whole distribution of a forecast is from what came, by its "
            "nine quantiles, in z-scores; of a point it is the absolute error.",
        ),
        MetricInfo(
            "coverage",
            "Coverage",
            title="coverage of the 80 % band",
            unit="%",
            digits=1,
            description="How often what came was between the quantiles 0.1 and 0.9: 80 % is right.",
        ),
        MetricInfo(
            "accuracy",
            "Accuracy",
            title="accuracy",
            unit="%",
            higher_is_better=True,
            description="Percent of inputs whose likeliest class is the right one.",
        ),
        MetricInfo(
            "macro_f1",
            "Macro F1",
            title="macro F1",
            unit="%",
            higher_is_better=True,
            description="The mean over the classes of F1, which is low where a class is missed or "
            "said of others: a rare class counts as much as a frequent one.",
        ),
        MetricInfo(
            "log_loss",
            "Log loss",
            title="log loss, nats an input",
            higher_is_better=False,
            digits=3,
            description="How surprised the model is by the right class: the mean negative natural "
            "logarithm of the probability it gave it.",
        ),
        MetricInfo(
            "ece",
            "ECE",
            title="expected calibration error (ECE)",
            unit="%",
            higher_is_better=False,
            description="How far the probability of the likeliest class is from how often it is "
            "right, on average over bins of that probability: 0 where 80 % sure means right in 80 "
            "of 100.",
        ),
    )
}
"""The metrics of this project; cards written before they carried their own are read with these."""


def of_card(card: Mapping[str, Any], key: str) -> MetricInfo:
    """What `card` says of its metric `key`; else what is known here, or nothing but the name."""
    told = card.get("metric_info")
    told = told.get(key) if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping):
        return METRICS.get(key, MetricInfo(key, key))
    values: dict[str, Any] = {"label": key}
    for field in fields(MetricInfo):
        value = told.get(field.name)
        right = {
            "key": False,
            "higher_is_better": isinstance(value, bool),
            "digits": isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9,
        }.get(field.name, isinstance(value, str))
        if right:
            values[field.name] = value
    return MetricInfo(key, **values)


def records(keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The part `metric_info` of a card with metrics `keys`."""
    return {key: METRICS[key].record() for key in keys if key in METRICS}
