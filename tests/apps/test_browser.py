"""The dashboard in a real Chromium: a sentence typed, four answers and maps, a link that repeats.

Random networks of the smallest size answer, so every step of the way is the real one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import thorough
from tests.apps.browser import (
    WAIT,
    PlaywrightTimeoutError,
    expect,
    go,
    needs_chromium,
    picture,
)

pytestmark = needs_chromium


def maps(page):
    """The heat-maps on the page, by the words that stand for them."""
    return page.locator("[role=graphics-document][aria-label*='looks at most']")


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


@thorough.mark
@pytest.mark.parametrize(
    ("width", "scheme"),
    thorough.params([(1280, "light"), (1280, "dark"), (400, "light")], [(400, "light")]),
)
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


@thorough.mark
@pytest.mark.parametrize(
    ("width", "scheme"), thorough.params([(1280, "dark"), (400, "light")], [(1280, "dark")])
)
def test_speed_is_drawn_and_fits(open_page, tmp_path, width, scheme):
    page = open_page("/", width, scheme)
    go(page, "Speed", "Beside other toolkits")
    expect(page.get_by_role("button", name="Measure on this machine")).to_be_visible()
    drawn = page.locator("[role=graphics-document]")
    expect(drawn).to_have_count(8)  # four measures, three groups of curves, the quality
    choose(page, "Measured on", "GPU: another")
    expect(drawn).to_have_count(2)
    assert "device=gpu-test" in page.url
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


def top(page) -> float:
    return page.get_by_test_id("stMain").evaluate("main => main.scrollTop")


@thorough.mark
def test_next_opens_a_chapter_at_its_top(open_page):
    page = open_page("/learn?chapter=9")
    at_rest = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    following = page.get_by_role("button", name="Next:")
    expect(following).to_be_visible()
    expect(at_rest).to_be_visible(timeout=WAIT)
    following.scroll_into_view_if_needed()
    assert top(page) > 300
    following.click()
    expect(page.get_by_role("heading", name="10. ")).to_be_in_viewport()
    expect(at_rest).to_be_visible(timeout=WAIT)
    assert top(page) == 0
    page.get_by_role("textbox").last.scroll_into_view_if_needed()
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, 200)")
    page.get_by_role("textbox").last.fill("el gato")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    expect(at_rest).to_be_visible(timeout=WAIT)
    assert top(page) > 0  # another text on the same chapter leaves the reader in place


def test_the_contents_of_speed_lead_to_a_finding(open_page):
    page = open_page("/speed")
    wanted = page.get_by_role("heading", name="Memory while training the Transformer")
    expect(wanted).to_be_visible()
    expect(wanted).not_to_be_in_viewport()
    page.get_by_role("link", name="Memory while training the Transformer").first.click()
    expect(wanted).to_be_in_viewport()
