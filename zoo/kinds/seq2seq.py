"""The contract of networks that read one sequence and write another.

Axes: B batch, S source tokens, T target tokens, V vocabulary, L layers, H heads, D width.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.kinds.base import Autoregressive, Memory, Tensor
from zoo.layers.attention_hooks import without_maps
from zoo.layers.copying import Copying
from zoo.layers.dropout import Dropout, in_training
from zoo.layers.embedding import TiedEmbedding
from zoo.tokenizer import PAD


class Seq2Seq(Autoregressive):
    """A network that reads a source sequence and writes a target sequence.

    Everything else in the zoo (generation, export, evaluation, the dashboard, the tests) uses a
    model through these four methods only:

    - `encode(source) -> memory`: whatever the decoder reads, computed once. A dict of nested
      tensors, batch first; `mask` (B, S) is always in it, `encoder` (B, L, H, S, S) if the encoder
      attends and maps are wanted (`zoo.layers.attention.without_maps`, within which `decode` gives
      none either), `source` (B, S), the ids, if the decoder may copy them. A search may add
      `output`, the output matrix as `output_matrix` gives it.
    - `decode`, `init_state` and `step`, as every `Autoregressive` network has them. A target
      begins with BOS.

    Sources and targets are int32 ids padded on the right with PAD (0), which changes nothing.

    Both sides are embedded here, with one table where they share a vocabulary; the target's is
    also the output matrix. Embeddings are multiplied by `scale`, sqrt(D) unless a subclass says
    otherwise (Vaswani et al. 2017, section 3.4).

    Args:
        config: the hyper-parameters, a dataclass of `zoo.configs`.
    """

    def __init__(self, config: Any, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.scale = config.embedding_size**0.5
        self.target_embedding = TiedEmbedding(
            config.target_vocabulary, config.embedding_size, name="target_embedding"
        )
        # Also where saliency is measured.
        self.source_embedding = (
            self.target_embedding
            if config.shared_vocabulary
            else TiedEmbedding(
                config.source_vocabulary, config.embedding_size, name="source_embedding"
            )
        )
        self.copying = Copying(name="copying") if getattr(config, "copying", False) else None
        if self.copying and not config.shared_vocabulary:
            raise ValueError("copying needs one vocabulary for both sides: shared_vocabulary=true")
        self.source_dropout = Dropout(config.dropout)
        self.target_dropout = Dropout(config.dropout)

    def encode(self, source: Tensor) -> Memory:
        raise NotImplementedError

    def call(self, inputs: tuple[Tensor, Tensor], training: bool | None = None) -> Tensor:
        """Logits (B, T, V) of `(source, target)`: teacher forcing, what training runs."""
        source, target = inputs
        with in_training(training), without_maps():
            return self.decode(target, self.encode(source))[0]

    def output_matrix(self) -> Tensor:
        """(D, V): what scores every token, laid out for several rows at once.

        Optional, for speed: a search that makes it once and puts it into the memory saves each
        step from transposing the largest matrix there is.
        """
        table = self.target_embedding
        return ops.transpose(ops.cast(table.embeddings, table.compute_dtype))

    def build_variables(self) -> None:
        """Create all variables, by one small call."""
        ids = ops.ones((1, 2), dtype="int32")
        # Called as a layer it would be run twice, once of it in symbols, and loading waits for it.
        self.call((ids, ids))
        self.built = True


def source_mask(source: Tensor) -> Tensor:
    """(B, S) bool, True at real tokens."""
    return ops.not_equal(source, PAD)
