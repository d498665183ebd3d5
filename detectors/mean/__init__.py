"""Detectors of a change in the mean of a numeric series."""
