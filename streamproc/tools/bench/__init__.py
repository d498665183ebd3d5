"""Measure speed, compared with other systems, each measurement in a separate process.

A suite (`suites`) is a plan of jobs and a table of their figures. A job (`jobs`, `peers`) is a
program that gets its options as an argument, measures itself, and writes its figures.
"""
