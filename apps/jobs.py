"""Evaluations and exports that pages start: each a process of its own, known to all sessions."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent.parent
SWITCH = "ZOO_JOBS"
"""The variable that, set to `off`, leaves the buttons out."""
MOST = 2
"""How many may run at once, of all models."""
KEPT = 200
"""Lines of output that are kept."""
PATIENCE = 5.0
"""Seconds between the request to stop and the end of it."""
KINDS = {
    "evaluate": ("Evaluation", "training.evaluate", ("--update-card",)),
    "export": ("Export", "training.export", ()),
}
"""What can be started: its name, its module, its options."""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CHATTER = re.compile(r"[IWE]\d{4} |WARNING: All log messages|\d{4}-\d\d-\d\d .*: [IWE] ")
_COUNT = re.compile(r"(\d+)/(\d+)\b")


class JobError(RuntimeError):
    """A job cannot be started; the message says why."""


@dataclass
class Job:
    """One process and what it said.

    Args:
        kind: a key of `KINDS`.
        command: as it can be typed.
        folder: of the model.
        process: that does it.
        lines: its output, the last lines; without what TensorFlow says of itself.
        current: the line that it is writing.
        began, ended: seconds of a clock.
        stopped: whether it was asked to stop.
    """

    kind: str
    command: str
    folder: Path
    process: subprocess.Popen[bytes]
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    current: str = ""
    began: float = field(default_factory=time.monotonic)
    ended: float | None = None
    stopped: bool = False

    @property
    def title(self) -> str:
        """What it is."""
        return KINDS[self.kind][0]

    @property
    def running(self) -> bool:
        """Whether it is still at work, or what it said is not all read yet."""
        return self.ended is None

    @property
    def failed(self) -> bool:
        """Whether it ended otherwise than it should, of its own."""
        return not self.running and bool(self.process.returncode) and not self.stopped

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def share(self) -> float | None:
        """How much of it is done, 0 to 1, where it counts; else None."""
        match = _COUNT.search(self.current)
        if not match or not int(match[2]):
            return None
        return min(int(match[1]) / int(match[2]), 1.0)

    @property
    def said(self) -> str:
        """The sentence of its error, or its last line."""
        for line in reversed(self.lines):
            if line.startswith("error: "):
                return line.removeprefix("error: ")
        return self.lines[-1] if self.lines else "It said nothing."


class Jobs:
    """All jobs of this server, the last one of each model; safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[Path, Job] = {}

    def of(self, folder: Path) -> Job | None:
        """The running, or else the last, job of a model."""
        return self._jobs.get(folder)

    def running(self) -> list[Job]:
        """Those at work."""
        return [job for job in list(self._jobs.values()) if job.running]

    def start(self, kind: str, folder: Path, typed: str, more: Sequence[str] = ()) -> Job:
        """Start a job in a model's folder.

        Args:
            kind: a key of `KINDS`.
            folder: of the model.
            typed: how a command calls that folder.
            more: further options.

        Raises:
            JobError: the model has one at work, too many are, or no process could be started.
        """
        _, module, options = KINDS[kind]
        with self._lock:
            if (old := self._jobs.get(folder)) and old.running:
                raise JobError(f"{old.title} of this model is at work already.")
            if len(self.running()) >= MOST:
                raise JobError(f"{MOST} jobs are at work already. Wait for one, or stop it.")
            words = ["-m", module, str(folder), *options, *more]
            try:
                process = subprocess.Popen(
                    [sys.executable, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env=_environment(),
                )
            except OSError as error:
                raise JobError(f"No process could be started: {error.strerror}.") from error
            shown = shlex.join(["python", "-m", module, typed, *options, *more])
            job = self._jobs[folder] = Job(kind, shown, folder, process)
        threading.Thread(target=_listen, args=(job, typed), name="job", daemon=True).start()
        return job

    def stop(self, folder: Path) -> None:
        """Ask a model's job to end; end it where it does not."""
        job = self._jobs.get(folder)
        if job is None or not job.running:
            return
        job.stopped = True
        _signal(job, signal.SIGTERM)
        timer = threading.Timer(PATIENCE, _signal, (job, signal.SIGKILL))
        timer.daemon = True
        timer.start()

    def end(self) -> None:
        """End all of them: the server does."""
        for job in self.running():
            job.stopped = True
            _signal(job, signal.SIGTERM)


@st.cache_resource(show_spinner=False)
def shared() -> Jobs:
    """The jobs of this server."""
    found = Jobs()
    atexit.register(found.end)
    return found


def allowed() -> bool:
    """Whether pages may start jobs."""
    return os.environ.get(SWITCH) != "off"


def _environment() -> dict[str, str]:
    """That of this process; the modules are found from any folder, and bars are drawn."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        # Rich draws its bar for a terminal only.
        "FORCE_COLOR": "1",
        "TERM": "xterm",
        "COLUMNS": "100",
    }


def _signal(job: Job, number: signal.Signals) -> None:
    if job.process.poll() is None:
        with contextlib.suppress(OSError):
            job.process.send_signal(number)


def _listen(job: Job, typed: str) -> None:
    """Read what a job says until it ends."""
    names = {str(job.folder): typed, f"{ROOT}{os.sep}": ""}
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest, stream = "", job.process.stdout
    while stream and (data := os.read(stream.fileno(), 65536)):
        rest += decoder.decode(data)
        *lines, rest = rest.split("\n")
        for line in lines:
            _keep(job, line, names)
        job.current = _clean(rest, names)
    if stream:
        stream.close()
    _keep(job, rest, names)
    job.current = ""
    job.process.wait()
    job.ended = time.monotonic()


def _keep(job: Job, text: str, names: Mapping[str, str]) -> None:
    line = _clean(text, names)
    if line and not _CHATTER.match(line):
        job.lines.append(line)


def _clean(text: str, names: Mapping[str, str]) -> str:
    """A line as a terminal would show it in the end, without colours and paths of this machine."""
    drawn = [part for part in _CONTROL.sub("", text).split("\r") if part.strip()]
    line = drawn[-1].rstrip() if drawn else ""
    for path, name in names.items():
        line = line.replace(path, name)
    return line
