"""Presentation mode: large type, the figure first, explanations folded, and a QR code of the link.

The mode is a choice like any other (`apps.state`): it is in the address, as `present=yes`, and
goes along to every page. In it captions that explain are hidden until asked for;
notes, which begin with an icon, always stay. Pages draw every chart through `drawn`, in this mode
or not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlsplit

import altair as alt
import streamlit as st

from apps import state

ROW = {"vertical_alignment": "center", "gap": "small"}
SIZE = 1.35
"""How many times larger type and figures are."""
MOST = 2000
"""Characters of a link beyond which a QR code is too fine for a phone to read off a screen."""

# Only where there is room: on a phone everything keeps its size. The explanations are those
# captions that no icon marks as a note.
CSS = """
@media (min-width: 900px) { html { font-size: SIZEpx !important; } }
"""
FOLDED = """
[data-testid="stMain"] [data-testid="stElementContainer"]:has(
  [data-testid="stCaptionContainer"]):not(:has([data-testid="stIconMaterial"], a)) {
  display: none;
}
"""
GROWS = (
    *("fontSize", "labelFontSize", "titleFontSize", "labelLimit", "labelPadding", "height"),
    *("gradientLength", "gradientThickness", "offset", "minExtent", "maxExtent", "dx", "dy"),
)
"""The numbers of a chart that grow with its type."""
LETTERS = {"labelFontSize": 12, "titleFontSize": 14}
"""Pixels of a chart's axes and legends as the dashboard draws them."""


def on() -> bool:
    """Whether the dashboard is in presentation mode."""
    return state.get("present") == "yes"


def explained() -> bool:
    """Whether explanations are shown: always, unless presentation mode folds them."""
    return not on() or state.get("explained") == "yes"


def bar() -> Any:
    """The switches beside the title, and the style they ask for; a place for the link to the page.

    The link is filled in by `link` when the page has run and its address is known.
    """
    with st.container(key="present", horizontal=True, horizontal_alignment="right", **ROW):
        place = st.empty() if on() else None
        if on():
            _switch("explained", "Explanations")
        _switch("present", "Present", help=HELP)
    if on():
        st.html(f"<style>{CSS.replace('SIZE', f'{16 * SIZE:g}')}</style>")
    if not explained():
        st.html(f"<style>{FOLDED}</style>")
    return place


def _switch(name: str, label: str, **options: Any) -> None:
    """A toggle that is the same one on every page."""
    key = f"present/{name}"
    st.session_state[key] = state.get(name) == "yes"
    st.toggle(label, key=key, on_change=_switched, args=(name, key), **options)


def _switched(name: str, key: str) -> None:
    state.put(name, "yes" if st.session_state[key] else None)


HELP = (
    "For a projector: large type, the figure first, explanations folded away, and a QR code of "
    "the link to this page."
)


def controls(label: str = "Input and settings") -> Any:
    """Where a page's controls go: on the page, or folded away in presentation mode."""
    return st.expander(label, icon=":material/tune:") if on() else st.container()


def drawn(chart: Any) -> Drawn:
    """The Altair chart as a page shows it: in presentation mode with larger type and marks."""
    return Drawn(larger(chart) if on() else chart)


@dataclass(frozen=True)
class Drawn:
    """A chart for `st.altair_chart` that is not validated against the schema of Vega-Lite.

    Streamlit would do so on every run of a page, under a lock that all readers share. The tests
    validate instead (`tests/apps/conftest.py`).
    """

    chart: Any

    def to_dict(self) -> dict[str, Any]:
        return self.chart.to_dict(validate=False)


def larger(chart: Any) -> Any:
    """The Altair chart with larger type and marks."""
    with alt.data_transformers.enable("default", max_rows=None):
        spec = _grown(chart.to_dict(validate=False))
    config = spec.setdefault("config", {})
    letters = {name: round(SIZE * size) for name, size in LETTERS.items()}
    for part in ("axis", "legend", "header"):
        config[part] = {**letters, **config.get(part, {})}
    config["text"] = {"fontSize": round(11 * SIZE), **config.get("text", {})}
    return alt.Chart.from_dict(spec, validate=False)


def _grown(part: Any) -> Any:
    if isinstance(part, list):
        return [_grown(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: value
        if name in ("data", "datasets", "scale")
        else SIZE * value
        if name in GROWS and isinstance(value, int | float)
        else _grown(value)
        for name, value in part.items()
    }


def link(place: Any) -> None:
    """Put the page's link and its QR code into `place`, from `bar`."""
    if place is None:
        return
    url = address(str(st.context.url or ""), state.params())
    with place, st.popover("Link", icon=":material/qr_code_2:", type="tertiary"):
        if len(url) <= MOST:
            st.html(
                f'<img alt="QR code of the link to this page" src="{picture(url)}" width="320">'
            )
        else:
            st.caption(":material/info: The link is too long for a QR code: shorten the text.")
        st.code(url, language=None, wrap_lines=True)
        if here_only(url):
            st.caption(
                ":material/info: This address is that of this computer alone, so others cannot "
                "open it. Start the dashboard with `--server.address=0.0.0.0` and open it under "
                "this computer's name or network address to share it."
            )


def address(page: str, params: Mapping[str, str]) -> str:
    """The link to a page: what the browser shows, with everything that was chosen."""
    base = page.partition("?")[0].partition("#")[0]
    if base and not urlsplit(base).path:
        base += "/"
    chosen = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in params.items())
    return f"{base}?{chosen}" if chosen else base


def here_only(url: str) -> bool:
    """Whether a link leads to the reader's own computer."""
    host = (urlsplit(url).hostname or "").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.endswith(".localhost")


def picture(url: str) -> str:
    """The QR code of a link as an SVG image, in a data URI; black on white in both themes."""
    import segno

    return segno.make(url, error="l", micro=False).svg_data_uri(
        scale=4, border=4, dark="#000", light="#fff", omitsize=True
    )
