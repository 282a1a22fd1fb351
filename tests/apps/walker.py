"""Somebody who uses an app at random: chooses by a seed, does, waits, looks, and remembers the way.

The choices depend on the seed and on what the page offers, and on nothing else, so that the same
seed takes the same way through the same app.
"""

from __future__ import annotations

import json
import random
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from tests.apps import controls
from tests.apps.browser import Served
from tests.apps.controls import Control, Step
from tests.apps.faults import Fault, Watch, dead_end

SIZES = {390: 844, 820: 1180, 1280: 800}
"""Width and height of a phone, a tablet and a desktop."""
# How often each kind is chosen where there is one that was not used yet.
WEIGHTS = {
    "link": 2.0,
    "button": 4.0,
    "choice": 4.0,
    "text": 3.0,
    "list": 3.0,
    "slider": 3.0,
    "option": 3.0,
    "toggle": 2.0,
    "tab": 2.0,
    "fold": 1.5,
    "number": 1.5,
    "file": 1.0,
    "figure": 0.7,
    "tool": 0.7,
    "back": 0.7,
    "forward": 0.4,
    "reload": 0.4,
    "resize": 0.5,
    "escape": 0.1,
}
MOVES = ("back", "forward", "reload", "resize", "escape")
MISSES = 15
"""Controls in a row that could not be used, after which the page is a dead end."""


@dataclass
class Walk:
    """A way through an app. `addresses`: where each step was done, as paths."""

    seed: int | None = None
    width: int = 1280
    start: str = "/"
    steps: list[Step] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    said: set[str] = field(default_factory=set)

    def data(self) -> dict[str, Any]:
        """What is needed to walk it again, for JSON."""
        steps = [step.data() for step in self.steps]
        return {"seed": self.seed, "width": self.width, "start": self.start, "steps": steps}

    @classmethod
    def of(cls, data: dict[str, Any]) -> Walk:
        steps = controls.as_steps(data.get("steps", []))
        return cls(data.get("seed"), data.get("width", 1280), data.get("start", "/"), steps)

    def report(self) -> str:
        """The faults, the way to them, and the command that walks it again."""
        lines = [f"FAULT {fault}" for fault in self.faults] or ["No fault"]
        seed = "" if self.seed is None else f"seed {self.seed}, "
        lines.append(f"  {seed}{self.width} pixels wide, from {self.start}")
        places = [*self.addresses, *[""] * len(self.steps)]
        for number, (step, place) in enumerate(zip(self.steps, places, strict=False), 1):
            path = place.partition("?")[0]
            lines.append(f"  {number:3}. {path:14} {step}")
        again = json.dumps(self.data(), ensure_ascii=True, separators=(",", ":"))
        lines.append(f"  again: python -m tests.apps.walk --walk {shlex.quote(again)}")
        return "\n".join(lines)


class Walker:
    """One session in one browser window."""

    def __init__(
        self, browser: Browser, app: Served, width: int, start: str = "/", *, limit: float = 300
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": SIZES.get(width, 800)},
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.origin = app.address
        self.watch = Watch(self.context, app.address, app.log, app.process, limit)
        self.page = self.context.new_page()
        self.controls: list[Control] = []
        try:
            self.page.goto(app.address + start, wait_until="domcontentloaded", timeout=120_000)
        except PlaywrightError as error:
            self.watch.record("lost connection", error.message)

    def close(self) -> None:
        self.context.close()

    @property
    def address(self) -> str:
        return self.page.url.removeprefix(self.origin)

    def look(self) -> list[Fault]:
        """Wait for the page to come to rest, and judge it."""
        while len(pages := self.context.pages) > 1:  # a link opened a window: on in that
            self.page = pages[-1]
            pages[0].close()
        for _ in range(3):
            if fault := self.watch.settle(self.page):
                return [fault]
            try:
                found = self.watch.judge(self.page)
                for _ in range(20):  # what is merely drawn late is no dead end
                    self.controls = controls.find(self.page)
                    if found or not (end := dead_end(self.page, self.controls)):
                        return found
                    self.page.wait_for_timeout(250)
                return [end]
            except PlaywrightError:  # it moved on between the two
                continue
        return [Fault("restless", f"{self.address} navigates again and again")]

    def do(self, step: Step) -> Step | None:
        """Do a step; returns it as it was done, or None where it could not be done."""
        if step.kind in MOVES:
            return self._move(step)
        for attempt in range(3):
            try:
                if attempt:
                    self.controls = controls.find(self.page)
                control = controls.wanted(self.controls, step)
                handle = control and controls.element(self.page, control)
                if handle and controls.reached(handle, step.kind):
                    return controls.use(self.page, handle, step)
            except PlaywrightError:  # drawn anew meanwhile, or covered
                pass
            if self.watch.settle(self.page):
                return None
        return None

    def reaches(self, step: Step) -> bool:
        """Whether a step that was just chosen can be done: nothing lies over its control."""
        try:
            control = controls.wanted(self.controls, step)
            handle = control and controls.element(self.page, control)
            return bool(handle) and controls.reached(handle, step.kind)
        except PlaywrightError:
            return False

    def _move(self, step: Step) -> Step | None:
        page = self.page
        try:
            if step.kind in ("back", "forward"):
                can = "canGoBack" if step.kind == "back" else "canGoForward"
                if not page.evaluate(f"navigation.{can}"):
                    return None
                place = page.evaluate("navigation.currentEntry.index")
                page.evaluate(f"history.{step.kind}()")
                moved = "place => navigation.currentEntry.index !== place"
                page.wait_for_function(moved, arg=place, timeout=30_000)
            elif step.kind == "reload":
                page.reload(wait_until="domcontentloaded", timeout=120_000)
            elif step.kind == "resize":
                page.set_viewport_size({"width": step.value, "height": SIZES[step.value]})
            else:
                page.keyboard.press("Escape")
        except PlaywrightError:
            return None
        return step


def choose(
    rng: random.Random, found: Sequence[Control], tried: Counter, path: str, missed: int
) -> Step:
    """The next step, out of what the page offers; what was used less comes first."""
    usable = [control for control in found if control.usable]
    covered = len(usable) < sum(not control.disabled for control in found)
    rarities: dict[str, list[float]] = {}
    for control in usable:
        rarity = 1 / (1 + tried[path, control.kind, control.label]) ** 2
        rarities.setdefault(control.kind, []).append(rarity)
    # The same field takes another text every time, so it stays worth a visit.
    least = {"text": 0.6, "number": 0.3, "list": 0.3, "slider": 0.3}
    weights = {
        kind: WEIGHTS[kind] * max(least.get(kind, 0.1), *some) for kind, some in rarities.items()
    }
    weights |= {kind: WEIGHTS[kind] for kind in MOVES}
    if covered or missed:
        weights["escape"] = 3.0
    kind = rng.choices(list(weights), list(weights.values()))[0]
    if kind in MOVES:
        return Step(kind, value=rng.choice(list(SIZES)) if kind == "resize" else None)
    same = [control for control in usable if control.kind == kind]
    control = rng.choices(same, rarities[kind])[0]
    tried[path, kind, control.label] += 1
    return Step(kind, control.label, control.nth, controls.value_for(kind, rng))


def wander(
    browser: Browser,
    app: Served,
    seed: int,
    steps: int,
    *,
    start: str = "/",
    limit: float = 300,
    until: Callable[[], bool] = lambda: False,
) -> Walk:
    """A walk of so many steps, or until the first fault (or until `until`)."""
    first = random.Random(f"{seed}")
    walk = Walk(seed, first.choice(list(SIZES)), start)
    tried: Counter = Counter()
    walker = Walker(browser, app, walk.width, start, limit=limit)
    missed = 0
    try:
        walk.faults = walker.look()
        for number in range(steps):
            if walk.faults or until():
                break
            address = walker.address
            rng = random.Random(f"{seed}.{number}")
            path = address.partition("?")[0]
            for _ in range(10):  # somebody who looks does not press what lies under something
                step = choose(rng, walker.controls, tried, path, missed)
                if step.kind in MOVES or walker.reaches(step):
                    break
            done = walker.do(step)
            walk.faults = walker.look()
            if done or walk.faults:
                walk.steps.append(done or step)
                walk.addresses.append(address)
                missed = 0
            elif step.kind not in MOVES:
                missed += 1
                walk.missed.append(f"{path} {replace(step, value=None)}")
                if missed == MISSES:
                    text = f"the last {MISSES} controls that were tried on {address}"
                    walk.faults = [Fault("dead end", f"{text} could not be used")]
        walk.said = walker.watch.said
    finally:
        walker.close()
    return walk


def follow(browser: Browser, app: Served, walk: Walk, *, limit: float = 300) -> Walk:
    """Walk a walk again, until its first fault; steps that cannot be done are left out."""
    again = Walk(walk.seed, walk.width, walk.start)
    walker = Walker(browser, app, walk.width, walk.start, limit=limit)
    try:
        again.faults = walker.look()
        for step in walk.steps:
            if again.faults:
                break
            address = walker.address
            done = walker.do(step)
            again.faults = walker.look()
            if done or again.faults:
                again.steps.append(done or step)
                again.addresses.append(address)
            else:
                again.missed.append(str(step))
    finally:
        walker.close()
    return again


def shrink(
    browser: Browser, app: Served, walk: Walk, *, replays: int = 30, limit: float = 300
) -> Walk:
    """A shorter walk to the same fault: begun later, then with steps left out while it fails."""
    if not walk.faults:
        return walk
    key, left = walk.faults[0].key, replays

    def fails(shorter: Walk) -> Walk | None:
        nonlocal left
        if left <= 0:
            return None
        left -= 1
        again = follow(browser, app, shorter, limit=limit)
        return again if again.faults and again.faults[0].key == key else None

    best = walk
    for tail in (1, 2, 4):  # often the address says all that is needed
        if tail < len(walk.steps):
            later = replace(walk, start=walk.addresses[-tail], steps=walk.steps[-tail:])
            if found := fails(later):
                best = found
                break
    size = max(len(best.steps) // 2, 1)
    while size and left > 0 and best.steps:
        at = 0
        while at < len(best.steps):
            shorter = replace(best, steps=best.steps[:at] + best.steps[at + size :])
            if found := fails(shorter):
                best = found
            else:
                at += size
        size //= 2
    return best
