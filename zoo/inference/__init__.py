"""Inputs in, answers out: search, scoring, and a predictor for each kind."""
