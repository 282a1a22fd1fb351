"""What a classifier reads, as TensorFlow operations: `zoo.class_inputs` inside a graph.

Axes: B batch, T tokens or n-grams, N n-grams of a text, L bytes of one, H, W, C of an image.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from zoo import class_inputs, images
from zoo.checks import EMPTY
from zoo.class_inputs import ClassInput, ImageInput, NGramInput, Scaled, TextInput
from zoo.export import image_operations, note_operations, text_operations
from zoo.export.seq2seq_text import cleaned
from zoo.tokenizer import PAD

Given = tuple[Sequence[int | None], Any]
"""Shape and type of an input."""


class InputOperations:
    """A reader of inputs inside a graph.

    Args:
        reader: the same in Python.
    """

    resource: Any = None
    """What the module that is saved must own."""
    plain = ""
    """The name of what a caller may send who does the reading: `ids`, `pixels`; "": nothing."""

    def __init__(self, reader: Any):
        self.reader = reader

    @abstractmethod
    def given(self) -> Given:
        """Shape and type of the input of a signature."""

    @abstractmethod
    def read(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What the network reads of inputs, and notes (B,)."""

    def plain_given(self) -> Given:
        """Shape and type of what `plain` names."""
        raise NotImplementedError

    def read_plain(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """As `read`, of what `plain` names."""
        raise NotImplementedError


class _Texts(InputOperations):
    plain = "ids"

    def given(self) -> Given:
        return [None], tf.string

    def plain_given(self) -> Given:
        return [None, None], tf.int32

    def cut(self, ids: tf.RaggedTensor, most: int) -> tuple[tf.RaggedTensor, tf.Tensor]:
        """At most so many ids of each row, and notes (B,) on what is not read."""
        count = tf.cast(ids.row_lengths(), tf.int32)
        note = note_operations.filled(class_inputs.CUT, count=count, most=most)
        notes = [note_operations.when(count == 0, EMPTY), note_operations.when(count > most, note)]
        return ids[:, :most], note_operations.joined(notes)

    def words(self, given: tf.Tensor) -> tf.Tensor:
        """Texts as `class_inputs.spaced` has them, without the space in front."""
        return cleaned(given, self.reader.normalizer)

    def notes(
        self,
        given: tf.Tensor,
        text: tf.Tensor,
        absent: tf.RaggedTensor,
        count: tf.Tensor,
        most: int,
    ) -> tf.Tensor:
        """What `predict` says of texts: given, cleaned, without what is missing, and how long."""
        characters = tf.strings.length(text_operations.decoded(given), "UTF8_CHAR")
        limit = f"{class_inputs.MAX_CHARACTERS:,}"
        cut = note_operations.filled(class_inputs.CUT, count=count, most=most)
        when = note_operations.when
        named = tf.fill(tf.shape(absent.flat_values), class_inputs.NAMED)
        shown = absent.with_flat_values(
            tf.strings.substr(absent.flat_values, tf.zeros_like(named), named, unit="UTF8_CHAR")
        )
        return note_operations.joined(
            [
                when(
                    characters > class_inputs.MAX_CHARACTERS,
                    class_inputs.FIRST_CHARACTERS.format(most=limit),
                ),
                when(text == "", EMPTY),
                note_operations.on_missing(shown),
                when(count > most, cut),
            ]
        )


class _Tokens(_Texts):
    """As `TextInput`."""

    def __init__(self, reader: TextInput):
        super().__init__(reader)
        self._tokenizer = text_operations.operations(reader.tokenizer)
        self.resource = self._tokenizer.resource
        self._front, self._back = reader.tokenizer.around
        self._most = reader.most - len(self._front) - len(self._back)

    def read(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        text = self.words(given)
        ids, absent = self._tokenizer.encode(tf.where(text == "", "", tf.strings.join([" ", text])))
        most = self._most
        notes = self.notes(given, text, absent, tf.cast(ids.row_lengths(), tf.int32), most)
        return self._closed(ids[:, :most]), notes

    def read_plain(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        ids = text_operations.known(given, self.reader.size)
        for one in (PAD, *self._front, *self._back):
            ids = tf.ragged.boolean_mask(ids, ids != one)
        ids, notes = self.cut(ids, self._most)
        return self._closed(ids), notes

    def _closed(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ids (B, T) between those around a text, padded."""
        front, back = (
            tf.repeat(tf.constant([part], tf.int32), ids.nrows(), axis=0)
            for part in (self._front, self._back)
        )
        parts = [tf.RaggedTensor.from_tensor(part) for part in (front, back)]
        return text_operations.dense(tf.concat([parts[0], ids, parts[1]], axis=1))


class _NGrams(_Texts):
    """As `NGramInput`: each n-gram by the number that its letters give, each once."""

    def __init__(self, reader: NGramInput):
        super().__init__(reader)
        letters = [bytes([i]) for i in range(256)]
        content = tf.lookup.KeyValueTensorInitializer(
            tf.constant(letters), tf.range(256, dtype=tf.int64)
        )
        self.resource = tf.lookup.StaticHashTable(content, default_value=-1)
        self._steps = tf.constant([_step(i) for i in range(256)], tf.int64)

    def read(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        text = self.words(given)
        words = tf.strings.split(text, " ")
        words = tf.ragged.boolean_mask(words, words != "")
        ngrams = tf.strings.ngrams(words, list(range(1, self.reader.longest + 1)), separator=" ")
        asked = self._numbers(ngrams.flat_values)
        known = tf.constant(self.reader.numbers, tf.int64)
        place = tf.searchsorted(known, asked)
        padded = tf.concat([known, [-1]], axis=0)
        found = tf.gather(padded, place) == asked
        ids = _first_of_each(ngrams.with_flat_values(tf.where(found, place + 1, 0)))
        single = ~tf.strings.regex_full_match(ngrams.flat_values, "(?s).* .*")
        absent = tf.ragged.boolean_mask(ngrams, ngrams.with_flat_values(~found & single))
        most = self.reader.most
        notes = self.notes(given, text, absent, tf.cast(ids.row_lengths(), tf.int32), most)
        return text_operations.dense(ids[:, :most]), notes

    def read_plain(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        known = (given > PAD) & (given < self.reader.size)
        ids = _first_of_each(tf.ragged.boolean_mask(given, known))
        ids, notes = self.cut(ids, self.reader.most)
        return text_operations.dense(ids), notes

    def _numbers(self, ngrams: tf.Tensor) -> tf.Tensor:
        """`class_inputs.number` of n-grams (N,): CRC-32, byte after byte."""
        letters = tf.strings.bytes_split(ngrams)
        codes = tf.ragged.map_flat_values(self.resource.lookup, letters).to_tensor(-1)  # (N, L)

        def ahead(at: tf.Tensor, sums: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            code = codes[:, at]
            low = tf.bitwise.bitwise_and(tf.bitwise.bitwise_xor(sums, tf.maximum(code, 0)), 255)
            after = tf.bitwise.bitwise_xor(
                tf.gather(self._steps, low), tf.bitwise.right_shift(sums, tf.constant(8, tf.int64))
            )
            return at + 1, tf.where(code < 0, sums, after)

        every = tf.constant(0xFFFFFFFF, tf.int64)
        first = tf.fill(tf.shape(ngrams), every)
        _, sums = tf.while_loop(lambda at, _: at < tf.shape(codes)[1], ahead, (0, first))
        return tf.bitwise.bitwise_xor(sums, every) % (1 << class_inputs.BITS)


def _step(value: int) -> int:
    """The entry of the table of CRC-32 for a byte: eight times shifted, with its polynomial."""
    for _ in range(8):
        value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value


def _first_of_each(ids: tf.RaggedTensor) -> tf.RaggedTensor:
    """Ids (B, N) without 0 and without repetitions, in their order."""
    rows = text_operations.dense(tf.ragged.boolean_mask(ids, ids > 0))  # (B, N), 0 behind
    order = tf.argsort(rows, axis=1, stable=True)
    ranked = tf.gather(rows, order, batch_dims=1)
    before = tf.pad(ranked[:, :-1], [[0, 0], [1, 0]])
    new = tf.gather(ranked != before, tf.argsort(order, axis=1), batch_dims=1)
    return tf.ragged.boolean_mask(tf.cast(rows, tf.int32), new & (rows > 0))


class _Numbers(InputOperations):
    """As `Scaled`: arrays of one shape."""

    def scaled(self, array: tf.Tensor) -> tf.Tensor:
        reader: Scaled = self.reader
        mean, deviation = (tf.constant(one, tf.float64) for one in (reader.mean, reader.deviation))
        return tf.cast((tf.cast(array, tf.float64) - mean) / deviation, tf.float32)


class _Series(_Numbers):
    def given(self) -> Given:
        return [None, *self.reader.shape], tf.float32

    def read(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        check = tf.debugging.assert_all_finite(given, "A value of the series is no number.")
        with tf.control_dependencies([check]):
            return self.scaled(given), tf.fill(tf.shape(given)[:1], "")


class _Images(_Numbers):
    """Bytes of PNG, JPEG, GIF or BMP files: decoded, on white, grey or colour, the model's size."""

    plain = "pixels"

    def given(self) -> Given:
        return [None], tf.string

    def plain_given(self) -> Given:
        return [None, *self.reader.shape], tf.float32

    def read_plain(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        within = tf.reduce_all((given >= 0) & (given <= 1))  # what is no number is not
        check = tf.debugging.Assert(within, ["Pixels must be numbers from 0 to 1."])
        with tf.control_dependencies([check]):
            return self.scaled(given), tf.fill(tf.shape(given)[:1], "")

    def read(self, given: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        height, width, channels = self.reader.shape
        pixels, notes = tf.map_fn(
            self._one,
            given,
            fn_output_signature=(
                tf.TensorSpec([height, width, channels], tf.float64),
                tf.TensorSpec([], tf.string),
            ),
        )
        return self.scaled(pixels), notes

    def _one(self, data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        height, width, channels = self.reader.shape
        checks = [
            tf.debugging.assert_less_equal(
                tf.strings.length(data),
                images.MOST_BYTES,
                f"An image file may have {images.MOST_BYTES:,} bytes.",
            ),
            # Of what the file says of itself: unpacked, it would be too large to look at.
            tf.debugging.assert_less_equal(
                image_operations.pixels_told(data),
                tf.constant(images.MOST_PIXELS, tf.int64),
                f"An image may have {images.MOST_PIXELS:,} pixels.",
            ),
        ]
        with tf.control_dependencies(checks):
            image = tf.io.decode_image(data, channels=0, expand_animations=False)  # (H, W, C)
        image = tf.cast(image, tf.float64) / 255.0
        high, wide = tf.unstack(tf.shape(image)[:2])
        image = image_operations.with_channels(image, channels)
        small = tf.einsum(
            "ih,hwc,jw->ijc",
            image_operations.shares(high, height),
            image,
            image_operations.shares(wide, width),
        )
        note = note_operations.filled(
            class_inputs.RESIZED, width=wide, height=high, to_width=width, to_height=height
        )
        same = (high == height) & (wide == width)
        return tf.ensure_shape(small, [height, width, channels]), tf.where(same, "", note)


def operations(reader: ClassInput) -> InputOperations:
    """The operations of a reader of texts, images or series."""
    if isinstance(reader, TextInput):
        return _Tokens(reader)
    if isinstance(reader, NGramInput):
        return _NGrams(reader)
    return _Images(reader) if isinstance(reader, ImageInput) else _Series(reader)
