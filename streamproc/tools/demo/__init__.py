"""Demo: known incidents, sent through a real broker and worker."""

from typing import Final

# With fewer, the first incidents begin before every series knows what is usual: its warm-up
# takes 200 values, and the slowest model has 9 % of the events that are not the history of
# another, and its incident begins after 40 %. The model that learns has 28 %: its labels take as
# many again for a version and its successors.
MIN_EVENTS: Final = 9_000
