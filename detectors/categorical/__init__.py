"""Detectors that compare a window's categories with a reference."""
