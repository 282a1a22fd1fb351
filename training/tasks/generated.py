"""What generated tasks of characters have in common: how they are scored, and their checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from training.tasks.base import SPLITS, Example, Task

if TYPE_CHECKING:
    from training.metrics.text import Figure


class GeneratedText(Task):
    """Texts of characters that a program has written, each with one right answer."""

    unit = "character"
    metric = "exact_match"
    main_metrics = ("exact_match", "cer")

    def checksum(self) -> str:
        """SHA-256 of all three splits: it shows where they were generated differently."""
        digest = hashlib.sha256()
        for split in SPLITS:
            for item in self.examples(split):
                digest.update(f"{item.source}\t{item.references[0]}\n".encode())
        return digest.hexdigest()

    def figures(self, predictions: Sequence[str], examples: Sequence[Example]) -> dict[str, Figure]:
        """Exact match, and the character error rate as the finer figure."""
        from training.metrics import text as metrics

        references = [item.references for item in examples]
        return {
            "exact_match": metrics.exact_match(predictions, references),
            "cer": metrics.error_rate(
                [list(text) for text in predictions],
                [[list(text) for text in accepted] for accepted in references],
            ),
        }
