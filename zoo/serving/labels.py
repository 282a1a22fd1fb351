"""What a served classifier takes and answers. No framework is imported, and nothing of Ray.

Axes: B inputs of a request; C classes, L layers, H heads; a row's own: T places.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.serving.tensors import DEFAULT, FLOAT, STRING, Signature, Tensor, numbers


def signatures(sizes: Any, reads: str, classes: Sequence[str]) -> dict[str, Signature]:
    """Those of a classifier with the hyper-parameters `sizes`, as an exported SavedModel has them.

    Args:
        sizes: of the network.
        reads: "text", "image" or "series".
        classes: their names.

    Example:
        >>> from zoo.configs.classifier import SeriesTransformer
        >>> sizes = SeriesTransformer(length=8, channels=1, classes=2)
        >>> signatures(sizes, "series", ["a", "b"])["serving_default"].inputs["series"].shape
        (-1, 8, 1)
    """
    read = {
        "text": Tensor(STRING),
        "image": Tensor(STRING, image=True),
        "series": Tensor(FLOAT, (-1, *(sizes.arrays()[0] if reads == "series" else ()))),
    }[reads]
    found = {
        "label": Tensor(STRING),
        "probabilities": Tensor(FLOAT, (-1, len(classes))),
        "classes": Tensor(STRING, (-1, len(classes))),
        "notes": Tensor(STRING),
    }
    made = {DEFAULT: Signature({reads: read}, found)}
    if heads := sizes.attention_heads():
        maps = {f"attention_{kind}": Tensor(FLOAT, (-1, *heads[kind], -1, -1)) for kind in heads}
        made["attention"] = Signature({reads: read}, {**found, **maps})
    return made


def answers(model: Any, signature: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a classifier answers to each row of a signature, in lists of plain Python."""
    given = [row[model.reads] for row in rows]
    made = []
    for found in model.predict(given, attention=signature != DEFAULT):
        row = {
            "label": found.name,
            "probabilities": numbers(list(found.probabilities.values())),
            "classes": list(found.probabilities),
            "notes": "\n".join(found.notes),
        }
        if signature != DEFAULT:
            row |= {f"attention_{kind}": numbers(maps) for kind, maps in found.attention.items()}
        made.append(row)
    return made


def example(model: Any) -> dict[str, Any]:
    """A row to warm a model up with."""
    given = model.usual_input()
    return {model.reads: given.tolist() if model.reads == "series" else given}


def sent(image: bytes) -> dict[str, str]:
    """An image as a request has it.

    Example:
        >>> sent(b"abc")
        {'b64': 'YWJj'}
    """
    return {"b64": base64.b64encode(image).decode()}
