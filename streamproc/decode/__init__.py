"""Stage 1: the bytes of a partition to columns, dead letters and duplicates."""
