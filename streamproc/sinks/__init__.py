"""Where alerts go besides Kafka."""
