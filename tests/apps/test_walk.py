"""Walks at random through all pages, and whether a walker notices what is planted for it.

The walks by hand, longer and over the real models: `python -m tests.apps.walk` (see walk.py).
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests import thorough
from tests.apps.browser import ROOT, needs_chromium, serving, sync_playwright

if sync_playwright is None:
    pytest.skip("playwright is not installed", allow_module_level=True)

from tests.apps.controls import Step
from tests.apps.faults import Fault, Log
from tests.apps.walker import Walk, follow, shrink, wander

pytestmark = needs_chromium
WALKS = [(1, 7), (2, 40)]
"""A seed, and how many steps: the longer one only if `--thorough`."""
SOON = 3
"""A seed whose walks come to what is planted after a few steps."""


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "steps"), thorough.params(WALKS, WALKS[:1]))
def test_the_dashboard_stands_a_walk(chromium, served, seed, steps):
    walk = wander(chromium, served, seed, steps)
    assert not walk.faults, "\n" + walk.report()
    assert walk.steps


PLAIN = """
import streamlit as st

def home():
    st.title("Home")
    st.button("Count")

def other():
    st.title("Other")
    st.text_input("Name")
"""
NAVIGATION = """
pages = [st.Page(home, title="Home", default=True), st.Page(other, title="Other")]
st.navigation(pages, position="top").run()
"""
MANY = """
import streamlit as st

def home():
    st.slider("Size", 0, 10)
    st.text_area("Text")
    st.selectbox("Colour", ["red", "green"])
    st.checkbox("Loud")
    st.number_input("Number", 0, 9)
    st.file_uploader("File")
    with st.expander("More"):
        st.button("Inside")
    for tab in st.tabs(["One", "Two"]):
        tab.write("Text")
    st.radio("Way", ["up", "down"])
    st.popover("Over").write("Text")
    frame = "<button onclick='this.textContent = 1'>In a frame</button>"
    st.iframe(frame)

def other():
    st.multiselect("Several", ["a", "b", "c"])
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Serves any app: returns a function that puts another script in its place."""
    folder = tmp_path_factory.mktemp("planted")
    script, content = folder / "app.py", folder / "content.py"
    script.write_text(f"exec(compile(open({str(content)!r}).read(), 'content.py', 'exec'))")
    content.write_text(PLAIN + NAVIGATION)
    with serving(script, folder / "server.log", {}) as app:

        def plant(text):
            content.write_text(text)
            return app

        yield plant


def plain(home="", other="", navigation=NAVIGATION):
    """The plain app with lines added to its pages."""
    home, other = ("".join(f"\n    {line}" for line in text.splitlines()) for text in (home, other))
    return PLAIN.replace('    st.button("Count")\n', f'    st.button("Count"){home}\n') + (
        f"{other.lstrip(chr(10))}\n{navigation}"
    )


COMPONENT = """
if st.button("Draw"):
    st.components.v2.component("planted", js="export default function () { JS }")()
"""
HIDDEN = NAVIGATION.replace('"top"', '"hidden"')
PLANTED = {
    "exception": (plain('if st.toggle("Break"): raise ValueError("planted")'), "planted"),
    "console error": (plain(COMPONENT.replace("JS", "console.error('planted')")), "planted"),
    "page error": (plain(COMPONENT.replace("JS", "setTimeout(() => planted())")), "planted"),
    "a dialog of a script": (plain(COMPONENT.replace("JS", "alert('planted')")), "planted"),
    "traceback in the server's log": (
        plain(
            'if st.button("Swallow"):\n'
            '    try: raise KeyError("planted")\n'
            "    except KeyError: __import__('traceback').print_exc()"
        ),
        "KeyError: 'planted' (content.py:",
    ),
    "dead end": (PLAIN.replace('    st.text_input("Name")\n', "") + NAVIGATION, "nothing can be"),
    "dead end without a link": (
        plain('if st.button("Leave"): st.switch_page(pages[1])', navigation=HIDDEN),
        "no link leads away from /",
    ),
    "still running": (plain('if st.button("Sleep"): __import__("time").sleep(20)'), "running"),
}


@pytest.mark.parametrize("what", thorough.params(PLANTED, ["exception"]))
def test_what_is_planted_is_found(chromium, planted, what):
    script, message = PLANTED[what]
    limit = 3 if what == "still running" else 300
    walk = wander(chromium, planted(script), SOON, 40, limit=limit)
    assert walk.faults, f"{len(walk.steps)} steps found nothing"
    fault = walk.faults[0]
    assert what.startswith(fault.kind), walk.report()
    assert message in fault.message


@thorough.mark
def test_a_fault_is_shortened_and_its_walk_repeats_it(chromium, planted):
    app = planted(plain('if st.toggle("Break"): raise ValueError("planted")'))
    steps = [Step("link", "Other"), Step("text", "Name", 0, ["x", "Tab"]), Step("back")]
    walk = follow(chromium, app, Walk(steps=[*steps, Step("toggle", "Break")]))
    assert walk.faults[0].kind == "exception"
    short = shrink(chromium, app, walk)
    assert short.steps == [Step("toggle", "Break")]
    assert "toggle 'Break'" in short.report()
    command = [sys.executable, "-m", "tests.apps.walk", "--address", app.address]
    command += ["--walk", json.dumps(short.data())]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert said.returncode == 1, said.stderr
    assert "FAULT exception: ValueError: planted" in said.stdout


@pytest.mark.slow
@thorough.mark
def test_every_kind_of_control_is_used_and_the_same_seed_walks_the_same_way(chromium, planted):
    app = planted(MANY + NAVIGATION)
    walk = wander(chromium, app, 6, 55)
    assert not walk.faults, walk.report()
    kinds = {step.kind for step in walk.steps}
    wanted = "link button choice text list slider toggle tab fold number file back reload resize"
    assert not set(wanted.split()) - kinds, walk.report()
    assert any(step.label == "In a frame" for step in walk.steps)
    again = wander(chromium, app, 6, 8)
    assert again.steps == walk.steps[: len(again.steps)]


def test_the_log_is_read_once_and_its_tracebacks_are_told_by_their_last_line(tmp_path):
    path = tmp_path / "log"
    path.write_text("Traceback (most recent call last):\nOldError: before\n")
    log = Log(path)
    with path.open("a") as file:
        file.write('  Traceback (most recent call last):\n    File "/a/b.py", line 3, in f\n')
        file.write("      x()\n  ValueError: it was\nmore\n")
    assert log.faults() == [
        Fault("traceback in the server's log", "ValueError: it was (b.py:3, f)")
    ]
    assert not log.faults()


def test_faults_that_differ_in_numbers_and_quoted_words_are_the_same():
    first, second = (Fault("exception", f"KeyError: '{n}' in line {n}") for n in (3, 14))
    assert first.key == second.key
    assert first.key != Fault("exception", "ValueError: 'x' in line 1").key
