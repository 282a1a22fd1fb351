"""Named inputs and outputs of a signature, with their types and axes, as TensorFlow names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = "serving_default"
"""The signature that is asked where a request names none."""
STRING, INTEGER, FLOAT = "DT_STRING", "DT_INT32", "DT_FLOAT"


@dataclass(frozen=True)
class Tensor:
    """An input or output of a signature.

    Args:
        dtype: TensorFlow's name of its type.
        shape: its axes, the batch first; -1 is free.
        default: of an input that may be left out.
        least, most: the smallest and the largest number of an input.
        image: a string that is the bytes of an image file.
    """

    dtype: str
    shape: tuple[int, ...] = (-1,)
    default: Any = None
    least: float | None = None
    most: float | None = None
    image: bool = False


@dataclass(frozen=True)
class Signature:
    """One way of asking a model: its inputs and outputs by name."""

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def numbers(array: Any) -> Any:
    """An array as nested lists that JSON can hold, to six places; what is infinite becomes 1e30."""
    import numpy as np

    finite = np.nan_to_num(np.asarray(array, "float64"), nan=0.0, posinf=1e30, neginf=-1e30)
    return finite.round(6).tolist()
