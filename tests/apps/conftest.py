"""Made-up folders of models for the pages, and the dashboard over them in a real Chromium."""

from __future__ import annotations

import functools

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.scriptrunner import script_runner

from apps import presentation
from tests.apps import fake_benchmarks, fake_saved_models
from tests.apps.browser import ARGUMENTS, CHROMIUM, WAIT, serving, sync_playwright


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    root = fake_saved_models.make(tmp_path / "saved_models")
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(root))
    return root


@pytest.fixture(scope="session", autouse=True)
def _quick_runs():
    """What Streamlit does around every run of a page is most of its time here, and shows nothing.

    After each it has all garbage collected, twice where Keras is imported: among the objects of
    TensorFlow. Before each of a page under test it looks for components in every package.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script_runner, "_clean_problem_modules", lambda: None)
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", functools.cache(scan))
        patch.setenv("STREAMLIT_RUNNER_POST_SCRIPT_GC", "false")
        yield


@pytest.fixture(scope="session", autouse=True)
def _charts_fit_the_schema():
    """Pages do not validate their charts; here the first chart of each form is validated."""
    seen = set()
    quickly = presentation.Drawn.to_dict

    def to_dict(drawn):
        spec = quickly(drawn)
        if (form := _form(spec)) not in seen:
            seen.add(form)
            drawn.chart.to_dict()
        return spec

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presentation.Drawn, "to_dict", to_dict)
        yield


def _form(part):
    """Names and types of a chart's parts, without its data."""
    if isinstance(part, dict):
        return tuple((k, _form(v)) for k, v in part.items() if k not in ("data", "datasets"))
    return tuple(map(_form, part)) if isinstance(part, list) else type(part)


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


@pytest.fixture(scope="session")
def kept_pages():
    """Pages that tests have left: they load the dashboard again in half the time."""
    return []


@pytest.fixture
def open_page(chromium, address, kept_pages, request):
    """Opens a path of the dashboard; at the end nothing may have been said in the console,
    asked of another host, or shown as a dialog."""
    pages, trouble = [], []
    heard = {
        # Below the path of a page Streamlit looks for itself first, in vain, and then at the root.
        "console": lambda said: (
            trouble.append(said.text)
            if said.type == "error" and "/_stcore/" not in said.location.get("url", "")
            else None
        ),
        "pageerror": lambda error: trouble.append(str(error)),
        "dialog": lambda dialog: (trouble.append("a dialog"), dialog.dismiss()),
        "request": lambda request: (
            None
            if request.url.startswith((address, "data:", "blob:"))
            else trouble.append(request.url)
        ),
    }

    def opened(path="/", width=1280, scheme="light"):
        page = kept_pages.pop() if kept_pages else chromium.new_context().new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.set_default_timeout(WAIT)
        for event, answer in heard.items():
            page.on(event, answer)
        page.goto(address + path)
        return page

    failed = request.session.testsfailed
    yield opened
    good = not trouble and request.session.testsfailed == failed
    for page in reversed(pages):
        for event, answer in heard.items():
            page.remove_listener(event, answer)
        if good:  # and as new
            page.evaluate("localStorage.clear(), sessionStorage.clear()")
            page.goto("about:blank")
            page.mouse.move(0, 0)
            page.context.clear_cookies()
            kept_pages.append(page)
        else:
            page.context.close()
    assert not trouble
