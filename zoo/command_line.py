"""Answers on the command line: a line in, a line out.

    python -m zoo translate < english.txt > spanish.txt
    echo "Where is the library?" | python -m zoo translate en-es-lstm --beams 5
    python -m zoo pronounce < words.txt
    python -m zoo answer runs/my-model < texts.txt
    python -m zoo continue "ROMEO:" --tokens 200
    python -m zoo classify < sentences.txt
    python -m zoo classify mnist5k-vit digits/*.png
    python -m zoo list

Needs what `requirements-run.txt` lists, where the graphs of a model are there (a folder written by
`python -m training.export NAME --format litert`, or made before); else TensorFlow makes them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import zoo
from zoo import shipped
from zoo.loading import usual_precision
from zoo.padding import ROWS
from zoo.runtime.litert import PRECISIONS

DEFAULTS = {
    "translate": "en-es-transformer",
    "pronounce": "pronounce-transformer",
    "dates": "dates-transformer",
    "continue": "shakespeare-gpt",
    "classify": "sst2-lstm-bahdanau",
}
"""The model of each command, where none is named."""
WRONG, STOPPED = 2, 130
AUTO = "auto"


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    made = argparse.ArgumentParser(
        prog="python -m zoo", description="Answers of trained models: a line in, a line out."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="the shipped models")
    for name in ("translate", "pronounce", "dates", "answer"):
        known = DEFAULTS.get(name)
        said = f"with {known}, or another model" if known else "with any model that writes a target"
        one = commands.add_parser(name, help=f"answer each line of standard input {said}")
        one.add_argument(
            "model",
            nargs="?" if known else None,
            default=known,
            help="a shipped model's name, or the path of a folder",
        )
        one.add_argument("--beams", type=int, default=1, help="width of the search; 1 is greedy")
        one.add_argument("--nbest", action="store_true", help="all answers of a beam, tabs between")
        _add_runtime(one)
        one.add_argument("--quiet", action="store_true", help="no notes and no progress")
    one = commands.add_parser("continue", help="go on from a prompt with a language model")
    one.add_argument(
        "prompt",
        nargs="?",
        help="without it, each line of standard input is one, and line breaks are written \\n",
    )
    one.add_argument("--model", default=DEFAULTS["continue"])
    one.add_argument("--tokens", type=int, default=200, help="the most to write")
    one.add_argument("--temperature", type=float, default=0.8, help="0: always the likeliest")
    one.add_argument("--top-k", type=int, default=0)
    one.add_argument("--top-p", type=float, default=1.0)
    one.add_argument("--seed", type=int, default=0)
    _add_runtime(one)
    one = commands.add_parser(
        "classify", help="what each line of standard input, or each file, is: class and probability"
    )
    one.add_argument(
        "model",
        nargs="?",
        default=DEFAULTS["classify"],
        help=f"a shipped model's name, or the path of a folder; without it {DEFAULTS['classify']}",
    )
    one.add_argument(
        "files",
        nargs="*",
        help="images; of a series, text files of its numbers; of texts, files with one a line",
    )
    one.add_argument("--all", action="store_true", help="all classes, the likeliest first")
    _add_runtime(one)
    one.add_argument("--quiet", action="store_true", help="no notes")
    return made


def _add_runtime(one: argparse.ArgumentParser) -> None:
    one.add_argument("--runtime", choices=(AUTO, "litert", "keras"), default=AUTO)
    one.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of LiteRT's weights; without it float32, or int8 for a model of over 100 MB",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code: 0, 2 for what a person can put right, 130 after Ctrl-C."""
    asked = parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        if asked.command == "list":
            print("\n".join(zoo.names()))
        elif asked.command == "continue":
            _continue(asked)
        elif asked.command == "classify":
            _classify(asked)
        else:
            _answer(asked)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the answers has enough (`| head`); nothing more may be written at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return STOPPED
    except ImportError as error:
        print(f"error: {error}: pip install -r requirements.txt", file=sys.stderr)
        return WRONG
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG
    return 0


def _answer(asked: argparse.Namespace) -> None:
    if asked.beams < 1:
        raise ValueError(f"--beams must be at least 1. Received: {asked.beams}")
    model = _load(asked.model, asked.runtime, asked.precision)
    _check_kind(asked.model, model.kind, "seq2seq")
    progress = Progress(shown=not asked.quiet and sys.stderr.isatty() and not sys.stdin.isatty())
    number = 0
    for lines in batches(sys.stdin.buffer, ROWS[-1]):
        answers = model.predict(lines, beams=asked.beams, attention=False)
        for answer in answers:
            number += 1
            texts = [one.text for one in answer.alternatives] if asked.nbest else []
            print("\t".join(" ".join(text.split()) for text in texts or [answer.text]))
            for note in answer.notes if not asked.quiet and answer.source_pieces[1:] else ():
                progress.clear()
                print(f"line {number}: {note}", file=sys.stderr)
        sys.stdout.flush()
        progress.show(number)
    progress.show(number, last=True)


def _load(name: str, runtime: str, precision: str | None) -> Any:
    """The model on LiteRT, or on Keras where that is asked for or the only way."""
    if runtime == "keras":
        return zoo.load(name)
    try:
        usual = usual_precision(shipped.folder(name) or Path(name))
        return zoo.load(name, runtime="litert", precision=precision or usual)
    except ValueError as error:
        from zoo.runtime.litert import GraphError

        if runtime == "litert" or precision == "int8" or not isinstance(error, GraphError):
            raise
        print(f"note: {error}; answering with Keras", file=sys.stderr)
        return zoo.load(name)


def _check_kind(name: str, kind: str, wanted: str) -> None:
    """Raises ValueError, with where to ask it, unless a model is of the kind wanted."""
    if kind == wanted:
        return
    asked = {
        "seq2seq": f"{name} answers texts: python -m zoo answer {name}",
        "language_model": f"{name} continues texts: python -m zoo continue --model {name}",
        "classifier": f"{name} says what something is: python -m zoo classify {name}",
    }
    in_python = f"{name} is a {kind}, which is asked in Python: zoo.load({name!r}).predict(...)"
    raise ValueError(asked.get(kind, in_python))


def _continue(asked: argparse.Namespace) -> None:
    from zoo.inference.sampling import Sampling

    sampling = None
    if asked.temperature:
        sampling = Sampling(asked.temperature, asked.top_k, asked.top_p)
    model = _load(asked.model, asked.runtime, asked.precision)
    _check_kind(asked.model, model.kind, "language_model")
    if asked.prompt is not None:
        print(asked.prompt, end="", flush=True)
        for token in model.stream(asked.prompt, asked.tokens, sampling, asked.seed):
            print(token.text, end="", flush=True)
        print()
        return
    for lines in batches(sys.stdin.buffer, ROWS[-1]):
        for answer in model.predict(
            lines, asked.tokens, sampling, asked.seed, attention=False, candidates=1
        ):
            print(answer.text.replace("\\", "\\\\").replace("\n", "\\n"))
        sys.stdout.flush()


def _classify(asked: argparse.Namespace) -> None:
    model = _load(asked.model, asked.runtime, asked.precision)
    _check_kind(asked.model, model.kind, "classifier")
    number = 0
    for some in _inputs(model.reads, asked.files):
        try:
            answers = model.predict([given for _, given in some], attention=False)
        except ValueError as error:
            raise ValueError(f"{some[0][0]}: {error}" if some[0][0] else str(error)) from error
        for (shown, _), answer in zip(some, answers, strict=True):
            number += 1
            ranked = answer.ranked if asked.all else answer.ranked[:1]
            cells = [f"{name}\t{chance:.4f}" for name, chance in ranked]
            print("\t".join([shown, *cells] if asked.files and model.reads != "text" else cells))
            for note in answer.notes if not asked.quiet else ():
                print(f"{shown or f'line {number}'}: {note}", file=sys.stderr)
        sys.stdout.flush()


def _inputs(reads: str, files: Sequence[str]) -> Iterator[list[tuple[str, Any]]]:
    """What is to be classified, some at a time, each with the file that it is.

    Raises:
        ValueError: no files where there must be some, or one that holds something else.
        OSError: one that cannot be read.
    """
    if reads == "text":
        for path in files or (None,):
            given = contextlib.nullcontext(sys.stdin.buffer)
            with Path(path).open("rb") if path else given as stream:
                yield from ([("", line) for line in lines] for lines in batches(stream, ROWS[-1]))
        return
    if not files:
        what = "images" if reads == "image" else "text files with the numbers of a series"
        raise ValueError(f"this model reads {what}: name them after the model")
    for path in files:
        content = Path(path).read_bytes()
        given: Any = content if reads == "image" else _numbers(path, content)
        yield [(path, given)]


def _numbers(path: str, content: bytes) -> list[list[float]]:
    """The numbers of a series in a text file, a step a line; of one channel in any lines."""
    text = content.decode("utf-8", "replace").replace(",", " ").replace(";", " ")
    try:
        rows = [[float(word) for word in line.split()] for line in text.splitlines()]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    rows = [row for row in rows if row]
    if len({len(row) for row in rows}) == 1 and len(rows) > 1:
        return rows
    return [[number] for row in rows for number in row]


def batches(stream: IO[bytes], most: int) -> Iterator[list[str]]:
    """Lines as they come, all that are there at a time: at most `most`, without their ends.

    Who types a line gets its answer at once; a file is answered in batches. Bytes that are no
    UTF-8 become U+FFFD.
    """
    lines: queue.Queue[str | None] = queue.Queue(4 * most)

    def read() -> None:
        try:
            for line in stream:
                text = line.decode("utf-8", errors="replace")
                lines.put(text.removesuffix("\n").removesuffix("\r"))
        finally:
            lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    going = True
    while going:
        batch = [lines.get()]
        while batch[-1] is not None and len(batch) < most:
            try:
                batch.append(lines.get_nowait())
            except queue.Empty:
                break
        going = batch[-1] is not None
        if found := [line for line in batch if line is not None]:
            yield found


class Progress:
    """How many lines are done, on one line of a terminal."""

    def __init__(self, shown: bool):
        self.shown, self.began, self.told = shown, time.monotonic(), 0.0

    def clear(self) -> None:
        """Make room for another line on the terminal."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr)

    def show(self, count: int, last: bool = False) -> None:
        """Tell the count, twice a second at most, and once at the end."""
        now = time.monotonic()
        if not self.shown or (now - self.told < 0.5 and not last):
            return
        self.told = now
        rate = count / max(now - self.began, 1e-3)
        ending = "\n" if last else ""
        print(f"\r{count:,} lines, {rate:,.0f} a second", end=ending, file=sys.stderr, flush=True)
