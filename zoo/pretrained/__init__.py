"""Weights that others trained, for the zoo's own networks. No framework is needed to read them."""
