"""Views as files: the sentence under them, and HTML pages that need nothing from anywhere else."""

from __future__ import annotations

import datetime
import functools
import html
import json
from collections.abc import Mapping
from typing import Any

from apps import saved_models
from apps.charts.base import RAMP

QUOTED = 120
"""Characters of a text that a caption repeats."""

# Such a page loads nothing from elsewhere, whatever a word in it may look like.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src {scripts}"

_STYLE = """
:root {{
  color-scheme: light;
  --st-font: system-ui, sans-serif;
  --st-text-color: #1f2733;
  --st-background-color: #ffffff;
  --st-primary-color: #1f5fa8;
  --st-border-color: #c5ccd6;
  --st-chart-sequential-colors: {ramp};
}}
body {{
  margin: 1.5rem auto;
  padding: 0 1rem;
  max-width: 72rem;
  font-family: var(--st-font);
  color: var(--st-text-color);
  background: var(--st-background-color);
}}
figure {{ margin: 0; overflow-x: auto; }}
figcaption {{ margin-top: 1rem; white-space: pre-line; overflow-wrap: anywhere; }}
"""


def caption(what: str, *names: str, text: str = "", day: datetime.date | None = None) -> str:
    """What a saved view says of itself: what it shows, of which text, which model, which day.

    Args:
        what: a sentence.
        names: of models; their cards tell which training they came from.
        text: what the model read.
        day: today, unless told.
    """
    lines = [what]
    if text:
        quoted = text if len(text) <= QUOTED else f"{text[:QUOTED]} ..."
        lines.append(f"Read: “{quoted}”")
    made = f"Drawn {day or datetime.date.today():%Y-%m-%d}."
    models = "; ".join(version(name) for name in dict.fromkeys(names))
    lines.append(f"Model: {models}. {made}" if names else made)
    return "\n".join(lines)


def version(name: str) -> str:
    """A model's name and, by its card, the day and commit of its training."""
    card = saved_models.card(name)
    facts = [saved_models.called(name)]
    if isinstance(card.get("date"), str):
        facts.append(f"trained {card['date']}")
    if isinstance(card.get("commit"), str):
        commit, dash, state = card["commit"].partition("-")
        facts.append(f"commit {commit[:10]}{dash}{state}")
    return ", ".join(facts)


def component_page(*, title: str, caption: str, markup: str, css: str, js: str, data: Any) -> str:
    """A component of the dashboard as a page by itself, with its script and its data.

    Args:
        title, caption: text.
        markup, css, js: of the component; `js` exports one function by default.
        data: what the page would have given it; anything JSON can hold.
    """
    script = js.replace("export default function", "const draw = function", 1)
    script += """
draw({
  parentElement: document.getElementById("view"),
  data: JSON.parse(document.getElementById("data").textContent),
  setTriggerValue() {},
});
"""
    return _page(title, caption, f'<div id="view">{markup}</div>', css, script, data)


def chart_page(spec: Mapping[str, Any], *, title: str, caption: str) -> str:
    """A Vega-Lite chart as a page by itself, with the libraries that draw it."""
    script = """
vegaEmbed(
  "#view",
  JSON.parse(document.getElementById("data").textContent),
  { actions: false, renderer: "svg" },
);
"""
    return _page(
        title, caption, '<div id="view"></div>', "", script, dict(spec), library=_libraries()
    )


def _page(
    title: str,
    caption: str,
    body: str,
    css: str,
    script: str,
    data: Any,
    library: str = "",
) -> str:
    # Vega makes functions of its own expressions; nothing else here needs that.
    scripts = "'unsafe-inline' 'unsafe-eval'" if library else "'unsafe-inline'"
    # No "<" of the data reaches the page's parser, so no word can close the element it is in.
    held = json.dumps(data, ensure_ascii=True).replace("<", "\\u003c")
    blocks = [f"<script>{part}</script>" for part in (library, script) if part]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(scripts=scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_plain(title)}</title>
<style>{_STYLE.format(ramp=",".join(RAMP))}{css}</style>
</head>
<body>
<figure>
{body}
<figcaption dir="auto">{_plain(caption)}</figcaption>
</figure>
<script type="application/json" id="data">{held}</script>
{"".join(blocks)}
</body>
</html>
"""


def _plain(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


@functools.lru_cache(maxsize=1)
def _libraries() -> str:
    """Vega, Vega-Lite and Vega-Embed, as vl-convert brings them along: no network."""
    import vl_convert

    return vl_convert.javascript_bundle().replace("</script", "<\\/script")
