"""What the registry knows of an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """An entry of the registry.

    Args:
        name: in commands, cards and addresses.
        kind: the contract of its inputs and answers.
        label: its name on a page.
        summary: what it does, in a sentence for readers.
        description: what it is, in a phrase for engineers, with the paper.
        network: module and class, "zoo.models.transformer_seq2seq:TransformerSeq2Seq".
        config: the class of its hyper-parameters.
        presets: its sizes.
        predictor: what it is loaded as, where that is not what its kind says.
        counted: it has no network: it is counted from a corpus (`training.counting`).
        closed_form: its weights are computed from the data, not trained by gradient
            (`training.fitting`).

    Example:
        >>> from zoo.architectures import language_model
        >>> [one.label for one in language_model.ARCHITECTURES if one.name == "gpt"]
        ['GPT']
    """

    name: str
    kind: str
    label: str
    summary: str
    description: str
    network: str
    config: type
    presets: Mapping[str, Mapping[str, Any]]
    predictor: str = ""
    counted: bool = False
    closed_form: bool = False

    @property
    def floor(self) -> bool:
        """Whether nothing of it is learnt by gradient: what networks should do better than."""
        return self.counted or self.closed_form
