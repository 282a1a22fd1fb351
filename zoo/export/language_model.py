"""A trained `language_model` as a TensorFlow SavedModel.

The graph reads prompts as text (or ids), goes on from them as `zoo.load(...).predict` does,
greedily or by chance, and looks once more at what was read and written for the attention; another
signature takes one step for a caller that streams. It needs none of this code to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from zoo.export import language_model_files, text_operations, versions
from zoo.export.language_model_graph import CHUNK, Writer, like, named
from zoo.export.language_model_text import TextSide
from zoo.export.versions import Answer, Signatures, signature
from zoo.tokenizer import PAD

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor

MOST_TOKENS = 1_024
"""The most tokens that one request may write, if no other number is given."""
USUAL_TOKENS = 100
"""How many are written where a request cannot say."""


def export(
    loaded: LanguageModelPredictor,
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
        length_cap: the most tokens that one request may write, `MOST_TOKENS` by default.
        text: False leaves the text out: ids in, ids out, for a runtime without tensorflow-text.
        examples: prompts that a server goes on from before it is ready.

    Returns:
        The folder of the version. It appears under its number only when it is complete.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or `length_cap` is below 2.
    """
    versions.check(length_cap)
    most = length_cap or MOST_TOKENS
    counts = min(USUAL_TOKENS, most), most
    prompts = list(examples) or [""]

    def beside(version: Path) -> None:
        empty = named(loaded.model.init_state(1, loaded.model.context or CHUNK))
        called = name or loaded.name
        language_model_files.write(version, loaded, called, counts, text, prompts, empty)

    return versions.write(loaded.model, folder, lambda: _graph(loaded, counts, text), beside)


def _graph(
    loaded: LanguageModelPredictor, counts: tuple[int, int], text: bool
) -> tuple[tf.Module, Signatures]:
    """What is saved: a module that owns weights and tables, and the functions that use them."""
    module = tf.Module()
    # The variables and not the network: saving that would trace its own `call` too.
    module.weights = [weight.value for weight in loaded.model.weights]
    writer = Writer(loaded.model, loaded.tokenizer)
    signatures = _of_ids(writer, counts[0])
    if text:
        side = TextSide(writer, loaded.tokenizer, *counts)
        module.tokenizer = side.resource
        signatures |= side.signatures()
    return module, {"serving_default": signatures["ids"], **signatures}


def _of_ids(writer: Writer, count: int) -> Signatures:
    """Signatures without text: `ids`, `prefill` and `step`."""

    @signature(ids=([None, None], tf.int32))
    def ids(ids: tf.Tensor) -> Answer:
        prompts = tf.ragged.boolean_mask(ids, ids != PAD)
        prompts = prompts.with_flat_values(text_operations.known(prompts.flat_values, writer.size))
        read = writer.as_read(prompts)
        written = writer.go_on(read, count)
        shown, maps = writer.look(read, written)
        maps |= {"attention_ids": text_operations.dense(shown)} if maps else {}
        return {**written._asdict(), **maps}

    @signature(tokens=([None, None], tf.int32), lengths=([None], tf.int32))
    def prefill(tokens: tf.Tensor, lengths: tf.Tensor) -> Answer:
        with tf.control_dependencies(writer.check_prompts(tokens, lengths)):
            tokens = text_operations.known(tokens, writer.size)
        logits, state = writer.prefill(tokens, lengths)
        return {"logits": logits, **named(state)}

    specs = [tf.TensorSpec([None], tf.int32, name) for name in ("token", "index")]
    empty = writer.network.init_state(1, writer.context or CHUNK)
    for name, tensor in named(empty).items():
        specs.append(tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype, name))

    @tf.function(input_signature=specs, autograph=False)
    def step(token: tf.Tensor, index: tf.Tensor, *state: tf.Tensor) -> Answer:
        with tf.control_dependencies(writer.check_index(index)):
            token = text_operations.known(token, writer.size)
        before = keras.tree.pack_sequence_as(empty, state)
        logits, after = writer.network.step(token, index, before)
        return {"logits": logits, **named(like(after, before))}

    return {"ids": ids, "prefill": prefill, "step": step}
