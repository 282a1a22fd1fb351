"""A language model whose network, or whose tables, are a Python object: not a graph of LiteRT."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from zoo import saved_tokenizers
from zoo.inference.language_model_base import LanguageModelBase
from zoo.text_tokenizers import TextTokenizer


class ModelInPython(LanguageModelBase):
    """A language model whose network, or whose tables, are a Python object: `model`.

    Args:
        network: the network with its weights, or the tables.
        name, tokenizer, config, card, path: as `LanguageModelBase`.
    """

    def __init__(
        self,
        name: str,
        network: Any,
        tokenizer: TextTokenizer,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        super().__init__(name, tokenizer, config, card, path)
        self.model = network

    @classmethod
    def from_folder(cls, folder: Path, config: dict[str, Any], **known: Any) -> Self:
        """The model in a folder, `config` its checked config.json; `known`: its name and card."""
        model = cls.read_model(folder, config)
        tokenizer = saved_tokenizers.read_text_tokenizer(folder, config)
        return cls(network=model, tokenizer=tokenizer, config=config, path=folder, **known)

    @staticmethod
    def read_model(folder: Path, config: dict[str, Any]) -> Any:
        """The network in a model folder with its weights, or the tables."""
        raise NotImplementedError
