"""What a file is that is not text in UTF-8, told so that it can be converted."""

from __future__ import annotations

import re
from pathlib import Path

HEAD = 1 << 16  # bytes looked at
MARKS = {  # the longer ones first
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
NO_TEXT = {
    b"PK\x03\x04": "a ZIP archive or an Office document: unpack it, or save it as text",
    b"\x1f\x8b": "compressed by gzip: unpack it first",
    b"BZh": "compressed by bzip2: unpack it first",
    b"\xfd7zXZ\x00": "compressed by xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive: unpack it first",
    b"%PDF-": "a PDF document: save its text",
    b"\xd0\xcf\x11\xe0": "an Office document: save it as text",
    b"PAR1": "a Parquet file: save it as text",
    b"SQLite format 3\x00": "an SQLite database: save its text",
}
_HIGH = re.compile(rb"[\x80-\xff]+")


def check(path: Path) -> None:
    """Raises ValueError for a file that is no text with line feeds in an encoding like UTF-8."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    check_text(head, path.name)
    if b"\n" not in head and head.rstrip(b"\r").count(b"\r") > 1:
        raise ValueError(
            "lines must end with line feeds, and here only carriage returns separate them, as on "
            "a Mac before 2001. Convert it, for example by: tr '\\r' '\\n' < FILE > NEW_FILE. "
            f"Received: {path.name}"
        )


def check_text(head: bytes, name: str) -> None:
    """Raises ValueError where `head`, the first bytes of the file `name`, is no text in UTF-8."""
    what = next((what for mark, what in NO_TEXT.items() if head.startswith(mark)), None)
    if what:
        raise ValueError(f"a corpus must be UTF-8 text, and this is {what}. Received: {name}")
    found = next((found for mark, found in MARKS.items() if head.startswith(mark)), None)
    if found is None and head[:4096].count(0) > len(head[:4096]) * 0.3:
        found = "UTF-16"  # every other byte of Latin letters
    if found:
        raise ValueError(
            f"a corpus must be UTF-8 text, and this looks like {found}. Save it as UTF-8, for "
            f"example by: iconv -f {found} -t UTF-8 FILE > NEW_FILE. Received: {name}"
        )


def guess(raw: bytes) -> str:
    """What encoding the bytes of a line, which are not UTF-8, look like.

    In Western European languages letters beyond ASCII stand alone, elsewhere side by side; which
    encoding of the latter it is cannot be told from a line.
    """
    text = raw.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    if sum(sign > "\x7f" for sign in text) - wrong > wrong:
        return "UTF-8 with damaged bytes"
    runs = _HIGH.findall(raw)
    if sum(len(run) == 1 for run in runs) * 2 > len(runs):
        return "Windows-1252 or Latin-1 (iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW_FILE)"
    return (
        "an encoding of one script, such as Windows-1251, GB 18030 or Shift-JIS "
        "(iconv -f ENCODING -t UTF-8 FILE > NEW_FILE)"
    )
