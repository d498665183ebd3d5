"""Reads the alerts once more, for the webhooks: the topic is their queue."""
