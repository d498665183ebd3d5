"""Read the topics of other systems in slices, and publish their native events."""
