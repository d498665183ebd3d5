"""Programs around the service: the benchmark and the demo."""
