"""A user's own models: the folders below the places that were given to the dashboard.

A place is given by `--models FOLDER` behind the script's own `--`, or by the variable ZOO_MODELS
(several, parted as PATH is). Nothing here imports a framework, nothing fails on a folder that is
damaged, and no link leads out of the places.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import stat
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training import folder_lock
from zoo import registry, saving, shipped
from zoo.registry import ARCHITECTURES

VARIABLE = "ZOO_MODELS"
OPTION = "--models"
DEPTH = 3
"""How many folders below a place a model may lie."""
MOST = 3000
"""How many folders of a place are looked into."""
STATE, HISTORY, CHECKPOINT = "training", "history.csv", "last.safetensors"
"""What `training.run` leaves in a model's folder while it trains, and afterwards."""
DIGITS = 6
"""Letters of an id that tell folders of one name apart."""
READ = (".json", ".csv", ".model", ".safetensors")
"""Endings of the files that are read."""


@dataclass(frozen=True)
class Place:
    """A folder that was given: as it was typed, and where that is."""

    typed: str
    path: Path


@dataclass(frozen=True)
class Found:
    """A folder with a model, or with a run that has left none yet.

    Args:
        id: what addresses and pages know it by; that of no shipped model.
        folder: where it is.
        shown: its name on a page, unlike those of all others.
        typed: its path as a command names it.
        config: its config.json; None where there is no model that can be read.
        fault: what is wrong with it; "" for nothing.
    """

    id: str
    folder: Path
    shown: str
    typed: str
    config: dict[str, Any] | None = None
    fault: str = ""


@dataclass(frozen=True)
class Scan:
    """What lies below the places. `remarks`: sentences about the places themselves."""

    places: tuple[Place, ...] = ()
    folders: dict[str, Found] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @functools.cached_property
    def by_task(self) -> dict[str, list[str]]:
        """The ids of all models by the short name of their task, in the registry's order."""
        families = list(ARCHITECTURES)
        models = [one for one in self.folders.values() if one.config and not one.fault]
        models.sort(
            key=lambda one: (
                one.config["task"],
                families.index((one.config.get("kind", "seq2seq"), one.config["model"])),
                one.shown,
            )
        )
        found: dict[str, list[str]] = {}
        for one in models:
            found.setdefault(shipped.short_task(one.config["task"]), []).append(one.id)
        return found


_lock = threading.Lock()
_arguments: tuple[str, ...] = ()
_last: tuple[Any, Scan] | None = None


def use(arguments: Sequence[str]) -> None:
    """Take the places from the script's arguments; others than `--models` are passed over."""
    global _arguments
    _arguments = tuple(arguments)


def scan() -> Scan:
    """What was found when a page was last opened; looks now where other places were given."""
    if _last is not None and _last[0] == _key():
        return _last[1]
    return refresh()


def refresh() -> Scan:
    """Look again."""
    global _last
    with _lock:
        key = _key()
        found = _scan(*_typed())
        _last = key, found
    return found


def inside(path: Path) -> bool:
    """Whether a file really lies below a place, wherever its links lead."""
    return _inside(path, [place.path for place in scan().places])


def _key() -> tuple[Any, ...]:
    return _arguments, os.environ.get(VARIABLE), os.environ.get("ZOO_SAVED_MODELS")


def _typed() -> tuple[list[str], list[str]]:
    """The places as they were typed, and sentences about what is no place."""
    typed, remarks = [], []
    words = iter(_arguments)
    for word in words:
        option, equals, value = word.partition("=")
        if option != OPTION:
            continue
        value = value if equals else next(words, "")
        if value:
            typed.append(value)
        else:
            remarks.append(f"{OPTION} was given without a folder.")
    typed += [one for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one.strip()]
    return list(dict.fromkeys(typed)), remarks


def _scan(typed: list[str], remarks: list[str]) -> Scan:
    places: list[Place] = []
    for one in typed:
        try:
            path = Path(one).expanduser().resolve(strict=True)
            if not path.is_dir():
                remarks.append(f"“{one}” was given as a place of models, and is no folder.")
                continue
        except (OSError, RuntimeError, ValueError):
            remarks.append(f"“{one}” was given as a place of models, and there is no such folder.")
            continue
        if all(path != other.path for other in places):
            places.append(Place(one, path))
    roots = [place.path for place in places]
    seen: dict[Path, tuple[Place, Path]] = {}
    for place in places:
        for folder, remark in _folders(place, roots):
            if remark:
                remarks.append(remark)
            else:
                seen.setdefault(folder, (place, folder.relative_to(place.path)))
    names = _names(seen)
    folders: dict[str, Found] = {}
    taken = set(shipped.folders())
    for folder, (place, relative) in seen.items():
        config, fault = _judge(folder, roots)
        id_ = _id(folder, taken | folders.keys())
        folders[id_] = Found(
            id_, folder, names.get(folder) or id_, _command(place, relative), config, fault
        )
    return Scan(tuple(places), folders, tuple(dict.fromkeys(remarks)))


def _folders(place: Place, roots: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Every folder of a place that holds a model or a run, or a sentence about one."""
    shelf = shipped.saved_models_path().resolve()
    waiting, looked = [(place.path, 0)], 0
    while waiting:
        folder, depth = waiting.pop(0)
        if folder.is_relative_to(shelf):  # those are there already
            continue
        if (looked := looked + 1) > MOST:
            yield folder, f"“{place.typed}” has more than {MOST:,} folders; the rest was left out."
            return
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            called = shown(str(Path(place.typed) / folder.relative_to(place.path)))
            yield folder, f"“{called}” cannot be listed: {error.strerror}."
            continue
        if _holds(folder, {entry.name for entry in entries}):
            yield folder, ""
            continue
        for entry in entries:
            if entry.name.startswith((".", "__")):
                continue
            if entry.is_symlink():
                target = Path(entry.path)
                if not _inside(target, roots) and _is_dir(target):
                    called = shown(str(Path(place.typed) / target.relative_to(place.path)))
                    yield (
                        folder,
                        f"“{called}” is a link that leads out of the given places: not followed.",
                    )
            elif depth < DEPTH and entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), depth + 1))


def _holds(folder: Path, names: set[str]) -> bool:
    """Whether a folder is that of a model, or of a run."""
    if shipped.CONFIG in names or HISTORY in names:
        return True
    state = folder / STATE
    return STATE in names and (
        os.path.lexists(state / CHECKPOINT) or (not state.is_symlink() and is_training(folder))
    )


def is_training(folder: Path) -> bool:
    """Whether a process trains in a folder at this moment."""
    lock = folder / STATE / folder_lock.FILE
    try:
        return stat.S_ISREG(lock.lstat().st_mode) and folder_lock.is_held(folder / STATE)
    except OSError:
        return False


def in_training() -> list[str]:
    """The names of the runs that are training and have left no model yet."""
    found = scan().folders.values()
    return [one.shown for one in found if one.config is None and is_training(one.folder)]


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _inside(path: Path, roots: Sequence[Path]) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(root) for root in roots)


def _judge(folder: Path, roots: Sequence[Path]) -> tuple[dict[str, Any] | None, str]:
    """The config.json of a folder's model, None without one; and what is wrong with the folder."""
    if fault := _odd_file(folder, roots):
        return None, fault
    try:
        stamps = tuple(
            (status.st_mtime_ns, status.st_size)
            for status in ((folder / file).stat() for file in (shipped.CONFIG, saving.WEIGHTS))
        )
    except OSError:
        stamps = ()
    try:
        if not (folder / shipped.CONFIG).exists():
            return None, ""
        config = _read(folder, stamps)
        _check_files(folder, config)
        return config, ""
    except (ValueError, OSError) as error:
        # A run that ends writes its model file by file.
        return None, "" if is_training(folder) else _without(folder, error)


def _odd_file(folder: Path, roots: Sequence[Path]) -> str:
    """Which file is a link that leads elsewhere, or no file at all; "" for none."""
    try:
        entries = list(os.scandir(folder))
        state = folder / STATE
        if state.is_dir() and not state.is_symlink():
            entries += list(os.scandir(state))
    except OSError as error:
        return f"it cannot be listed: {error.strerror}"
    for entry in entries:
        path = Path(entry.path)
        name = shown(str(path.relative_to(folder)))
        if entry.is_symlink() and not _inside(path, roots):
            return f"{name} is a link that leads out of the given places"
        if entry.name.endswith(READ) and not entry.is_file():
            return f"{name} is no file"
    return ""


@functools.lru_cache(maxsize=512)
def _read(folder: Path, stamps: tuple[Any, ...]) -> dict[str, Any]:
    """The config.json, checked; time and size are part of the key, so what is new is read again."""
    shipped.read(folder)
    return saving.read_config(folder)


def _check_files(folder: Path, config: dict[str, Any]) -> None:
    """Raises ValueError where a file of the model is missing or cut short."""
    counted = registry.architecture(config["model"], config["kind"]).counted
    weights = saving.TABLES if counted else saving.WEIGHTS
    for file in (weights, *config["tokenizers"].values()):
        if not (folder / file).is_file():
            raise ValueError(f"there is no {file}")
    with (folder / weights).open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        if not 2 <= length <= os.fstat(file.fileno()).st_size - 8:
            raise ValueError(f"{weights} is damaged")


def _without(folder: Path, error: Exception) -> str:
    """A fault in words that name no path of this machine."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.replace(f"{folder}/", "").replace(str(folder), "the folder")


def shown(name: str) -> str:
    """A name of a folder without the characters that would be read as Markdown."""
    plain = name.encode("utf-8", "replace").decode("utf-8")
    return re.sub(r"[^\w .,+=@/()~-]", "_", " ".join(plain.split()))[:80] or "_"


def _names(seen: dict[Path, tuple[Place, Path]]) -> dict[Path, str]:
    """The shortest name of each folder that no other has; "" where only the id tells it apart."""
    ways = [
        {folder: shown(folder.name) for folder in seen},
        {
            folder: shown((Path(place.path.name) / relative).as_posix())
            for folder, (place, relative) in seen.items()
        },
    ]
    names: dict[Path, str] = {}
    for way in ways:
        listed = list(way.values())
        for folder, name in way.items():
            if listed.count(name) == 1:
                names.setdefault(folder, name)
    return names


def _id(folder: Path, taken: set[str]) -> str:
    """A short name from the folder's name and place; the same as long as it lies there."""
    slug = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")[:40].rstrip("-") or "model"
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()
    digits = DIGITS
    while (found := f"{slug}.{digest[:digits]}") in taken:
        digits += 2
    return found


def _command(place: Place, relative: Path) -> str:
    """The path of a folder as it can be typed: below its place as that was typed."""
    path = str(Path(place.typed) / relative)
    return path if os.sep in path else f".{os.sep}{path}"
