"""Encoded pairs in memory-mapped files: written once, in parts, by several processes.

A store is a folder named by what it was made from, the corpus and both tokenizers:

    index.json                      what it was made from, counts, types; written last
    source.ids      target.ids      the ids of all rows, end to end, uint16 or int32
    source.offsets  target.offsets  int64, where each row begins, and the end
    parts/00017.npz                 one part, while others are still missing

Every file is written aside and renamed, so a run that was killed goes on with the parts missing.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import threading
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from training.data.batches import Rows
from training.tasks.base import Pair, Stream
from zoo.normalizer import Normalizer, Step
from zoo.saving import write_aside, write_json
from zoo.tokenizer import Tokenizer

FORMAT = 1
SIDES = ("source", "target")
INDEX = "index.json"


class StoreError(ValueError):
    """A store is damaged or half; the message says where and what is wrong."""


@dataclass(frozen=True)
class Store:
    """The pairs of a finished store.

    Args:
        sources, targets: ids that end with EOS, mapped from the files.
        read: how many pairs the corpus gave, those too long included.
    """

    sources: Rows
    targets: Rows
    read: int


@dataclass(frozen=True)
class Encoding:
    """How texts become rows, for each side.

    Args:
        models: of SentencePiece.
        longest: row that is kept, in tokens, </s> included.
        normalizers: the steps that texts go through first.
    """

    models: tuple[bytes, bytes]
    longest: tuple[int, int]
    normalizers: tuple[Sequence[Step], Sequence[Step]] = ((), ())

    def tokenizers(self) -> tuple[Tokenizer, Tokenizer]:
        """Of source and target."""
        both = zip(self.models, self.normalizers, strict=True)
        source, target = (Tokenizer(model, Normalizer(steps)) for model, steps in both)
        return source, target

    def identity(self) -> dict[str, Any]:
        """What the rows depend on besides the texts."""
        return {
            "tokenizers": [hashlib.sha256(model).hexdigest() for model in self.models],
            "longest": list(self.longest),
            "normalizers": [list(steps) for steps in self.normalizers],
        }


def build(
    root: Path,
    stream: Stream,
    encoding: Encoding,
    processes: int = 0,
    report: Callable[[int, int], None] = lambda done, parts: None,
) -> Store:
    """The store of a corpus: opened where it is finished, else made or gone on with.

    Args:
        root: the folder of all stores.
        stream: the corpus.
        encoding: how it becomes ids.
        processes: how many encode; 0: one a core.
        report: called with the parts done and all parts, at the start and after each.

    Raises:
        ValueError: from reading the corpus; StoreError: a part that was written is damaged.
    """
    key = {"format": FORMAT, "corpus": stream.identity(), **encoding.identity()}
    folder = root / hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if (folder / INDEX).exists():
            try:
                return read(folder)
            except StoreError:
                (folder / INDEX).unlink()  # made anew, over what is left of it
        parts = stream.parts()
        files = [folder / "parts" / f"{number:05}.npz" for number in range(len(parts))]
        _encode_missing(parts, files, encoding, processes or os.cpu_count() or 1, report)
        _join(folder, files, encoding, key)
        shutil.rmtree(folder / "parts", ignore_errors=True)
        return read(folder)


def read(folder: Path) -> Store:
    """Map the files of a finished store. Raises StoreError."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if index["format"] != FORMAT:
            raise StoreError(f"{folder} has format {index['format']}, this code reads {FORMAT}")
        rows = [
            Rows(
                _mapped(folder / f"{side}.ids", index[side]["type"], index[side]["pieces"]),
                _mapped(folder / f"{side}.offsets", "int64", index["pairs"] + 1),
            )
            for side in SIDES
        ]
        for side, found in zip(SIDES, rows, strict=True):
            if found.offsets[0] != 0 or found.offsets[-1] != len(found.ids):
                raise StoreError(f"{folder / side}.offsets do not belong to its ids")
        return Store(rows[0], rows[1], index["read"])
    except (OSError, KeyError, TypeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise StoreError(f"{folder} is no finished store: {error!r}") from error


def _mapped(path: Path, kind: str, count: int) -> np.ndarray:
    kind = np.dtype(kind)
    if path.stat().st_size != count * kind.itemsize:
        raise StoreError(
            f"{path} should have {count * kind.itemsize:,} bytes. "
            f"Received: {path.stat().st_size:,} bytes"
        )
    if not count:  # an empty file cannot be mapped
        return np.empty(0, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process builds a store; others wait, and then find it finished."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the system lets go of it when the process ends
        yield


def _encode_missing(
    parts: Sequence[Iterable[Pair]],
    files: Sequence[Path],
    encoding: Encoding,
    processes: int,
    report: Callable[[int, int], None],
) -> None:
    missing = [(p, file) for p, file in zip(parts, files, strict=True) if not file.exists()]
    done = len(files) - len(missing)
    report(done, len(files))
    processes = min(processes, len(missing))
    if processes <= 1:
        for part, file in missing:
            encode_part(part, file, encoding)
            report(done := done + 1, len(files))
        return
    # Spawned: a fork of a process that has TensorFlow's threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_obey_parent) as pool:
        try:
            jobs = [pool.submit(encode_part, part, file, encoding) for part, file in missing]
            for job in as_completed(jobs):
                job.result()
                report(done := done + 1, len(files))
        finally:
            pool.shutdown(cancel_futures=True)


def _obey_parent() -> None:
    """In a worker: the parent answers Ctrl-C, and without a parent the work ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def encode_part(part: Iterable[Pair], path: Path, encoding: Encoding) -> None:
    """Write the rows of one part; pairs of which a side is too long are left out."""
    source, target = encoding.tokenizers()
    kept: tuple[list[list[int]], list[list[int]]] = ([], [])
    count = 0
    for texts in part:
        count += 1
        rows = source.encode(texts[0]), target.encode(texts[1])
        if all(len(row) <= most for row, most in zip(rows, encoding.longest, strict=True)):
            for side, row in zip(kept, rows, strict=True):
                side.append(row)
    arrays = {"read": np.array(count)}
    for side, tokenizer, rows in zip(SIDES, (source, target), kept, strict=True):
        flat = Rows.of(rows)
        arrays[f"{side}.ids"] = flat.ids.astype(id_type(tokenizer.size))
        arrays[f"{side}.offsets"] = flat.offsets
    written = io.BytesIO()
    np.savez(written, **arrays)
    write_aside(path, written.getvalue())


def id_type(vocabulary: int) -> str:
    """The type of ids: uint16 where all of a vocabulary's fit."""
    return "uint16" if vocabulary <= 1 << 16 else "int32"


def _join(folder: Path, files: Sequence[Path], encoding: Encoding, key: dict[str, Any]) -> None:
    """Append the parts to the store's four files, one part in memory at a time; then the index."""
    index: dict[str, Any] = {**key, "pairs": 0, "read": 0}
    for side, model in zip(SIDES, encoding.models, strict=True):
        index[side] = {"type": id_type(Tokenizer(model).size), "pieces": 0}
    with ExitStack() as stack:
        out = {
            name: stack.enter_context(_aside(folder / name))
            for side in SIDES
            for name in (f"{side}.ids", f"{side}.offsets")
        }
        for side in SIDES:
            out[f"{side}.offsets"].write(np.zeros(1, "int64").tobytes())
        for file in files:
            arrays = _read_part(file)
            for side in SIDES:
                out[f"{side}.ids"].write(arrays[f"{side}.ids"].tobytes())
                ends = arrays[f"{side}.offsets"][1:] + index[side]["pieces"]
                out[f"{side}.offsets"].write(ends.tobytes())
                index[side]["pieces"] += len(arrays[f"{side}.ids"])
            index["pairs"] += len(ends)
            index["read"] += int(arrays["read"])
    write_json(folder / INDEX, index)


def _read_part(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        path.unlink(missing_ok=True)
        raise StoreError(
            f"{path} was damaged ({error}) and is removed: start again, and it is made anew"
        ) from None


@contextmanager
def _aside(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name only when it is whole and on the disk."""
    aside = path.with_name(f"{path.name}.part")
    with aside.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
