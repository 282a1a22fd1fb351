"""A trained network with its tokenizers, ready to answer on TensorFlow or JAX."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from zoo import saved_tokenizers, saving
from zoo.inference import generation
from zoo.inference.sampling import Generated
from zoo.inference.scoring import score
from zoo.inference.seq2seq_base import Seq2SeqBase
from zoo.padding import shift
from zoo.runtime import backend
from zoo.tokenizer import Tokenizer

if TYPE_CHECKING:
    from zoo.kinds.base import Maps, Tensor
    from zoo.kinds.seq2seq import Seq2Seq


class Seq2SeqPredictor(Seq2SeqBase):
    """A network, its tokenizers and its card.

    Args:
        name: of the shipped model, or of the folder's name.
        network: the network with its weights.
        source_tokenizer, target_tokenizer: of the text it reads and of the text it writes.
        config: the content of `config.json`.
        card: the content of `card.json`, {} when there is none.
        path: the folder it came from, if any.

    Example:
        >>> import zoo
        >>> model = zoo.load("dates-lstm")
        >>> [answer] = model.predict(["17 March 1998"], beams=3, max_length=20)
        >>> answer.text, answer.finished
        ('1998-03-17', True)
    """

    def __init__(
        self,
        name: str,
        network: Seq2Seq,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        self.model = network
        most = getattr(network.config, "max_length", None)
        super().__init__(name, source_tokenizer, target_tokenizer, config, card, path, most)

    @classmethod
    def from_folder(cls, folder: Path, config: dict[str, Any], **known: Any) -> Seq2SeqPredictor:
        """The model in a folder, `config` its checked config.json; `known`: its name and card."""
        source, target = saved_tokenizers.read_tokenizers(folder, config)
        return cls(
            network=saving.read_network(folder, config),
            source_tokenizer=source,
            target_tokenizer=target,
            config=config,
            path=folder,
            **known,
        )

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        return self.model.attention_heads

    @functools.cached_property
    def parameters(self) -> int:
        """How many weights the network has."""
        return int(self.model.count_params())

    # The two programs of the network that an answer takes. A subclass may run others.

    def generate(self, source: np.ndarray, **options: Any) -> Generated:
        """`zoo.inference.generation.generate` of this network: (B, S) ids to hypotheses."""
        return generation.generate(self.model, source, **options)

    def log_probs_and_maps(self, source: np.ndarray, target: np.ndarray) -> tuple[Tensor, Maps]:
        """`zoo.inference.scoring.score`, compiled, of (B, S) and (B, T) ids, padded with PAD."""
        return backend.compiled(self.model, score)(source, shift(target), target)

    def to_numpy(self, array: Any) -> np.ndarray:
        """An array of the backend, as NumPy's."""
        return ops.convert_to_numpy(array)
