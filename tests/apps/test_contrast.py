"""Colours that charts and components bring along are legible on both of the dashboard's pages."""

from __future__ import annotations

import re
import tomllib

import pytest

from apps import contrast, downloads, style
from apps.charts import attention as attention_charts
from apps.charts import base as charts
from apps.charts import speed as speed_charts
from apps.charts import static as drawing
from apps.components import pressable_words
from tests.apps.browser import ROOT

THEMES = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
PAGES = {"light": "#ffffff", "dark": "#171614"}
"""Streamlit's own grounds, which the configuration keeps."""
TEXT, GRAPHICS = 4.5, 3.0


def test_contrast_is_that_of_wcag():
    assert contrast.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast.contrast("#123456", "#123456") == 1
    assert contrast.over("#000000", "#ffffff", 0.4) == "#999999"
    assert contrast.along(("#000000", "#ffffff", "#000000"), 0.5) == "#ffffff"
    with pytest.raises(ValueError, match="#rrggbb"):
        contrast.luminance("red")


def test_one_ink_is_legible_on_every_ground():
    grounds = [f"#{level:02x}{level:02x}{level:02x}" for level in range(256)]
    grounds += [contrast.along(charts.RAMP, step / 100) for step in range(101)]
    assert min(contrast.contrast(contrast.ink(one), one) for one in grounds) >= TEXT


@pytest.mark.parametrize("theme", PAGES)
def test_text_of_the_theme_is_legible(theme):
    colours, page = THEMES[theme], PAGES[theme]
    caption = contrast.over(colours["textColor"], page, 0.6)  # as Streamlit draws captions
    assert contrast.contrast(caption, page) >= TEXT
    assert contrast.contrast("#ffffff", colours["primaryColor"]) >= TEXT  # buttons
    assert contrast.contrast(colours["primaryColor"], page) >= GRAPHICS  # frames, sliders
    assert style.TEXT[theme] == colours["textColor"]
    assert colours["textColor"] in style.css()


@pytest.mark.parametrize("theme", PAGES)
def test_text_on_shaded_words_and_cells_is_legible(theme):
    colours, page = THEMES[theme], PAGES[theme]
    shares = [int(one) / 100 for one in re.findall(r"\* (\d+)%", pressable_words.GRID_CSS)]
    assert len(shares) == 1
    for share in (0.46, *shares):  # 0.46: `apps.components.shaded_words`, and lines at most as much
        ground = contrast.over(colours["primaryColor"], page, share)
        assert contrast.contrast(colours["textColor"], ground) >= TEXT
    for hue in (attention_charts.MORE, attention_charts.LESS):
        ground = contrast.over(hue, page, attention_charts.STRONGEST)
        assert contrast.contrast(colours["textColor"], ground) >= TEXT


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_marks_of_charts_stand_out(page):
    drawn = {
        *charts.FAMILY_COLOURS.values(),
        charts.NEUTRAL,
        attention_charts.MORE,
        attention_charts.LESS,
        *speed_charts.KIND_COLOURS.values(),
        *speed_charts.STAGE_COLOURS,
        *charts.MORE_COLOURS,
    }
    faint = {one: contrast.contrast(one, page) for one in drawn}
    assert {one: ratio for one, ratio in faint.items() if ratio < GRAPHICS} == {}


def test_saved_pictures_are_legible():
    for ink in (charts.NEUTRAL, charts.INK, drawing.TEXT, drawing.INK):
        assert contrast.contrast(ink, "#ffffff") >= TEXT
    assert drawing.TEXT in downloads._STYLE
