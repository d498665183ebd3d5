"""How the detectors compare: with River's, with an oracle, with doing nothing."""
