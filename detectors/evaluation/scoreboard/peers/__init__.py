"""Other libraries' detectors, each in a separate environment, asked as a process."""
