"""Events and labels to outcomes: which pairs there are, in which order."""
