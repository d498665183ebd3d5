"""State on a compacted topic: when it is written, and how an owner comes by it."""
