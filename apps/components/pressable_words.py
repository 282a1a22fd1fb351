"""Words and cells that are pressed like buttons, as two small components; text arrives as data.

Both tell Python all that is pressed after each click, so that quick clicks do not undo each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import state

Cell = tuple[int, int]

BASE_CSS = """
button {
  font: inherit;
  color: var(--st-text-color);
  background: transparent;
  border: 1px solid var(--st-border-color);
  border-radius: 0.35em;
  cursor: pointer;
}
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
"""
WORDS_CSS = (
    BASE_CSS
    + """
.words { display: flex; flex-wrap: wrap; gap: 0.35em; font-family: var(--st-font); }
.words { max-height: 14rem; overflow-y: auto; padding: 4px; }
button { min-width: 1.9em; min-height: 1.9em; padding: 0.15em 0.5em; overflow-wrap: anywhere; }
button[aria-pressed="true"] {
  border: 2px solid var(--st-primary-color);
  background: color-mix(in srgb, var(--st-primary-color) 22%, transparent);
  font-weight: 600;
}
.struck button[aria-pressed="true"] {
  border: 1px dashed var(--st-text-color);
  text-decoration: line-through 2px;
  font-weight: 400;
  background: repeating-linear-gradient(
    -45deg, transparent 0 5px, color-mix(in srgb, var(--st-text-color) 16%, transparent) 5px 7px
  );
}
"""
)
# The ground goes from the page's own most of the way to its primary colour, 0 to 1: one hue, in
# either theme, on which the page's text stays legible.
GRID_CSS = (
    BASE_CSS
    + """
.scroll { overflow: auto; max-height: 27rem; font-family: var(--st-font); font-size: 0.85rem; }
table { border-collapse: separate; border-spacing: 2px; }
th {
  font-weight: 400; color: var(--st-text-color); background: var(--st-background-color);
  max-width: 9rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
}
thead th { position: sticky; top: 0; z-index: 1; vertical-align: bottom; padding: 2px; }
thead th.slanted span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 7rem; }
thead th span { display: inline-block; overflow: hidden; text-overflow: ellipsis; }
tbody th { position: sticky; left: 0; z-index: 1; text-align: end; padding: 0 6px 0 0; }
thead th:first-child { left: 0; z-index: 2; }
td { padding: 0; }
td button {
  width: 100%; min-width: 1.75rem; height: 1.6rem; padding: 0 3px; border-radius: 2px;
  border-color: color-mix(in srgb, var(--st-text-color) 14%, transparent);
  background: color-mix(
    in srgb, var(--st-primary-color) calc(var(--weight) * 62%), var(--st-background-color)
  );
}
td button[aria-pressed="true"] {
  outline: 3px solid var(--st-text-color); outline-offset: -2px; font-weight: 700;
}
td button[aria-pressed="true"].struck { outline-style: dashed; text-decoration: line-through; }
"""
)

# textContent, title and aria-label take any string as text; nothing is parsed. A new drawing
# keeps the focus where it was, or a keyboard's reader would start again after every press.
WORDS_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const line = parentElement.querySelector(".words");
  const focused = parentElement.activeElement?.dataset?.place;
  const pressed = new Set(data.pressed);
  line.className = "words" + (data.struck ? " struck" : "");
  line.setAttribute("aria-label", data.label);
  line.replaceChildren();
  data.words.forEach((word, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.dir = "auto";
    button.dataset.place = place;
    button.textContent = word;
    button.setAttribute("aria-pressed", pressed.has(place));
    button.onclick = () => {
      if (!pressed.delete(place)) pressed.add(place);
      button.setAttribute("aria-pressed", pressed.has(place));
      setTriggerValue("pressed", [...pressed]);
    };
    line.append(button);
  });
  line.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true });
}
"""
GRID_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const table = parentElement.querySelector("table");
  const active = parentElement.activeElement?.dataset?.place;
  const pressed = new Set(data.pressed.map(String));
  const buttons = data.rows.map(() => []);
  const header = (text, slanted) => {
    const cell = document.createElement("th");
    const span = document.createElement("span");
    span.textContent = text;
    span.dir = "auto";
    cell.title = text;
    cell.className = slanted ? "slanted" : "";
    cell.append(span);
    return cell;
  };
  const draw = (button, place) => {
    const on = pressed.has(place);
    button.setAttribute("aria-pressed", on);
    button.textContent = data.marks[on ? 1 : 0];
  };
  const press = (row, place) => {
    const on = pressed.delete(place);
    if (!on) {
      if (data.exclusive) buttons[row].forEach((one) => pressed.delete(one.dataset.place));
      pressed.add(place);
    }
    buttons[row].forEach((one) => draw(one, one.dataset.place));
    setTriggerValue("pressed", [...pressed].map((one) => one.split(",").map(Number)));
  };
  const walk = (event, row, column) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const [down, right] = step[event.key] ?? [];
    const next = buttons[row + down]?.[column + right];
    if (!next) return;
    event.preventDefault();
    event.currentTarget.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  };
  const head = document.createElement("thead");
  const labels = document.createElement("tr");
  labels.append(header(data.corner, false));
  data.columns.forEach((text) => labels.append(header(text, data.slanted)));
  head.append(labels);
  const body = document.createElement("tbody");
  data.rows.forEach((name, row) => {
    const line = document.createElement("tr");
    line.append(header(name, false));
    data.columns.forEach((column, index) => {
      if (!data.there[row][index]) return line.append(document.createElement("td"));
      const weight = data.weights ? data.weights[row][index] : 0;
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.place = [row, index];
      button.tabIndex = -1;
      button.className = data.struck ? "struck" : "";
      button.style.setProperty("--weight", Math.min(Math.max(weight, 0), 1));
      button.title = `${name} ${data.between} ${column}`;
      if (data.weights) button.title += `: ${weight.toFixed(2)}`;
      button.setAttribute("aria-label", button.title);
      button.onclick = () => press(row, button.dataset.place);
      button.onkeydown = (event) => walk(event, row, index);
      buttons[row][index] = button;
      draw(button, button.dataset.place);
      const cell = document.createElement("td");
      cell.append(button);
      line.append(cell);
    });
    body.append(line);
  });
  table.setAttribute("aria-label", data.label);
  table.replaceChildren(head, body);
  const first = table.querySelector(`button[data-place="${active}"]`);
  const stop = first ?? table.querySelector("button");
  if (stop) stop.tabIndex = 0;
  first?.focus({ preventScroll: true });
}
"""

_words = st.components.v2.component(
    "attention_zoo.pressed_words",
    html='<div class="words" role="group" dir="auto"></div>',
    css=WORDS_CSS,
    js=WORDS_JS,
)
_grid = st.components.v2.component(
    "attention_zoo.pressed_cells",
    html='<div class="scroll"><table></table></div>',
    css=GRID_CSS,
    js=GRID_JS,
)


def words(
    texts: Sequence[str],
    pressed: Sequence[int],
    *,
    key: str,
    label: str,
    on_press: Callable[[list[int]], None],
    struck: bool = False,
) -> None:
    """Words that are pressed and released, each a button.

    Args:
        texts: the words.
        pressed: the places of those that are pressed.
        key: of the component, unique on a page.
        label: what pressing does, for screen readers.
        on_press: told all places pressed after a click, in order, before the page runs again; it
            may set the state of widgets.
        struck: whether pressed words look struck out.
    """
    widget = state.key(key)

    def told() -> None:
        places = _sent(widget)
        on_press(sorted({one for one in places if _counts(one, len(texts))}))

    _words(
        data={
            "words": list(texts),
            "pressed": [int(one) for one in pressed],
            "label": label,
            "struck": struck,
        },
        key=widget,
        on_pressed_change=told,
    )


def grid(
    rows: Sequence[str],
    columns: Sequence[str],
    pressed: Sequence[Cell],
    *,
    key: str,
    label: str,
    on_press: Callable[[list[Cell]], None],
    weights: np.ndarray | None = None,
    there: np.ndarray | None = None,
    corner: str = "",
    between: str = "at",
    marks: tuple[str, str] = ("", "●"),
    exclusive: bool = False,
    slanted: bool = False,
    struck: bool = False,
) -> None:
    """Cells that are pressed and released; arrow keys move between them.

    Args:
        rows, columns: T and S labels.
        pressed: (row, column) of those that are pressed.
        key: of the component, unique on a page.
        label: what the cells are and what pressing does, for screen readers.
        on_press: told all cells pressed after a click, in order, before the page runs again.
        weights: (T, S) from 0 to 1, shading; None: no shading.
        there: (T, S) bool, which cells there are; None: all.
        corner: what rows and columns are.
        between: what is between a row's and a column's label in the name of a cell.
        marks: what is written in a cell, released and pressed.
        exclusive: pressing one releases the others of its row.
        slanted: whether the columns' labels are slanted, for words.
        struck: whether pressed cells look switched off.
    """
    shape = (len(rows), len(columns))
    _check_shapes(shape, weights=weights, there=there)
    widget = state.key(key)

    def told() -> None:
        cells = {tuple(one) for one in _sent(widget) if isinstance(one, list) and len(one) == 2}
        on_press(sorted(one for one in cells if all(map(_counts, one, shape))))

    _grid(
        data={
            "rows": list(rows),
            "columns": list(columns),
            "pressed": [[int(row), int(column)] for row, column in pressed],
            "weights": None if weights is None else np.round(weights, 3).tolist(),
            "there": np.ones(shape, bool).tolist() if there is None else np.asarray(there).tolist(),
            "label": label,
            "corner": corner,
            "between": between,
            "marks": list(marks),
            "exclusive": exclusive,
            "slanted": slanted,
            "struck": struck,
        },
        key=widget,
        on_pressed_change=told,
    )


def _check_shapes(shape: tuple[int, int], **arrays: np.ndarray | None) -> None:
    for name, array in arrays.items():
        if array is not None and np.shape(array) != shape:
            raise ValueError(
                f"{name} must have one row a label and one column a label, {shape}. "
                f"Received: {np.shape(array)}"
            )


def _sent(key: str) -> list[Any]:
    """What the browser says is pressed; it is not to be trusted."""
    sent = st.session_state[key].get("pressed")
    return sent if isinstance(sent, list) else []


def _counts(place: Any, count: int) -> bool:
    return isinstance(place, int) and 0 <= place < count
