"""Columns of the table of arrivals, fields of its clock, and what can be found."""

from typing import Final

# Columns of the table, a row for each model. Times are minutes since 1970, but for hours where it
# says so; -1 is unknown.
FIRST: Final = 0
"""Minute of its first event."""
SEEN: Final = 1
"""Minute of its last event."""
BORN: Final = 2
"""Offset at about its first event."""
HEARD: Final = 3
"""Offset at about its last event."""
EVENTS: Final = 4
"""Number of its events."""
MAX_GAP: Final = 5
"""Longest gap so far."""
MISSED: Final = 6
"""Minutes with events that were to be expected since its last event."""
MAX_MISSED: Final = 7
"""The most of them that it was ever without an event."""
SILENT: Final = 8
"""Minute at which its silence was reported, 0: it is not silent."""
HOUR_MINUTES: Final = 9
"""Minutes with events in the present hour."""
HOUR_COUNT: Final = 10
"""Events in the present hour."""
TAINTED: Final = 11
"""The last hour that must not be learned, since it was silent in it."""
BLOCK_SINCE: Final = 12
"""First hour of the present block."""
BLOCK_HOURS: Final = 13
BLOCK_COUNT: Final = 14
BLOCK_EXPECTED: Final = 15
RUN: Final = 16
"""Blocks in a row that are far from usual (negative: fewer events), or near again."""
RUN_SINCE: Final = 17
"""First hour of these blocks."""
RUN_HOURS: Final = 18
RUN_COUNT: Final = 19
RUN_EXPECTED: Final = 20
VOLUME: Final = 21
"""-1 or 1 while fewer or more events than usual are an open incident, 0 without one."""
VOLUME_AT: Final = 22
"""Hour at which that was reported."""
NOISE: Final = 23
"""Mean distance of a block from usual, of the logarithms."""
DISPERSION: Final = 24
"""Variance of the events of an hour, over their usual number; 1 of a Poisson process."""
COMPARED: Final = 25
"""Hours that were compared with usual ones."""
BLOCK_SQUARES: Final = 26
"""Sum over the hours of the present block of the squared distance from usual, over usual."""
GAP: Final = 27
"""Minutes since its last event; a time in which no model had any counts as an hour at most."""
PAUSED: Final = 28
"""1 after the clock was set back, until it has an event again: nothing is judged or learned."""
REJOINED: Final = 29
"""Minute from which on all of its gaps are known."""
COLUMNS: Final = 30

# Fields of the clock.
START: Final = 0
"""Start of the present minute, in seconds."""
AHEAD: Final = 1
"""Events in a row that are later than the present minute."""
EARLIEST: Final = 2
"""The earliest of their times."""
CURRENT: Final = 3
"""Offset of the last record that is not before the present minute."""
RECENT: Final = 4
"""The same, of the slice so far."""
COMPLETE: Final = 5
"""Whether the present hour was entered from an earlier one."""
FIELDS: Final = 6

# Columns of the settings of a model.
AFTER: Final = 0
"""Minutes without an event until it counts as silent; 0: learned; -1: never."""
WATCH_VOLUME: Final = 1
SETTINGS: Final = 2

NONE: Final = 0
SILENCE: Final = 1
SILENCE_BACK: Final = 2
SILENCE_ACCEPTED: Final = 3
VOLUME_LOW: Final = 4
VOLUME_HIGH: Final = 5
VOLUME_BACK: Final = 6
VOLUME_ACCEPTED: Final = 7

# Columns of what was found.
MEMBER: Final = 0
"""Place of the model in the table."""
WHAT: Final = 1
SINCE: Final = 2
"""Minute since when."""
OFFSET: Final = 3
"""Offset at about that time, -1: unknown."""
MEASURED: Final = 4
"""Minutes without an event, or number of events."""
LIMIT: Final = 5
"""The longest such time before, or the usual number of events."""
HOURS: Final = 6
"""Hours that were compared; of a silence the minutes with events that were missed."""
FIGURES: Final = 7
