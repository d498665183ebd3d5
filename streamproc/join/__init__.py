"""Stage 1b: predictions and labels to outcomes, in a fixed order."""
