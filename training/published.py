"""What others report on the tasks of shipped models, for README's tables.

Each says whether it was measured as here, and if not, why: figures of other protocols are not
to be put beside ours without that.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A figure that others report.

    Args:
        what: the method.
        figure: as it is reported, with its name.
        source: where.
        same: whether the protocol is ours.
        why: what differs; where it is the same, what makes it so.
    """

    what: str
    figure: str
    source: str
    same: bool
    why: str

    @property
    def line(self) -> str:
        """A sentence of Markdown."""
        said = "yes" if self.same else "no"
        return f"{self.what} {self.figure} ({self.source}; same protocol: {said}, {self.why})"


PATCHTST = "[Nie et al. 2023](https://arxiv.org/abs/2211.14730), table 3"
SKLEARN = (
    "[scikit-learn's example]"
    "(https://scikit-learn.org/stable/auto_examples/classification/plot_digits_classification.html)"
)
BY_TASK: dict[str, tuple[Published, ...]] = {
    "ett/h1": (
        Published(
            "PatchTST/64",
            "MSE 0.370, MAE 0.400",
            PATCHTST,
            False,
            "its lookback is 512 and its test leaves out the last incomplete batch",
        ),
    ),
    "weather": (
        Published(
            "PatchTST/64",
            "MSE 0.149, MAE 0.198",
            PATCHTST,
            False,
            "its lookback is 512 and its test leaves out the last incomplete batch",
        ),
    ),
    "sst2": (
        Published(
            "BERT-Small, pre-trained",
            "89.7 %",
            "[Turc et al. 2019](https://arxiv.org/abs/1908.08962)",
            False,
            "it was pre-trained on Wikipedia and books; here only `minilm` was, on other texts",
        ),
    ),
    "digits": (Published("a support vector machine", "97 %", SKLEARN, True, "the same halves"),),
}
"""By the name of the task."""
