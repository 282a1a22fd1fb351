"""The contract that every generator of sequences keeps, and what all of them share.

Axes: B batch, S source pieces, T target pieces, V vocabulary, L layers, H heads, D width.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.attention import without_maps
from zoo.tokenizer import PAD

Tensor = Any
Memory = dict[str, Tensor]
State = Any
Maps = dict[str, Tensor]


class Seq2Seq(keras.Model):
    """A network that reads a source sequence and writes a target sequence.

    Everything else in the zoo (generation, export, evaluation, the dashboard, the tests) uses a
    model through these four verbs only:

    - `encode(source) -> memory`: whatever the decoder reads, computed once. A dict of nested
      tensors, batch first; `mask` (B, S) is always in it, `encoder` (B, L, H, S, S) if the encoder
      attends and maps are wanted (`zoo.layers.attention.without_maps`, within which `decode` gives
      none either). A search may add `output`, the output matrix as `output_matrix` gives it.
    - `decode(target, memory) -> logits, maps`: all steps at once, for training, for scoring and
      for reading attention after the fact. Logits (B, T, V) float32: row t predicts what follows
      `target[:, t]`, so a target begins with BOS.
    - `start(memory, length) -> state`: a KV cache or recurrent state, nested, batch first.
    - `step(token, index, state, memory) -> logits, state`: one step of generation. Token (B,)
      ids, index the 0-based position as a scalar, logits (B, V) float32.

    Sources and targets are int32 ids padded on the right with PAD (0), which changes nothing.

    Both sides are embedded here, with one table where they share a vocabulary; the target's is
    also the output matrix. Embeddings are multiplied by `scale`, sqrt(D) unless a subclass says
    otherwise (Vaswani et al. 2017, section 3.4).

    Args:
        config: the hyper-parameters, a dataclass of `zoo.registry`.
    """

    def __init__(self, config: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.config = config
        self.scale = config.width**0.5
        self.target_embedding = Embedding(
            config.target_vocabulary, config.width, name="target_embedding"
        )
        # Also where saliency is measured.
        self.source_embedding = (
            self.target_embedding
            if config.shared_vocabulary
            else Embedding(config.source_vocabulary, config.width, name="source_embedding")
        )
        self.source_dropout = keras.layers.Dropout(config.dropout)
        self.target_dropout = keras.layers.Dropout(config.dropout)

    @property
    def heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        return {}

    def encode(self, source: Tensor) -> Memory:
        raise NotImplementedError

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        raise NotImplementedError

    def start(self, memory: Memory, length: int) -> State:
        raise NotImplementedError

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State]:
        raise NotImplementedError

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Logits (B, T, V) of `(source, target)`: teacher forcing, what training runs."""
        source, target = inputs
        with without_maps():
            return self.decode(target, self.encode(source))[0]

    def output_matrix(self) -> Tensor:
        """(D, V): what scores every piece, laid out for several rows at once.

        Optional, for speed: a search that makes it once and puts it into the memory spares each
        step the turning of the largest matrix there is.
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
    """(B, S) bool, True at real pieces."""
    return ops.not_equal(source, PAD)


@keras.saving.register_keras_serializable("zoo")
class Embedding(keras.layers.Embedding):
    """An embedding that can also be the output matrix (tied), as in Press and Wolf 2017.

    Inan et al. 2017 and Press and Wolf 2017: the same rows name a piece on the way in and score
    it on the way out. `scores(x)`: (..., D) -> (..., V) float32.
    """

    def __init__(self, vocabulary: int, width: int, **kwargs: Any):
        # Scaled so that a tied output starts near a uniform distribution.
        initializer = keras.initializers.RandomNormal(stddev=width**-0.5)
        super().__init__(vocabulary, width, embeddings_initializer=initializer, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """(...) ids -> (..., D)."""
        return ops.cast(lookup(ops.copy(self.embeddings), inputs), self.compute_dtype)

    def scores(self, x: Tensor, matrix: Tensor | None = None) -> Tensor:
        """Logits of every piece: the product with each of the embedding's rows.

        Args:
            x: (..., D).
            matrix: the rows as (D, V) in the computing type, where someone has turned them already.
        """
        if matrix is None:
            matrix = ops.transpose(ops.cast(self.embeddings, self.compute_dtype))
        x = ops.cast(x, self.compute_dtype)
        return ops.cast(ops.matmul(x, matrix), "float32")


def lookup(table: Tensor, ids: Tensor) -> Tensor:
    """Rows (..., D) of a table (V, D).

    The gradient is one scatter into a dense table. TensorFlow would hand on the rows one by one
    and, the table being the output matrix too, add them up by a far slower way.
    """

    @ops.custom_gradient
    def rows(table: Tensor) -> tuple[Tensor, Any]:
        def gradient(upstream: Tensor) -> Tensor:
            flat = ops.reshape(upstream, (-1, table.shape[-1]))
            return ops.scatter(ops.reshape(ids, (-1, 1)), flat, table.shape)

        return ops.take(table, ids, axis=0), gradient

    return rows(table)
