"""The Attention page in a real Chromium: lines, the grid and its link, a long text, saved pages."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from apps.components import attention_grid, attention_lines
from tests import thorough
from tests.apps.browser import WAIT, expect, needs_chromium, picture
from tests.apps.views.test_attention import HOSTILE, maps

pytestmark = needs_chromium

TITLE = "Attention, up close"


def at_rest(page) -> None:
    """Wait until the page has run and drawn what it has to draw."""
    resting = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    expect(resting).to_be_visible(timeout=WAIT)


def shown(page):
    """The page, once its words and lines are drawn."""
    page.locator(".lines li.word").first.wait_for(timeout=WAIT)
    at_rest(page)
    return page


def lines_on(page) -> tuple[int, int]:
    """How many lines are to be seen, and how many there are."""
    return page.locator(".lines").evaluate(
        """root => {
          const all = [...root.querySelectorAll("path")];
          return [all.filter((one) => getComputedStyle(one).display !== "none").length, all.length];
        }"""
    )


def test_a_word_leaves_only_its_lines_by_pointer_and_by_keyboard(open_page):
    page = shown(open_page("/attention"))
    root = page.locator(".lines")
    words = root.locator("li.word")
    expect(words.first).to_have_attribute("aria-label", re.compile("looks most at"))
    drawn, every = lines_on(page)
    assert drawn == every > 3
    words.first.hover()
    expect(root).to_have_class(re.compile("isolated"))
    by_pointer = lines_on(page)
    assert 0 < by_pointer[0] < every
    linked = root.locator("li.linked").count()
    assert linked == by_pointer[0]
    picture(page, "attention-hover")
    page.get_by_role("heading", name=TITLE).hover()
    expect(root).not_to_have_class(re.compile("isolated"))
    assert lines_on(page) == [every, every]

    words.first.focus()
    expect(root).to_have_class(re.compile("isolated"))
    assert lines_on(page) == by_pointer
    page.keyboard.press("ArrowDown")
    expect(words.nth(1)).to_be_focused()
    expect(words.nth(1)).to_have_attribute("tabindex", "0")
    page.keyboard.press("ArrowRight")
    expect(root.locator(".columns li").nth(1)).to_be_focused()
    expect(root.locator(".said")).to_contain_text("looked at most by")
    page.keyboard.press("Escape")
    expect(root).not_to_have_class(re.compile("isolated"))


def test_a_cell_of_the_grid_becomes_the_large_one_and_its_link_says_so(open_page):
    page = shown(open_page("/attention"))
    cells = page.locator(".grid button")
    expect(cells).to_have_count(4)
    cells.nth(3).click()
    expect(page.get_by_text("layer 2 of 2, head 2 of 2")).to_be_visible(timeout=WAIT)
    at_rest(page)
    expect(cells.nth(3)).to_have_attribute("aria-pressed", "true")
    cells.nth(3).focus()
    page.keyboard.press("ArrowLeft")
    expect(cells.nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("layer 2 of 2, head 1 of 2")).to_be_visible(timeout=WAIT)
    at_rest(page)
    expect(cells.nth(2)).to_be_focused()
    assert "layer=2" in page.url
    first = page.locator(".lines li.word").first.get_attribute("aria-label")
    again = shown(open_page(page.url[page.url.index("/attention") :]))
    expect(again.get_by_text("layer 2 of 2, head 1 of 2")).to_be_visible()
    expect(again.locator(".grid button").nth(2)).to_have_attribute("aria-pressed", "true")
    expect(again.locator(".lines li.word").first).to_have_attribute("aria-label", first)


@thorough.mark
@pytest.mark.parametrize(
    ("width", "scheme"), thorough.params([(1280, "dark"), (400, "light")], [(400, "light")])
)
def test_every_view_fits(open_page, width, scheme):
    page = shown(open_page("/attention", width, scheme))
    for label in ("Two side by side", "Step by step", "Inside a cell"):
        page.get_by_role("radio", name=label).click()
        expect(page.get_by_text("Save").first).to_be_visible(timeout=WAIT)
        at_rest(page)
        assert page.get_by_test_id("stException").count() == 0
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        picture(page, f"attention-{label.split()[0].lower()}-{width}-{scheme}")
    page.get_by_role("radio", name="All heads, one large").click()
    shown(page)
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    picture(page, f"attention-heads-{width}-{scheme}")


def test_a_long_text_with_hostile_words_stays_usable(open_page):
    text = "<img src=x onerror=alert(1)> مرحبا 😀 " + "the cat sleeps " * 70
    page = shown(open_page(f"/attention?text={quote(text)}"))
    assert page.locator("img[src=x]").count() == 0
    scroll = page.locator(".lines .scroll")
    assert scroll.evaluate("box => box.scrollHeight > box.clientHeight")
    last = page.locator(".lines .columns li").last
    last.focus()
    expect(last).to_be_in_viewport()
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save").first.click()
        page.get_by_role("button", name="Page by itself (HTML)").click()
    assert "Drawn " in Path(download.value.path()).read_text(encoding="utf-8")


def test_saved_pages_are_alive_without_a_network(chromium, tmp_path):
    """A hundred words with a script among them, each page opened as a file, offline."""
    words = [*HOSTILE, *(f"w{i}" for i in range(95))]
    weights = maps(2, 2, 100, 100)
    pages = {
        "lines": attention_lines.page(
            attention_lines.layout(weights[0, 0], words, words), "lines", HOSTILE[0]
        ),
        "grid": attention_grid.page(
            attention_grid.layout(weights, words, words), "grid", "Every head"
        ),
    }
    context = chromium.new_context(offline=True)
    asked = []
    for name, text in pages.items():
        file = tmp_path / f"{name}.html"
        file.write_text(text, encoding="utf-8")
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: asked.append(str(error)))
        page.on("dialog", lambda dialog: (asked.append("a dialog"), dialog.dismiss()))
        page.goto(file.as_uri())
        if name == "lines":
            expect(page.locator("li.word")).to_have_count(200)
            page.locator("li.word").first.hover()
            expect(page.locator(".lines")).to_have_class(re.compile("isolated"))
        else:
            expect(page.locator("canvas")).to_have_count(4)
            page.locator("canvas").first.hover()
            expect(page.locator(".said")).to_contain_text("Layer 1, head 1")
    context.close()
    assert all(url.startswith("file:") for url in asked)
