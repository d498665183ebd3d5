"""Jobs: programs that measure, and programs that generate or read load."""
