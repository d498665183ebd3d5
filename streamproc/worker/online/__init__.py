"""Runs online models in a subprocess of the worker."""
