"""Text of readers and models where Streamlit expects Markdown: shown letter by letter."""

from __future__ import annotations

import re

# Every ASCII mark may be escaped in Markdown; so no link, image, formula or colour comes about.
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str) -> str:
    """`text` as Markdown that shows exactly `text`, on one line."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


_READ = re.compile(r"[\[\]`*<>$\\]")


def quiet(text: str) -> str:
    """A label from a stranger's folder, on one line, without what Markdown makes pictures of.

    For places that show some labels as Markdown and others letter by letter.
    """
    return _READ.sub("", " ".join(text.split()))
