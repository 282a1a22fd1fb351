"""The model view: every layer and head as small multiples on one scale, as a small component."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, figures, state
from apps.charts import base as charts
from apps.charts import static as drawing

HTML = '<div class="grid"></div>'

CSS = """
.grid { font-family: var(--st-font); color: var(--st-text-color); font-size: 0.85rem; }
.grid .scroll { overflow-x: auto; padding: 3px; }
.grid .cells {
  display: grid;
  gap: var(--gap);
  align-items: center;
  grid-template-columns: max-content repeat(var(--heads), minmax(var(--least), var(--widest)));
}
.grid.one .cells { grid-template-columns: minmax(0, 1fr); }
.grid .top { text-align: center; }
.grid .side { padding-right: 4px; }
.grid button {
  appearance: none;
  display: block;
  width: 100%;
  margin: 0;
  padding: 0;
  border: 1px solid var(--st-border-color);
  border-radius: 3px;
  background: none;
  cursor: pointer;
  outline-offset: 1px;
}
.grid.one button { cursor: crosshair; }
.grid button:hover { border-color: var(--st-primary-color); }
.grid button:focus-visible { outline: 2px solid var(--st-text-color); outline-offset: 3px; }
.grid button.selected { outline: 3px solid var(--st-primary-color); }
.grid canvas { display: block; width: 100%; image-rendering: pixelated; border-radius: 2px; }
.grid .scale { display: flex; gap: 6px; align-items: center; margin-top: 8px; }
.grid .ramp { width: 90px; height: 8px; border-radius: 2px; }
.grid .said { min-height: 1.5em; margin: 4px 0 0; overflow-wrap: anywhere; }
"""

JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".grid");
  const [layers, heads, height, width] = data.shape;
  const bytes = Uint8Array.from(atob(data.weights), (letter) => letter.charCodeAt(0));
  const make = (tag, name, parent, text = "") => {
    const element = document.createElement(tag);
    element.className = name;
    element.textContent = text;
    parent.append(element);
    return element;
  };
  const one = layers * heads === 1;
  const active = root.getRootNode().activeElement;
  const held = root.contains(active) ? Number(active.dataset.place) : null;
  root.replaceChildren();
  root.className = one ? "grid one" : "grid";
  const cells = make("div", "cells", make("div", "scroll", root));
  cells.style.setProperty("--heads", heads);
  cells.style.setProperty("--widest", `${data.widest}px`);
  const many = heads > 8; // beside a map they have half a page
  cells.style.setProperty("--least", many ? "24px" : "44px");
  cells.style.setProperty("--gap", many ? "4px" : "8px");
  const name = (layer, head) => (one ? "" : `Layer ${layer + 1}, head ${head + 1}`);
  const buttons = [];
  const canvases = [];
  if (!one) {
    make("span", "side", cells, many ? "Head" : "");
    for (let head = 0; head < heads; head++) {
      make("span", "top", cells, `${many ? "" : "Head "}${head + 1}`);
    }
  }
  const scale = make("div", "scale", root);
  make("span", "", scale, "0");
  const ramp = make("div", "ramp", scale);
  make("span", "", scale, "1");
  const said = make("p", "said", root, data.hint);

  const start = data.selected ?? [0, 0];
  for (let layer = 0; layer < layers; layer++) {
    if (!one) make("span", "side", cells, `Layer ${layer + 1}`);
    for (let head = 0; head < heads; head++) {
      const here = data.selected?.[0] === layer && data.selected?.[1] === head;
      const button = make("button", here ? "selected" : "", cells);
      button.type = "button";
      button.tabIndex = layer === start[0] && head === start[1] ? 0 : -1;
      button.setAttribute("aria-label", data.spoken[layer * heads + head]);
      button.setAttribute("aria-pressed", String(here));
      button.dataset.place = layer * heads + head;
      const canvas = make("canvas", "", button);
      [canvas.width, canvas.height] = [width, height];
      canvas.style.aspectRatio = Math.min(Math.max(width / height, 0.5), 2.5);
      button.onclick = () => setTriggerValue("picked", [layer, head]);
      canvas.onpointermove = (event) => {
        const box = canvas.getBoundingClientRect();
        const part = (at, from, size, count) =>
          Math.min(Math.max(Math.floor(((at - from) / size) * count), 0), count - 1);
        const row = part(event.clientY, box.top, box.height, height);
        const column = part(event.clientX, box.left, box.width, width);
        const weight = bytes[((layer * heads + head) * height + row) * width + column] / 255;
        const words = data.rows.length ? `${data.rows[row]} at ${data.columns[column]}: ` : "";
        const parts = [name(layer, head), words + weight.toFixed(2)];
        said.textContent = parts.filter(Boolean).join(": ");
      };
      canvas.onpointerleave = () => (said.textContent = data.hint);
      buttons.push(button);
      canvases.push(canvas);
    }
  }
  cells.onkeydown = (event) => {
    const place = buttons.indexOf(event.target);
    const step = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: heads, ArrowUp: -heads,
    }[event.key];
    const next = buttons[place + step];
    if (place < 0 || !step || !next) return;
    event.preventDefault();
    // One stop of the Tab key: the cell that was last looked at.
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  };

  const paint = () => {
    const named = getComputedStyle(root).getPropertyValue("--st-chart-sequential-colors");
    const found = named.match(/#[0-9a-f]{6}/gi) ?? data.ramp;
    ramp.style.background = `linear-gradient(to right, ${found.join(",")})`;
    const colours = found.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
    const table = Array.from({ length: 256 }, (_, level) => {
      const place = (level / 255) * (colours.length - 1);
      const low = Math.min(Math.floor(place), colours.length - 2);
      return colours[low].map((c, i) => c + (place - low) * (colours[low + 1][i] - c));
    });
    canvases.forEach((canvas, number) => {
      if (!width || !height) return;
      const pen = canvas.getContext("2d");
      const image = pen.createImageData(width, height);
      for (let i = 0; i < width * height; i++) {
        const [red, green, blue] = table[bytes[number * width * height + i]];
        image.data.set([red, green, blue, 255], 4 * i);
      }
      pen.putImageData(image, 0, 0);
    });
  };
  paint();
  // Whoever picked a cell by keyboard stays at it.
  if (held !== null) buttons[held]?.focus({ preventScroll: true });
  // The page's colours follow the system's; they are there a moment after it changes.
  const media = matchMedia("(prefers-color-scheme: dark)");
  const later = () => setTimeout(paint, 300);
  media.addEventListener("change", later);
  return () => media.removeEventListener("change", later);
}
"""

HINT = "Point at a cell to read it; click it, or step to it and press Enter, to see it large."
HINT_ONE = "Point at a cell to read it."

_mount = st.components.v2.component("attention_zoo.grid", html=HTML, css=CSS, js=JS)


def show(
    maps: np.ndarray,
    *,
    key: str,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    selected: tuple[int, int] | None = None,
    on_select: Callable[[int, int], None] | None = None,
    caption: str = "",
    file: str | None = None,
) -> tuple[int, int] | None:
    """Draw every layer and head; a click, or Enter, picks one. One map alone is drawn large.

    Args:
        maps: (L, H, T, S), from 0 to 1.
        key: of the component, unique on a page.
        rows, columns: T and S words, for what is said of a cell.
        selected: layer and head that are marked, counted from 0.
        on_select: told layer and head before the page runs again, so that it may change what
            widgets hold.
        caption: what the saved files say under the picture.
        file: name of the saved files without ending; None for no Save menu.

    Returns:
        layer and head that were just picked, in the run after that only; else None.

    Raises:
        ValueError: the maps are not (L, H, T, S), or do not fit the words.
    """
    data = layout(maps, rows, columns, selected)

    widget = state.key(key)

    def picked() -> None:
        if on_select and (cell := _cell(st.session_state.get(widget), maps.shape)):
            on_select(*cell)

    result = _mount(data=data, key=widget, on_picked_change=picked)
    if file is not None:
        svg = functools.partial(drawing.grid_svg, maps, caption=caption, selected=selected)
        figures.menu(
            file,
            png=lambda: drawing.png(svg()),
            svg=svg,
            rows=functools.partial(records, maps, rows, columns),
            page=lambda: page(data, file, caption),
        )
    return _cell(result, maps.shape)


def layout(
    maps: np.ndarray,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    selected: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """All that the component draws, as JSON would hold it: a byte a weight."""
    maps = np.asarray(maps)
    fits = maps.ndim == 4 and (not rows or maps.shape[2:] == (len(rows), len(columns)))
    if not fits:
        raise ValueError(
            "maps must be (L, H, T, S), T and S as many as there are words. "
            f"Received: maps.shape={maps.shape}, {len(rows)} rows, {len(columns)} columns"
        )
    one = maps.shape[0] * maps.shape[1] == 1
    return {
        "shape": list(maps.shape),
        "weights": base64.b64encode(drawing.quantised(maps).tobytes()).decode("ascii"),
        "rows": list(rows),
        "columns": list(columns),
        "selected": None if selected is None or one else list(selected),
        "spoken": [
            _spoken(maps[layer, head], rows, columns, layer, head)
            for layer in range(maps.shape[0])
            for head in range(maps.shape[1])
        ],
        "hint": HINT_ONE if one else HINT,
        "widest": 150,
        "ramp": list(charts.RAMP),
    }


def _spoken(
    map_: np.ndarray, rows: Sequence[str], columns: Sequence[str], layer: int, head: int
) -> str:
    """A cell in words: which it is, and its strongest link."""
    named = f"Layer {layer + 1}, head {head + 1}"
    if not rows or not map_.size:
        return named
    row, column = np.unravel_index(int(np.argmax(map_)), map_.shape)
    return f"{named}. Strongest: {rows[row]} at {columns[column]}, {map_[row, column]:.2f}"


def _cell(result: Any, shape: tuple[int, ...]) -> tuple[int, int] | None:
    """What the browser sent, if it names a layer and a head."""
    picked = result.get("picked") if hasattr(result, "get") else None
    if not isinstance(picked, list | tuple) or len(picked) != 2:
        return None
    if not all(isinstance(one, int | float) for one in picked):
        return None
    layer, head = int(picked[0]), int(picked[1])
    return (layer, head) if 0 <= layer < shape[0] and 0 <= head < shape[1] else None


def records(
    maps: np.ndarray, rows: Sequence[str] = (), columns: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Every weight of every map as a record, layers and heads counted from 1."""
    rows = rows or [str(i) for i in range(maps.shape[2])]
    columns = columns or [str(i) for i in range(maps.shape[3])]
    return [
        {"layer": layer + 1, "head": head + 1, **record}
        for layer in range(maps.shape[0])
        for head in range(maps.shape[1])
        for record in charts.heat_map_rows(maps[layer, head], rows, columns)
    ]


def page(data: dict[str, Any], title: str, caption: str) -> str:
    """The same view in an HTML file that needs no network; a click there picks nothing."""
    return downloads.component_page(
        title=title, caption=caption, markup=HTML, css=CSS, js=JS, data=data
    )
