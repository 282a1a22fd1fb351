"""From corpora to batches of ids, as NumPy arrays."""
