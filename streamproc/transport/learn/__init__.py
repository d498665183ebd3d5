"""Online models beside the slices: a process of their own, what it reads, publishes and keeps."""
