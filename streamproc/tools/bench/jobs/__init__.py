"""Programs that measure, and those that make or read load."""
