"""What exports that are a folder have in common: files from the model's own, and no half export."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zoo import registry


@contextmanager
def replaced(folder: Path, mark: str, what: str) -> Iterator[Path]:
    """A folder to write into, which takes the place of `folder` when all is written.

    Args:
        folder: where an export goes; what a former one left there is replaced.
        mark: a file that every such export has: nothing else is replaced.
        what: such an export holds, for the message.

    Raises:
        FileExistsError: there is something else in `folder`.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / mark).is_file():
        raise FileExistsError(f"{folder} is not empty and holds no {what}: give another --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".aside-") as made:
        aside = Path(made) / "export"
        aside.mkdir()
        yield aside
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)


def copy_files(loaded: Any, folder: Path, *others: str) -> None:
    """Copy the tokenizers of a model that came from a folder, and `others` that there are.

    Raises:
        ValueError: it came from none.
    """
    if loaded.path is None:
        raise ValueError("only a model that came from a folder is exported: save it, and load it")
    endings = registry.KINDS[loaded.config["kind"]].files
    kept = {name for name in loaded.config["tokenizers"].values() if name.endswith(endings)}
    for name in {*others, *kept}:
        if (loaded.path / name).is_file():
            shutil.copyfile(loaded.path / name, folder / name)
