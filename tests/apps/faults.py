"""What is wrong with a page of any Streamlit app, whatever it shows: judged from outside.

An exception box, an error of the browser or of the page's scripts, a dialog that Streamlit or a
typed script opens, a lost connection, a traceback in the server's log, a page that never comes to
rest, and a dead end.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Download, Page, Response
from playwright.sync_api import Error as PlaywrightError

from tests.apps.controls import Control

RECONNECT = 120
"""Seconds in which a page must find its server again."""
QUIET = 350
"""Milliseconds without a change of the page, after which it is at rest; Streamlit waits for up
to 200 before it tells the server of a slider."""

# Resolves once the script has ended and nothing has moved for a while; at the latest after five
# seconds, with what there is then (a page may move for ever).
SETTLE = """
(quiet) => new Promise((resolve) => {
  const begun = performance.now();
  let last = begun;
  const observer = new MutationObserver(() => { last = performance.now(); });
  observer.observe(document, { childList: true, subtree: true, characterData: true,
                               attributes: true, attributeFilter: ["data-test-script-state"] });
  const look = () => {
    const app = document.querySelector("[data-testid=stApp]");
    const script = app?.dataset.testScriptState ?? "no app";
    const connection = app?.dataset.testConnectionState ?? "no app";
    // A part whose script is still on its way is a skeleton until then.
    const drawn = !document.querySelector("[data-testid=stSkeleton], [data-testid=stAppSkeleton]");
    const ended = script === "notRunning" && connection === "CONNECTED";
    const now = performance.now(), rest = ended && drawn;
    if (!rest) last = Math.max(last, now - quiet / 2);
    if ((rest && now - last >= quiet) || now - begun > 5000) {
      observer.disconnect();
      resolve({ script, connection, ended, rest });
    } else setTimeout(look, 50);
  };
  look();
})
"""

# Boxes of exceptions (also inside what is folded), Streamlit's own error dialogs, messages.
BOXES = """
() => {
  const texts = (css) => [...document.querySelectorAll(css)].map((e) => e.innerText.trim());
  const dialogs = texts("[role=dialog]");
  return {
    exceptions: [...document.querySelectorAll(
      "[data-testid=stException], [data-testid=stErrorElementStack]"
    )].map((e) => (e.innerText || e.textContent).trim()),
    dialogs: dialogs.filter(
      (t) => /^(Connection error|Page not found|Bad message format|Error)\\b/.test(t)
    ),
    said: texts("[data-testid=stAlertContentError]"),
  };
}
"""


@dataclass(frozen=True)
class Fault:
    """Something that must not happen: what kind it is, and the message."""

    kind: str
    message: str

    @property
    def key(self) -> str:
        """The same for the same fault with another number or another text in it."""
        plain = re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "#", self.message)
        return f"{self.kind}: {plain[:160]}"

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class Log:
    """What the server has written since it was last asked."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.place = path.stat().st_size if path else 0

    def faults(self) -> list[Fault]:
        """One for every traceback, told by its last line."""
        if self.path is None:
            return []
        with self.path.open("rb") as file:
            file.seek(self.place)
            new = file.read().decode("utf-8", "replace")
        # A line may be half written: what is not a whole line yet is read the next time.
        whole, _, rest = new.rpartition("\n")
        self.place += len(new.encode("utf-8", "replace")) - len(rest.encode("utf-8", "replace"))
        found, lines = [], whole.splitlines()
        for number, line in enumerate(lines):
            if line.strip().startswith("Traceback (most recent call last)"):
                found.append(Fault("traceback in the server's log", _last(lines[number:])))
            elif re.search(r"\b(CRITICAL|FATAL|Segmentation fault)\b", line):
                found.append(Fault("the server's log", line.strip()[:300]))
        return found


def _last(lines: Sequence[str]) -> str:
    """The error of a traceback: its first line that is not indented, and where it arose."""
    margin = len(lines[0]) - len(lines[0].lstrip())
    where = ""
    for line in lines[1:]:
        text = line[margin:]
        if text.strip().startswith("File "):
            where = text.strip()
        if text and not text[0].isspace():
            place = re.search(r'([^/"]+)", line (\d+), in (\w+)', where)
            at = f" ({place[1]}:{place[2]}, {place[3]})" if place else ""
            return text.strip()[:300] + at
    return f"unfinished, {where}"[:300]


class Watch:
    """Listens to everything a browser session says, and judges the page it shows."""

    def __init__(
        self,
        context: BrowserContext,
        origin: str,
        log: Path | None = None,
        server: subprocess.Popen | None = None,
        limit: float = 300,
    ) -> None:
        """`limit`: seconds in which a page must come to rest; more where others crowd it out."""
        self.origin, self.server, self.limit = origin, server, limit
        self.log = Log(log)
        self.recorded: list[Fault] = []
        self.downloads: list[Download] = []
        self.said: set[str] = set()
        context.on("console", self._console)
        context.on("weberror", lambda error: self.record("page error", str(error.error)))
        context.on("dialog", self._dialog)
        context.on("response", self._response)
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("download", lambda download: self.downloads.append(download))
        page.on("crash", lambda _: self.record("crash", page.url))

    def record(self, kind: str, message: str) -> None:
        """Keep a fault for the next judgement."""
        self.recorded.append(Fault(kind, message.strip()[:500]))

    def _console(self, said: ConsoleMessage) -> None:
        # Below the path of a page Streamlit looks for itself first, in vain, then at the root.
        if said.type == "error" and "/_stcore/" not in said.location.get("url", ""):
            self.record("console error", said.text)

    def _dialog(self, dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            self.record("a dialog of a script", dialog.message)
        dialog.accept()

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self.record("error of the server", f"{response.status} {response.url}")

    def settle(self, page: Page) -> Fault | None:
        """Wait until the page is at rest; the fault where that does not come."""
        begun = connected = time.monotonic()
        worked = self._worked()
        state = {"script": "no app", "connection": "no app"}
        skeletons = 0
        while True:
            if self.server is not None and self.server.poll() is not None:
                return Fault("the server ended", f"with exit code {self.server.returncode}")
            try:
                state = page.evaluate(SETTLE, QUIET)
            except PlaywrightError:  # navigating meanwhile
                if page.is_closed():
                    return Fault("crash", "the page closed by itself")
                page.wait_for_timeout(100)
            else:
                skeletons = skeletons + 1 if state["ended"] else 0
                if state["rest"] or skeletons > 6:
                    return None
            now = time.monotonic()
            if state["connection"] == "CONNECTED":
                connected = now
            if now - connected > RECONNECT:
                return Fault("lost connection", f"{state['connection']} for {RECONNECT} s")
            if now - begun > self.limit and not self._starved(now - begun, worked):
                return Fault("still running", f"{state['script']} after {self.limit:.0f} s")

    def _worked(self) -> float | None:
        """Seconds of processor that the server has had, where the system tells."""
        try:
            after = Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
        except (AttributeError, OSError):
            return None
        return (int(after[11]) + int(after[12])) / os.sysconf("SC_CLK_TCK")

    def _starved(self, waited: float, before: float | None) -> bool:
        """Whether the server is at work and is merely let do little, on a crowded computer."""
        if before is None or waited > 4 * self.limit or (worked := self._worked()) is None:
            return False
        return waited / 50 < worked - before < self.limit / 2

    def judge(self, page: Page) -> list[Fault]:
        """Everything wrong with a page at rest, and all that was recorded since the last time."""
        found, self.recorded = self.recorded, []
        boxes = page.evaluate(BOXES)
        found += [Fault("exception", _brief(text)) for text in boxes["exceptions"]]
        found += [Fault("Streamlit's dialog", text[:300]) for text in boxes["dialogs"]]
        self.said.update(boxes["said"])
        downloads, self.downloads = self.downloads, []
        for download in downloads:
            if reason := download.failure():
                found.append(Fault("download", f"{download.suggested_filename}: {reason}"))
        found += self.log.faults()
        return found


def dead_end(page: Page, controls: Sequence[Control]) -> Fault | None:
    """Whether nothing leads away from a page, or nothing can be done on it."""
    here = page.evaluate("location.pathname")
    away = any(one.kind == "link" and one.to != here for one in controls)
    if not away and not page.get_by_test_id("stExpandSidebarButton").is_visible():
        return Fault("dead end", f"no link leads away from {here}")
    if not any(one.main and not one.disabled and one.to != here for one in controls):
        return Fault("dead end", f"nothing can be used on {here}")
    return None


def _brief(text: str) -> str:
    """An exception box in two lines: its message, and the last place in the trace."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    places = [line for line in lines if line.startswith("File ")]
    where = places[-1].split("/")[-1].replace('"', "") if places else ""
    return f"{lines[0] if lines else 'empty'}{f' ({where})' if where else ''}"[:400]
