"""One question through all pages in a real Chromium: menu, links, back, forward, reload."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests import thorough
from tests.apps.browser import WAIT, expect, go, needs_chromium

pytestmark = needs_chromium

HEADINGS = {
    "Attention": "Attention, up close",
    "What if": "What if?",
    "Your target": "Your target",
    "Scores": "Scores",
    "Learn": "Learn",
    "Leaderboard": "Leaderboard",
    "Speed": "Speed",
    "Compare": "One input, every network",
}
TEXT = "good morning"  # a stored example, but not the first
QUESTION = {"task": ["en-es"], "text": [TEXT], "model": ["lstm-bahdanau"], "unit": ["piece"]}
START = f"task=en-es&text={TEXT.replace(' ', '+')}&model=lstm-bahdanau&unit=piece"


def asked(page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def at_rest(page) -> None:
    resting = page.locator("[data-testid=stApp][data-test-script-state=notRunning]")
    expect(resting).to_be_visible(timeout=WAIT)
    assert page.get_by_test_id("stException").count() == 0


def shows(page, title: str) -> None:
    expect(page.get_by_role("heading", name=HEADINGS[title], exact=True)).to_be_visible(
        timeout=WAIT
    )
    at_rest(page)


def reads(page, text: str) -> None:
    """The box for the text holds `text`."""
    expect(page.locator("textarea").first).to_have_value(text)


@thorough.mark
def test_the_question_goes_through_all_pages_and_back_and_forward(open_page):
    page = open_page(f"/attention?{START}")
    shows(page, "Attention")
    walked = ["Attention"]
    for title in ("Compare", "What if", "Learn", "Your target", "Leaderboard", "Scores", "Speed"):
        go(page, title, HEADINGS[title])
        shows(page, title)
        walked.append(title)
        assert asked(page) == QUESTION
    for title in reversed(walked[:-1]):  # one step of the browser a page
        page.go_back()
        shows(page, title)
        assert asked(page) == QUESTION
        if title in ("Attention", "Compare", "What if", "Your target"):
            reads(page, TEXT)
    for title in walked[1:4]:
        page.go_forward()
        shows(page, title)
        assert asked(page) == QUESTION
    page.reload()
    shows(page, "Learn")
    assert asked(page) == QUESTION
    go(page, "What if", HEADINGS["What if"])
    shows(page, "What if")
    reads(page, TEXT)


def test_back_takes_back_one_choice(open_page):
    page = open_page("/")
    shows(page, "Compare")
    page.get_by_role("radio", name="Dates").or_(
        page.get_by_role("button", name="Dates")
    ).first.click()
    page.wait_for_url("**task=dates*")
    at_rest(page)
    page.locator("textarea").fill("Dec 1 1999")
    page.get_by_role("button", name="Compare", exact=True).click()
    page.wait_for_url("**text=Dec*")
    at_rest(page)
    page.go_back()
    page.wait_for_url(lambda url: "text=" not in url)
    at_rest(page)
    expect(page.locator("textarea")).to_have_value("3 May 2021")
    page.go_back()
    page.wait_for_url(lambda url: "task=" not in url)
    at_rest(page)
    expect(page.locator("textarea")).to_have_value("the cat sleeps")
    page.go_forward()
    page.go_forward()
    page.wait_for_url("**text=Dec*")
    at_rest(page)
    expect(page.locator("textarea")).to_have_value("Dec 1 1999")


@pytest.mark.parametrize(
    ("title", "link"),
    thorough.params(
        [("Compare", ""), ("Attention", "attention"), ("What if", "what-if")], [("Compare", "")]
    ),
)
def test_look_closer_carries_everything_along(open_page, title, link):
    page = open_page(f"/{link}?{START}&target=el+gato")
    shows(page, title)
    links = page.get_by_test_id("stPageLink-NavLink")
    for target in ("Attention", "What if", "Your target"):
        if target == title:
            continue
        links.filter(has_text=target).first.click()
        shows(page, target)
        found = asked(page)
        assert found["text"] == [TEXT]
        assert found["target"] == ["el gato"]
        assert found["unit"] == ["piece"]
        # the first link of Compare is in the column of its first model
        assert found["model"] == (["simple-rnn"] if title == "Compare" else ["lstm-bahdanau"])
        reads(page, TEXT)
        page.go_back()
        shows(page, title)


def test_compare_has_an_address_of_its_own(open_page):
    page = open_page(f"/compare?{START}")
    shows(page, "Compare")
    expect(page.get_by_text("Page not found")).to_have_count(0)
    reads(page, TEXT)
    page.reload()
    shows(page, "Compare")
    reads(page, TEXT)
    assert "/compare?" in page.url


def test_attention_and_then_compare_stay_up(open_page):
    """Two pages once shared a key of the session, and the second ended in an exception."""
    page = open_page("/attention?view=two")
    shows(page, "Attention")
    for title in ("Compare", "Attention", "Compare"):
        go(page, title, HEADINGS[title])
        shows(page, title)


def test_a_long_text_leaves_the_address_short(open_page):
    page = open_page("/your-target?task=dates")
    shows(page, "Your target")
    text = "".join(chr(0x4E00 + 7 * i) for i in range(1800))
    page.locator("textarea").first.fill(text)
    page.locator("textarea").first.press("Control+Enter")
    page.wait_for_url("**text.kept=*")
    at_rest(page)
    assert len(page.url) < 300
    expect(page.get_by_text("a link to it does not carry it")).to_be_visible()
    go(page, "Speed", HEADINGS["Speed"])
    page.go_back()
    shows(page, "Your target")
    reads(page, text)
