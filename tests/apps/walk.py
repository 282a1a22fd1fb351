"""Walks at random through the dashboard in a real Chromium, and says how to repeat what fails.

    python -m tests.apps.walk --minutes 30              # real models; a new seed every time
    python -m tests.apps.walk --minutes 30 --seed 7     # the same choices again
    python -m tests.apps.walk --made-up --minutes 5     # the tests' small made-up models
    python -m tests.apps.walk --replay walk.json        # one walk again; --walk '{...}' from a line
    python -m tests.apps.walk --address http://...      # an app that runs already

One walk is one session of `--steps` steps: links, buttons, choices, lists, sliders, text fields
(with ordinary and nasty texts), tabs, folds, files, figures, back, forward, reload, and the width
of a phone, a tablet and a desktop. It waits for the page to come to rest after each, and fails on

- an exception box, or an error dialog of Streamlit's,
- an error of the page's scripts or in the console, a dialog opened by a typed script,
- an answer of the server of 500 or more, a download that fails, a traceback in the server's log,
- a lost connection, an ended server, a page still running after five minutes,
- a dead end: no link away, nothing to use, or 15 controls in a row that could not be used.

It knows nothing about the pages: what there is to use is found by role (`controls.py`), what is
wrong is judged from outside (`faults.py`), and the choices follow from the seed (`walker.py`).
Whatever fails is printed with the seed, the steps and a command that repeats it, after steps that
are not needed were left out (`--replays` says how often that may be tried; 0 leaves it).

A page under test is not asked to be right, only to stand: what it shows is for its own tests.
Error messages that a page itself shows are listed at the end, for a person to judge.
The exit code is 1 where something failed. The suite takes a minute of it (`test_walk.py`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.apps.browser import ARGUMENTS, CHROMIUM, Served, serving, sync_playwright

if sync_playwright is not None:
    from playwright.sync_api import Browser

    from tests.apps.walker import Walk, follow, shrink, wander


@contextlib.contextmanager
def dashboard(options: argparse.Namespace) -> Iterator[Served]:
    """The app to walk through: one that runs already, or the dashboard of this repository."""
    if options.address:
        yield Served(options.address.rstrip("/"), None, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = {}
        if options.made_up:
            os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            from tests.apps import fake_benchmarks, fake_saved_models

            models = fake_saved_models.make(Path(folder) / "saved_models")
            fake_saved_models.make_networks(models, "en-es")
            environment["ZOO_SAVED_MODELS"] = str(models)
            environment["ZOO_BENCHMARKS"] = str(fake_benchmarks.make(Path(folder) / "benchmarks"))
            environment["ZOO_CACHE_DIR"] = "off"
        with serving("apps/dashboard.py", Path(folder) / "server.log", environment) as app:
            yield app


def walks(browser: Browser, app: Served, options: argparse.Namespace) -> dict[str, Walk]:
    """Walk for the minutes asked for; the first walk to each distinct fault."""
    end = time.monotonic() + 60 * options.minutes
    found: dict[str, Walk] = {}
    counts, missed, said, pages = Counter(), Counter(), Counter(), Counter()
    seed = options.seed
    while time.monotonic() < end:
        begun = time.monotonic()
        walk = wander(
            browser,
            app,
            seed,
            options.steps,
            limit=options.limit,
            until=lambda: time.monotonic() > end,
        )
        counts.update(step.kind for step in walk.steps)
        pages.update(address.partition("?")[0] for address in walk.addresses)
        missed.update(walk.missed)
        said.update(walk.said)
        seconds = time.monotonic() - begun
        end_of_it = walk.faults[0] if walk.faults else "stands"
        print(f"seed {seed}: {len(walk.steps)} steps in {seconds:.0f} s, {end_of_it}", flush=True)
        if walk.faults and walk.faults[0].key not in found:
            found[walk.faults[0].key] = walk
            print(walk.report(), flush=True)
        if walk.faults and walk.faults[0].kind == "the server ended":
            break
        seed += 1
    print(f"\n{counts.total()} steps: {dict(counts.most_common())}")
    print(f"pages: {dict(pages.most_common())}")
    for title, some in (("could not be used", missed), ("said as errors by pages", said)):
        if some:
            print(f"{title}:")
            for text, times in some.most_common(30):
                print(f"  {times} x {text[:200]!r}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.apps.walk", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--minutes", type=float, default=5, help="how long to walk (5)")
    parser.add_argument("--seed", type=int, help="of the first walk; the next have the next")
    parser.add_argument("--steps", type=int, default=60, help="of one walk (60)")
    parser.add_argument("--limit", type=float, default=300, help="seconds a page may run (300)")
    parser.add_argument("--replays", type=int, default=30, help="tries to shorten a walk (30)")
    parser.add_argument("--replay", type=Path, help="a file with one walk as JSON")
    parser.add_argument("--walk", help="one walk as JSON")
    parser.add_argument("--address", help="of an app that runs already")
    parser.add_argument("--made-up", action="store_true", help="the tests' small models")
    parser.add_argument("--out", type=Path, help="a folder for the walks that fail, as JSON")
    options = parser.parse_args(arguments)
    if sync_playwright is None or not CHROMIUM:
        print("This needs playwright and a Chromium.", file=sys.stderr)
        return 2
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(100_000)
    text = options.replay.read_text("utf-8") if options.replay else options.walk
    with (
        sync_playwright() as playwright,
        dashboard(options) as app,
        contextlib.closing(
            playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        ) as browser,
    ):
        if text:
            walk = follow(browser, app, Walk.of(json.loads(text)), limit=options.limit)
            print(walk.report())
            for step in walk.missed:
                print(f"  could not be done: {step}")
            return 1 if walk.faults else 0
        found = walks(browser, app, options)
        for number, walk in enumerate(found.values(), 1):
            short = shrink(browser, app, walk, replays=options.replays, limit=options.limit)
            print(f"\nDistinct fault {number} of {len(found)}, shortened:\n{short.report()}")
            if options.out:
                options.out.mkdir(parents=True, exist_ok=True)
                name = f"walk-{walk.seed}.json"
                (options.out / name).write_text(json.dumps(short.data()), "utf-8")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
