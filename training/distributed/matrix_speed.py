"""Which precision a processor multiplies matrices faster in: measured, for its flags do not tell.

One with instructions for bfloat16 may need twice as long with them: where a virtual machine hides
its matrix unit, for one.
"""

from __future__ import annotations

import functools
import time

SIZES = (1024, 384, 1536)
"""Rows, inner and outer columns of a product, as those of a small Transformer."""
ROUNDS, PRODUCTS = 5, 4
PAYS = 1.2
"""How much faster half precision must be: what is cast for it takes time too."""


@functools.cache
def bfloat16_pays() -> bool:
    """Whether TensorFlow multiplies faster in bfloat16 on this processor; a tenth of a second."""
    taken = {kind: seconds(kind) for kind in ("float32", "bfloat16")}
    return taken["float32"] > PAYS * taken["bfloat16"]


def seconds(kind: str) -> float:
    """What a product of `SIZES` takes at best in a number type."""
    import tensorflow as tf

    rows, inner, columns = SIZES
    left, right = (tf.cast(tf.ones(shape), kind) for shape in ((rows, inner), (inner, columns)))
    tf.matmul(left, right)  # the first one writes its program
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(PRODUCTS):
            found = tf.matmul(left, right)
        found.numpy()
        best = min(best, time.perf_counter() - began)
    return best / PRODUCTS
