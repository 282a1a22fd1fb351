"""The networks: one architecture, or one close family, a file."""
