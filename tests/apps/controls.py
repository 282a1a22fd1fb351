"""What a page of any Streamlit app lets one do: its controls, found by role, and ways to use them.

Nothing here knows what a page is about: links, buttons, lists, sliders, text fields and the like
are found in the page, in the shadow trees of its components and in its frames.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import ElementHandle, Frame, Page
from playwright.sync_api import Error as PlaywrightError

PATIENCE = 8_000
"""Milliseconds for one action on one control of a page at rest."""

TEXTS: tuple[str, ...] = (
    "",
    "   ",
    "hello",
    "Where is the train station?",
    "I have 4 cats, 27 dogs and $1,999.50.",
    "What a shame!",
    "don’t “quote” me – it’s 5 o’clock…",
    "3 May 2021",
    "31/02/2021",
    "yesterday",
    "05.03.21",
    "2021-05-03T10:11:12Z",
    "٣ مايو ٢٠٢١",
    "NASA",
    "naïve café, Ångström, e\u0301",
    "0",
    "-1",
    "12345678901234567890",
    "1e308",
    "😀👩‍👩‍👧‍👦🇪🇸",
    "مرحبا بالعالم",
    "שלום hello עולם",
    "我有四只猫,你呢?",
    "日本語の文です。",
    "ฉันมีแมวสี่ตัว",
    "x" * 400,
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</div><b>bold</b>&amp;&lt;",
    "# big\n\n**bold** [link](javascript:alert(1)) ![](x) :material/home: :red[red] $x^2$ `code`",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "{{x}} ${x} %s {0} {text}",
    "'; DROP TABLE models; --",
    "../../etc/passwd",
    "a?b=c&d=e#f+%20%ff",
    "bell \x07, escape \x1b[31m, backspace \x08, delete \x7f",
    "zero\u200bwidth\u200djoin\ufeff and \u202eturned",
    "no\u00a0break\tspace\r\nnew line",
    "\u2581 </s> <s> <unk> <pad>",
    "a",
    ".",
)
"""Ordinary and nasty, for any field; a number field gets some of NUMBERS."""
LONG = "word "
LONG_TIMES = 10_000
NUMBERS = ("0", "1", "2", "3", "7", "12", "100", "-1", "0.5", "1e9", "", "99999999999999999999")
KEYS = ("Home", "End", "ArrowRight", "ArrowLeft", "PageUp", "PageDown")
COMMITS = ("Tab", "Enter", "Control+Enter")
FILES = ("notes.txt", "pairs.tsv", "data.csv", "picture.png", "weights.bin")

# Everything that can be used, in the order of the document. `window.walkFound` keeps the elements.
FIND = r"""
() => {
  const found = [], elements = [];
  const clean = (text) => (text ?? "").replace(/\s+/g, " ").trim();
  const words = (element) => {
    let text = "";
    for (const node of element.childNodes) {
      if (node.nodeType === 3) text += node.data;
      else if (node.nodeType === 1 && node.dataset?.testid !== "stIconMaterial")
        text += " " + words(node);
      if (text.length > 300) break;
    }
    return text;
  };
  const label = (element) => {
    const root = element.getRootNode();
    const by = (element.getAttribute("aria-labelledby") ?? "").split(" ")
      .map((id) => id && root.getElementById?.(id)).filter((one) => one && one !== element);
    const around = element.labels?.[0] ?? element.closest("label");
    for (const text of [element.getAttribute("aria-label"), ...by.map(words),
                        around && words(around), element.title, element.placeholder,
                        words(element)])
      if (clean(text)) return clean(text).slice(0, 60);
    return "";
  };
  const tool = "[data-testid=stElementToolbar], [data-testid=stTooltipHoverTarget]";
  const kind = (element) => {
    const tag = element.localName, type = element.type, role = element.getAttribute("role") ?? "";
    if (element.matches("a[href]")) {
      const to = new URL(element.href, location.href);
      return to.origin === location.origin && !element.download ? "link" : null;
    }
    if (tag === "input" && type === "file") return "file";
    if (role === "combobox") return "list";
    if (role === "radio" || (tag === "input" && type === "radio")) return "choice";
    if (/^(checkbox|switch)$/.test(role) || (tag === "input" && type === "checkbox"))
      return "toggle";
    if (role === "slider" || (tag === "input" && type === "range")) return "slider";
    if (tag === "input" && type === "number") return "number";
    if (role === "spinbutton") return "slider";
    if (tag === "textarea" || element.isContentEditable
        || (tag === "input" && !/^(button|submit|reset|image|hidden|color)$/.test(type)))
      return "text";
    if (role === "tab") return "tab";
    if (role === "option") return "option";
    if (tag === "summary") return "fold";
    if (tag === "button" || /^(button|menuitem)$/.test(role)
        || (tag === "input" && /^(button|submit)$/.test(type)))
      return element.closest(tool) ? "tool" : "button";
    if (role === "graphics-document" || (tag === "canvas" && !element.closest("button")))
      return "figure";
    return null;
  };
  const shown = (element) => {
    if (!element.checkVisibility({ checkVisibilityCSS: true })) return false;
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0 && box.right > 0 && box.bottom + scrollY > 0;
  };
  const visit = (root, main, covered) => {
    for (const element of root.querySelectorAll("*")) {
      const inside = main || !!element.closest("[data-testid=stMain]");
      if (element.shadowRoot)
        visit(element.shadowRoot, inside, covered || !!element.closest("[aria-hidden=true]"));
      const what = kind(element);
      if (!what) continue;
      // A checkbox or a file field is often invisible itself: its label is what people press.
      let target = element;
      if ((what === "toggle" || what === "choice") && element.localName === "input")
        target = element.closest("label") ?? element;
      if (what !== "file" && !shown(target)) continue;
      const off = element.disabled || element.getAttribute("aria-disabled") === "true";
      const hidden = covered || !!element.closest("[aria-hidden=true], [inert]");
      const name = label(element);
      const to = what === "link" ? new URL(element.href).pathname : "";
      found.push({ kind: what, label: name, place: elements.length, main: inside,
                   usable: !off && !hidden, disabled: off, to });
      elements.push(target);
    }
  };
  visit(document, false, false);
  window.walkFound = elements;
  return found;
}
"""

# Whether a press in the middle of an element reaches it, once it is scrolled into view.
REACHES = """
(element) => {
  if (!element.isConnected) return false;
  element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const box = element.getBoundingClientRect();
  const x = box.left + box.width / 2, y = box.top + box.height / 2;
  let hit = document.elementFromPoint(x, y);
  while (hit?.shadowRoot) {
    const inner = hit.shadowRoot.elementFromPoint(x, y);
    if (!inner || inner === hit) break;
    hit = inner;
  }
  const label = element.closest("label");
  for (let node = hit; node; node = node.parentNode ?? node.host)
    if (node === element || (label && node === label)) return true;
  return false;
}
"""


@dataclass(frozen=True)
class Control:
    """One thing to use: the `nth` of its kind and label on the page.

    `to` is the path a link leads to; `main`: in the page itself, not in its navigation;
    `usable`: neither disabled nor under an open list or dialog.
    """

    kind: str
    label: str
    nth: int
    frame: int
    place: int
    main: bool
    usable: bool
    disabled: bool
    to: str


@dataclass(frozen=True)
class Step:
    """One thing a walker does: use a control, or move (back, forward, reload, resize, escape)."""

    kind: str
    label: str = ""
    nth: int = 0
    value: Any = None

    def __str__(self) -> str:
        name = f" {self.label!r}" if self.label else ""
        number = f" (number {self.nth + 1})" if self.nth else ""
        value = "" if self.value is None else f" <- {self.value!r}"
        return f"{self.kind}{name}{number}{value}"

    def data(self) -> list[Any]:
        """For JSON, as short as it can be."""
        values = [self.kind, self.label, self.nth, self.value]
        while values and values[-1] in (None, 0, ""):
            values.pop()
        return values


def find(page: Page) -> list[Control]:
    """The controls of the page and of its frames, in their order."""
    controls, seen = [], {}
    for number, frame in enumerate(page.frames):
        for one in _within(frame):
            same = (one["kind"], one["label"])
            seen[same] = seen.get(same, -1) + 1
            # Everything in an inner frame belongs to the page, not to its navigation.
            one["main"] = one["main"] or number > 0
            controls.append(Control(nth=seen[same], frame=number, **one))
    return controls


def _within(frame: Frame) -> list[dict[str, Any]]:
    try:
        return frame.evaluate(FIND)
    except PlaywrightError:  # navigating, or gone
        return []


def element(page: Page, control: Control) -> ElementHandle | None:
    """The element of a control that `find` has just found."""
    frames = page.frames
    if control.frame >= len(frames):
        return None
    handle = frames[control.frame].evaluate_handle(
        "place => window.walkFound?.[place]", control.place
    )
    return handle.as_element()


def reached(handle: ElementHandle, kind: str) -> bool:
    """Whether nothing lies over a control; keys reach a slider and a file its field anyway."""
    return kind in ("slider", "file") or handle.evaluate(REACHES)


def wanted(controls: Iterable[Control], step: Step) -> Control | None:
    """The control that a step is about, if it is there and can be used."""
    same = [c for c in controls if (c.kind, c.label) == (step.kind, step.label)]
    exact = next((c for c in same if c.nth == step.nth), None)
    return exact if exact is not None and exact.usable else None


def value_for(kind: str, rng: random.Random) -> Any:
    """What a walker does with a control of this kind; None where pressing is all."""
    if kind == "text":
        text = [LONG, LONG_TIMES] if rng.random() < 0.03 else rng.choice(TEXTS)
        return [text, rng.choice(COMMITS)]
    if kind == "number":
        return [rng.choice(NUMBERS), rng.choice(COMMITS)]
    if kind == "slider":
        return [rng.choice(KEYS)] * rng.choice((1, 1, 2, 5))
    if kind == "list":
        if rng.random() < 0.1:
            return {"type": rng.choice(TEXTS)}
        return {"place": rng.random()}  # becomes the option's own words once the list is open
    if kind == "file":
        return [rng.choice(FILES), rng.choice(TEXTS)]
    if kind == "figure":
        return [round(rng.random(), 2), round(rng.random(), 2)]
    return None


def use(page: Page, handle: ElementHandle, step: Step) -> Step:
    """Do the step to its element; returns the step with what was chosen filled in.

    Raises:
        PlaywrightError: the element is gone, covered, or does not take it.
    """
    kind, value = step.kind, step.value
    if kind in ("text", "number"):
        text, commit = value
        handle.click(timeout=PATIENCE)
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        if written := text if isinstance(text, str) else text[0] * text[1]:
            page.keyboard.insert_text(written)
        page.keyboard.press(commit)
    elif kind == "slider":
        handle.focus()
        for key in value:
            page.keyboard.press(key)
    elif kind == "list":
        return _choose(page, handle, step)
    elif kind == "file":
        name, text = value
        handle.set_input_files(
            {"name": name, "mimeType": "text/plain", "buffer": text.encode()}, timeout=PATIENCE
        )
    elif kind == "figure":
        handle.scroll_into_view_if_needed(timeout=PATIENCE)
        box = handle.bounding_box()
        if box is None:
            raise PlaywrightError("the figure is gone")
        x, y = (min(max(share, 0.02), 0.98) for share in value)
        handle.click(position={"x": x * box["width"], "y": y * box["height"]}, timeout=PATIENCE)
    else:
        handle.click(timeout=PATIENCE)
    return step


def _choose(page: Page, handle: ElementHandle, step: Step) -> Step:
    """Open a list and choose, or type into it."""
    handle.click(timeout=PATIENCE)
    if (typed := step.value.get("type")) is not None:
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(typed or " ")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        return step
    options = page.get_by_role("option")
    options.first.wait_for(timeout=PATIENCE)
    names = options.all_inner_texts()
    if not names:
        raise PlaywrightError("the list closed by itself")
    pick = step.value.get("pick")
    if pick is None:
        pick = names[int(step.value["place"] * len(names))]
    if pick not in names:
        page.keyboard.press("Escape")
        raise PlaywrightError(f"the list has no {pick!r}")
    options.nth(names.index(pick)).click(timeout=PATIENCE)
    return Step(step.kind, step.label, step.nth, {"pick": pick})


def as_steps(data: Sequence[Sequence[Any]]) -> list[Step]:
    """Steps from JSON."""
    return [Step(*one) for one in data]
