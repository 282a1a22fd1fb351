"""A trained `seq2seq` model as a TensorFlow SavedModel.

The graph reads text (or ids), cuts it to what the model was made for, writes greedily, and looks
once more at what it wrote for the attention. It needs none of this code to run, and answers as
`zoo.load` does. Axes: B batch, S read tokens, T written tokens, L layers, H heads.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from zoo.cleaning import INVISIBLE
from zoo.export import note_operations, text_operations, tf_serving, versions
from zoo.export.versions import Answer, Signatures
from zoo.inference import generation
from zoo.inference.seq2seq_base import MAX_CHARACTERS
from zoo.normalizer import Normalizer
from zoo.tokenizer import BOS, EOS, PAD, UNK

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor
    from zoo.kinds.base import Memory
    from zoo.kinds.seq2seq import Seq2Seq


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


# The graph


def _graph(
    loaded: Seq2SeqPredictor, longest_source: int, longest_target: int, text: bool
) -> tuple[tf.Module, Signatures]:
    """What is saved: a module that owns weights and tokenizers, and the functions that use them."""
    network = loaded.model
    module = tf.Module()
    # The variables and not the network: saving that would trace its own `call` too.
    module.weights = [weight.value for weight in network.weights]

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False)
    def answer(source: tf.Tensor) -> Answer:
        return _answer(network, source, longest_target)

    vocabulary = loaded.source_tokenizer.size

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, "ids")], autograph=False)
    def from_ids(ids: tf.Tensor) -> Answer:
        ids = tf.where(ids < vocabulary, ids, UNK)
        # Special tokens are dropped wherever they stand, so it does not matter how rows are closed.
        return answer(_closed(tf.ragged.boolean_mask(ids, ids > EOS), longest_source))

    if not text:
        return module, {"serving_default": from_ids, "ids": from_ids}
    module.reader = text_operations.sentencepiece(loaded.source_tokenizer.bytes)
    shared = loaded.source_tokenizer is loaded.target_tokenizer
    written = loaded.target_tokenizer.bytes
    module.writer = module.reader if shared else text_operations.sentencepiece(written)
    reader, writer, tokenizer = module.reader, module.writer, loaded.source_tokenizer
    normalizer = tokenizer.normalizer
    names = copy.copy(reader)
    names.out_type = tf.string
    pieces = loaded.target_tokenizer.pieces(range(loaded.target_tokenizer.size))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")], autograph=False)
    def from_text(text: tf.Tensor) -> Answer:
        given, text = text, _cleaned(text, normalizer)
        source, source_pieces = reader.tokenize(text), names.tokenize(text)
        made = answer(_closed(source, longest_source))
        ids = made.pop("ids")
        written = writer.detokenize(tf.ragged.boolean_mask(ids, ids > EOS))
        read = note_operations.read_text(source_pieces[:, : longest_source - 1])
        notes = [
            *note_operations.on_reading(given, source, source_pieces, tokenizer, longest_source),
            *note_operations.of_input(loaded.checks, _cleaned(given, Normalizer()), read),
            note_operations.on_writing(ids, made["lengths"]),
            *note_operations.of_answer(loaded.checks, read, written),
        ]
        return {
            "text": written,
            "notes": note_operations.joined(notes),
            "pieces": tf.where(ids == PAD, "", tf.gather(tf.constant(pieces), ids)),
            "source_pieces": _closed(source_pieces, longest_source, "</s>", ""),
            **made,
        }

    return module, {"serving_default": from_text, "ids": from_ids}


def _answer(network: Seq2Seq, source: tf.Tensor, length: int) -> Answer:
    """What `network` writes for each row of `source` (B, S), and where it looked."""
    # A source of nothing but its end is answered with nothing, without the model.
    source = tf.where(source[:, :1] == EOS, PAD, source)
    memory = network.encode(source)
    made = generation.search(_Encoded(network, memory), source, length=length)
    lengths = made.lengths[:, 0]
    # At least one column, so that no client meets an axis of size 0.
    written = tf.maximum(tf.reduce_max(lengths), 1)
    tokens = made.tokens[:, 0, :written]
    begin = tf.fill([tf.shape(tokens)[0], 1], BOS)
    _, maps = network.decode(tf.concat([begin, tokens[:, :-1]], axis=1), memory)
    if "cross" in maps:
        real = tf.sequence_mask(lengths, written)[:, None, None, :, None]
        heads = tf.where(real, tf.cast(maps["cross"], tf.float32), 0.0)
    else:
        rows, read = tf.unstack(tf.shape(source))
        heads = tf.zeros(tf.stack([rows, 1, 1, written, read]))
    return {
        "ids": tokens,
        "log_probs": made.log_probs[:, 0, :written],
        "lengths": lengths,
        "attention_cross": tf.reduce_mean(heads, axis=[1, 2]),
        "attention_cross_heads": heads,
    }


class _Encoded:
    """A network that has read its source: the methods that `generation.search` uses."""

    def __init__(self, network: Seq2Seq, memory: Memory):
        self.init_state, self.step = network.init_state, network.step
        self.memory = memory

    def encode(self, source: tf.Tensor) -> Memory:
        return self.memory


def _cleaned(text: tf.Tensor, normalizer: Normalizer) -> tf.Tensor:
    """As `Tokenizer.clean`; bytes that are no UTF-8 become spaces, as lone surrogates do."""
    import tensorflow_text

    text = tf.strings.unicode_transcode(
        text, "UTF-8", "UTF-8", errors="replace", replacement_char=ord(" ")
    )
    text = tf.strings.substr(text, 0, MAX_CHARACTERS, unit="UTF8_CHAR")
    for step in normalizer.steps:
        text = _normalized(text, *next(iter(step.items())))
    text = tensorflow_text.normalize_utf8(tf.strings.regex_replace(text, INVISIBLE, ""), "NFC")
    # Cc and Z together are all that `str.split` takes for space.
    return tf.strings.strip(tf.strings.regex_replace(text, r"[\p{Cc}\p{Z}]+", " "))


def _normalized(text: tf.Tensor, name: str, value: Any) -> tf.Tensor:
    """One step of a `Normalizer`."""
    import tensorflow_text

    if name == "unicode":
        return tensorflow_text.normalize_utf8(text, value)
    if name == "remove":
        classes = "".join(rf"\p{{{category}}}" for category in value)
        return tf.strings.regex_replace(text, f"[{classes}]", "")
    if name == "replace":
        for old, new in value.items():
            # Quoted for Re2 as its own QuoteMeta does; in the replacement only \ is special.
            text = tf.strings.regex_replace(text, _quoted(old), new.replace("\\", r"\\"))
        return text
    return tf.strings.lower(text, encoding="utf-8")


def _quoted(text: str) -> str:
    """`text` as a regular expression that matches nothing else."""
    return "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{{{ord(c):x}}}" for c in text)


def _closed(pieces: tf.RaggedTensor, longest: int, end: Any = EOS, pad: Any = PAD) -> tf.Tensor:
    """(B, S): at most `longest` tokens a row, of which the last is `end`, then `pad`."""
    ends = tf.fill([pieces.nrows(), 1], end)
    closed = tf.concat([pieces[:, : longest - 1], ends], axis=1)
    # An empty batch has a column too: no recurrent layer reads none.
    width = tf.maximum(tf.reduce_max(closed.row_lengths()), 1)
    return closed.to_tensor(pad, shape=tf.stack([-1, width]))
