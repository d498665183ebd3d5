"""Joins events with labels in the worker, and writes the outcomes topic."""
