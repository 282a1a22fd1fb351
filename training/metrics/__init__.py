"""Figures of merit, each as sufficient statistics per example."""
