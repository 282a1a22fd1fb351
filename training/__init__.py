"""Shared scripts, one verb a file: train, evaluate, benchmark, export."""
