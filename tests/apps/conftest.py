"""Made-up folders of models for the pages, and the dashboard over them in a real Chromium."""

from __future__ import annotations

import pytest

from tests.apps import fake_benchmarks, fake_saved_models
from tests.apps.browser import ARGUMENTS, CHROMIUM, WAIT, serving, sync_playwright


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    root = fake_saved_models.make(tmp_path / "saved_models")
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(root))
    return root


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """A made-up saved_models folder whose translators are random networks, which really answer."""
    root = fake_saved_models.make(tmp_path_factory.mktemp("networks") / "saved_models")
    fake_saved_models.make_networks(root, "en-es")
    return root


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A running dashboard over a made-up saved_models whose translators really answer."""
    root = fake_saved_models.make(tmp_path_factory.mktemp("shelf") / "saved_models")
    fake_saved_models.make_networks(root, "en-es")
    benchmarks = fake_benchmarks.make(root.parent / "benchmarks")
    (root / "dates-lstm" / "examples.json").unlink()  # and it has no weights: it cannot answer
    environment = {
        "ZOO_SAVED_MODELS": str(root),
        "ZOO_BENCHMARKS": str(benchmarks),
        "OMP_NUM_THREADS": "1",
    }
    with serving("apps/dashboard.py", root.parent / "server.log", environment) as server:
        yield server


@pytest.fixture(scope="session")
def address(served):
    return served.address


@pytest.fixture(scope="session")
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
