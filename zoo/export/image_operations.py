"""Images as TensorFlow operations: what `zoo.images` does in Python, and what a file is like.

Axes: H, W, C height, width and channels of an image.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from zoo import images

PNG, GIF, BMP, JPEG = b"\x89PNG", b"GIF8", b"BM", b"\xff\xd8\xff"
"""How files begin."""


def pixels_told(data: tf.Tensor) -> tf.Tensor:
    """How many pixels the head of an image file (a string) says it has, int64; 0 of other files."""

    def of_png() -> tf.Tensor:
        return _number(data, 16, 4, little=False) * _number(data, 20, 4, little=False)

    def of_gif() -> tf.Tensor:
        return _number(data, 6, 2) * _number(data, 8, 2)

    def of_bmp() -> tf.Tensor:
        high = tf.bitcast(tf.cast(_number(data, 22, 4), tf.uint32), tf.int32)
        return _number(data, 18, 4) * tf.cast(tf.abs(high), tf.int64)  # below 0: the top first

    def of_jpeg() -> tf.Tensor:
        shape = tf.io.extract_jpeg_shape(data)
        return tf.cast(shape[0], tf.int64) * tf.cast(shape[1], tf.int64)

    none = tf.constant(0, tf.int64)
    cases = [(PNG, of_png), (GIF, of_gif), (BMP, of_bmp), (JPEG, of_jpeg)]
    return tf.case([(_begins(data, mark), run) for mark, run in cases], default=lambda: none)


def _begins(data: tf.Tensor, mark: bytes) -> tf.Tensor:
    """Whether a string begins with these bytes."""
    return tf.strings.substr(data, 0, len(mark)) == mark


def _number(data: tf.Tensor, at: int, count: int, little: bool = True) -> tf.Tensor:
    """The integer in `count` bytes of a string from `at` on, int64; 0 where it ends before."""

    def read() -> tf.Tensor:
        found = tf.io.decode_raw(tf.strings.substr(data, at, count), tf.uint8)
        places = range(count) if little else range(count - 1, -1, -1)
        worth = tf.constant([256**place for place in places], tf.int64)
        return tf.reduce_sum(tf.cast(found, tf.int64) * worth)

    enough = tf.strings.length(data) >= at + count
    return tf.cond(enough, read, lambda: tf.constant(0, tf.int64))


def with_channels(image: tf.Tensor, channels: int) -> tf.Tensor:
    """As `images.with_channels`: (H, W, 1 to 4) -> (H, W, channels)."""
    count = tf.shape(image)[2]
    grey_alpha, colour_alpha = count == 2, count == 4
    has_alpha = grey_alpha | colour_alpha
    opacity = tf.where(has_alpha, image[..., -1:], tf.ones_like(image[..., :1]))
    bare = tf.cond(has_alpha, lambda: image[..., :-1], lambda: image)
    bare = bare * opacity + (1.0 - opacity)
    grey = tf.constant(images.GREY, tf.float64)
    single = tf.shape(bare)[2] == 1
    if channels == 1:
        return tf.cond(single, lambda: bare, lambda: tf.tensordot(bare, grey[:, None], 1))
    return tf.cond(single, lambda: tf.repeat(bare, channels, axis=2), lambda: bare)


def shares(old: tf.Tensor, new: int) -> tf.Tensor:
    """As `images.resized` has them: (new, old), how much of each old pixel is in a new one."""
    long = tf.cast(old, tf.float64)
    edges = tf.constant(np.arange(new + 1) / new, tf.float64) * long
    place = tf.range(long, dtype=tf.float64)
    least, most = tf.maximum(edges[:-1, None], place), tf.minimum(edges[1:, None], place + 1)
    found = tf.maximum(most - least, 0.0)
    return found / tf.reduce_sum(found, axis=1, keepdims=True)
