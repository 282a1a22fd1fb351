"""The dashboard in a real Chromium: a sentence typed, four answers and maps, a link that repeats.

Random networks of the smallest size answer, so every step of the way is the real one. Set
ZOO_SCREENSHOTS to a folder to keep the pictures.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.apps import bench, shelf

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
    sync_playwright = None
else:
    expect.set_options(timeout=60_000)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(sync_playwright is None, reason="playwright is not installed"),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A running dashboard over a made-up saved_models whose translators really answer."""
    root = shelf.make(tmp_path_factory.mktemp("shelf") / "saved_models")
    shelf.make_networks(root, "en-es")
    benchmarks = bench.make(root.parent / "benchmarks")
    (root / "dates-lstm" / "examples.json").unlink()  # and it has no weights: it cannot answer
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "apps/dashboard.py"]
    command += [f"--server.port={port}", "--server.headless=true", "--server.fileWatcherType=none"]
    log = root.parent / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "ZOO_SAVED_MODELS": str(root),
                "ZOO_BENCHMARKS": str(benchmarks),
                "OMP_NUM_THREADS": "1",
            },
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_up(f"http://localhost:{port}/_stcore/health", server, log)
        yield f"http://localhost:{port}"
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


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, address):
    """Opens a path of the dashboard; at the end nothing may have been said in the console,
    asked of another host, or shown as a dialog."""
    contexts, trouble = [], []

    def opened(path="/", width=1280, scheme="light"):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        # Below the path of a page Streamlit looks for itself first, in vain, and then at the root.
        page.on(
            "console",
            lambda said: (
                trouble.append(said.text)
                if said.type == "error" and "/_stcore/" not in said.location.get("url", "")
                else None
            ),
        )
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("dialog", lambda dialog: (trouble.append("a dialog"), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((address, "data:", "blob:"))
                else trouble.append(request.url)
            ),
        )
        page.goto(address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not trouble


def picture(page, name: str) -> None:
    """Keep the whole page as a picture, where somebody asked for pictures."""
    if folder := os.environ.get("ZOO_SCREENSHOTS"):
        height = page.get_by_test_id("stMain").evaluate("main => main.scrollHeight")
        size = page.viewport_size
        page.set_viewport_size({"width": size["width"], "height": height + 40})
        page.wait_for_timeout(800)
        page.screenshot(path=f"{folder}/{name}.png")
        page.set_viewport_size(size)


def maps(page):
    """The heat-maps on the page, by the words that stand for them."""
    return page.locator("[role=graphics-document][aria-label*='looks at most']")


def go(page, link: str, heading: str) -> None:
    """Another page of the dashboard, by the menu; a narrow one hides it in the sidebar."""
    narrow = page.viewport_size["width"] < 800
    if narrow:
        page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_role("link", name=link).click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    if narrow:
        page.get_by_test_id("stSidebarCollapseButton").get_by_role("button").click()


def ask(page, text: str) -> None:
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Compare", exact=True).click()


def choose(page, label: str, option: str) -> None:
    """Choose from a list once the page is at rest: a page still being drawn closes the list."""
    at_rest = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    wanted = page.get_by_role("option", name=option, exact=True)
    for _ in range(10):
        expect(at_rest).to_be_visible(timeout=WAIT)
        page.get_by_role("combobox", name=label).click()
        try:
            wanted.click(timeout=10_000)
        except PlaywrightTimeoutError:
            page.keyboard.press("Escape")
        else:
            return
    pytest.fail(f"{label!r} never showed {option!r}")


def test_a_typed_sentence_is_answered_and_its_link_repeats_the_view(open_page):
    page = open_page()
    expect(page.get_by_text("Stored answers, computed on")).to_be_visible()
    ask(page, "the good <b>cat</b> sleeps")
    expect(page.get_by_text("Computed on this computer.")).to_be_visible(timeout=WAIT)
    expect(page.locator(".words")).to_have_count(4)
    expect(maps(page)).to_have_count(4)
    expect(page.get_by_text("of 3 warm runs")).to_be_visible()
    choose(page, "Head (Transformer)", "2")
    expect(page.get_by_text("mean of 2 layers, head 2 of 2")).to_be_visible()
    assert "head=2" in page.url
    words = page.locator(".words").all_inner_texts()
    picture(page, "typed")

    again = open_page(page.url.removeprefix(page.url.split("/?")[0]))
    expect(again.get_by_text("mean of 2 layers, head 2 of 2")).to_be_visible()
    expect(again.get_by_role("textbox")).to_have_value("the good <b>cat</b> sleeps")
    expect(again.locator(".words")).to_have_text(words)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (400, "light")])
def test_both_pages_fit(open_page, width, scheme):
    page = open_page("/?task=pronounce", width, scheme)
    expect(maps(page)).to_have_count(4)
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    picture(page, f"compare-{width}-{scheme}")
    go(page, "Leaderboard", "Quality, speed, size")
    expect(page.locator("[role=graphics-document][aria-label*='over milliseconds']")).to_have_count(
        1
    )
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    picture(page, f"leaderboard-{width}-{scheme}")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (400, "light")])
def test_speed_is_drawn_and_fits(open_page, tmp_path, width, scheme):
    page = open_page("/", width, scheme)
    go(page, "Speed", "Beside other toolkits")
    expect(page.get_by_role("button", name="Measure on this machine")).to_be_visible()
    drawn = page.locator("[role=graphics-document]")
    expect(drawn).to_have_count(8)  # four measures, three groups of curves, the quality
    choose(page, "Measured on", "GPU: another")
    expect(drawn).to_have_count(2)
    assert "device=GPU" in page.url
    choose(page, "Measured on", "CPU: a test computer")
    expect(drawn).to_have_count(8)
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    picture(page, f"speed-{width}-{scheme}")
    shot = page.screenshot(path=tmp_path / f"speed-{width}.png", full_page=True)
    assert shot.startswith(b"\x89PNG")


def test_keyboard_alone_asks_and_saves(open_page):
    page = open_page("/?task=dates")
    expect(page.get_by_text("This model could not answer.")).to_have_count(1)
    expect(maps(page)).to_have_count(3)
    saving = page.get_by_role("button", name="Save").last
    saving.focus()
    page.keyboard.press("Enter")
    for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg"), ("CSV", b"\xef\xbb\xbfmodel")):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"({kind})").press("Enter")
        assert Path(download.value.path()).read_bytes().startswith(start)
    page.keyboard.press("Escape")
    page.get_by_role("textbox").focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("Dec 1 1999")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**text=Dec*")
    expect(maps(page)).to_have_count(3)


def test_hostile_text_stays_text(open_page):
    page = open_page()
    for text in ("<script>alert(1)</script><img src=x onerror=alert(1)>مرحبا 😀 \x07", "  "):
        ask(page, text)
        if text.strip():
            expect(page.get_by_text("Computed on this computer.")).to_be_visible(timeout=WAIT)
            expect(page.locator(".words")).to_have_count(4)
        else:
            expect(page.get_by_text("Type something above")).to_be_visible()
    ask(page, "word " * 10_000)
    expect(page.get_by_text("only the first 2,000 were read")).to_be_visible(timeout=WAIT)
    assert page.locator("img[src=x]").count() == 0
