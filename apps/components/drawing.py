"""A sheet to draw on with mouse, pen or finger, as a small component: it gives an image."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable

import numpy as np
import streamlit as st

from apps import state

MOST = 400_000
"""Characters that the browser may send."""

HTML = """
<div class="sheet">
  <canvas width="224" height="224" tabindex="0" role="img"></canvas>
  <button type="button" class="clear"></button>
</div>
"""
CSS = """
.sheet { font-family: var(--st-font); display: inline-flex; flex-direction: column; gap: 6px; }
canvas {
  width: 196px; height: 196px; background: #000; border: 1px solid var(--st-border-color);
  border-radius: 6px; touch-action: none; cursor: crosshair;
}
canvas:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
button {
  font: inherit; color: var(--st-text-color); background: transparent; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: 0.4em; padding: 0.25em 0.7em;
}
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
"""

# White on black, as the digits of the training sets are. What was drawn stays on the sheet while
# the page runs again, until the button clears it.
JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas");
  const button = parentElement.querySelector("button");
  const pen = canvas.getContext("2d");
  canvas.setAttribute("aria-label", data.label);
  button.textContent = data.clear;
  const wipe = () => {
    pen.fillStyle = "#000";
    pen.fillRect(0, 0, canvas.width, canvas.height);
  };
  if (!canvas.dataset.ready) {
    canvas.dataset.ready = "yes";
    wipe();
  }
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * canvas.width) / box.width,
      ((event.clientY - box.top) * canvas.height) / box.height,
    ];
  };
  const line = (from, to) => {
    pen.strokeStyle = "#fff";
    pen.lineWidth = canvas.width / 11;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(to[0] + 0.01, to[1]);
    pen.stroke();
  };
  canvas.onpointerdown = (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    line(last, last);
  };
  canvas.onpointermove = (event) => {
    if (!last) return;
    const next = place(event);
    line(last, next);
    last = next;
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (!last) return;
    last = null;
    setTriggerValue("drawn", canvas.toDataURL("image/png").split(",")[1]);
  };
  button.onclick = () => {
    wipe();
    setTriggerValue("drawn", "");
  };
}
"""

_mount = st.components.v2.component("attention_zoo.drawing", html=HTML, css=CSS, js=JS)


def show(*, key: str, label: str, on_draw: Callable[[np.ndarray | None], None]) -> None:
    """A black sheet to draw on in white.

    Args:
        key: of the component, unique on a page.
        label: what it is for, for screen readers.
        on_draw: told the image (224, 224, 1) from 0 to 1 after each stroke, before the page runs
            again; None where the sheet was cleared or what came is no image.
    """
    widget = state.key(key)

    def told() -> None:
        on_draw(read(st.session_state[widget].get("drawn")))

    _mount(
        data={"label": label, "clear": "Clear"},
        key=widget,
        on_drawn_change=told,
    )


def read(sent: object) -> np.ndarray | None:
    """The image that a browser sent; it is not to be trusted. None: nothing that can be used."""
    if not isinstance(sent, str) or not sent or len(sent) > MOST:
        return None
    from zoo import images

    try:
        image = images.decoded(base64.b64decode(sent, validate=True))
    except (ValueError, binascii.Error):
        return None
    return images.with_channels(image, 1)
