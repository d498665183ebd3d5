"""How the detectors are measured: calibration and scoreboard."""
