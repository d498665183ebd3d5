"""What detectors are built on: slots, compilation, parameters, run lengths."""
