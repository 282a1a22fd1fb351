"""The head view: two columns of words and lines between them, as a small component.

Words arrive as data, never as HTML. A line is as wide and as dark as its weight.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, figures, state
from apps.charts import base as charts
from apps.charts import static as drawing

HEADS = ("Written", "Read")
"""What stands over the column that looks and over the one that is looked at."""

HTML = '<div class="lines"></div>'

CSS = """
.lines { font-family: var(--st-font); color: var(--st-text-color); font-size: 0.95rem; }
.lines .heads, .lines .body {
  display: grid;
  grid-template-columns: minmax(0, 1fr) minmax(60px, 1.2fr) minmax(0, 1fr);
}
.lines .heads { font-weight: 600; margin-bottom: 4px; }
.lines .heads :first-child { text-align: right; }
.lines .heads :last-child { grid-column: 3; }
.lines .scroll { max-height: 34rem; overflow: auto; }
.lines .column { list-style: none; margin: 0; padding: 0; min-width: 0; }
.lines .column li {
  box-sizing: border-box;
  height: var(--row);
  line-height: var(--row);
  padding: 0 8px;
  border-radius: 4px;
  white-space: nowrap;
  overflow: hidden;
  text-overflow: ellipsis;
  cursor: default;
  outline: none;
}
.lines .rows li, .lines .columns.rtl li { text-align: right; }
.lines .columns li { text-align: left; }
.lines li.linked {
  background: color-mix(
    in srgb, var(--st-primary-color) calc(8% + var(--weight) * 38%), transparent
  );
}
.lines li.chosen, .lines li:focus-visible { box-shadow: inset 0 0 0 2px var(--st-primary-color); }
.lines svg { width: 100%; display: block; }
.lines path { stroke: var(--st-primary-color); fill: none; vector-effect: non-scaling-stroke; }
.lines.isolated path { display: none; }
.lines.isolated path.on { display: inline; }
.lines.isolated li:not(.linked, .chosen) { opacity: 0.62; }
.lines .said { min-height: 1.5em; margin: 6px 0 0; overflow-wrap: anywhere; }
"""

# textContent and setAttribute take any string as text; nothing is parsed.
JS = """
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".lines");
  // Drawn again only when there is something new: a page that runs again leaves the reader alone.
  const sent = JSON.stringify(data);
  if (root.sent === sent) return;
  root.sent = sent;
  const NS = "http://www.w3.org/2000/svg";
  const make = (tag, name, parent) => {
    const element = document.createElement(tag);
    element.className = name;
    parent.append(element);
    return element;
  };
  root.replaceChildren();
  root.className = "lines";
  root.style.setProperty("--row", `${data.row}px`);
  const heads = make("div", "heads", root);
  for (const head of data.heads) make("div", "", heads).textContent = head;
  const body = make("div", "body", make("div", "scroll", root));
  const words = { rows: [], columns: [] };
  const lines = [];

  const column = (side, rtl) => {
    const list = make("ul", `column ${side}${rtl ? " rtl" : ""}`, body);
    list.setAttribute("aria-label", data.heads[side === "rows" ? 0 : 1]);
    data[side].forEach((text, place) => {
      const word = make("li", "word", list);
      word.textContent = text;
      word.dir = "auto";
      word.tabIndex = place ? -1 : 0;
      word.setAttribute("aria-label", data.spoken[side][place]);
      word.dataset.side = side;
      word.dataset.place = place;
      words[side].push(word);
    });
  };
  column("rows", false);
  const svg = document.createElementNS(NS, "svg");
  const height = data.row * Math.max(data.rows.length, data.columns.length, 1);
  svg.setAttribute("viewBox", `0 0 100 ${height}`);
  svg.setAttribute("height", height);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  for (const [row, place, weight] of data.links) {
    const line = document.createElementNS(NS, "path");
    const [from, to] = [data.row * (row + 0.5), data.row * (place + 0.5)];
    line.setAttribute("d", `M0 ${from}C40 ${from} 60 ${to} 100 ${to}`);
    line.setAttribute("stroke-width", 0.8 + 3.2 * weight);
    line.setAttribute("stroke-opacity", weight);
    svg.append(line);
    lines.push({ line, row, place, weight });
  }
  body.append(svg);
  column("columns", data.rtl);
  const said = make("p", "said", root);

  const clear = () => {
    root.classList.remove("isolated");
    for (const word of [...words.rows, ...words.columns]) word.classList.remove("linked", "chosen");
    said.textContent = data.hint;
  };
  const isolate = (word) => {
    clear();
    const rows = word.dataset.side === "rows";
    const own = Number(word.dataset.place);
    root.classList.add("isolated");
    word.classList.add("chosen");
    for (const { line, row, place, weight } of lines) {
      const on = (rows ? row : place) === own;
      line.classList.toggle("on", on);
      if (!on) continue;
      const other = rows ? words.columns[place] : words.rows[row];
      other.classList.add("linked");
      other.style.setProperty("--weight", weight);
    }
    said.textContent = data.spoken[word.dataset.side][own];
  };
  const focused = () => body.querySelector("li:focus");
  const settle = () => (focused() ? isolate(focused()) : clear());
  body.onpointerover = (event) => {
    const word = event.target.closest?.("li.word");
    if (word) isolate(word);
  };
  body.onpointerleave = settle;
  // There are no onfocusin and onfocusout; the element is new at each drawing.
  body.addEventListener("focusin", (event) => {
    const word = event.target.closest?.("li.word");
    if (word) isolate(word);
  });
  body.addEventListener("focusout", () => setTimeout(settle));
  body.onkeydown = (event) => {
    const word = event.target.closest?.("li.word");
    if (!word) return;
    if (event.key === "Escape") {
      word.blur();
      return;
    }
    const { side, place } = word.dataset;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const over = { ArrowRight: "columns", ArrowLeft: "rows" }[event.key];
    let next = null;
    if (step) next = words[side][Number(place) + step];
    if (over) next = words[over][Math.min(place, words[over].length - 1)];
    if (!next) return;
    event.preventDefault();
    // One stop of the Tab key a column: the word that was last looked at.
    for (const one of words[next.dataset.side]) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  };
  clear();
}
"""

HINT = "Point at a word, or step to it with Tab and the arrow keys: only its lines stay."

_mount = st.components.v2.component("attention_zoo.lines", html=HTML, css=CSS, js=JS)


def show(
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    key: str,
    caption: str = "",
    heads: tuple[str, str] = HEADS,
    file: str | None = None,
) -> None:
    """Draw the lines of one map; pointing at a word, or stepping to it, leaves only its own.

    Args:
        weights: (T, S), from 0 to 1.
        rows, columns: T words that look, S words that are looked at.
        key: of the component, unique on a page.
        caption: what the saved files say under the picture.
        heads: what stands over each column.
        file: name of the saved files without ending; None for no Save menu.

    Raises:
        ValueError: the weights do not fit the words.
    """
    data = layout(weights, rows, columns, heads)
    _mount(data=data, key=state.key(key))
    if file is None:
        return
    svg = functools.partial(drawing.lines_svg, weights, rows, columns, heads=heads, caption=caption)
    figures.menu(
        file,
        png=lambda: drawing.png(svg()),
        svg=svg,
        rows=functools.partial(charts.heat_map_rows, np.asarray(weights), rows, columns),
        page=lambda: page(data, file, caption),
    )


def layout(
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    heads: tuple[str, str] = HEADS,
) -> dict[str, Any]:
    """All that the component draws, as JSON would hold it."""
    weights = drawing.checked(weights, rows, columns)
    drawn = drawing.links(weights)
    of_rows, of_columns = drawing.spoken(weights, rows, columns)
    left_out = int((weights > 0.001).sum()) - len(drawn)
    note = f" Weights below {drawing.LINES_FROM} are not drawn." if left_out > 0 else ""
    return {
        "rows": list(rows),
        "columns": list(columns),
        "links": drawn,
        "spoken": {"rows": of_rows, "columns": of_columns},
        "heads": list(heads),
        "rtl": drawing.right_to_left(columns),
        "row": drawing.ROW if max(len(rows), len(columns), 1) <= 40 else 20,
        "hint": HINT + note,
    }


def page(data: dict[str, Any], title: str, caption: str) -> str:
    """The same view, just as interactive, in an HTML file that needs no network."""
    return downloads.component_page(
        title=title, caption=caption, markup=HTML, css=CSS, js=JS, data=data
    )
