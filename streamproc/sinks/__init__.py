"""Destinations of alerts besides Kafka."""
