"""Every page in a real Chromium: contrast, headings, titles, words for pictures, a phone's width.

And on a projector: what is to be seen without scrolling, and presentation mode.
"""

from __future__ import annotations

import itertools

import pytest

from tests import thorough
from tests.apps import legible
from tests.apps.browser import WAIT, expect, go, needs_chromium, picture

pytestmark = needs_chromium

PAGES = {
    "": "Compare",
    "attention": "Attention",
    "attention?view=two": "Attention",
    "attention?view=cell": "Attention",
    "what-if?mask=1": "What if",
    "your-target?target=el+gato": "Your target",
    "scores": "Scores",
    "learn": "Learn",
    "leaderboard": "Leaderboard",
    "speed": "Speed",
    "runs": "Runs",
}
MAPS = "attention?target=el+gato+duerme"
"""What a trained network writes is about as long as what it reads; the random ones go on and on."""


def at_rest(page):
    """The page, once it has run and drawn what it has to draw."""
    resting = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    expect(resting).to_be_visible(timeout=WAIT)
    expect(page.locator("[data-testid=stSkeleton]")).to_have_count(0)
    expect(page.locator("[data-testid=stSliderTickBar]")).to_have_count(0)
    page.wait_for_timeout(500)
    return page


@pytest.mark.parametrize(
    "path", thorough.params(PAGES, [path for path in PAGES if "view=" not in path])
)
def test_every_page_is_legible_and_fits_a_phone(open_page, path):
    page = at_rest(open_page(f"/{path}"))
    assert page.title() == f"{PAGES[path]} · Attention Zoo"
    assert page.locator("html").get_attribute("lang") == "en"
    assert legible.unnamed(page) == []
    levels = [level for level, _ in legible.headings(page)]
    assert levels[0] == 1 and levels.count(1) == 1, legible.headings(page)
    steps = [later - earlier for earlier, later in itertools.pairwise(levels)]
    assert max(steps, default=0) <= 1, legible.headings(page)
    assert legible.faint(page) == []
    assert not legible.too_wide(page)

    page.set_viewport_size({"width": 390, "height": 844})
    at_rest(page)
    assert not legible.too_wide(page)
    picture(page, f"phone-{path.partition('?')[0] or 'compare'}")


@pytest.mark.parametrize("path", thorough.params(PAGES, ["", "attention"]))
def test_every_page_is_legible_in_the_dark(open_page, path):
    page = open_page(f"/{path}")
    page.emulate_media(color_scheme="dark")
    page.reload()
    assert legible.faint(at_rest(page)) == []


@pytest.mark.parametrize(("path", "seen"), [("", ".words .word"), (MAPS, ".grid canvas")])
def test_a_projector_shows_an_answer_and_a_map_without_scrolling(open_page, path, seen):
    page = open_page(f"/{path}")
    page.set_viewport_size({"width": 1280, "height": 720})
    first = at_rest(page).locator(seen).first
    box = first.bounding_box()
    assert box["y"] + box["height"] <= 720


def test_presentation_mode_goes_along_and_gives_a_code_of_the_link(open_page):
    page = open_page(f"/{MAPS}")
    page.set_viewport_size({"width": 1280, "height": 720})
    at_rest(page)
    usual = page.locator("h1").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    explanation = page.get_by_text("each token shaded by how sure")
    expect(explanation).to_be_visible()
    page.get_by_text("Present", exact=True).click()
    page.wait_for_url("**present=yes**")
    at_rest(page)
    large = page.locator("h1").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert large > 1.25 * usual
    expect(explanation).to_be_hidden()
    box = page.locator(".grid canvas").first.bounding_box()
    assert box["y"] + box["height"] <= 720
    assert not legible.too_wide(page)
    assert legible.faint(page) == []
    picture(page, "present-attention")
    page.get_by_text("Explanations", exact=True).click()
    expect(explanation).to_be_visible()

    go(page, "Compare", "One input, every network")
    at_rest(page)
    assert "present=yes" in page.url
    page.get_by_role("button", name="Link").click()
    code = page.get_by_role("img", name="QR code of the link to this page")
    expect(code).to_be_visible()
    assert code.evaluate("one => one.naturalWidth || one.complete")
    expect(page.get_by_test_id("stCode")).to_contain_text(page.url)
    expect(page.get_by_text("others cannot open it")).to_be_visible()
    picture(page, "present-link")
    page.keyboard.press("Escape")

    page.get_by_text("Present", exact=True).click()
    expect(page.get_by_role("button", name="Link")).to_have_count(0)
    at_rest(page)
    assert "present" not in page.url
