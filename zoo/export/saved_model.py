"""A trained `seq2seq` model as a TensorFlow SavedModel.

The graph reads text (or ids), cuts it to what the model was made for and answers as `zoo.load`
does: greedily, with a beam, or greedily with its attention. It needs none of this code to run.
Axes: B batch, S read tokens, T written tokens, N beams.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from zoo.export import tf_serving, versions
from zoo.export.seq2seq_graph import Writer, bounded, most_rows
from zoo.export.seq2seq_text import TextSide, closed
from zoo.export.versions import Answer, Signatures
from zoo.tokenizer import EOS, UNK

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor


def export(
    loaded: Seq2SeqPredictor,
    folder: str | Path,
    *,
    name: str | None = None,
    length_cap: int | None = None,
    text: bool = True,
    examples: Sequence[str] = (),
) -> Path:
    """Write `loaded` as the next version, `folder/1`, `folder/2`, ..., for TensorFlow Serving.

    Args:
        loaded: the model.
        folder: where the versions of this model are.
        name: what the model is called when it is served; by default its own.
        length_cap: at most so many tokens are read and written, the closing one included; by
            default, and at most, what the model was made for.
        text: False leaves the text out: ids in, ids out, for a runtime without tensorflow-text.
        examples: texts that a server answers before it is ready.

    Returns:
        The folder of the version. It appears under its number only when it is complete.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or `length_cap` is below 2.
    """
    versions.check(length_cap)
    longest = [loaded.max_source_length, loaded.max_target_length]
    if length_cap is not None:
        longest = [min(length_cap, length) for length in longest]
    examples = list(examples) or [loaded.source_tokenizer.decode(range(UNK + 1, UNK + 9))]

    def beside(version: Path) -> None:
        tf_serving.write_beside(version, loaded, name or loaded.name, longest, text, examples)

    return versions.write(loaded.model, folder, lambda: _graph(loaded, *longest, text=text), beside)


def _graph(
    loaded: Seq2SeqPredictor, longest_source: int, longest_target: int, text: bool
) -> tuple[tf.Module, Signatures]:
    """What is saved: a module that owns weights and tokenizers, and the functions that use them."""
    network = loaded.model
    module = tf.Module()
    # The variables and not the network: saving that would trace its own `call` too.
    module.weights = [weight.value for weight in network.weights]
    writer = Writer(network, longest_target)
    module.output_matrix = writer.output_matrix
    vocabulary = loaded.source_tokenizer.size
    most, most_with_maps = (
        most_rows(network, longest_source, longest_target, maps=maps) for maps in (False, True)
    )
    # Each is traced once, for the signatures of ids and of text.
    greedy, beam, attention = (
        versions.function(function, tf.TensorSpec([None, None], tf.int32))
        for function in (writer.greedy, writer.beam, writer.attention)
    )

    def of_ids(answer: Callable[[tf.Tensor], Answer], most: int) -> Callable[..., Answer]:
        def from_ids(ids: tf.Tensor) -> Answer:
            ids = bounded(ids, most, "rows")
            ids = tf.where(ids < vocabulary, ids, UNK)
            # Special tokens are dropped wherever they stand, so how rows are closed is no matter.
            return answer(closed(tf.ragged.boolean_mask(ids, ids > EOS), longest_source))

        return versions.function(from_ids, tf.TensorSpec([None, None], tf.int32, "ids"))

    signatures = {
        "ids": of_ids(greedy, most),
        "ids_beam": of_ids(beam, most),
        "ids_attention": of_ids(attention, most_with_maps),
    }
    if not text:
        return module, {"serving_default": signatures["ids"], **signatures}
    side = TextSide(loaded, longest_source)
    module.tokenizers = side.resources

    def of_text(answer: Callable[[tf.Tensor], Answer], most: int) -> Callable[..., Answer]:
        def from_text(text: tf.Tensor) -> Answer:
            return side.answered(bounded(text, most, "texts"), answer)

        return versions.function(from_text, tf.TensorSpec([None], tf.string, "text"))

    return module, {
        "serving_default": of_text(greedy, most),
        "beam": of_text(beam, most),
        "attention": of_text(attention, most_with_maps),
        **signatures,
    }
