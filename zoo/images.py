"""Images as arrays: read from bytes, resized, turned and shifted, written as PNG. NumPy alone.

Pillow is needed only to read the bytes of a file; it comes with the dashboard's requirements.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np

MOST_PIXELS = 16_000_000
"""An image of more pixels is refused before it is unpacked."""
MOST_BYTES = 32_000_000
"""A file of more bytes is refused."""
ROUNDING = 1e-6
"""How far a fraction may be beyond 0 and 1: sums of shares of pixels are rounded."""
GREY = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in the brightness (ITU-R BT.601)."""


def as_array(given: Any) -> np.ndarray:
    """(H, W) or (H, W, C) float64 from 0 to 1.

    Args:
        given: the bytes of an image file; or an array of whole numbers from 0 to 255, or of
            fractions from 0 to 1, (H, W) or (H, W, C) with C 1, 3 or 4 (red, green, blue, opacity).

    Raises:
        TypeError: something else.
        ValueError: a file that cannot be read or is too large, or an array of another shape or
            with other values.
    """
    if isinstance(given, bytes | bytearray | memoryview):
        return decoded(bytes(given))
    try:
        array = np.asarray(given)
        whole = np.issubdtype(array.dtype, np.integer) or array.dtype == bool
        array = array.astype("float64")
    except (TypeError, ValueError):
        raise TypeError(
            f"An image must be an array or the bytes of a file. Received: {type(given).__name__}"
        ) from None
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(
            "An image must be (height, width) or (height, width, channels) with 1, 3 or 4 "
            f"channels. Received: shape={array.shape}"
        )
    if not array.size:
        raise ValueError(f"An image must have pixels. Received: shape={array.shape}")
    if array.shape[0] * array.shape[1] > MOST_PIXELS:
        raise ValueError(f"An image may have {MOST_PIXELS:,} pixels. Received: shape={array.shape}")
    most = 255.0 if whole else 1.0
    if not np.isfinite(array).all() or array.min() < -ROUNDING or array.max() > most + ROUNDING:
        raise ValueError(
            "Pixels must be whole numbers from 0 to 255 or fractions from 0 to 1. "
            f"Received: {array.dtype} from {array.min():g} to {array.max():g}"
        )
    return np.clip(array, 0.0, most) / most


def decoded(data: bytes) -> np.ndarray:
    """The image in the bytes of a file, (H, W) or (H, W, C) from 0 to 1.

    Raises:
        ValueError: it is too large, damaged or no image, or Pillow is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise ValueError(
            "The bytes of an image are read with Pillow: pip install pillow; or give an array."
        ) from None
    if len(data) > MOST_BYTES:
        raise ValueError(
            f"An image file may have {MOST_BYTES:,} bytes. Received: {len(data):,} bytes"
        )
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size  # by the header: nothing is unpacked yet
            if width * height > MOST_PIXELS:
                raise ValueError(
                    f"An image may have {MOST_PIXELS:,} pixels. Received: {width} x {height}"
                )
            mode = "L" if image.mode in ("1", "L", "I", "I;16", "F") else "RGB"
            if "A" in image.mode or "transparency" in image.info:
                return np.asarray(image.convert("RGBA"), "float64") / 255.0
            return np.asarray(image.convert(mode), "float64") / 255.0
    except Image.DecompressionBombError:
        raise ValueError(f"An image may have {MOST_PIXELS:,} pixels. Received: far more") from None
    except UnidentifiedImageError:
        raise ValueError("These bytes are no image that Pillow knows.") from None
    except (OSError, SyntaxError, struct.error, zlib.error, EOFError) as error:
        raise ValueError(f"This image file is damaged: {error}") from None


def with_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """(H, W) or (H, W, C) -> (H, W, channels): grey and colour into each other, on white."""
    image = image[..., None] if image.ndim == 2 else image
    if image.shape[2] == 4:
        opacity = image[..., 3:]
        image = image[..., :3] * opacity + (1.0 - opacity)
    if image.shape[2] == channels:
        return image
    if channels == 1:
        return image @ np.array(GREY)[:, None]  # (H, W, 3) -> (H, W, 1)
    return np.repeat(image, channels, axis=2)  # (H, W, 1) -> (H, W, channels)


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W, C) -> (height, width, C): each new pixel the mean of the area it covers.

    Example:
        >>> resized(np.arange(16.0).reshape(4, 4, 1), 2, 2)[..., 0].tolist()
        [[2.5, 4.5], [10.5, 12.5]]
    """
    rows, columns = _shares(image.shape[0], height), _shares(image.shape[1], width)
    return np.einsum("ih,hwc,jw->ijc", rows, image, columns, optimize=True)


def _shares(old: int, new: int) -> np.ndarray:
    """(new, old): how much of each old pixel is in a new one; rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    place = np.arange(old)
    least = np.maximum(edges[:-1, None], place)
    most = np.minimum(edges[1:, None], place + 1)
    found = np.maximum(most - least, 0.0)
    return found / found.sum(axis=1, keepdims=True)


def moved(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Images (B, H, W, C) turned, stretched and shifted; outside is 0, between pixels linear.

    Args:
        images: a batch.
        matrices: (B, 2, 3): where the pixel at (y, x), from the middle, is taken from.
    """
    count, height, width, _ = images.shape
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    places = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), -1) - middle
    taken = np.einsum("bij,hwj->bhwi", matrices[:, :, :2], places)  # (B, H, W, 2)
    taken = taken + matrices[:, None, None, :, 2] + middle
    low = np.floor(taken).astype(int)
    share = taken - low
    found = np.zeros_like(images)
    row = np.arange(count)[:, None, None]
    for down in (0, 1):
        for beside in (0, 1):
            y, x = low[..., 0] + down, low[..., 1] + beside
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            part = np.abs(1 - down - share[..., 0]) * np.abs(1 - beside - share[..., 1]) * inside
            y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
            found += (part[..., None] * images[row, y, x]).astype(images.dtype)
    return found


def png(image: np.ndarray) -> bytes:
    """The bytes of a PNG of an image (H, W, 1 or 3) from 0 to 1.

    Example:
        >>> png(np.ones((2, 2, 1)))[1:4]
        b'PNG'
    """
    height, width, channels = image.shape
    pixels = np.clip(np.rint(image * 255), 0, 255).astype("uint8").reshape(height, -1)
    rows = np.concatenate([np.zeros((height, 1), "uint8"), pixels], axis=1).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)

    def part(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    parts = (part(b"IHDR", head), part(b"IDAT", zlib.compress(rows, 9)), part(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
