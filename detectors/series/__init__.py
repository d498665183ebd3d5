"""What a series is like over its whole life: its range, its repeats, its dependence, its rhythm."""
