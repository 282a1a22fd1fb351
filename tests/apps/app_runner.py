"""A page of the dashboard without a browser: opened by its module's name, and all that it says."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def _script(page: str) -> None:
    import importlib

    importlib.import_module(f"apps.views.{page}").render()


def opened(page: str, **params: Any) -> AppTest:
    """`apps/views/PAGE.py` for some query parameters, run once."""
    at = AppTest.from_function(_script, args=(page,), default_timeout=120)
    at.query_params.update(params)
    return at.run()


def said(at: AppTest) -> str:
    """Every sentence on the page, one a line."""
    elements = [*at.caption, *at.markdown, *at.info, *at.warning, *at.error]
    elements += [*at.header, *at.subheader]
    return "\n".join(str(element.value) for element in elements)


def charts(at: AppTest) -> list[dict[str, Any]]:
    """The specification of every chart on the page."""
    return [json.loads(one.proto.spec) for one in at.get("vega_lite_chart")]


def chart_rows(at: AppTest, place: int = 0) -> list[dict[str, Any]]:
    """The data of one chart, as it is sent to the browser."""
    import pyarrow as pa

    proto = at.get("vega_lite_chart")[place].proto
    [data] = [one.data.data for one in proto.datasets][:1] or [proto.data.data]
    return pa.ipc.open_stream(data).read_all().to_pylist()
