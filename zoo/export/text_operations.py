"""Tokenizers as TensorFlow operations: what `zoo.text_tokenizers` does in Python.

Texts are (B,) strings of UTF-8. Ids are ragged (B, N) int32.
"""

from __future__ import annotations

import copy
import hashlib
from abc import abstractmethod
from typing import Any

import tensorflow as tf

from zoo import wordpieces
from zoo.export import note_operations
from zoo.text_tokenizers import Characters, SubWords, TextTokenizer, Vocabulary, Words
from zoo.tokenizer import EOS, PAD, UNK
from zoo.wordpieces import WordPieces

WHITE_SPACE = "".join(chr(i) for i in range(0x3001) if chr(i).isspace() and chr(i) != "\n")
"""What `str.split` takes for white space, but for the line break."""


def decoded(text: tf.Tensor) -> tf.Tensor:
    """`text` with U+FFFD for bytes that are no UTF-8, as `bytes.decode` has it with "replace"."""
    return tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace")


def last_characters(text: tf.Tensor, most: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The last `most` characters of texts, and where there are more."""
    count = tf.strings.length(text, "UTF8_CHAR")
    begin = tf.maximum(count - most, 0)
    kept = tf.strings.substr(text, begin, tf.fill(tf.shape(text), most), unit="UTF8_CHAR")
    return tf.where(begin > 0, kept, text), begin > 0


def sentencepiece(model: bytes) -> Any:
    """The tokenizer of tensorflow-text that reads the same `.model` file."""
    import tensorflow_text

    # TensorFlow keeps these by name in each process, and all would have the same one: of two that
    # were loaded, the second would silently read with the first one's tokens.
    name = f"sentencepiece_{hashlib.sha256(model).hexdigest()}"
    return tensorflow_text.SentencepieceTokenizer(model, name=name)


class TextOperations:
    """A tokenizer of a language model inside a graph.

    Args:
        tokenizer: the same in Python.
    """

    resource: Any
    """What the module that is saved must own: a table, or SentencePiece's model."""

    def __init__(self, tokenizer: TextTokenizer):
        self._shown = tokenizer.labels(range(tokenizer.size))

    @abstractmethod
    def encode(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        """Texts -> ids, and what is not in the vocabulary with repetitions, (B, M) strings."""

    @abstractmethod
    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids -> texts."""

    def continuation(self, before: tf.Tensor, ids: tf.RaggedTensor) -> tf.Tensor:
        """What a text whose last id is `before` (B,) grows by with `ids`."""
        return self.decode(ids)

    def labels(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids -> what a page shows for each, dense (B, N) strings, "" where a row has ended."""
        filled = dense(ids, -1)
        shown = tf.gather(tf.constant(self._shown), tf.maximum(filled, 0))
        return tf.where(filled < 0, "", shown)


class _Listed(TextOperations):
    """Tokens that are listed one by one: a table from text to id."""

    def __init__(self, tokenizer: Vocabulary, index: dict[str, int], end: str):
        super().__init__(tokenizer)
        self._unknown = tokenizer.unknown
        content = tf.lookup.KeyValueTensorInitializer(
            tf.constant(list(index), tf.string), tf.constant(list(index.values()), tf.int64)
        )
        self.resource = tf.lookup.StaticHashTable(content, default_value=-1)
        # Padding and begin are nothing in a text; an unknown token leaves a mark.
        self._texts = ["", "", end, "\u2047", *tokenizer.tokens[UNK + 1 :]]

    def encode(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        units = self.split(text)
        found = tf.cast(tf.ragged.map_flat_values(self.resource.lookup, units), tf.int32)
        ids = tf.ragged.map_flat_values(lambda i: tf.where(i < 0, self._unknown, i), found)
        return ids, tf.ragged.boolean_mask(units, found < 0)

    def split(self, text: tf.Tensor) -> tf.RaggedTensor:
        """Texts -> their units, known or not."""
        raise NotImplementedError

    def texts(self, ids: tf.RaggedTensor) -> tf.RaggedTensor:
        """The text of each id."""
        return tf.ragged.map_flat_values(tf.gather, tf.constant(self._texts), ids)


class _Characters(_Listed):
    """As `Characters`."""

    def __init__(self, tokenizer: Characters):
        super().__init__(tokenizer, tokenizer.index, end="")

    def split(self, text: tf.Tensor) -> tf.RaggedTensor:
        return tf.strings.unicode_split(text, "UTF-8")

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        return tf.strings.reduce_join(self.texts(ids), axis=-1)


class _Words(_Listed):
    """As `Words`: a line break is EOS."""

    def __init__(self, tokenizer: Words):
        super().__init__(tokenizer, {**tokenizer.index, "\n": EOS}, end="\n")

    def split(self, text: tf.Tensor) -> tf.RaggedTensor:
        spaces = "".join(f"\\x{{{ord(c):x}}}" for c in WHITE_SPACE)
        text = tf.strings.regex_replace(text, f"[{spaces}]", " ")
        units = tf.strings.split(tf.strings.regex_replace(text, "\n", " \n "), " ")
        return tf.ragged.boolean_mask(units, units != "")

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        words = self.texts(ids)
        words = tf.ragged.boolean_mask(words, words != "")
        text = tf.strings.reduce_join(words, axis=-1, separator=" ")
        return tf.strings.regex_replace(tf.strings.regex_replace(text, " \n", "\n"), "\n ", "\n")

    def continuation(self, before: tf.Tensor, ids: tf.RaggedTensor) -> tf.Tensor:
        first = tf.RaggedTensor.from_tensor(before[:, None])
        begun = tf.strings.length(self.decode(first))
        whole = self.decode(tf.concat([first, ids], axis=1))
        return tf.strings.substr(whole, begun, tf.strings.length(whole))


class _SubWords(TextOperations):
    """As `SubWords`, by SentencePiece itself."""

    def __init__(self, tokenizer: SubWords):
        super().__init__(tokenizer)
        self.resource = sentencepiece(tokenizer.bytes)
        self._names = copy.copy(self.resource)
        self._names.out_type = tf.string
        self._tokenizer = tokenizer

    def encode(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        ids = self.resource.tokenize(text)
        pieces = self._names.tokenize(text)
        return ids, note_operations.missing(self._tokenizer, ids, pieces)

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        return self.resource.detokenize(tf.ragged.boolean_mask(ids, ids > EOS))

    def continuation(self, before: tf.Tensor, ids: tf.RaggedTensor) -> tf.Tensor:
        added = tf.ragged.map_flat_values(tf.gather, tf.constant(self._tokenizer.utf8), ids)
        text = tf.strings.reduce_join(added, axis=-1)
        # A character whose last bytes are still to come is not there yet.
        length = tf.strings.length(text) - self._pending(ids)
        return decoded(tf.strings.substr(text, tf.zeros_like(length), length))

    def _pending(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """(B,) how many bytes at the end begin a character, but are not all of it."""
        byte_ids = self._tokenizer.byte_ids
        table = tf.constant([byte_ids.get(i, -1) for i in range(self._tokenizer.size)])
        before = tf.RaggedTensor.from_tensor(tf.zeros([ids.nrows(), 3], tf.int32))
        last = tf.concat([before, ids], axis=1)[:, -3:].to_tensor(shape=[None, 3])
        third, second, first = tf.unstack(tf.gather(table, last), axis=1)  # from the end
        three = _within(third, 0xF0, 0xF4) & _follows(third, second) & _within(first, 0x80, 0xBF)
        two = _within(second, 0xE0, 0xF4) & _follows(second, first)
        one = _within(first, 0xC2, 0xF4)
        return tf.where(three, 3, tf.where(two, 2, tf.cast(one, tf.int32)))


class _WordPieces(TextOperations):
    """As `WordPieces`, which only reads: nothing is written by them."""

    def __init__(self, tokenizer: WordPieces):
        import tensorflow_text

        super().__init__(tokenizer)
        self._tokenizer, self._normalize = tokenizer, tensorflow_text.normalize_utf8
        self._unknown = tokenizer.index[wordpieces.UNKNOWN]
        content = tf.lookup.KeyValueTensorInitializer(
            tf.constant(tokenizer.tokens), tf.range(tokenizer.size, dtype=tf.int64)
        )
        self.resource = tf.lookup.StaticVocabularyTable(content, num_oov_buckets=1)
        self._pieces = tensorflow_text.WordpieceTokenizer(
            self.resource,
            suffix_indicator=wordpieces.CONTINUES,
            max_bytes_per_word=4 * wordpieces.LONGEST,
            token_out_type=tf.int64,
            unknown_token=wordpieces.UNKNOWN,
        )

    def encode(self, text: tf.Tensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
        words = self.words(text)
        pieces = self._pieces.tokenize(words)  # (B, W, P): pieces of each word
        long = tf.strings.length(words.flat_values, "UTF8_CHAR") > wordpieces.LONGEST
        first = pieces.values[:, :1].to_tensor(self._unknown, shape=[None, 1])[:, 0]
        first = tf.cast(first, tf.int32)
        unknown = long | (first == self._unknown)
        alone = tf.RaggedTensor.from_tensor(tf.fill([tf.size(long), 1], self._unknown))
        flat = tf.cast(pieces.values, tf.int32)
        flat = tf.concat([_kept(flat, ~unknown), _kept(alone, unknown)], axis=1)
        ids = tf.RaggedTensor.from_row_splits(flat, words.row_splits).merge_dims(1, 2)
        return ids, tf.ragged.boolean_mask(words, words.with_flat_values(unknown))

    def words(self, text: tf.Tensor) -> tf.RaggedTensor:
        """As `WordPieces.words`."""
        text = tf.strings.regex_replace(text, r"[\t\n\r\p{Zs}]", " ")
        text = tf.strings.regex_replace(text, r"[\p{C}\x{fffd}]", "")
        text = tf.strings.regex_replace(text, IDEOGRAPHS, r" \1 ")
        if self._tokenizer.lower:
            text = tf.strings.regex_replace(text, "\u03a3", "\u03c3")  # else the last is another
            text = self._normalize(tf.strings.lower(text, "utf-8"), "NFD")
            text = tf.strings.regex_replace(text, r"\p{Mn}", "")
        text = tf.strings.regex_replace(text, SIGNS, r" \1 ")
        words = tf.strings.split(text, " ")
        return tf.ragged.boolean_mask(words, words != "")

    def decode(self, ids: tf.RaggedTensor) -> tf.Tensor:
        raise NotImplementedError("nothing is written in word pieces")


IDEOGRAPHS = (
    r"([\x{4e00}-\x{9fff}\x{3400}-\x{4dbf}\x{f900}-\x{faff}\x{20000}-\x{2a6df}"
    r"\x{2a700}-\x{2ceaf}\x{2f800}-\x{2fa1f}])"
)
SIGNS = r"([\p{P}!-/:-@\[-`{-~])"
"""Punctuation, and ASCII's other signs."""


def _each(rows: tf.RaggedTensor, chosen: tf.Tensor) -> tf.RaggedTensor:
    """What is said of rows (N,), of each of their values."""
    return rows.with_values(tf.repeat(chosen, rows.row_lengths()))


def _kept(rows: tf.RaggedTensor, chosen: tf.Tensor) -> tf.RaggedTensor:
    """The rows with nothing in those that are not chosen."""
    return tf.ragged.boolean_mask(rows, _each(rows, chosen))


def _within(byte: tf.Tensor, least: Any, most: Any) -> tf.Tensor:
    return (byte >= least) & (byte <= most)


def _follows(lead: tf.Tensor, byte: tf.Tensor) -> tf.Tensor:
    """Whether `byte` may be the second after `lead`: no long forms, nothing beyond Unicode.

    As Python's incremental decoder has it, which lets surrogates pass until their last byte.
    """
    least = tf.where(lead == 0xE0, 0xA0, tf.where(lead == 0xF0, 0x90, 0x80))
    return _within(byte, least, tf.where(lead == 0xF4, 0x8F, 0xBF))


def operations(tokenizer: TextTokenizer) -> TextOperations:
    """The operations of a tokenizer of any unit.

    Raises:
        TypeError: none are known for it.
    """
    if isinstance(tokenizer, Characters):
        return _Characters(tokenizer)
    if isinstance(tokenizer, Words):
        return _Words(tokenizer)
    if isinstance(tokenizer, SubWords):
        return _SubWords(tokenizer)
    if isinstance(tokenizer, WordPieces):
        return _WordPieces(tokenizer)
    raise TypeError(f"No operations for this tokenizer. Received: {type(tokenizer).__name__}")


def known(ids: tf.Tensor, size: int) -> tf.Tensor:
    """`ids` with UNK for those that no vocabulary of `size` has."""
    return tf.where((ids >= PAD) & (ids < size), ids, UNK)


def dense(rows: tf.RaggedTensor, padding: Any = PAD) -> tf.Tensor:
    """(B, N) with `padding` where a row has ended; an empty batch has a column too."""
    width = tf.maximum(tf.reduce_max(rows.row_lengths()), 1)
    return rows.to_tensor(padding, shape=tf.stack([-1, width]))
