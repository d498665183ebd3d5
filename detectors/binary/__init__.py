"""Detectors of a change in the rate of a binary series, such as errors."""
