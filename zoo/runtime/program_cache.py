"""Compiled programs kept on disk, so that a model's first answer need not wait for XLA again.

Compiling takes seconds for each model; reading what an earlier process compiled takes a fraction.
The folder holds machine code of this computer for this computer: it is never shipped or shared.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

VARIABLE = "ZOO_CACHE_DIR"
"""Names another folder; set it to `off` to keep nothing."""

_FLAG = "--tf_xla_persistent_cache_directory="

LARGEST = 1_500_000_000
"""Bytes; what was used longest ago goes first. All shipped models on LiteRT take 700 MB."""
TOGETHER = "litert"
"""What lies in folders that begin so is kept or removed together: the graphs of a model."""


def folder(backend: str, version: str) -> Path | None:
    """Where programs of this backend are kept, made if need be; None where none may be.

    Programs that another processor, another version or other XLA flags made lie elsewhere.
    """
    named = os.environ.get(VARIABLE, "")
    if named == "off":
        return None
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    root = Path(named) if named else Path(home) / "attention-zoo"
    made_by = "\n".join((_processor(), os.environ.get("XLA_FLAGS", "")))
    key = hashlib.sha256(made_by.encode()).hexdigest()[:12]
    place = root / f"{backend}-{version}-{key}"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _trim(root)
    except OSError:
        return None
    return place if os.access(place, os.W_OK) else None


def use_with_tensorflow() -> None:
    """Let TensorFlow keep what XLA compiles; it reads this once, when it is imported.

    Leaves alone who imported TensorFlow before, or chose a folder in TF_XLA_FLAGS.
    """
    flags = os.environ.get("TF_XLA_FLAGS", "")
    if "tensorflow" in sys.modules or "persistent_cache" in flags:
        return
    try:
        place = folder("tensorflow", importlib.metadata.version("tensorflow"))
    except importlib.metadata.PackageNotFoundError:
        return
    if place is not None:
        os.environ["TF_XLA_FLAGS"] = (
            f"{flags} {_FLAG}{place} --tf_xla_persistent_cache_device_types=CPU"
        ).strip()


def of_tensorflow() -> Path | None:
    """The folder that `use_with_tensorflow` chose, if it did."""
    flags = os.environ.get("TF_XLA_FLAGS", "").split()
    return next((Path(flag[len(_FLAG) :]) for flag in flags if flag.startswith(_FLAG)), None)


def use_with_jax() -> None:
    """The same for JAX, at any time; it reports and skips a damaged program by itself."""
    import jax

    if jax.config.jax_compilation_cache_dir:
        return
    place = folder("jax", jax.__version__)
    if place is not None:
        jax.config.update("jax_compilation_cache_dir", str(place))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


def forget(place: Path | None) -> bool:
    """Remove the programs in a folder of ours; whether there were any."""
    found = list(place.iterdir()) if place is not None and place.is_dir() else []
    for file in found:
        file.unlink(missing_ok=True)
    return bool(found)


def _trim(root: Path) -> None:
    """Remove what was used longest ago beyond `LARGEST` bytes, never what was used last."""
    units: dict[Path, list[Path]] = {}
    for path in root.glob("*/*"):
        if path.is_file():
            together = path.parent.name.startswith(TOGETHER)
            units.setdefault(path.parent if together else path, []).append(path)
    found = []
    for files in units.values():
        states = [path.stat() for path in files]
        used = max(max(one.st_atime, one.st_mtime) for one in states)
        found.append((used, sum(one.st_size for one in states), files))
    total = 0
    for _, size, files in sorted(found, key=lambda unit: -unit[0]):
        total += size
        if total > max(LARGEST, size):
            for path in files:
                path.unlink(missing_ok=True)


def _processor() -> str:
    """What the processor can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return "\n".join(
        sorted({x for x in lines if x.startswith(("model name", "flags", "Features"))})
    )
