"""Stage 2: columns to alarms; which series exist and which detectors watch them."""
