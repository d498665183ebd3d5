"""A series before its detectors: standardise, whiten, count, embed, date changes."""
