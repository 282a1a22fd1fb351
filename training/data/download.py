"""Finding corpora on disk, and fetching them from where they are published with a checksum."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from training.commands import CommandError

# manythings.org refuses Python's default
AGENT = "Mozilla/5.0 (compatible; attention-zoo; +https://www.tensorflow.org)"
LARGEST = 4 << 30  # bytes after unpacking; an archive that claims more is refused


class DownloadError(CommandError):
    """A corpus is not on disk and cannot be fetched; the message, one line, says what to do."""


def cache_folder() -> Path:
    """Where fetched corpora go when ZOO_DATA_DIR does not take them."""
    return Path.home() / ".cache" / "attention-zoo"


def data_folders() -> list[Path]:
    """The folders searched: ZOO_DATA_DIR when set, then the cache."""
    named = os.environ.get("ZOO_DATA_DIR")
    return [*([Path(named).expanduser()] if named else []), cache_folder()]


def writable_folder() -> Path:
    """The folder new corpora are written to: ZOO_DATA_DIR when it takes them, else the cache."""
    first = data_folders()[0]
    return first if os.access(first, os.W_OK) and first.is_dir() else cache_folder()


def locate(relatives: Sequence[str]) -> Path | None:
    """The first of these relative paths that is a file, in ZOO_DATA_DIR before the cache."""
    for folder in data_folders():
        for relative in relatives:
            if (folder / relative).is_file():
                return folder / relative
    return None


_fetching = True


@contextmanager
def only_what_is_here() -> Iterator[None]:
    """Within it nothing is fetched: what is not on disk raises DownloadError at once."""
    global _fetching
    before, _fetching = _fetching, False
    try:
        yield
    finally:
        _fetching = before


def check_may_fetch(what: str) -> None:
    """Raises DownloadError within `only_what_is_here`."""
    if not _fetching:
        raise DownloadError(f"{what} is not on disk, and nothing is to be fetched")


def fetch(
    urls: Sequence[str],
    relative: str,
    *,
    member: str | None = None,
    sha256: Mapping[str, str | None] | None = None,
) -> Path:
    """Downloads to `relative` under the writable folder, from the first address that answers.

    `member`: the file wanted out of a zip archive; ".gz" addresses are unpacked. `sha256`: the
    known checksum, by address, of the unpacked file; another content is refused and the next
    address tried. What was fetched is recorded in `<name>.source.json`. The file appears under
    its name only when it is whole.
    Raises DownloadError (one line) when no address answers or a checksum does not match.
    """
    check_may_fetch(relative)
    target = writable_folder() / relative
    reasons = []
    for url in urls:
        try:
            return _fetch_one(url, target, member, (sha256 or {}).get(url))
        except (OSError, EOFError, zipfile.BadZipFile, DownloadError) as error:
            reasons.append(f"{url}: {_reason(error)}")
    what = f"{urls[0]} and put {member} out of it at" if member else f"{urls[0]}, unpacked, at"
    raise DownloadError(
        f"no corpus and no download ({'; '.join(reasons)}). "
        f"Fetch {what} {data_folders()[0] / relative}"
    )


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())


def _fetch_one(url: str, target: Path, member: str | None, known: str | None) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetching-") as folder:
        archive = Path(folder) / "download"
        _download(url, archive)
        whole = Path(folder) / "whole"
        if member:
            unzip(archive, member, whole)
        elif url.endswith(".gz"):
            with gzip.open(archive, "rb") as packed, whole.open("wb") as file:
                shutil.copyfileobj(packed, file)
        else:
            whole = archive
        with whole.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if known and digest != known:
            raise DownloadError(f"its SHA-256 is {digest}, not the known {known}")
        record = {"url": url, "sha256": digest, "fetched": time.strftime("%Y-%m-%d")}
        note = Path(folder) / "source.json"
        note.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        note.replace(target.with_name(f"{target.name}.source.json"))
        whole.replace(target)
    return target


def _download(url: str, path: Path) -> None:
    """Writes what the address gives to `path` with a progress bar."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    request = urllib.request.Request(url, headers={"User-Agent": AGENT})
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with urllib.request.urlopen(request, timeout=30) as reply, path.open("wb") as file:
        expected = reply.headers.get("Content-Length")
        total = int(expected) if expected else None
        with Progress(*columns, transient=True) as progress:
            bar = progress.add_task(f"fetching {url.rsplit('/', 1)[-1]}", total=total)
            while chunk := reply.read(1 << 16):
                file.write(chunk)
                progress.advance(bar, len(chunk))
        if total is not None and file.tell() != total:
            raise OSError(f"the download ended after {file.tell():,} of {total:,} bytes")


def unzip(archive: Path, member: str, target: Path) -> None:
    """Writes the file called `member`, in whatever folder of the archive, to `target`.

    Raises DownloadError for an archive with absolute or climbing paths, without the member, or
    with one of unreasonable size.
    """
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            path = PurePosixPath(info.filename.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or ":" in "".join(path.parts[:1]):
                raise DownloadError(f"the archive holds an unsafe path, {info.filename!r}")
        found = [i for i in packed.infolist() if PurePosixPath(i.filename).name == member]
        if len(found) != 1:
            raise DownloadError(f"the archive holds {len(found)} files called {member}, not one")
        if found[0].file_size > LARGEST:
            raise DownloadError(f"{member} would unpack to {found[0].file_size:,} bytes")
        with packed.open(found[0]) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
