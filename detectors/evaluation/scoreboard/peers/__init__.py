"""Other libraries' detectors, each in an environment of its own, asked as a process."""
