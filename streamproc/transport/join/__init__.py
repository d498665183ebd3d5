"""Events and their labels, joined beside the slices."""
