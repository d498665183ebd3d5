"""What a worker shows of itself over HTTP: metrics and health."""
