"""The text around an exported `seq2seq` model: texts to ids, and what was written to text.

Axes: B batch, S read tokens, T written tokens, N hypotheses.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from zoo.cleaning import INVISIBLE
from zoo.export import note_operations, text_operations
from zoo.export.versions import Answer
from zoo.inference.seq2seq_base import MAX_CHARACTERS
from zoo.normalizer import Normalizer
from zoo.tokenizer import EOS, PAD

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor


class TextSide:
    """Both tokenizers of a model, its cleaning and its notes, as operations.

    Args:
        loaded: the model.
        longest: the most tokens of a source.
    """

    def __init__(self, loaded: Seq2SeqPredictor, longest: int):
        self._tokenizer, self._longest = loaded.source_tokenizer, longest
        self._checks = loaded.checks
        self._reader = text_operations.sentencepiece(loaded.source_tokenizer.bytes)
        shared = loaded.source_tokenizer is loaded.target_tokenizer
        written = loaded.target_tokenizer.bytes
        self._writer = self._reader if shared else text_operations.sentencepiece(written)
        self._names = copy.copy(self._reader)
        self._names.out_type = tf.string
        # Traced once for all signatures.
        self._read = tf.function(self._cut, autograph=False)
        self._judged = tf.function(self._told, autograph=False)
        self._pieces = loaded.target_tokenizer.pieces(range(loaded.target_tokenizer.size))

    @property
    def resources(self) -> list[Any]:
        """What the module that is saved must own."""
        return [self._reader, self._writer]

    def answered(self, given: tf.Tensor, answer: Callable[[tf.Tensor], Answer]) -> Answer:
        """What a signature of texts (B,) gives.

        Args:
            given: as they came.
            answer: gives `ids` (B, T) or (B, N, T) and `lengths` (B,) or (B, N) for ids (B, S),
                and whatever else the signature gives.
        """
        source, source_pieces, read, notes = self._read(given)
        made = answer(source)
        ids = made.pop("ids")
        several = len(ids.shape) == 3
        best, lengths = (ids[:, 0], made["lengths"][:, 0]) if several else (ids, made["lengths"])
        written, notes = self._judged(best, lengths, read, notes)
        texts = {"text": written}
        if several:
            rows = self._decoded(tf.reshape(ids, [-1, tf.shape(ids)[2]]))
            texts["texts"] = tf.reshape(rows, [-1, ids.shape[1]])
        return {
            **texts,
            "notes": notes,
            "pieces": tf.where(ids == PAD, "", tf.gather(tf.constant(self._pieces), ids)),
            "source_pieces": source_pieces,
            **made,
        }

    def _cut(self, given: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Ids and tokens (B, S) of texts (B,), both closed, what is read as text, and notes."""
        tokenizer, longest = self._tokenizer, self._longest
        text = cleaned(given, tokenizer.normalizer)
        source, pieces = self._reader.tokenize(text), self._names.tokenize(text)
        read = note_operations.read_text(pieces[:, : longest - 1])
        notes = [
            *note_operations.on_reading(given, source, pieces, tokenizer, longest),
            *note_operations.of_input(self._checks, cleaned(given, Normalizer()), read),
        ]
        shown = closed(pieces, longest, "</s>", "")
        return closed(source, longest), shown, read, note_operations.joined(notes)

    def _told(
        self, ids: tf.Tensor, lengths: tf.Tensor, read: tf.Tensor, notes: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The texts of ids (B, T), and all notes."""
        written = self._decoded(ids)
        more = [
            note_operations.on_writing(ids, lengths),
            *note_operations.of_answer(self._checks, read, written),
        ]
        return written, note_operations.joined([notes, *more])

    def _decoded(self, ids: tf.Tensor) -> tf.Tensor:
        """Ids (B, T) -> texts."""
        return self._writer.detokenize(tf.ragged.boolean_mask(ids, ids > EOS))


def cleaned(text: tf.Tensor, normalizer: Normalizer) -> tf.Tensor:
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


def closed(pieces: tf.RaggedTensor, longest: int, end: Any = EOS, pad: Any = PAD) -> tf.Tensor:
    """(B, S): at most `longest` tokens a row, of which the last is `end`, then `pad`."""
    ends = tf.fill([pieces.nrows(), 1], end)
    # An empty batch has a column too: no recurrent layer reads none.
    return text_operations.dense(tf.concat([pieces[:, : longest - 1], ends], axis=1), pad)
