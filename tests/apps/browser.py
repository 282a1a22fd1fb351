"""What the tests in a real Chromium share: where it is, pictures, ways through the pages.

Set ZOO_SCREENSHOTS to a folder to keep the pictures.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
ARGUMENTS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync""".split()
WAIT = 300_000  # milliseconds: four networks are loaded and compiled meanwhile, if need be slowly

try:
    from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
    from playwright.sync_api import expect, sync_playwright
except ImportError:
    expect = sync_playwright = PlaywrightTimeoutError = None
else:
    expect.set_options(timeout=60_000)

needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(sync_playwright is None, reason="playwright is not installed"),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
]


@dataclass(frozen=True)
class Served:
    """A Streamlit app that runs: where, its process, and the file it writes its log to."""

    address: str
    process: subprocess.Popen
    log: Path


@contextlib.contextmanager
def serving(script: Path | str, log: Path, environment: Mapping[str, str]) -> Iterator[Served]:
    """Run a Streamlit script on a free port for as long as the block lasts."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_up(f"http://localhost:{port}/_stcore/health", server, log)
        yield Served(f"http://localhost:{port}", server, log)
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_until_up(url: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(240):
        if server.poll() is not None:
            pytest.fail(f"the dashboard ended by itself:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    pytest.fail(f"the dashboard did not come up:\n{log.read_text()}")


def picture(page, name: str) -> None:
    """Keep the whole page as a picture, where somebody asked for pictures."""
    if folder := os.environ.get("ZOO_SCREENSHOTS"):
        height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
        size = page.viewport_size
        page.set_viewport_size({"width": size["width"], "height": height + 40})
        page.wait_for_timeout(800)
        page.screenshot(path=f"{folder}/{name}.png")
        page.set_viewport_size(size)


def go(page, link: str, heading: str) -> None:
    """Another page of the dashboard, by the menu; a narrow one hides it in the sidebar."""
    narrow = page.viewport_size["width"] < 800
    if narrow:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name=link).first.click()  # those in the page lie below the menu
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    if narrow:
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()
