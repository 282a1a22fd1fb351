"""A measured system as the driver sees it: a process that is started, asked and stopped."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

from benchmarks.speed.registry import ROOT, System
from zoo.runtime.host_memory import told_by_linux

PATIENCE = 900.0
"""Seconds that getting ready, or a block beyond its own length, may take."""
SCARCE = 3_000.0
"""MB of free memory below which a system is stopped after its block and started anew."""


class MeasuringError(RuntimeError):
    """A system could not be started or measured; the message is one line."""


class Running:
    """One system's process, started when it is first asked.

    Args:
        name: of the system, for messages and its log.
        system: what to run.
        data: the workload's file.
        log: where what it prints goes.
    """

    def __init__(self, name: str, system: System, data: Path, log: Path):
        self.name, self.system, self.data, self.log = name, system, data, log
        self.process: subprocess.Popen[str] | None = None
        self.ready: set[str] = set()

    def measure(self, measure: str, seconds: float) -> dict[str, Any]:
        """One block of `measure`, after getting ready for it where that is still to be done.

        Raises:
            MeasuringError: it could not; its process is gone then.
        """
        if measure not in self.ready:
            self._ask(measure, 0.0)
            self.ready.add(measure)
        answer = self._ask(measure, seconds)
        if free_memory() < SCARCE:
            self.stop()
        return answer

    def stop(self) -> None:
        """End the process; the next measure starts a new one."""
        process, self.process = self.process, None
        self.ready.clear()
        if process is None:
            return
        try:
            process.stdin.close()
            process.wait(timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()
        process.stdout.close()

    def _start(self) -> subprocess.Popen[str]:
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
        if self.system.backend:
            environment["KERAS_BACKEND"] = self.system.backend
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a") as log:
            return subprocess.Popen(
                [
                    *(str(self.system.python), "-m", self.system.module),
                    *("--data", str(self.data.resolve()), "--variant", self.system.variant),
                ],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def _ask(self, measure: str, seconds: float) -> dict[str, Any]:
        if self.process is None:
            self.process = self._start()
        alarm = threading.Timer(PATIENCE + seconds, self.process.kill)
        alarm.start()
        try:
            self.process.stdin.write(f"{json.dumps({'measure': measure, 'seconds': seconds})}\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            alarm.cancel()
        answer = json.loads(line) if line else {"error": f"ended: {self._last_words()}"}
        if "error" in answer:
            self.stop()
            raise MeasuringError(f"{self.name}: {measure}: {answer['error']}")
        return answer

    def _last_words(self) -> str:
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return f"{lines[-1].strip()[:300] if lines else 'without a word'} (all in {self.log})"


def free_memory() -> float:
    """MB that can be had without swapping; infinite where the system does not say."""
    told = told_by_linux("/proc/meminfo", "MemAvailable")
    return float("inf") if told is None else told
