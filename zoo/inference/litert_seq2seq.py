"""A trained encoder-decoder on LiteRT: the same answers without Keras or TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import saved_tokenizers, saving
from zoo.inference.litert_engine import Engine
from zoo.inference.litert_folder import GraphFolder
from zoo.inference.sampling import Generated
from zoo.inference.seq2seq_base import Maps, Seq2SeqBase

if TYPE_CHECKING:
    from zoo.inference.litert_apart import EngineApart


class LiteRTSeq2Seq(Seq2SeqBase):
    """Tokenizers and LiteRT graphs of one model; see `zoo.inference.litert_graphs`.

    Args:
        graphs: the folder of its graphs.
        attention_heads: as `zoo.kinds.base.Network.attention_heads`.
        threads: how many rows are answered at a time; by default one a core.
        engine: what runs the graphs; by default one in this process.
        others: as `Seq2SeqBase`.

    Raises:
        GraphError: graphs that cannot be run.
    """

    runtime = "litert"

    def __init__(
        self,
        graphs: GraphFolder,
        attention_heads: dict[str, tuple[int, int]],
        threads: int | None = None,
        engine: Engine | EngineApart | None = None,
        **others: Any,
    ):
        super().__init__(**others)
        self.engine = engine or Engine(graphs, threads)
        self._heads = attention_heads

    @classmethod
    def from_folder(
        cls, folder: Path, config: dict[str, Any], graphs: GraphFolder, **known: Any
    ) -> LiteRTSeq2Seq:
        """The tokenizers of a model folder with its graphs; `known`: its name and card."""
        source, target = saved_tokenizers.read_tokenizers(folder, config)
        hyperparameters = saving.read_hyperparameters(folder, config)
        return cls(
            graphs=graphs,
            attention_heads=hyperparameters.attention_heads(),
            source_tokenizer=source,
            target_tokenizer=target,
            config=config,
            path=folder,
            max_length=getattr(hyperparameters, "max_length", None),
            **known,
        )

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        return self._heads

    @property
    def parameters(self) -> int:
        """How many weights the network has."""
        return self.engine.graphs.parameters

    def generate(self, source: np.ndarray, **options: Any) -> Generated:
        """`Engine.generate`: (B, S) ids to hypotheses."""
        return self.engine.generate(source, **options)

    def log_probs_and_maps(self, source: np.ndarray, target: np.ndarray) -> tuple[Any, Maps]:
        """`Engine.log_probs_and_maps` of (B, S) and (B, T) ids, padded with PAD."""
        return self.engine.log_probs_and_maps(source, target)
