"""The JSON bodies of answers, as TensorFlow Serving writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.serving.protocol import VERSION, Asked
from zoo.serving.signatures import Description
from zoo.serving.tensors import Signature, Tensor


def written(asked: Asked, signature: Signature, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The body of an answer: "predictions" row by row, or "outputs" by name.

    `log_probs` are padded with 0 to the longest of the request, as the exported SavedModel pads
    them; all else is as long as its row.
    """
    if "log_probs" in signature.outputs:
        most = max(max(len(row["log_probs"]) for row in rows), 1)
        rows = [
            {**r, "log_probs": r["log_probs"] + [0.0] * (most - len(r["log_probs"]))} for r in rows
        ]
    if asked.by_row:
        return {"predictions": list(rows)}
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {"outputs": {name: [row.get(name, []) for row in rows] for name in names}}


def status(state: str, message: str = "") -> dict[str, Any]:
    """The answer to GET of a model: "AVAILABLE", "LOADING", "END"."""
    said = {"error_code": "UNKNOWN" if message else "OK", "error_message": message}
    return {"model_version_status": [{"version": VERSION, "state": state, "status": said}]}


def metadata(model: Description) -> dict[str, Any]:
    """The answer to GET of a model's metadata: its signatures."""

    def tensors(signature: str, given: Mapping[str, Tensor]) -> dict[str, Any]:
        return {
            name: {
                "dtype": one.dtype,
                "tensor_shape": {
                    "dim": [{"size": str(size), "name": ""} for size in one.shape],
                    "unknown_rank": False,
                },
                "name": f"{signature}_{name}:0",
            }
            for name, one in given.items()
        }

    signatures = {
        name: {
            "inputs": tensors(name, one.inputs),
            "outputs": tensors(name, one.outputs),
            "method_name": "tensorflow/serving/predict",
            "defaults": {},
        }
        for name, one in model.signatures.items()
    }
    return {
        "model_spec": {"name": model.name, "signature_name": "", "version": VERSION},
        "metadata": {"signature_def": {"signature_def": signatures}},
    }


def encoded(content: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")
