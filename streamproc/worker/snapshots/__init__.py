"""Writes snapshots to a compacted topic, and recovers state from it."""
