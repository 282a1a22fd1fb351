"""Devices, processes and memory of a run."""
