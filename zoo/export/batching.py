"""How TensorFlow Serving puts requests together: a file for `--batching_parameters_file`."""

from __future__ import annotations

FILE = "batching_parameters.txt"
"""Beside `saved_model.pb`."""
ROWS, MICROSECONDS, WAITING, THREADS = 32, 2_000, 100, 2
"""Texts of a batch at most; how long the first one waits for others; batches that may wait; batches
that are answered at a time.
"""


def parameters(most: int) -> str:
    """A `BatchingParameters` message of TensorFlow Serving as text.

    Inputs are never padded to one another: the server would pad ids with the first one.

    Args:
        most: rows of a batch that every signature answers.

    Example:
        >>> parameters(8).splitlines()[1]
        'max_batch_size { value: 8 }'
    """
    return (
        "# tensorflow_model_server --enable_batching --batching_parameters_file=THIS_FILE\n"
        f"max_batch_size {{ value: {min(ROWS, most)} }}\n"
        f"batch_timeout_micros {{ value: {MICROSECONDS} }}\n"
        f"max_enqueued_batches {{ value: {WAITING} }}\n"
        "# As many as there are cores.\n"
        f"num_batch_threads {{ value: {THREADS} }}\n"
    )
