"""Judge the events of a slice by the rules of their models."""
