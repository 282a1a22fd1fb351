"""Hyper-parameters, sizes and descriptions of the architectures; imports no framework."""
