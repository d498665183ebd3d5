"""Detectors that compare a window's distribution with a reference."""
