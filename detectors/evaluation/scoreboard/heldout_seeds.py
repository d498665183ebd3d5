"""The sealed seeds: no default, no table and no threshold was chosen on them."""

PARITY = 31_415
NULL = 27_182
POWER = 16_180
ORACLE = 14_142
FRIEDMAN = 17_320
ELECTRICITY = 22_360
STREAMS = 26_457
COST = 24_494
TUNING = 33_166
"""Of the streams on which table 5's tuned contestant is chosen, so not sealed."""
