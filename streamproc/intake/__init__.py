"""Turn the records of other systems into native events, without I/O."""
