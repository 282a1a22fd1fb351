"""Images and series that are changed a little in every epoch, so that a network sees more of them.

Axes: N examples, H, W, C height, width and channels of an image, T time steps of a series.
"""

from __future__ import annotations

import numpy as np

from zoo import images

SHIFT, TURN, STRETCH = 0.08, 12.0, 0.1
"""What is changed by at most: a share of the side or length, degrees, a share of the size."""
JITTER = 0.05
"""Standard deviation of what is added to each value of a series, which itself has about 1."""


def moved_images(
    arrays: np.ndarray,
    generator: np.random.Generator,
    strength: float,
    outside: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Images (N, H, W, C) shifted, turned and stretched: by `SHIFT`, `TURN` and `STRETCH` at most.

    Args:
        arrays: the images.
        generator: draws how far.
        strength: what these are multiplied by.
        outside: what lies outside of an image, by channel.
    """
    outside = np.asarray(outside, "float32")
    matrices = movements(generator, len(arrays), arrays.shape[1:3], strength)
    return images.moved(arrays - outside, matrices) + outside


def movements(
    generator: np.random.Generator, count: int, size: tuple[int, ...], strength: float
) -> np.ndarray:
    """(count, 2, 3) matrices for `zoo.images.moved`, drawn evenly up to `strength`."""
    turn = np.deg2rad(TURN * strength) * generator.uniform(-1, 1, count)
    stretch = np.exp(STRETCH * strength * generator.uniform(-1, 1, (count, 2)))
    shift = SHIFT * strength * np.array(size) * generator.uniform(-1, 1, (count, 2))
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = turned.transpose(2, 0, 1) * stretch[:, None, :]
    return np.concatenate([matrix, shift[..., None]], axis=2)


def moved_series(arrays: np.ndarray, generator: np.random.Generator, strength: float) -> np.ndarray:
    """Series (N, T, C) shifted and stretched in time, scaled, and with noise (Um et al. 2017).

    Time and size are changed by `SHIFT` and `STRETCH` at most, drawn evenly; what would lie
    outside is like the first or the last value.

    Args:
        arrays: the series, of mean 0 and deviation 1 over all.
        generator: draws how far.
        strength: what these, and `JITTER`, are multiplied by.

    Example:
        >>> series = np.zeros((2, 5, 1), "float32")
        >>> moved_series(series, np.random.default_rng(0), 1.0).shape
        (2, 5, 1)
    """
    count, steps, channels = arrays.shape
    middle = (steps - 1) / 2
    pace, scale = np.exp(STRETCH * strength * generator.uniform(-1, 1, (2, count)))
    shift = SHIFT * strength * steps * generator.uniform(-1, 1, count)
    places = middle + (np.arange(steps) - middle) * pace[:, None] + shift[:, None]  # (N, T)
    found = np.empty(arrays.shape, "float32")
    for row in range(count):
        for channel in range(channels):
            found[row, :, channel] = np.interp(
                places[row], np.arange(steps), arrays[row, :, channel]
            )
    noise = JITTER * strength * generator.standard_normal(arrays.shape)
    return (found * scale[:, None, None] + noise).astype("float32")
