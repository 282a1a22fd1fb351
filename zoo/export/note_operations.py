"""The notes of a prediction as TensorFlow operations, for an export: what `predict` says in Python.

Strings and numbers are one for each text of a batch, (B,); where a note does not apply, its string
is empty.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from zoo import checks
from zoo.checks import MISSING_SHOWN
from zoo.inference.seq2seq_base import MAX_CHARACTERS
from zoo.tokenizer import EOS, UNK, WORD_START

if TYPE_CHECKING:
    from zoo.checks import Checks
    from zoo.tokenizer import Tokenizer

DATE_WITHOUT_DIGITS = "1970-01-01"
"""Read in place of an answer that is no date, whose note says so."""


def joined(notes: list[tf.Tensor]) -> tf.Tensor:
    """All notes on a text that apply, one a line."""
    text = tf.strings.regex_replace(tf.strings.join(notes, "\n"), "\n+", "\n")
    return tf.strings.regex_replace(text, "^\n|\n$", "")


def on_reading(
    text: tf.Tensor,
    ids: tf.RaggedTensor,
    pieces: tf.RaggedTensor,
    tokenizer: Tokenizer,
    longest: int,
) -> list[tf.Tensor]:
    """What was not read of the sources, and what is not in the vocabulary.

    Args:
        text: as it was given.
        ids, pieces: (B, S) of all that was cut into tokens, without the closing one.
        tokenizer: of the source.
        longest: the most tokens that are read, the closing one included.
    """
    characters = tf.strings.length(
        tf.strings.unicode_transcode(text, "UTF-8", "UTF-8", errors="replace"), "UTF8_CHAR"
    )
    count = tf.cast(ids.row_lengths(), tf.int32) + 1
    kept = longest - 1
    too_long = filled(checks.TOO_LONG, count=count, most=kept)
    absent = missing(tokenizer, ids[:, :kept], pieces[:, :kept])
    return [
        when(
            characters > MAX_CHARACTERS, checks.FIRST_CHARACTERS.format(most=f"{MAX_CHARACTERS:,}")
        ),
        when(count > longest, too_long),
        on_missing(absent),
    ]


def on_writing(ids: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Whether an answer was cut; `ids` (B, T)."""
    last = tf.gather(ids, tf.maximum(lengths - 1, 0), batch_dims=1)
    return when((lengths > 0) & (last != EOS), checks.CUT)


def read_text(pieces: tf.RaggedTensor) -> tf.Tensor:
    """As `checks.read_text`, of tokens (B, S) without the closing one."""
    text = tf.strings.reduce_join(pieces, axis=-1)
    return tf.strings.regex_replace(text, WORD_START, " ")


def of_input(found: Checks, text: tf.Tensor, read: tf.Tensor) -> list[tf.Tensor]:
    """As `Checks.of_input`; `text` with single spaces and without control characters."""
    notes = []
    blank = tf.strings.strip(read) == ""
    if "empty" in found.given:
        notes.append(when(blank, checks.EMPTY))
    if "word" in found.given:
        notes.append(when(_has(text, r"\pL.* .*\pL"), checks.SEVERAL_WORDS))
        notes.append(when(_has(text, r"[\p{Nd}\p{No}]"), checks.DIGITS))
    if "date" in found.given:
        numbers = _Numbers(read, found)
        none, few = numbers.count == 0, numbers.count == 1
        first, last = found.given["date"]["years"]
        year = tf.strings.as_string(numbers.first_year)
        outside = filled(checks.YEAR_RANGE, year=year, first=first, last=last)
        notes.append(when(~blank & none, checks.NO_NUMBER))
        notes.append(when(few, checks.ONE_NUMBER))
        notes.append(when(numbers.enough & numbers.outside, outside))
    return notes


def of_answer(found: Checks, read: tf.Tensor, answer: tf.Tensor) -> list[tf.Tensor]:
    """As `Checks.of_answer`."""
    copied = _copied(read, answer) if "copied" in found.given else []
    if "date" not in found.given:
        return copied
    numbers = _Numbers(read, found)
    iso = tf.strings.regex_full_match(answer, checks.ISO)
    answer = tf.where(iso, answer, DATE_WITHOUT_DIGITS)
    year, month, day = (
        tf.strings.to_number(tf.strings.substr(answer, start, length), tf.int32)
        for start, length in ((0, 4), (5, 2), (8, 2))
    )
    applies = numbers.enough & iso
    compared = applies & ~numbers.outside
    pivot = found.given["date"]["pivot"]
    rest = year % 100
    spoken_for = numbers.have(year)
    short = ~numbers.whole & numbers.have(rest, digits=2)
    short &= year == tf.where(rest >= pivot, 1900, 2000) + rest

    def not_in_input(part: str, value: tf.Tensor) -> tf.Tensor:
        return filled(checks.NOT_IN_INPUT, part=part, value=value)

    return [
        when(numbers.enough & ~iso, checks.NOT_ISO),
        when(applies & ~_exists(year, month, day), filled(checks.NO_SUCH_DATE, answer=answer)),
        when(
            compared & ~spoken_for,
            tf.where(
                short,
                filled(checks.TWO_DIGITS, year=year, pivot=pivot),
                not_in_input("year", year),
            ),
        ),
        when(compared & ~numbers.have(month) & ~_has(read, r"\pL"), not_in_input("month", month)),
        when(compared & ~numbers.have(day), not_in_input("day", day)),
    ]


def _copied(read: tf.Tensor, answer: tf.Tensor) -> list[tf.Tensor]:
    """As `Checks._copied`."""
    known, used = (
        tf.strings.split(tf.strings.regex_replace(text, checks.BETWEEN_WORDS, " "))
        for text in (read, answer)
    )
    # (B, 1, N) and (B, M, 1); a line break is in no text, and so equals no word.
    same = known.to_tensor("\n")[:, None, :] == used.to_tensor("")[:, :, None]
    there = tf.RaggedTensor.from_tensor(tf.reduce_any(same, axis=-1), used.row_lengths())
    number = tf.ragged.map_flat_values(tf.strings.regex_full_match, used, "[0-9]+")
    new = tf.ragged.boolean_mask(used, ~(there | number))
    listed = tf.strings.reduce_join(new, axis=-1, separator=" ")
    digits, own = (tf.strings.regex_replace(text, "[^0-9]", "") for text in (read, answer))
    read_any = tf.strings.strip(read) != ""
    return [
        when(read_any & (new.row_lengths() > 0), filled(checks.NOT_COPIED, words=listed)),
        when(read_any & (digits != own), checks.OTHER_DIGITS),
    ]


class _Numbers:
    """The numbers in texts, as `checks.numbers` finds them, and what is known of them."""

    def __init__(self, text: tf.Tensor, found: Checks):
        for pattern, replacement in checks.number_rules():
            text = tf.strings.regex_replace(text, pattern, replacement)
        written = tf.strings.split(text)
        written = written.with_flat_values(
            tf.strings.substr(written.flat_values, 0, checks.MOST_DIGITS)
        )
        self.lengths = written.with_flat_values(tf.strings.length(written.flat_values))
        self.values = written.with_flat_values(tf.strings.to_number(written.flat_values, tf.int32))
        self.count = written.row_lengths()
        self.enough = self.count > 1
        years = tf.ragged.boolean_mask(self.values, self.lengths > 2)
        first, last = found.given["date"]["years"]
        self.whole = years.row_lengths() > 0
        self.first_year = tf.reduce_max(years[:, :1], axis=1)
        inside = tf.reduce_any((years >= first) & (years <= last), axis=1)
        self.outside = self.whole & ~inside

    def have(self, value: tf.Tensor, digits: int = 0) -> tf.Tensor:
        """Whether `value` is one of the numbers, if given one that is written with `digits`."""
        same = self.values == value[:, None]
        return tf.reduce_any(same & (self.lengths == digits) if digits else same, axis=1)


def _exists(year: tf.Tensor, month: tf.Tensor, day: tf.Tensor) -> tf.Tensor:
    leap = (month == 2) & (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days = tf.gather(tf.constant([0, *checks.DAYS]), tf.where(month <= 12, month, 0))
    return (year >= 1) & (day >= 1) & (day <= days + tf.cast(leap, tf.int32))


def missing(tokenizer: Tokenizer, ids: tf.RaggedTensor, pieces: tf.RaggedTensor) -> tf.RaggedTensor:
    """As `Tokenizer.missing`, with repetitions."""
    if not tokenizer.byte_ids:
        found = tf.ragged.boolean_mask(pieces, ids == UNK)
        found = tf.ragged.map_flat_values(tf.strings.regex_replace, found, WORD_START, "")
        return tf.ragged.boolean_mask(found, found != "")
    # A line break cannot be in a text that was cleaned: it parts runs of bytes.
    table = [bytes([tokenizer.byte_ids.get(i, 10)]) for i in range(tokenizer.size)]
    run = tf.strings.reduce_join(tf.ragged.map_flat_values(tf.gather, tf.constant(table), ids), -1)
    characters = tf.strings.unicode_split(run, "UTF-8", errors="replace")
    return tf.ragged.boolean_mask(characters, characters != "\n")


def on_missing(found: tf.RaggedTensor) -> tf.Tensor:
    """The note on what is not in the vocabulary; `found` (B, N) as `missing` gives it."""
    return tf.cond(
        tf.size(found.flat_values) > 0,
        lambda: tf.map_fn(_shown, found, fn_output_signature=tf.string),
        lambda: tf.fill([found.nrows()], ""),  # most often, and far faster
    )


def _shown(missing: tf.Tensor) -> tf.Tensor:
    """The note on what is missing of one text, "" where nothing is."""
    each, _ = tf.unique(missing)
    listed = tf.strings.reduce_join(each[:MISSING_SHOWN], separator=" ")
    more = tf.where(tf.size(each) > MISSING_SHOWN, " ...", "")
    return when(tf.size(each) > 0, filled(checks.MISSING, shown=listed + more))


def filled(template: str, **values: Any) -> tf.Tensor:
    """`template.format(**values)` with tensors of strings or whole numbers."""
    parts = []
    for index, part in enumerate(re.split(r"\{(\w+)\}", template)):
        if index % 2 and tf.is_tensor(values[part]):
            value = values[part]
            parts.append(value if value.dtype == tf.string else tf.strings.as_string(value))
        else:
            parts.append(str(values[part]) if index % 2 else part)
    return tf.strings.join(parts)


def _has(text: tf.Tensor, pattern: str) -> tf.Tensor:
    return tf.strings.regex_full_match(text, f".*{pattern}.*")


def when(condition: tf.Tensor, note: Any) -> tf.Tensor:
    """`note` where it applies, else ""."""
    return tf.where(condition, note, "")
