"""Whatever goes wrong in a command is told in one sentence, with exit code 2."""

from __future__ import annotations

import errno
import os
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import zoo
from training import commands
from training.checkpoint import CheckpointError
from training.data.download import DownloadError
from zoo.tokenizer import train_tokenizer


def system(number: int, name: str | None = "/somewhere/file") -> OSError:
    return OSError(number, os.strerror(number), name)


class ResourceExhaustedError(Exception):
    """As TensorFlow's, by name."""


SAID = [
    (ValueError("two\n lines"), "two lines"),
    (CheckpointError("is damaged"), "is damaged"),
    (DownloadError("no network"), "no network"),
    (FloatingPointError("the loss is nan"), "the loss is nan"),
    (system(errno.ENOSPC), "no space left on the disk of '/somewhere/file'"),
    (system(errno.ENOSPC, None), "no space left on the disk. Free"),
    (system(errno.EACCES), "'/somewhere/file' may not be read or written: permission denied"),
    (system(errno.EROFS), "read-only"),
    (system(errno.EISDIR), "is a folder, and a file is wanted"),
    (system(errno.ENOTDIR), "a file on its way, where a folder is wanted"),
    (system(errno.EEXIST), "is a file, and a folder is wanted"),
    (system(errno.ENOENT), "no such file or folder: '/somewhere/file'"),
    (MemoryError(), "--batch-tokens"),
    (ResourceExhaustedError("OOM when allocating tensor"), "--batch-tokens"),
    (ResourceExhaustedError("x.pb; No space left on device"), "no space left on the disk"),
    (RuntimeError("RESOURCE_EXHAUSTED: Out of memory"), "--batch-tokens"),
    (ModuleNotFoundError("No module named 'jax'"), "No module named 'jax'. Install"),
]


@pytest.mark.parametrize(("error", "part"), SAID, ids=[repr(error) for error, _ in SAID])
def test_what_a_person_can_put_right_is_one_sentence(error, part):
    said = commands.sentence(error)
    assert part in said and "\n" not in said


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), TypeError("x"), RuntimeError("x"), NotImplementedError(), BrokenPipeError()],
)
def test_faults_of_the_program_keep_their_traceback(error):
    assert commands.sentence(error) is None


COMMANDS = {
    "evaluate": ["one"],
    "store_examples": ["one"],
    "score_attention": ["one"],
    "export": ["one"],
}


@pytest.mark.parametrize("module", COMMANDS)
@pytest.mark.parametrize(
    ("error", "status", "part"),
    [
        (system(errno.ENOSPC), 2, "error: There is no space left"),
        (PermissionError(errno.EACCES, "Permission denied", "w"), 2, "error: 'w' may not be"),
        (ResourceExhaustedError("OOM"), 2, "error: There is not enough memory"),
        (KeyboardInterrupt(), 130, "Stopped."),
    ],
    ids=["disk", "permission", "memory", "Ctrl-C"],
)
def test_every_command_that_loads_a_model(module, error, status, part, monkeypatch):
    def load(name: str) -> None:
        raise error

    monkeypatch.setattr(zoo, "load", load)
    monkeypatch.setattr("training.distributed.devices.prepare", lambda threads: None)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    done = CliRunner().invoke(import_module(f"training.{module}").app, COMMANDS[module])
    assert done.exit_code == status, done.output
    assert part in done.output and "Traceback" not in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_a_table_of_results_that_cannot_be_written(monkeypatch):
    from training import results_table

    def read_text(self: Path, **given: str) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(results_table, "render", lambda: "")
    monkeypatch.setattr(Path, "read_text", read_text)
    done = CliRunner().invoke(results_table.app, ["--write"])
    assert done.exit_code == 2 and "permission denied" in done.output


def test_a_fault_of_the_program_passes_through():
    app = typer.Typer()

    @app.command()
    @commands.plainly()
    def main() -> None:
        raise KeyError("a fault")

    assert isinstance(CliRunner().invoke(app, []).exception, KeyError)


HAN = ["".join(chr(0x4E00 + 50 * row + column) for column in range(50)) for row in range(60)]


@pytest.mark.parametrize(
    ("texts", "size", "words"),
    [
        ([], 100, ["no text"]),
        (["", " "], 100, ["no text"]),
        (["hello there", "see you"], 6, ["6 tokens", "--vocabulary to "]),
        (HAN, 1000, ["1,000 tokens", "--vocabulary to 3,0"]),
        (["hello there", "see you"], 3, ["at least", "3"]),
    ],
    ids=["nothing", "blanks", "too low", "more characters than room", "no room at all"],
)
def test_a_vocabulary_that_does_not_fit_is_explained(texts, size, words):
    with pytest.raises(ValueError) as error:
        train_tokenizer(texts, model_type="unigram", vocabulary_size=size)
    said = str(error.value)
    assert "INTERNAL" not in said and ".cc" not in said
    for word in words:
        assert word in said
