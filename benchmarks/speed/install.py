"""Install the peers, each group in its own environment: `python -m benchmarks.speed.install`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.speed.registry import DOWNLOADS, ENVIRONMENTS, REQUIREMENTS, Download
from training.commands import plainly
from zoo.saving import write_aside

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def names() -> list[str]:
    """The environments there are: one for each file of requirements."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def make(name: str, folder: Path = ENVIRONMENTS) -> None:
    """Make the environment of `requirements/NAME.txt`, or bring it up to date.

    Raises:
        ValueError: there is no such file, or one of a peer's own cannot be fetched.
        subprocess.CalledProcessError: pip could not; it has said why.
    """
    if name not in names():
        raise ValueError(f"Unknown environment. Known: {', '.join(names())}. Received: {name}")
    python = folder / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
    requirements = REQUIREMENTS / f"{name}.txt"
    subprocess.run([python, "-m", "pip", "install", "-r", requirements], check=True)
    for file in DOWNLOADS.get(name, ()):
        fetch(file, folder)


def fetch(file: Download, folder: Path = ENVIRONMENTS) -> None:
    """Download a peer's file, unless it is there.

    Raises:
        ValueError: it cannot be fetched, or is another one than expected.
    """
    path = folder / file.path
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256:
        return
    try:
        with urllib.request.urlopen(file.url, timeout=60) as response:
            data = response.read()
    except OSError as error:
        raise ValueError(f"{file.url}: {error}; fetch it and put it at {path}") from error
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ValueError(f"{file.url} is not the file that was expected, by its checksum")
    write_aside(path, data)


@app.command(help=__doc__)
@plainly()
def main(
    chosen: Annotated[list[str] | None, typer.Argument(help="Which; by default all.")] = None,
) -> None:
    """Make the environments one by one; go on where one cannot be made."""
    failed = []
    for name in chosen or names():
        try:
            make(name)
        except (ValueError, subprocess.CalledProcessError) as error:
            typer.secho(f"{name}: {error}", fg="red", err=True)
            failed.append(name)
    if failed:
        raise typer.Exit(2)


if __name__ == "__main__":
    app()
