"""What tests of legibility measure in a real Chromium: contrast, headings, what is wider than it.

The scripts walk through shadow roots too, where the dashboard's own components are.
"""

from __future__ import annotations

from typing import Any

# Colours are read off a canvas, which knows every notation that a browser does. A group's opacity
# fades all that is in it, so text and ground are mixed from the inside out, once with the text
# and once without it.
_CONTRAST = """
() => {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
    .getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgba = (colour) => {
    if (!known.has(colour)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = "#000";
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = (top, below) => {
    const alpha = top[3] + below[3] * (1 - top[3]);
    if (!alpha) return [0, 0, 0, 0];
    const mix = (i) => (top[i] * top[3] + below[i] * below[3] * (1 - top[3])) / alpha;
    return [mix(0), mix(1), mix(2), alpha];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => {
      c /= 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const parent = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host;
  // The marks of a chart that were drawn before a text and lie under its middle.
  const marks = (element) => {
    const svg = element.closest?.("svg");
    if (!svg || svg === element) return [0, 0, 0, 0];
    const box = element.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    let ground = [0, 0, 0, 0];
    for (const mark of svg.querySelectorAll("path, rect")) {
      if (mark.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING) break;
      const style = getComputedStyle(mark);
      const area = mark.getBoundingClientRect();
      const under = area.left <= x && x <= area.right && area.top <= y && y <= area.bottom;
      if (!under || style.fill === "none" || style.visibility === "hidden") continue;
      if (mark.closest(".role-legend-gradient, .role-legend-symbol, .role-legend")) continue;
      const [r, g, b, a] = rgba(style.fill);
      ground = over([r, g, b, a * Number(style.fillOpacity) * Number(style.opacity)], ground);
    }
    return ground;
  };
  const measure = (element, colour) => {
    let ground = marks(element);
    let text = over(rgba(colour), ground);
    for (let node = element; node; node = parent(node)) {
      const style = getComputedStyle(node);
      const below = rgba(style.backgroundColor);
      [text, ground] = [over(text, below), over(ground, below)];
      const opacity = Number(style.opacity);
      text = [...text.slice(0, 3), text[3] * opacity];
      ground = [...ground.slice(0, 3), ground[3] * opacity];
    }
    if (!text[3]) return 21;  // nothing is drawn
    const page = [255, 255, 255, 1];
    const [one, other] = [luminance(over(text, page)), luminance(over(ground, page))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const off = (element) => {
    for (let node = element; node; node = parent(node)) {
      if (node.matches(":disabled, [aria-disabled=true]")) return true;
    }
    return false;
  };
  const shown = (element) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 1 && box.height > 1 && style.clip !== "rect(0px, 0px, 0px, 0px)";
  };
  const found = [];
  const say = (element, text, colour) => {
    if (!text || !shown(element) || off(element)) return;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const icon = style.fontFamily.includes("Material");
    const ratio = measure(element, colour);
    const needed = large || icon ? 3 : 4.5;
    if (ratio < needed - 0.005) {
      const named = element.closest("[data-testid]") ?? element.getRootNode().host ?? element;
      found.push({
        text: text.slice(0, 60), ratio: Math.round(ratio * 100) / 100, needed,
        where: `${named.dataset?.testid ?? ""} ${element.tagName}.${element.className}`,
      });
    }
  };
  let texts = 0;
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) walk(element.shadowRoot);
      if (element.matches("script, style, noscript, title, canvas, option")) continue;
      const style = getComputedStyle(element);
      const svg = element instanceof SVGElement;
      const own = [...element.childNodes]
        .filter((node) => node.nodeType === Node.TEXT_NODE)
        .map((node) => node.textContent.trim()).join(" ").trim();
      if (own) texts += 1;
      if (own && !svg) say(element, own, style.color);
      if (own && svg && style.fill !== "none") {
        const [r, g, b, a] = rgba(style.fill);
        say(element, own, `rgba(${r},${g},${b},${a * Number(style.fillOpacity)})`);
      }
      const kind = element.getAttribute("type") ?? "text";
      const typed = element.tagName === "INPUT" && !["range", "checkbox", "radio"].includes(kind);
      if (typed || element.tagName === "TEXTAREA") {
        if (element.value) say(element, element.value, style.color);
        else say(element, element.placeholder, getComputedStyle(element, "::placeholder").color);
      }
    }
  };
  walk(document);
  return [texts, found];
}
"""

_HEADINGS = """
() => {
  const found = [];
  const walk = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) walk(element.shadowRoot);
      const tag = /^H([1-6])$/.exec(element.tagName);
      const level = Number(element.getAttribute("aria-level") ?? tag?.[1]);
      if (!tag && element.role !== "heading") continue;
      if (element.checkVisibility()) found.push([level, element.innerText.trim()]);
    }
  };
  walk(document);
  return found;
}
"""

_UNNAMED = """
() => [...document.querySelectorAll("img, [role=img], [role=graphics-document], canvas")]
  .filter((one) => one.checkVisibility() && !one.closest("[aria-hidden=true]"))
  .filter((one) => one.tagName !== "CANVAS" || !one.closest("[role], [data-testid=stDataFrame]"))
  .filter((one) => !(one.alt ?? one.getAttribute("aria-label") ?? one.textContent).trim())
  .map((one) => one.outerHTML.slice(0, 200))
"""


def faint(page: Any) -> list[dict[str, Any]]:
    """Every text on the page below the contrast of WCAG AA: 4.5, or 3 for large text and icons."""
    texts, found = page.evaluate(_CONTRAST)
    assert texts > 5, "the page has no text to look at"
    return found


def headings(page: Any) -> list[tuple[int, str]]:
    """Level and text of every heading that is to be seen, from top to bottom."""
    return [tuple(one) for one in page.evaluate(_HEADINGS)]


def unnamed(page: Any) -> list[str]:
    """Pictures and charts without words that stand for them."""
    return page.evaluate(_UNNAMED)


def too_wide(page: Any) -> bool:
    """Whether the page itself scrolls sideways."""
    return page.evaluate(
        """() => [document.documentElement, document.querySelector("[data-testid=stMain]")]
          .some((box) => box && box.scrollWidth > box.clientWidth)"""
    )
