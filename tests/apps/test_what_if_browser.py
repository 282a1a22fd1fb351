"""What if, in a real Chromium: a word is pressed, the answer changes, and the link repeats it."""

from __future__ import annotations

import re

from tests.apps.browser import WAIT, expect, needs_chromium, picture

pytestmark = needs_chromium

# The networks are random; for this text the answer of this one depends on the word.
PAGE = "/what-if?model=transformer&text=the+cat+sleeps"


def test_a_pressed_word_changes_the_answer_and_its_link_repeats_it(open_page):
    page = open_page(PAGE)
    expect(page.get_by_text("Nothing is changed yet.")).to_be_visible(timeout=WAIT)
    # The words to press, to hide and to swap, then the answer before and after.
    answers = page.locator(".words:not([role=group])")
    expect(answers.last).to_have_text(re.compile(r"\w"))
    before = answers.last.text_content()
    expect(answers).to_have_text([before, before])

    cat = page.get_by_role("button", name="cat", exact=True).locator("visible=true")
    expect(cat).to_have_attribute("aria-pressed", "false")
    cat.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("With “\u2068cat\u2069” unknown, the text changed")).to_be_visible(
        timeout=WAIT
    )
    expect(cat).to_have_attribute("aria-pressed", "true")
    expect(cat).to_be_focused()
    expect(answers.first).to_have_text(before)
    expect(answers.last).not_to_have_text(before)
    after = answers.last.text_content()
    assert after not in ("", before)
    page.wait_for_url("**mask=2*")
    picture(page, "what-if-1280-light")

    again = open_page("/" + page.url.split("/", 3)[3], 400, "dark")
    expect(again.locator(".words:not([role=group])")).to_have_text([before, after], timeout=WAIT)
    assert not again.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    picture(again, "what-if-400-dark")
    again.get_by_role("button", name="Reset").click()
    expect(again.get_by_text("Nothing is changed yet.")).to_be_visible()
    expect(again.locator(".words:not([role=group])").last).to_have_text(before)


def test_a_cell_of_the_map_is_forced_by_keyboard(open_page):
    page = open_page(PAGE + "&tool=Force+attention")
    first, second = (
        page.locator(f"button[data-place='0,{column}'] >> visible=true") for column in (0, 1)
    )
    expect(first).to_be_visible(timeout=WAIT)
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_url("**force=1%3A2*")
    expect(page.get_by_text("made to look at “\u2068cat\u2069”")).to_be_visible(timeout=WAIT)
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(second).to_have_attribute("aria-label", re.compile(" at cat: "))
    expect(second).to_be_focused()
