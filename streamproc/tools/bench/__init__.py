"""Measure speed, compared with other systems, each measurement in a separate process.

A part (`parts`) is a plan of jobs and a table of what came of them. A job (`jobs`, `peers`) is
a program: it is told its settings, measures inside of itself, and leaves its figures.
"""
