"""The state of a session as an address, and back: short, by ids, and read with tolerance.

A long text is compressed (`text.z`). Where the address would still be longer than
`LONGEST` characters, the longest text is left out: a mark stands for it (`text.kept`), which only
the session that made it can follow.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Mapping, MutableMapping
from urllib.parse import quote_plus

from zoo.tokenizer import clean

MAX_CHARACTERS = 2000
"""The most of a typed text that is read: any model stops long before."""
LONGEST = 2000
"""The most characters that may follow the "?" of an address: any browser, mail program or chat
takes that many."""
PLAIN = 300
"""A text of at most so many characters, as an address spells it, is not compressed."""
SHORT = 300
"""The most characters of anything that is not a typed text."""
KEPT = 64
"""How many long texts a session remembers."""

TEXTS = ("text", "target", "prefix", "prompt", "scored")
"""What may be as long as `MAX_CHARACTERS`; a chapter's own sentence too."""
LINES = ("prompt", "scored")
"""Texts whose spaces and line breaks count."""
ORDER = (
    *("task", "text", "target", "model", "beams", "max", "run", "view", "map", "way"),
    *("layer", "head", "unit", "end", "marks", "weigh", "against", "model2", "way2", "layer2"),
    *("head2", "step", "row", "column", "sorted", "tool", "mask", "how", "swap", "prefix"),
    *("force", "off", "all", "aligner", "grade", "faithful", "look", "device", "log", "measure"),
    *("decoding", "one", "other", "ahead", "chapter", "budget"),
    *("models", "runs", "curve", "along", "folder"),
    *("prompt", "tokens", "temperature", "topk", "topp", "seed", "place", "from"),
    *("scored", "token"),
    *("source", "window", "series", "segment"),
    *("only", "example", "shade"),
    *("present", "explained"),
)
"""Every choice that an address may hold, in the order in which it holds them."""
CHAPTERS = re.compile(
    r"(memory|order|bottleneck|spotlight|self|cross|heads|positions|parallel|pretraining|causal|"
    r"tokens|versatility|explanation)\.[a-z0-9-]+"
)
"""The choices of the chapters."""
OLDER = {"beam": "beams", "output": "target"}
"""Names that are understood too."""

PACKED, LEFT_OUT = ".z", ".kept"


def known(name: str) -> bool:
    """Whether a choice of that name exists."""
    return name in ORDER or CHAPTERS.fullmatch(name) is not None


def is_text(name: str) -> bool:
    """Whether it is typed, and may be long."""
    return name in TEXTS or (name.endswith(".text") and known(name))


def read(params: Mapping[str, str], long: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The state that query parameters ask for, and a sentence about each that cannot be read.

    Parameters of no known name are passed over.
    """
    values: dict[str, str] = {}
    said: list[str] = []
    for param, value in params.items():
        name = _plain_name(param)
        if not known(name):
            continue
        if param.endswith(LEFT_OUT) and param != name:
            if (found := long.get(value)) is None:
                said.append(
                    f"This link does not carry its {_called(name)}: it was too long for an address."
                )
                continue
            value = found
        elif param.endswith(PACKED) and param != name:
            if (found := unpacked(value)) is None:
                said.append(f"The {_called(name)} of this address is damaged and was left out.")
                continue
            value = found
        if is_text(name):
            value, remark = tidy(value, lines=name in LINES)
            if remark:
                said.append(remark)
        elif len(value) > SHORT:
            said.append(f"The address says too much about “{name}”: that was left out.")
            continue
        values[name] = value
    return values, said


def write(values: Mapping[str, str], long: MutableMapping[str, str]) -> dict[str, str]:
    """Query parameters for a state, at most `LONGEST` characters; `long` takes what is left out."""
    params: dict[str, str] = {}
    for name in sorted(values, key=_place):
        value = values[name]
        if is_text(name) and len(quote_plus(value)) > PLAIN:
            packed_value = packed(value)
            shorter = len(packed_value) < len(quote_plus(value))
            params[name + PACKED if shorter else name] = packed_value if shorter else value
        else:
            params[name] = value
    while _length(params) > LONGEST:
        longest = max(params, key=lambda param: len(quote_plus(params[param])))
        name = _plain_name(longest)
        if not is_text(name) or longest.endswith(LEFT_OUT):
            break
        mark = hashlib.sha256(values[name].encode()).hexdigest()[:12]
        long.pop(mark, None)
        long[mark] = values[name]
        while len(long) > KEPT:
            del long[next(iter(long))]
        params = {
            (name + LEFT_OUT if param == longest else param): mark if param == longest else value
            for param, value in params.items()
        }
    return params


def left_out(values: Mapping[str, str]) -> bool:
    """Whether the address of this state does not carry all its texts."""
    return any(param.endswith(LEFT_OUT) for param in write(values, {}))


def packed(text: str) -> str:
    """Compressed, in the characters that an address does not have to spell out."""
    return base64.urlsafe_b64encode(zlib.compress(text.encode(), 9)).rstrip(b"=").decode()


def unpacked(packed_text: str) -> str | None:
    """The text again; None where it is damaged, or far longer than any that is read."""
    try:
        raw = base64.urlsafe_b64decode(packed_text + "=" * (-len(packed_text) % 4))
        reader = zlib.decompressobj()
        found = reader.decompress(raw, 8 * MAX_CHARACTERS)
        return found.decode() if reader.eof else None
    except (ValueError, binascii.Error, zlib.error):
        return None


def tidy(text: str, *, lines: bool = False) -> tuple[str, str | None]:
    """The text that is really used, and a sentence for the reader where that is not all of it.

    `lines`: spaces and line breaks stay as they are.
    """
    cleaned = text.replace("\r\n", "\n").replace("\r", "\n") if lines else clean(text)
    if len(cleaned) <= MAX_CHARACTERS:
        return cleaned, None
    return (
        cleaned[:MAX_CHARACTERS].rstrip(),
        f"Your text has {len(cleaned):,} characters; only the first {MAX_CHARACTERS:,} were read.",
    )


def short(value: str) -> str:
    """A value as a sentence quotes it."""
    return value if len(value) <= 40 else f"{value[:40]} ..."


def _plain_name(param: str) -> str:
    """The choice a parameter is about: without the mark of how its text is written."""
    name = param
    for mark in (PACKED, LEFT_OUT):
        if param.endswith(mark) and not known(param):
            name = param.removesuffix(mark)
    first = name.partition(".")[0]
    name = first if first in (*TEXTS, "output", "unit") else name  # once they named the task too
    return OLDER.get(name, name)


def _called(name: str) -> str:
    return "target" if name == "target" else "text"


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _length(params: Mapping[str, str]) -> int:
    return sum(len(quote_plus(name)) + len(quote_plus(value)) + 2 for name, value in params.items())
