"""What a served forecaster takes and answers. No framework is imported, and nothing of Ray.

Axes: B histories of a request; L lookback, H horizon, C series, Q quantiles, M maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.forecast import LEVELS
from zoo.serving.tensors import DEFAULT, FLOAT, STRING, Signature, Tensor, numbers


def signatures(sizes: Any) -> dict[str, Signature]:
    """Those of a forecaster with the hyper-parameters `sizes`, as an exported SavedModel has them.

    Example:
        >>> from zoo.configs.forecaster import Forecasting
        >>> made = signatures(Forecasting(lookback=8, horizon=3, channels=2))
        >>> made["serving_default"].inputs["history"].shape
        (-1, 8, 2)
    """
    read = {"history": Tensor(FLOAT, (-1, sizes.lookback, sizes.channels))}
    ahead = (-1, sizes.horizon, sizes.channels)
    found = {
        "mean": Tensor(FLOAT, ahead),
        "quantiles": Tensor(FLOAT, (*ahead, len(LEVELS))),
        "notes": Tensor(STRING),
    }
    made = {DEFAULT: Signature(read, found)}
    if heads := sizes.attention_heads():
        maps = {
            f"attention_{kind}": Tensor(FLOAT, (-1, -1, *heads[kind], -1, -1)) for kind in heads
        }
        made["attention"] = Signature(read, {**found, **maps})
    return made


def answers(model: Any, signature: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a forecaster answers to each row of a signature, in lists of plain Python."""
    made = []
    for found in model.predict([row["history"] for row in rows], attention=signature != DEFAULT):
        row = {
            "mean": numbers(found.mean),
            "quantiles": numbers(found.quantiles),
            "notes": "\n".join(found.notes),
        }
        if signature != DEFAULT:
            row |= {f"attention_{kind}": numbers(maps) for kind, maps in found.attention.items()}
        made.append(row)
    return made


def example(model: Any) -> dict[str, Any]:
    """A row to warm a model up with: the means of its series."""
    return {"history": [list(model.scaler.mean)] * model.lookback}
