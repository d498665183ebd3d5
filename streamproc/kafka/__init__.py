"""Kafka clients: connections, security, topics, logs, and their typed errors."""
