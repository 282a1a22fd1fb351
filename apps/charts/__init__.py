"""Charts: pure functions from data to a chart, an SVG or a PNG."""
