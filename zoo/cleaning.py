"""How any text is cleaned before a model reads it or is scored by it: one function for all."""

from __future__ import annotations

import re
import unicodedata

# What shows nothing and says nothing about the words: the soft hyphen, the zero-width space, word
# joiner and byte-order mark, marks of writing direction, annotations. The two joiners (U+200C,
# U+200D) stay: they tell words of Persian and Hindi apart, and hold emoji together.
INVISIBLE = (
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]+"
)
"""As a regular expression that Python and RE2 (TensorFlow) read alike."""
# White space (no-break spaces and line separators too), control characters, and lone surrogates,
# which cannot be written as UTF-8.
SPACE = "[\\s\u0000-\u0020\u007f-\u00a0\ud800-\udfff]+"
"""As a regular expression of Python."""
_SPACE = re.compile(SPACE)


def clean(text: str) -> str:
    """NFC without invisible characters; runs of white space and control characters are one space.

    Nothing is left at the ends. What is clean stays as it is.
    """
    return _SPACE.sub(" ", unicodedata.normalize("NFC", re.sub(INVISIBLE, "", text))).strip(" ")
