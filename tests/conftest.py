"""What every test runs in: one quiet backend, and no trace of the person who runs the tests."""

from __future__ import annotations

import os

# Read when TensorFlow is imported: without it every import prints a page.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
